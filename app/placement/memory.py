"""Keeps labels and panels where they are while faces move.

A place is held relative to its face, a detached panel's on the picture, as long as nothing comes in
its way. What has to give way moves once. What has shrunk or moved grows and returns only after a
much better arrangement has stood open for `OPEN_S`, so that nothing flickers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.placement.board import FEW, Board, Drift
from app.placement.rects import Corners, Rect, count_shared_px, stack_corners
from app.placement.slots import list_label_places, list_panel_places, to_rect
from app.placement.solver import (
    MOST_PANELS,
    place_all,
    place_labels,
    place_panels,
    rate_labels,
    rate_panels,
)
from app.placement.values import DETACHED, NOWHERE, FacePlaces, Key, Plan, Scene, SceneFace, Spot

OPEN_S = 1.5  # how long a better arrangement must stand open
CHECK_S, CHECK_EACH_S = 0.4, 0.04  # between two looks for one; the latter for every face
DRIFT_S = 0.4
REMEMBER_S = 2.0  # who returns within it is labelled where they were
BETTER, BETTER_EACH = 0.1, 0.2  # worth that must be won; the latter for each that moves
SETTLED_GAPS = 3  # how far faces must move, in gaps, before better places are looked for again


class PlacementMemory:
    """One view's places, from frame to frame. Not for use from several threads at once."""

    def __init__(self) -> None:
        self._kept: dict[
            Key, tuple[FacePlaces, float]
        ] = {}  # and when it was last used; oldest first
        self._scene: Scene | None = None
        self._plan: Plan = {}
        self._now_s = 0.0
        self._checked_s = 0.0
        self._better_labels, self._better_panels = _Patience(), _Patience()
        self._drift: dict[Key, tuple[float, float]] = {}
        self._settled: Corners | None = None  # boxes for which nothing better was found

    def place(self, scene: Scene, time_s: float) -> Plan:
        """Returns the places of a frame at `time_s`. A time that runs backwards, or another size of
        the picture, begins anew."""
        before = self._scene
        if before is not None and scene == before and time_s == self._now_s:
            return self._plan
        if before is None or before.size_wh != scene.size_wh or time_s < self._now_s:
            self._kept, self._drift = {}, {}
        self._kept = {
            key: (placed, seen_s)
            for key, (placed, seen_s) in self._kept.items()
            if time_s - seen_s <= REMEMBER_S
        }
        known = {key: placed for key, (placed, _) in self._kept.items()}
        if any(one.key in known for one in scene.faces):
            drift = self._drifts(scene, time_s)
            check_s = CHECK_S + CHECK_EACH_S * len(scene.faces)
            is_due = time_s - self._checked_s >= check_s
            plan = _carried(scene, known, drift, retry=is_due)
            if is_due:
                self._checked_s = time_s
            if is_due and not self._is_settled(scene):
                plan = self._checked(scene, plan, time_s, drift)
        else:
            plan = place_all(scene)
            self._checked_s = time_s
            self._better_labels, self._better_panels = _Patience(), _Patience()
            self._settled = None
        for key, placed in plan.items():
            self._kept[key] = placed, time_s
        self._scene, self._plan, self._now_s = scene, plan, time_s
        return plan

    def _is_settled(self, scene: Scene) -> bool:
        """Returns whether all faces are about where nothing better was found the last time."""
        boxes, before = _corners_of(scene), self._settled
        if before is None or before.shape != boxes.shape:
            return False
        return bool(np.abs(boxes - before).max(initial=0) <= SETTLED_GAPS * scene.gap_px)

    def _drifts(self, scene: Scene, time_s: float) -> Drift:
        """Returns how far each face moves in a second, averaged over `DRIFT_S`."""
        assert self._scene is not None
        passed_s = time_s - self._now_s
        before = {one.key: one.box for one in self._scene.faces}
        if passed_s > 0:
            new = min(1.0, passed_s / DRIFT_S)
            drift = {}
            for one in scene.faces:
                was, (x, y) = before.get(one.key), self._drift.get(one.key, (0.0, 0.0))
                if was is not None:
                    dx = one.box.x + one.box.width / 2 - was.x - was.width / 2
                    dy = one.box.y + one.box.height / 2 - was.y - was.height / 2
                    x, y = x + new * (dx / passed_s - x), y + new * (dy / passed_s - y)
                drift[one.key] = x, y
            self._drift = drift
        moves = [self._drift.get(one.key, (0.0, 0.0)) for one in scene.faces]
        return np.array(moves, np.float64).reshape(-1, 2)

    def _checked(self, scene: Scene, plan: Plan, time_s: float, drift: Drift) -> Plan:
        """Looks for better places, and returns them once they have been there for long enough."""
        placed = [plan[one.key] for one in scene.faces]
        labels: Sequence[Spot | None] = [one.label for one in placed]
        panels: Sequence[Spot | None] = [one.panel for one in placed]
        fresh = place_labels(scene, labels, drift)
        won = rate_labels(scene, fresh) - rate_labels(scene, labels)
        is_better = won > _needed(labels, fresh)
        if self._better_labels.is_open(is_better, time_s):
            labels = fresh
            panels = _clear_of(panels, labels)
        fresh = place_panels(scene, labels, panels, drift)
        won = rate_panels(scene, fresh) - rate_panels(scene, panels)
        is_better |= won > _needed(panels, fresh)
        if self._better_panels.is_open(won > _needed(panels, fresh), time_s):
            panels = fresh
        self._settled = None if is_better else _corners_of(scene)
        return {
            one.key: FacePlaces(label, panel)
            for one, label, panel in zip(scene.faces, labels, panels, strict=True)
        }


