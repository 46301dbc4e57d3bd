"""Finds places on a picture for the labels and panels of its faces. Pure geometry: draws nothing.

Each face gets a label and, where there is room, a panel. Neither covers the inner part of any face
(eyes to mouth), another face, or another label or panel. Where room is short, smaller forms are
used, if possible the same one for all faces. A label or panel without any room is left out.
`app.placement.memory` keeps places steady from frame to frame.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from app.placement.board import MAX_FEW_FACES, MIN_CROWD_FACES, Board, Choice, Drift
from app.placement.label_places import (
    LabelOptions,
    compute_label_cost,
    find_label,
    list_label_options,
    pick_label,
)
from app.placement.panel_places import compute_panel_cost, find_panel
from app.placement.values import FacePlaces, Plan, Scene, Spot

WITHOUT_COST = 0.5  # of a face without a label
CONTENT_MARGIN = 0.05  # a place is taken unless a smaller form could gain more by over this
# Of more than `MAX_FEW_FACES` faces, this share must have room for a panel; else none has one.
MIN_PANEL_SHARE = 0.5
MAX_ORDERED = 8  # up to this number of faces, several orders are tried in a single picture
MAX_PANELS = 12  # with more faces, labels alone are shown
UNIFORM_SHARE = 0.8  # of the labels must have room in a form that is used for all
UNIFORM_GAIN = 0.12  # for each panel where all have the same form; less where some have others


def place_all(scene: Scene) -> Plan:
    """Places all labels and panels of a single picture.

    >>> from app.placement.rects import Rect
    >>> from app.placement.values import Form, SceneFace
    >>> inner = Rect(320, 230, 110, 100)
    >>> face = SceneFace((1, 0), Rect(300, 200, 150, 150), inner, (Form(150, 26, 1.0),), ())
    >>> place_all(Scene((1280, 720), (face,)))[1, 0].label  # above the box, with a gap of 4 px
    Spot(form=0, slot=0, rect=Rect(x=300, y=170, width=150, height=26))
    """
    labels = place_labels(scene)
    panels = place_panels(scene, labels)
    return {
        one.key: FacePlaces(label, panel)
        for one, label, panel in zip(scene.faces, labels, panels, strict=True)
    }


def rate_labels(scene: Scene, spots: Sequence[Spot | None]) -> float:
    """Computes what labels show (the worth of their forms) less what their places cost. Higher is
    better. `spots` are in the order of the scene's faces."""
    board = Board(scene)
    return sum(
        one.labels[spot.form].worth - compute_label_cost(board, number, spot)
        if spot is not None
        else -WITHOUT_COST
        for number, (one, spot) in enumerate(zip(scene.faces, spots, strict=True))
    )


def rate_panels(scene: Scene, spots: Sequence[Spot | None]) -> float:
    """Computes what panels show (the worth of their forms) less what their places cost. Higher is
    better. `spots` are in the order of the scene's faces."""
    board = Board(scene)
    total = sum(
        one.panels[spot.form].worth - compute_panel_cost(board, number, spot)
        for number, (one, spot) in enumerate(zip(scene.faces, spots, strict=True))
        if spot is not None
    )
    return total + _rate_uniformity(spots)


def _rate_uniformity(panels: Sequence[Spot | None]) -> float:
    forms = Counter(spot.form for spot in panels if spot is not None)
    most = max(forms.values(), default=0)
    return UNIFORM_GAIN * max(0, 2 * most - len(panels))


def place_labels(
    scene: Scene, kept: Sequence[Spot | None] | None = None, drift: Drift | None = None
) -> list[Spot | None]:
    """Places all labels. Each form is tried for all faces in turn, and smaller forms for the
    faces without room.

    Args:
        scene: The picture and its faces.
        kept: The labels' places in the frame before, which are preferred where they are as good.
        drift: The velocity of each face, `(N, 2)` px/s.

    Returns:
        The places in the order of the faces; None where there is no room.

    >>> from app.placement.rects import Rect
    >>> from app.placement.values import Form, SceneFace
    >>> box, inner = Rect(300, 0, 150, 150), Rect(320, 30, 110, 100)
    >>> face = SceneFace((1, 0), box, inner, (Form(150, 26, 1.0),), ())
    >>> place_labels(Scene((1280, 720), (face,)))[0].rect  # below: there is no room above
    Rect(x=300, y=154, width=150, height=26)
    """
    count = len(scene.faces)
    forms = max((len(one.labels) for one in scene.faces), default=0)

    @cache
    def list_options(form: int) -> list[LabelOptions]:
        return list_label_options(Board(scene), range(count), form)

    best = _LabelAttempt(-np.inf, [None] * count, 0)
    for first in range(forms):
        board = Board(scene, drift=drift)
        attempt = _try_labels(board, range(first, forms), list_options, kept or [None] * count)
        if attempt.total > best.total:
            best = attempt
        is_uniform = attempt.fitting >= UNIFORM_SHARE * count and None not in attempt.spots
        if attempt.fitting == count or is_uniform:
            return attempt.spots
    return best.spots


