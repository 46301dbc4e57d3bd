"""Keeps labels and panels where they are while faces move.

A place is carried along with its face; a detached panel stays on the picture. A place that gets in
the way of a face or of another text moves once. Texts grow, return and move to better places only
after a much better arrangement has been possible for `OPEN_S`, so that nothing flickers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.placement.board import Drift
from app.placement.carry_over import carry_over
from app.placement.rects import Corners, count_shared_px, stack_corners
from app.placement.solver import place_all, place_labels, place_panels, rate_labels, rate_panels
from app.placement.values import DETACHED, FacePlaces, Key, Plan, Scene, Spot

OPEN_S = 1.5  # how long a better arrangement must be possible before texts move to it
CHECK_S = 0.4  # between two searches for a better arrangement
CHECK_EACH_S = 0.04  # more than that for each face, because a search takes longer with many faces
DRIFT_S = 0.4  # over which velocities of faces are averaged
REMEMBER_S = 2.0  # a face that returns within this time gets its places back
MIN_WON = 0.1  # worth that a new arrangement must win
MIN_WON_EACH = 0.2  # more than that for each text that moves
SETTLED_GAPS = 3  # distance in gaps that a face must move before better places are looked for again


class PlacementMemory:
    """The places of one stream's texts, from frame to frame. Belongs to one thread at a time."""

    def __init__(self) -> None:
        # With the time of the last use; the oldest first.
        self._kept: dict[Key, tuple[FacePlaces, float]] = {}
        self._scene: Scene | None = None
        self._plan: Plan = {}
        self._now_s = 0.0
        self._checked_s = 0.0
        self._better_labels, self._better_panels = _Patience(), _Patience()
        self._drift: dict[Key, tuple[float, float]] = {}
        self._settled: Corners | None = None  # boxes for which there was nothing better

    def place(self, scene: Scene, time_s: float) -> Plan:
        """Finds the places of one frame at `time_s`. After a time that runs backwards, and in a
        picture of another size, all places are chosen again."""
        before = self._scene
        if before is not None and scene == before and time_s == self._now_s:
            return self._plan
        if before is None or before.size_wh != scene.size_wh or time_s < self._now_s:
            self._kept, self._drift = {}, {}
        self._kept = {
            key: (places, seen_s)
            for key, (places, seen_s) in self._kept.items()
            if time_s - seen_s <= REMEMBER_S
        }
        known = {key: places for key, (places, _) in self._kept.items()}
        if any(one.key in known for one in scene.faces):
            drift = self._update_drift(scene, time_s)
            check_s = CHECK_S + CHECK_EACH_S * len(scene.faces)
            is_due = time_s - self._checked_s >= check_s
            plan = carry_over(scene, known, drift, retry=is_due)
            if is_due:
                self._checked_s = time_s
            if is_due and not self._is_settled(scene):
                plan = self._improve(scene, plan, time_s, drift)
        else:
            plan = place_all(scene)
            self._checked_s = time_s
            self._better_labels, self._better_panels = _Patience(), _Patience()
            self._settled = None
        for key, places in plan.items():
            self._kept[key] = places, time_s
        self._scene, self._plan, self._now_s = scene, plan, time_s
        return plan

    def _is_settled(self, scene: Scene) -> bool:
        """Returns whether all faces are about where nothing better was found the last time."""
        boxes, before = _stack_boxes(scene), self._settled
        if before is None or before.shape != boxes.shape:
            return False
        return bool(np.abs(boxes - before).max(initial=0) <= SETTLED_GAPS * scene.gap_px)

    def _update_drift(self, scene: Scene, time_s: float) -> Drift:
        """Measures the velocity of each face, averaged over `DRIFT_S`."""
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

    def _improve(self, scene: Scene, plan: Plan, time_s: float, drift: Drift) -> Plan:
        """Looks for a better arrangement, and returns it once it has been possible for `OPEN_S`."""
        places = [plan[one.key] for one in scene.faces]
        labels: Sequence[Spot | None] = [one.label for one in places]
        panels: Sequence[Spot | None] = [one.panel for one in places]
        fresh = place_labels(scene, labels, drift)
        won = rate_labels(scene, fresh) - rate_labels(scene, labels)
        is_better = won > _require_gain(labels, fresh)
        if self._better_labels.is_over(is_better, time_s):
            labels = fresh
            panels = _drop_covered(panels, labels)
        fresh = place_panels(scene, labels, panels, drift)
        won = rate_panels(scene, fresh) - rate_panels(scene, panels)
        is_better |= won > _require_gain(panels, fresh)
        if self._better_panels.is_over(won > _require_gain(panels, fresh), time_s):
            panels = fresh
        self._settled = None if is_better else _stack_boxes(scene)
        return {
            one.key: FacePlaces(label, panel)
            for one, label, panel in zip(scene.faces, labels, panels, strict=True)
        }


@dataclass(slots=True)
class _Patience:
    """Waits until a better arrangement has been possible for `OPEN_S` without a break."""

    since_s: float | None = None

    def is_over(self, is_better: bool, time_s: float) -> bool:
        if not is_better:
            self.since_s = None
            return False
        if self.since_s is None:
            self.since_s = time_s
        if time_s - self.since_s < OPEN_S:
            return False
        self.since_s = None
        return True


def _require_gain(before: Sequence[Spot | None], after: Sequence[Spot | None]) -> float:
    """Computes the worth that a new arrangement must win, given how many texts it moves."""
    moved = sum(
        was is not None
        and (now is None or now.slot != was.slot or (now.slot == DETACHED and now.rect != was.rect))
        for was, now in zip(before, after, strict=True)
    )
    return MIN_WON + MIN_WON_EACH * moved


def _stack_boxes(scene: Scene) -> Corners:
    return stack_corners(one.box for one in scene.faces)


def _drop_covered(
    panels: Sequence[Spot | None], labels: Sequence[Spot | None]
) -> list[Spot | None]:
    """Puts None in place of each panel that a label lies on."""
    taken = stack_corners(spot.rect for spot in labels if spot is not None)
    return [
        spot
        if spot is not None and not count_shared_px(stack_corners([spot.rect]), taken).any()
        else None
        for spot in panels
    ]
