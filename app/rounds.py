"""Which view of a frame a stream's search takes next: each once a round, and before the others
those in which most has changed since they were looked at, for that is where somebody came in."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.looks import Glance
from app.state import State, array_from, array_state
from app.types import Face, Image

THUMB_WH = (64, 36)
Thumb = NDArray[np.int16]  # (36, 64) grey levels


class Rounds:
    """For the frames of one stream, all of one size."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The next round begins now, with the first view, which is the whole frame."""
        self._left: list[int] = []
        self._seen: dict[int, Thumb] = {}  # number of a view -> the frame in which it was taken

    def state(self) -> State:
        return {
            "left": list(self._left),
            "seen": [[n, array_state(thumb.astype(np.uint8))] for n, thumb in self._seen.items()],
        }

    def restore(self, state: State) -> None:
        self._left = [int(number) for number in state["left"]]
        self._seen = {
            int(number): array_from(thumb).astype(np.int16) for number, thumb in state["seen"]
        }
        if any(thumb.shape != THUMB_WH[::-1] for thumb in self._seen.values()):
            raise ValueError("a thumb is of another shape")

    def take(
        self,
        image: Image,
        plan: Sequence[Glance],
        count: int,
        *,
        known: Sequence[Face],
        in_order: bool,
    ) -> list[Glance]:
        """The `count` views of `plan` that are due. What changes where faces are `known` does not
        count; `in_order`: nor does any other change."""
        if count <= 0:
            return []
        now = _thumb(image)
        counts = _elsewhere(image, known)
        chosen: list[int] = []
        for _ in range(count):
            if not self._left:
                self._left = list(range(len(plan)))
            number = self._left[0]
            if not in_order:
                number = max(
                    self._left,
                    key=lambda n: (self._change(n, plan[n], now, counts, image), -n),
                )
            self._left.remove(number)
            self._seen[number] = now
            chosen.append(number)
        return [plan[number] for number in chosen]

    def _change(
        self, number: int, view: Glance, now: Thumb, counts: NDArray[np.bool_], image: Image
    ) -> float:
        """Mean difference of grey levels in the part of the frame that a view shows."""
        before = self._seen.get(number)
        if before is None:
            return 0.0
        rows, columns = _cells(view.box_xyxy, image)
        apart = np.abs(now[rows, columns] - before[rows, columns]) * counts[rows, columns]
        return round(float(apart.mean()), 1) if apart.size else 0.0


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