class _LabelAttempt(NamedTuple):
    """An arrangement of labels: their gains less the costs of missing labels, the places, and the
    number of faces whose label has room in the largest form that was tried."""

    total: float
    spots: list[Spot | None]
    fitting: int


def _try_labels(
    board: Board,
    forms: range,
    list_options: Callable[[int], list[LabelOptions]],
    kept: Sequence[Spot | None],
) -> _LabelAttempt:
    """Places all labels in the first of `forms`, or in a smaller form where that gains more. Large
    faces choose first."""
    faces = board.scene.faces
    count = len(faces)
    spots: list[Spot | None] = [None] * count
    second: list[Choice | None] = [None] * count  # taken where no smaller form does better
    waiting = sorted(range(count), key=lambda i: -faces[i].box.area)
    total, fitting = 0.0, 0
    for form in forms:
        left = []
        for number in waiting:
            options = list_options(form)[number]
            chosen = pick_label(board, number, form, options, kept[number])
            smaller = faces[number].labels[form + 1].worth if form + 1 < forms.stop else 0.0
            if chosen is not None and chosen.gain >= smaller - CONTENT_MARGIN:
                spots[number] = chosen.spot
                total += chosen.gain
                board.take(chosen.spot.rect)
                continue
            left.append(number)
            before = second[number]
            if chosen is not None and (before is None or chosen.gain > before.gain):
                second[number] = chosen
        waiting = left
        if form == forms.start:
            fitting = count - len(left)
    for number in waiting:
        chosen = second[number]
        if chosen is None or not board.is_free(chosen.spot.rect):
            is_tried = count <= MIN_CROWD_FACES
            other = find_label(board, number, forms.start, kept[number]) if is_tried else None
            chosen = None if other is None else Choice(other, 0.0)
        if chosen is not None:
            spots[number] = chosen.spot
            total += chosen.gain
            board.take(chosen.spot.rect)
    return _LabelAttempt(total - WITHOUT_COST * spots.count(None), spots, fitting)


def place_panels(
    scene: Scene,
    labels: Sequence[Spot | None],
    kept: Sequence[Spot | None] | None = None,
    drift: Drift | None = None,
) -> list[Spot | None]:
    """Places all panels, around the labels. Each form is tried for all faces in turn, and the
    arrangement that shows most is taken.

    Args:
        scene: The picture and its faces.
        labels: The places of the labels.
        kept: The panels' places in the frame before, which are preferred where they are as good.
        drift: The velocity of each face, `(N, 2)` px/s.

    Returns:
        The places in the order of the faces; None where there is no room.

    >>> from app.placement.rects import Rect
    >>> from app.placement.values import Form, SceneFace
    >>> box, inner = Rect(300, 200, 150, 150), Rect(320, 230, 110, 100)
    >>> face = SceneFace((1, 0), box, inner, (), (Form(200, 220, 1.0),))
    >>> place_panels(Scene((1280, 720), (face,)), labels=[None])[0].rect  # at the right
    Rect(x=454, y=200, width=200, height=220)
    """
    count = len(scene.faces)
    none: list[Spot | None] = [None] * count
    forms = max((len(one.panels) for one in scene.faces), default=0)
    if not forms or count > MAX_PANELS:
        return none
    taken = [spot.rect for spot in labels if spot is not None]

    def try_order(first: int, order: Sequence[int]) -> tuple[float, list[Spot | None]]:
        board = Board(scene, taken, drift)
        spots = list(none)
        total = 0.0
        for number in order:
            was = None if kept is None else kept[number]
            chosen = find_panel(board, number, first, labels[number], was)
            if chosen is not None:
                spots[number] = chosen.spot
                total += chosen.gain
                board.take(chosen.spot.rect)
        return total + _rate_uniformity(spots), spots

    best: tuple[float, list[Spot | None]] = (-1e-9, none)
    for first in range(forms):
        for order in _list_orders(scene, all_orders=kept is None and count <= MAX_ORDERED):
            attempt = try_order(first, order)
            without = [number for number in order if attempt[1][number] is None]
            if without and kept is None:  # a second attempt, in which they choose first
                again = try_order(first, [*without, *(n for n in order if n not in without)])
                attempt = max(attempt, again, key=lambda one: one[0])
            if attempt[0] > best[0]:
                best = attempt
        smaller = scene.faces[0].panels[first + 1 : first + 2]
        if smaller and best[0] >= count * (smaller[0].worth + UNIFORM_GAIN):
            break  # no smaller form can show more
    shown = count - best[1].count(None)
    return best[1] if count <= MAX_FEW_FACES or shown >= MIN_PANEL_SHARE * count else none


def _list_orders(scene: Scene, *, all_orders: bool) -> list[list[int]]:
    """Lists orders in which faces choose their places: the largest first, from the left, from the
    right, from the top. Without `all_orders`, the first of these alone."""
    boxes = [one.box for one in scene.faces]
    from_left = sorted(range(len(boxes)), key=lambda i: boxes[i].x)
    largest = sorted(range(len(boxes)), key=lambda i: -boxes[i].area)
    if len(boxes) == 1 or not all_orders:
        return [largest]
    from_top = sorted(range(len(boxes)), key=lambda i: boxes[i].y)
    return [largest, from_left, from_left[::-1], from_top]
