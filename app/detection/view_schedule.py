"""Which views of a frame a stream's search takes next: those in which much has changed since they
were looked at, for that is where somebody came in, and every other one now and then."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.detection.networks import Glance
from app.stage_state import SavedState, State, dump_array, load_array
from app.types import Face, Image

THUMB_WH = (64, 36)
Thumb = NDArray[np.int16]  # (36, 64) grey levels
# A cell of a thumb has changed by more than a camera's noise; so many make a view worth a look.
CHANGE, CELLS = 20, 3
# Between two looks at a view: where it changes all the time, and where it does not, in rounds.
AGAIN, CALM = 0.5, 3.0
# How much more urgent many changed cells make a view, at most; and how many make half of that.
HASTE, MANY = 3.0, 20


class ViewSchedule:
    """For the frames of one stream, all of one size."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """All begins anew, with the first view, which is the whole frame."""
        # Number of a view -> when it was taken, and the frame of then.
        self._seen: dict[int, tuple[float, Thumb]] = {}

    def is_round_over(self, plan: Sequence[Glance]) -> bool:
        """Whether every view of `plan` was taken since all began anew."""
        return len(self._seen) >= len(plan)

    def state(self) -> State:
        return {
            "seen": [
                [number, float(seen_s), dump_array(thumb.astype(np.uint8))]
                for number, (seen_s, thumb) in self._seen.items()
            ],
        }

    def restore(self, state: SavedState) -> None:
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
        """At most `count` views of `plan`, the most urgent first: those that were never taken, then
        by their age, the more so the more has changed. `round_s`: how long all take, if all
        change; 0: in a hurry, each is due in every frame, and only its age counts. What changes
        where faces are `known` does not."""
        if count <= 0:
            return []
        now = _thumb(image)
        free = _elsewhere(image, known)
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
            if age_s < AGAIN * round_s:
                continue
            cells = _cells(view.box_xyxy, image)
            changed = np.count_nonzero(free[cells] & (np.abs(now[cells] - before[cells]) > CHANGE))
            if changed >= CELLS or age_s >= CALM * round_s:
                urgency[number] = age_s * (1 + HASTE * changed / (changed + MANY))
        chosen = sorted(urgency, key=lambda number: (-urgency[number], number))[:count]
        for number in chosen:
            self._seen[number] = (time_s, now)
        return [plan[number] for number in chosen]


def _thumb(image: Image) -> Thumb:
    small = cv2.resize(image, THUMB_WH, interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.int16)


def _elsewhere(image: Image, known: Sequence[Face]) -> NDArray[np.bool_]:
    """`(36, 64)`: where no known face is."""
    free = np.ones(THUMB_WH[::-1], np.bool_)
    for face in known:
        free[_cells(face.box_xyxy, image)] = False
    return free


def _cells(box_xyxy: tuple[float, float, float, float], image: Image) -> tuple[slice, slice]:
    """Rows and columns of a thumb in which a box of the frame lies."""
    across, down = THUMB_WH[0] / image.shape[1], THUMB_WH[1] / image.shape[0]
    x0, y0, x1, y1 = box_xyxy
    return (
        slice(max(0, int(y0 * down)), max(0, int(np.ceil(y1 * down)))),
        slice(max(0, int(x0 * across)), max(0, int(np.ceil(x1 * across)))),
    )
