"""What was read from a face a moment ago, for the frames in which it was not looked at.

Where there are many faces they are looked at in turns (`app.detection.follower`), and read when
they are looked at: at least ten times a second each.
"""

from collections.abc import Sequence

import numpy as np

from app.detection.boxes import distance
from app.stage_state import State, dump_array, dump_face, load_array, load_face
from app.types import Face, Floats

REACH = 0.5  # face sides between where a face was in the frame before and where it should be now


class Readings:
    """The readings of the frame before, N arrays, by where its faces were."""

    def __init__(self) -> None:
        self._faces: Sequence[Face] = ()
        self._rows: Sequence[Floats] | Floats = ()

    def carried(self, faces: Sequence[Face]) -> dict[int, Floats]:
        """Place in `faces` -> reading, for those that were not looked at."""
        found: dict[int, Floats] = {}
        for number, face in enumerate(faces):
            if face.seen or not self._faces:
                continue
            apart = [distance(face, before) for before in self._faces]
            nearest = int(np.argmin(apart))
            if apart[nearest] < REACH:
                found[number] = self._rows[nearest]
        return found

    def keep(self, faces: Sequence[Face], rows: Sequence[Floats] | Floats) -> None:
        self._faces, self._rows = faces, rows

    def state(self) -> State:
        return {
            "faces": [dump_face(face) for face in self._faces],
            "rows": dump_array(np.asarray(self._rows, np.float32)),
        }

    def restore(self, state: State) -> None:
        self._faces = tuple(load_face(one) for one in state["faces"])
        self._rows = load_array(state["rows"])
