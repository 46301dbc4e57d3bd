"""Carries the places of the frame before over to a new frame, in which faces have moved."""

from collections.abc import Mapping, Sequence

from app.placement.board import MAX_FEW_FACES, Board, Drift, can_stay
from app.placement.label_places import find_label
from app.placement.panel_places import find_panel
from app.placement.rects import Rect, overlaps_any
from app.placement.slots import find_label_place, find_panel_place
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

    >>> import numpy as np
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
    held = [
        (number, _follow(scene, spot, _find_label_target(scene, number, spot)))
        for number, spot in held
    ]
    stay = can_stay(scene, held, over_own=[True] * len(held))
    first = min((spot.form for _, spot in held), default=0)
    carried, given_way = _split_clashes(held, stay, [])
    if not (given_way or moved):
        return carried
    board = Board(scene, (spot.rect for spot in carried.values()), drift)
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
    over_own = [scene.faces[number].panels[spot.form].over_own for number, spot in held]
    stay = can_stay(scene, held, over_own=over_own)
    first = min((spot.form for _, spot in held), default=0)
    carried, given_way = _split_clashes(held, stay, taken)
    if not (given_way or moved):
        return carried
    board = Board(scene, [*taken, *(spot.rect for spot in carried.values())], drift)
    for number in [*given_way, *moved]:
        was = known.get(scene.faces[number].key, NOWHERE).panel
        new = find_panel(board, number, first, labels.get(number), was)
        if new is not None:
            carried[number] = new.spot
            board.take(new.spot.rect)
    return carried


def _find_label_target(scene: Scene, number: int, spot: Spot) -> Rect:
    one = scene.faces[number]
    return find_label_place(one.box, one.labels[spot.form], spot.slot, scene)


def _move_panel(scene: Scene, one: SceneFace, spot: Spot, label: Spot | None) -> Spot:
    """Moves a panel along with its face. A detached panel stays on the picture."""
    form = one.panels[spot.form]
    if spot.slot == DETACHED:
        rect = spot.rect._replace(width=form.width, height=form.height)
        return spot._replace(rect=rect.move_inside(*scene.size_wh))
    around = one.box if label is None else one.box.enclose(label.rect)
    return _follow(scene, spot, find_panel_place(one.box, around, form, spot.slot, scene))


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
    standing = [rect.corners for rect in taken]
    for (number, spot), may_stay in zip(held, stay, strict=True):
        corners = spot.rect.corners
        if may_stay and not overlaps_any(corners, standing):
            standing.append(corners)
            staying[number] = spot
        else:
            given_way.append(number)
    return staying, given_way