@dataclass(slots=True)
class _Patience:
    """Waits until something has been so for `OPEN_S`."""

    since_s: float | None = None

    def is_open(self, now: bool, time_s: float) -> bool:
        if not now:
            self.since_s = None
            return False
        if self.since_s is None:
            self.since_s = time_s
        if time_s - self.since_s < OPEN_S:
            return False
        self.since_s = None
        return True


def _needed(before: Sequence[Spot | None], after: Sequence[Spot | None]) -> float:
    """Returns the worth that a new arrangement must win, for what moves by it."""
    moved = sum(
        was is not None
        and (now is None or now.slot != was.slot or (now.slot == DETACHED and now.rect != was.rect))
        for was, now in zip(before, after, strict=True)
    )
    return BETTER + BETTER_EACH * moved


def _corners_of(scene: Scene) -> Corners:
    return stack_corners(one.box for one in scene.faces)


def _clear_of(panels: Sequence[Spot | None], labels: Sequence[Spot | None]) -> list[Spot | None]:
    """Returns the panels that no label lies on."""
    taken = stack_corners(spot.rect for spot in labels if spot is not None)
    return [
        None
        if spot is None or (count_shared_px(stack_corners([spot.rect]), taken) > 0).any()
        else spot
        for spot in panels
    ]


def _carried(scene: Scene, known: Mapping[Key, FacePlaces], drift: Drift, *, retry: bool) -> Plan:
    """Places everything where it was; only what is new or in the way gets another place. `retry`:
    what found no place before is tried again."""
    age = {key: rank for rank, key in enumerate(known)}
    order = sorted(
        range(len(scene.faces)),
        key=lambda i: age.get(scene.faces[i].key, len(age)),
    )
    labels = _carried_labels(scene, known, order, drift, retry=retry)
    panels = _carried_panels(scene, known, order, labels, drift, retry=retry)
    return {
        one.key: FacePlaces(labels.get(number), panels.get(number))
        for number, one in enumerate(scene.faces)
    }


