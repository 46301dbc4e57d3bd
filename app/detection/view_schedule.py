"""Chooses which views of the frame a stream's search takes next.

Views that changed since their last search come first, because a new face appears there. Unchanged
views are searched every `CALM_ROUNDS` rounds.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.detection.networks import Glance
from app.stage_state import SavedState, State, dump_array, load_array
from app.types import Face, Image

THUMB_WH = (64, 36)
Thumb = NDArray[np.int16]  # (36, 64) grey levels of the whole frame; one of them is a cell
CHANGED_GREY = 20  # difference of a cell's grey levels that a camera's noise does not reach
MIN_CHANGED_CELLS = 3  # that make a view worth a search
# Times between two searches of a view, in rounds.
BUSY_ROUNDS = 0.5  # of a view that changes all the time
CALM_ROUNDS = 3.0  # of a view that does not change
MAX_URGENCY_BOOST = 3.0  # a view with many changed cells ages up to 4x as fast
HALF_BOOST_CELLS = 20  # changed cells that give half of that boost
# Where a known face moves, so do hair, neck and shoulders. Somebody of the same size beside them is
# wider than that. With this, a talking woman's clip has 0.3 first looks a frame, else 0.8.
NEAR_FACE = 0.5  # of the box's width, on each side


class ViewSchedule:
    """The search times of the views of one stream, whose frames all have one size.

    A view goes by its number in the plan, so every plan must list the same views.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forgets all searches. The first view of the plan, the whole frame, comes next."""
        # Number of a view -> time of its last search, and the frame at that time.
        self._seen: dict[int, tuple[float, Thumb]] = {}

    def is_round_over(self, plan: Sequence[Glance]) -> bool:
        """Tells whether every view of `plan` was searched since the last restart."""
        return len(self._seen) >= len(plan)

    def state(self) -> State:
        """Returns the search times as plain values."""
        return {
            "seen": [
                [number, float(seen_s), dump_array(thumb.astype(np.uint8))]
                for number, (seen_s, thumb) in self._seen.items()
            ],
        }

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave. Raises `ValueError` if a thumb has another shape."""
        self._seen = {
            int(number): (float(seen_s), load_array(thumb).astype(np.int16))
            for number, seen_s, thumb in state["seen"]
        }
        if any(thumb.shape != THUMB_WH[::-1] for _, thumb in self._seen.values()):
            raise ValueError("a thumb is of another shape")

    def choose_views(
        self,
        image: Image,
        plan: Sequence[Glance],
        count: int,
        *,
        time_s: float,
        round_s: float,
        known: Sequence[Face],
    ) -> list[Glance]:
        """Chooses the views to search in this frame, and counts them as searched.

        Views that were never searched come first. The others follow by age, which counts more the
        more cells of the view have changed.

        Args:
            image: The frame, uint8 (H, W, 3) BGR.
            plan: All views.
            count: The number of views to choose at most.
            time_s: The time of the frame.
            round_s: The time in which all views are searched if all change. With 0, every view is
                due in every frame, and only its age counts.
            known: Faces that are known. Changes at and near their places do not count.

        Returns:
            The chosen views, the most urgent first.
        """
        if count <= 0:
            return []
        now = _make_thumb(image)
        free = _mark_free_cells(image, known)
        urgency: dict[int, float] = {}
        for number, view in enumerate(plan):
            if number not in self._seen:
                urgency[number] = np.inf
                continue
            seen_s, before = self._seen[number]
            age_s = time_s - seen_s
            if round_s == 0:
                urgency[number] = age_s
                continue
            if age_s < BUSY_ROUNDS * round_s:
                continue
            cells = _find_cells(view.box_xyxy, image)
            has_changed = np.abs(now[cells] - before[cells]) > CHANGED_GREY
            changed = np.count_nonzero(free[cells] & has_changed)
            if changed >= MIN_CHANGED_CELLS or age_s >= CALM_ROUNDS * round_s:
                boost = MAX_URGENCY_BOOST * changed / (changed + HALF_BOOST_CELLS)
                urgency[number] = age_s * (1 + boost)
        chosen = sorted(urgency, key=lambda number: (-urgency[number], number))[:count]
        for number in chosen:
            self._seen[number] = (time_s, now)
        return [plan[number] for number in chosen]


def _make_thumb(image: Image) -> Thumb:
    small = cv2.resize(image, THUMB_WH, interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.int16)


def _mark_free_cells(image: Image, known: Sequence[Face]) -> NDArray[np.bool_]:
    """Returns `(36, 64)` flags: True in cells where no known face is near."""
    free = np.ones(THUMB_WH[::-1], np.bool_)
    for face in known:
        x0, y0, x1, y1 = face.box_xyxy
        near = NEAR_FACE * face.width_px
        free[_find_cells((x0 - near, y0 - near, x1 + near, y1 + near), image)] = False
    return free


def _find_cells(box_xyxy: tuple[float, float, float, float], image: Image) -> tuple[slice, slice]:
    """Returns the rows and the columns of a thumb in which a box of the frame lies."""
    across, down = THUMB_WH[0] / image.shape[1], THUMB_WH[1] / image.shape[0]
    x0, y0, x1, y1 = box_xyxy
    return (
        slice(max(0, int(y0 * down)), max(0, int(np.ceil(y1 * down)))),
        slice(max(0, int(x0 * across)), max(0, int(np.ceil(x1 * across)))),
    )
