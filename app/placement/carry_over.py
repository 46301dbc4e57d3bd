"""Carries the places of the frame before over to a new frame, in which faces have moved."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.placement.board import MAX_FEW_FACES, Board, Drift
from app.placement.label_places import find_label
from app.placement.panel_places import find_panel
from app.placement.rects import Rect, count_shared_px, stack_corners
from app.placement.slots import list_label_places, list_panel_places, to_rect
from app.placement.solver import MAX_PANELS
from app.placement.values import DETACHED, NOWHERE, FacePlaces, Key, Plan, Scene, SceneFace, Spot

_Numbered = tuple[int, Spot]  # a face's number in the scene, and a place


def carry_over(scene: Scene, known: Mapping[Key, FacePlaces], drift: Drift, *, retry: bool) -> Plan:
    """Moves all places along with their faces. New faces, and places that are in the way, get
    another place.

    Args:
        scene: The new frame.
        known: The places so far, the oldest first; the oldest choose first.
        drift: The velocity of each face, `(N, 2)` px/s.
        retry: Labels and panels that had no room are tried again.

    >>> from app.placement.solver import place_all
    >>> from app.placement.values import Form
    >>> def make_scene(x):
    ...     inner = Rect(x + 20, 230, 110, 100)
    ...     face = SceneFace((1, 0), Rect(x, 200, 150, 150), inner, (Form(150, 26, 1.0),), ())
    ...     return Scene((1280, 720), (face,))
    >>> known = place_all(make_scene(300))
    >>> plan = carry_over(make_scene(310), known, np.zeros((1, 2)), retry=False)
    >>> known[1, 0].label.rect.x, plan[1, 0].label.rect.x  # at most half a gap behind the face
    (300, 308)
    """
    age = {key: rank for rank, key in enumerate(known)}
    order = sorted(
        range(len(scene.faces)),
        key=lambda i: age.get(scene.faces[i].key, len(age)),
    )
    labels = _carry_labels(scene, known, order, drift, retry=retry)
    panels = _carry_panels(scene, known, order, labels, drift, retry=retry)
    return {
        one.key: FacePlaces(labels.get(number), panels.get(number))
        for number, one in enumerate(scene.faces)
    }


def _carry_labels(
    scene: Scene,
    known: Mapping[Key, FacePlaces],
    order: Sequence[int],
    drift: Drift,
    *,
    retry: bool,
) -> dict[int, Spot]:
    held: list[_Numbered] = []
    moved: list[int] = []
    for number in order:
        one = scene.faces[number]
        spot = known.get(one.key, NOWHERE).label
        if spot is not None and spot.form < len(one.labels):
            held.append((number, spot))
        elif spot is not None or one.key not in known or retry:
            moved.append(number)
    if held:
        boxes = stack_corners(scene.faces[number].box for number, _ in held)
        sizes = np.array([scene.faces[n].labels[s.form][:2] for n, s in held], np.float64)
        slots = [spot.slot for _, spot in held]
        places = list_label_places(boxes, sizes, scene)[np.arange(len(held)), slots]
        held = [
            (number, _follow(scene, spot, to_rect(place)))
            for (number, spot), place in zip(held, places, strict=True)
        ]
    board = Board(scene, drift=drift)
    stay = board.can_stay(held, over_own=[True] * len(held))
    first = min((spot.form for _, spot in held), default=0)
    carried, given_way = _split_clashes(held, stay.tolist(), [])
    for spot in carried.values():
        board.take(spot.rect)
    for number in [*given_way, *moved]:
        was = known.get(scene.faces[number].key, NOWHERE).label
        new = find_label(board, number, first, was)
        if new is not None:
            carried[number] = new
            board.take(new.rect)
    return carried


def _carry_panels(
    scene: Scene,
    known: Mapping[Key, FacePlaces],
    order: Sequence[int],
    labels: Mapping[int, Spot],
    drift: Drift,
    *,
    retry: bool,
) -> dict[int, Spot]:
    held: list[_Numbered] = []
    moved: list[int] = []
    for number in order:
        one = scene.faces[number]
        spot = known.get(one.key, NOWHERE).panel
        if spot is not None and spot.form < len(one.panels):
            held.append((number, _move_panel(scene, one, spot, labels.get(number))))
        elif spot is not None or (len(order) <= MAX_PANELS and (retry or one.key not in known)):
            moved.append(number)
    if (
        len(order) > MAX_FEW_FACES and not held
    ):  # the solver decides whether many faces have panels at all
        moved = []
    taken = [spot.rect for spot in labels.values()]
    board = Board(scene, taken, drift)
    over_own = [scene.faces[number].panels[spot.form].over_own for number, spot in held]
    stay = board.can_stay(held, over_own=over_own)
    first = min((spot.form for _, spot in held), default=0)
    carried, given_way = _split_clashes(held, stay.tolist(), taken)
    for spot in carried.values():
        board.take(spot.rect)
    for number in [*given_way, *moved]:
        was = known.get(scene.faces[number].key, NOWHERE).panel
        new = find_panel(board, number, first, labels.get(number), was)
        if new is not None:
            carried[number] = new.spot
            board.take(new.spot.rect)
    return carried


def _move_panel(scene: Scene, one: SceneFace, spot: Spot, label: Spot | None) -> Spot:
    """Moves a panel along with its face. A detached panel stays on the picture."""
    form = one.panels[spot.form]
    if spot.slot == DETACHED:
        rect = spot.rect._replace(width=form.width, height=form.height)
        return spot._replace(rect=rect.move_inside(*scene.size_wh))
    around = one.box if label is None else one.box.enclose(label.rect)
    places = list_panel_places(one.box, around, form, scene)
    return _follow(scene, spot, to_rect(places[spot.slot]))


def _follow(scene: Scene, spot: Spot, target: Rect) -> Spot:
    """Moves a place towards `target`, where its slot is now, until it is at most half a gap away.
    So a place follows its face but not the trembling of the face's box."""
    leash = scene.gap_px // 2
    x = min(max(spot.rect.x, target.x - leash), target.x + leash)
    y = min(max(spot.rect.y, target.y - leash), target.y + leash)
    return spot._replace(rect=target._replace(x=x, y=y).move_inside(*scene.size_wh))


def _split_clashes(
    held: Sequence[_Numbered], stay: Sequence[bool], taken: Sequence[Rect]
) -> tuple[dict[int, Spot], list[int]]:
    """Splits places into those that stay, by the number of their face, and the numbers of faces
    whose place gives way: those that may not `stay`, and those that overlap `taken` or an earlier
    place."""
    staying: dict[int, Spot] = {}
    given_way: list[int] = []
    rects = stack_corners(spot.rect for _, spot in held)
    against = np.vstack([stack_corners(taken), rects])
    over = count_shared_px(rects, against) > 0
    offset = len(taken)
    over[np.arange(len(held)), offset + np.arange(len(held))] = False
    if all(stay) and not over.any():
        return dict(held), []
    standing = np.ones(len(against), np.bool_)
    standing[offset:] = False
    for row, (number, spot) in enumerate(held):
        if stay[row] and not (over[row] & standing).any():
            standing[offset + row] = True
            staying[number] = spot
        else:
            given_way.append(number)
    return staying, given_way