def _carried_labels(
    scene: Scene,
    known: Mapping[Key, FacePlaces],
    order: Sequence[int],
    drift: Drift,
    *,
    retry: bool,
) -> dict[int, Spot]:
    held: list[tuple[int, Spot]] = []
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
        places = list_label_places(boxes, sizes, scene)[
            np.arange(len(held)), [s.slot for _, s in held]
        ]
        held = [
            (number, _leashed(scene, spot, to_rect(place)))
            for (number, spot), place in zip(held, places, strict=True)
        ]
    board = Board(scene, drift=drift)
    stay = board.stay(held, over_own=[True] * len(held))
    first = min((spot.form for _, spot in held), default=0)
    found, given_way = _without_clashes(held, stay.tolist(), [])
    for spot in found.values():
        board.take(spot.rect)
    for number in [*given_way, *moved]:
        was = known.get(scene.faces[number].key, NOWHERE).label
        new = board.best_label(number, first, was)
        if new is not None:
            found[number] = new
            board.take(new.rect)
    return found


def _carried_panels(
    scene: Scene,
    known: Mapping[Key, FacePlaces],
    order: Sequence[int],
    labels: Mapping[int, Spot],
    drift: Drift,
    *,
    retry: bool,
) -> dict[int, Spot]:
    held: list[tuple[int, Spot]] = []
    moved: list[int] = []
    for number in order:
        one = scene.faces[number]
        spot = known.get(one.key, NOWHERE).panel
        if spot is not None and spot.form < len(one.panels):
            held.append((number, _held_panel(scene, one, spot, labels.get(number))))
        elif spot is not None or (len(order) <= MOST_PANELS and (retry or one.key not in known)):
            moved.append(number)
    if len(order) > FEW and not held:  # that some have panels and others none is not begun here
        moved = []
    taken = [spot.rect for spot in labels.values()]
    board = Board(scene, taken, drift)
    over_own = [scene.faces[number].panels[spot.form].over_own for number, spot in held]
    stay = board.stay(held, over_own=over_own)
    first = min((spot.form for _, spot in held), default=0)
    found, given_way = _without_clashes(held, stay.tolist(), taken)
    for spot in found.values():
        board.take(spot.rect)
    for number in [*given_way, *moved]:
        was = known.get(scene.faces[number].key, NOWHERE).panel
        new = board.best_panel(number, first, labels.get(number), was)
        if new is not None:
            found[number] = new[0]
            board.take(new[0].rect)
    return found


def _held_panel(scene: Scene, one: SceneFace, spot: Spot, label: Spot | None) -> Spot:
    """Returns a panel's place at where its face is now."""
    shape = one.panels[spot.form]
    if spot.slot == DETACHED:
        rect = spot.rect._replace(width=shape.width, height=shape.height)
        return spot._replace(rect=rect.move_inside(*scene.size_wh))
    around = one.box if label is None else one.box.enclose(label.rect)
    places = list_panel_places(one.box, around, shape, scene)
    return _leashed(scene, spot, to_rect(places[spot.slot]))


def _leashed(scene: Scene, spot: Spot, target: Rect) -> Spot:
    """Returns a place that follows its face without its shaking: it moves only as far as it must to
    stay within half a gap of where it belongs."""
    leash = scene.gap_px // 2
    x = min(max(spot.rect.x, target.x - leash), target.x + leash)
    y = min(max(spot.rect.y, target.y - leash), target.y + leash)
    return spot._replace(rect=target._replace(x=x, y=y).move_inside(*scene.size_wh))


def _without_clashes(
    held: Sequence[tuple[int, Spot]], stay: Sequence[bool], taken: Sequence[Rect]
) -> tuple[dict[int, Spot], list[int]]:
    """Splits places into those that can stay and the numbers of faces whose give way: to what is
    `taken`, and to those before them."""
    found: dict[int, Spot] = {}
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
            found[number] = spot
        else:
            given_way.append(number)
    return found, given_way
