"""Finds places on a picture for what is written about its faces. Pure geometry: nothing is drawn.

Each face gets a label and, where there is room, a panel. Neither covers the inner part of any face
(eyes to mouth), another face, or another label or panel. Where room is short, smaller forms are
taken, the same one for all faces where possible; what finds no place at all is left out.
`app.placement.memory` keeps places steady from frame to frame.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from app.placement.board import CROWD, FEW, Board, Choice, Drift
from app.placement.rects import Corners
from app.placement.values import FacePlaces, Plan, Scene, Spot

WITHOUT_COST = 0.5  # of a face that is left without a label
CONTENT = 0.05  # a place is taken at once unless a smaller form's best is better by more
LEAST_SHOWN = 0.5  # of many faces must have room for a panel, else there are none
MOST_ORDERED = 8  # up to so many faces, several orders are tried in a picture for itself
MOST_PANELS = 12  # with more faces only labels are shown
UNIFORM_SHARE = 0.8  # of the labels must find room in a form that all are to have
UNIFORM_GAIN = 0.12  # worth for each panel where all have the same form, less where not all


def place_all(scene: Scene) -> Plan:
    """Places everything of a scene for itself."""
    labels = place_labels(scene)
    panels = place_panels(scene, labels)
    return {
        one.key: FacePlaces(label, panel)
        for one, label, panel in zip(scene.faces, labels, panels, strict=True)
    }


def rate_labels(scene: Scene, spots: Sequence[Spot | None]) -> float:
    """Returns how much labels show, less what their places cost; higher is better."""
    board = Board(scene)
    return sum(
        one.labels[spot.form].worth - board.label_cost(number, spot)
        if spot is not None
        else -WITHOUT_COST
        for number, (one, spot) in enumerate(zip(scene.faces, spots, strict=True))
    )


def rate_panels(scene: Scene, spots: Sequence[Spot | None]) -> float:
    """Returns how much panels show, less what their places cost; higher is better."""
    board = Board(scene)
    total = sum(
        one.panels[spot.form].worth - board.panel_cost(number, spot)
        for number, (one, spot) in enumerate(zip(scene.faces, spots, strict=True))
        if spot is not None
    )
    return total + _uniform_gain(spots)


def _uniform_gain(panels: Sequence[Spot | None]) -> float:
    forms = Counter(spot.form for spot in panels if spot is not None)
    most = max(forms.values(), default=0)
    return UNIFORM_GAIN * max(0, 2 * most - len(panels))


def place_labels(
    scene: Scene, kept: Sequence[Spot | None] | None = None, drift: Drift | None = None
) -> list[Spot | None]:
    """Places all labels anew: tries each form for all faces in turn, smaller ones for those that
    find no room. Places in `kept` are preferred where they are as good."""
    count = len(scene.faces)
    kept = kept or [None] * count
    forms = max((len(one.labels) for one in scene.faces), default=0)
    order = sorted(range(count), key=lambda i: -scene.faces[i].box.area)

    @cache
    def options_of(form: int) -> list[tuple[Corners, NDArray[np.float64]]]:
        return Board(scene).label_options(range(count), form)

    best: tuple[float, list[Spot | None]] = (-np.inf, [None] * count)
    for first in range(forms):
        board = Board(scene, drift=drift)
        spots: list[Spot | None] = [None] * count
        second: list[Choice | None] = [None] * count  # taken where no smaller form does better
        waiting, total, fit = order, 0.0, 0
        for form in range(first, forms):
            left = []
            for number in waiting:
                one = scene.faces[number]
                chosen = board.pick_label(number, form, options_of(form)[number], kept[number])
                smaller = one.labels[form + 1].worth if form + 1 < forms else 0.0
                if chosen is not None and chosen[1] >= smaller - CONTENT:
                    spots[number] = chosen[0]
                    total += chosen[1]
                    board.take(chosen[0].rect)
                    continue
                left.append(number)
                before = second[number]
                if chosen is not None and (before is None or chosen[1] > before[1]):
                    second[number] = chosen
            waiting = left
            if form == first:
                fit = count - len(left)
        for number in waiting:
            chosen = second[number]
            if chosen is None or not board.is_free(chosen[0].rect):
                found = board.best_label(number, first, kept[number]) if count <= CROWD else None
                chosen = None if found is None else (found, 0.0)
            if chosen is not None:
                spots[number] = chosen[0]
                total += chosen[1]
                board.take(chosen[0].rect)
        total -= WITHOUT_COST * spots.count(None)
        if total > best[0]:
            best = total, spots
        if fit == count or (fit >= UNIFORM_SHARE * count and None not in spots):
            return spots
    return best[1]


def place_panels(
    scene: Scene,
    labels: Sequence[Spot | None],
    kept: Sequence[Spot | None] | None = None,
    drift: Drift | None = None,
) -> list[Spot | None]:
    """Places all panels anew, around `labels`: tries each form for all faces in turn, and takes the
    one that shows most altogether. Places in `kept` are preferred where they are as good."""
    count = len(scene.faces)
    none: list[Spot | None] = [None] * count
    forms = max((len(one.panels) for one in scene.faces), default=0)
    if not forms or count > MOST_PANELS:
        return none
    taken = [spot.rect for spot in labels if spot is not None]

    def attempt(first: int, order: Sequence[int]) -> tuple[float, list[Spot | None]]:
        board = Board(scene, taken, drift)
        spots = list(none)
        total = 0.0
        for number in order:
            was = None if kept is None else kept[number]
            chosen = board.best_panel(number, first, labels[number], was)
            if chosen is not None:
                spots[number] = chosen[0]
                total += chosen[1]
                board.take(chosen[0].rect)
        return total + _uniform_gain(spots), spots

    best: tuple[float, list[Spot | None]] = (-1e-9, none)
    for first in range(forms):
        for order in _orders(scene, all_orders=kept is None and count <= MOST_ORDERED):
            found = attempt(first, order)
            without = [number for number in order if found[1][number] is None]
            if without and kept is None:  # they choose before the others in another attempt
                again = attempt(first, [*without, *(n for n in order if n not in without)])
                found = max(found, again, key=lambda one: one[0])
            if found[0] > best[0]:
                best = found
        smaller = scene.faces[0].panels[first + 1 : first + 2]
        if smaller and best[0] >= count * (smaller[0].worth + UNIFORM_GAIN):
            break  # no smaller form can show more
    shown = count - best[1].count(None)
    return best[1] if count <= FEW or shown >= LEAST_SHOWN * count else none


def _orders(scene: Scene, *, all_orders: bool) -> list[list[int]]:
    """Returns orders in which faces may choose: the largest first, from the left, from the right,
    from the top."""
    boxes = [one.box for one in scene.faces]
    from_left = sorted(range(len(boxes)), key=lambda i: boxes[i].x)
    largest = sorted(range(len(boxes)), key=lambda i: -boxes[i].area)
    if len(boxes) == 1 or not all_orders:
        return [largest]
    from_top = sorted(range(len(boxes)), key=lambda i: boxes[i].y)
    return [largest, from_left, from_left[::-1], from_top]
