"""Keeps the readings of one frame for faces that the detector does not run on in the next one.

Where there are many faces they are looked at in turns (`app.detection.follower`), and read when
they are looked at: at least ten times a second each.
"""

from collections.abc import Sequence

import numpy as np

from app.stage_state import SavedState, State, dump_array, load_array
from app.types import Face, Floats


class CarriedReadings:
    """The readings of the frame before, by the keys of its faces (`Face.key`).

    >>> box, points = (0.0, 0.0, 9.0, 9.0), np.zeros((6, 2), np.float32)
    >>> readings = CarriedReadings()
    >>> readings.keep([Face(box, points, 0.9, key=7)], [np.array([0.25, 0.75], np.float32)])
    >>> readings.carry([Face(box, points, 0.9, seen=False, key=7)])
    {0: array([0.25, 0.75], dtype=float32)}
    >>> readings.carry([Face(box, points, 0.9, key=7)])
    {}
    """

    def __init__(self) -> None:
        self._rows: dict[int, Floats] = {}

    def carry(self, faces: Sequence[Face]) -> dict[int, Floats]:
        """Maps the places in `faces` of those that were not seen to their kept readings. A face
        that has none is left out."""
        return {
            place: self._rows[face.key]
            for place, face in enumerate(faces)
            if not face.seen and face.key in self._rows
        }

    def get(self, key: int | None) -> Floats | None:
        """Returns the reading that was kept for a face's key, or None."""
        return None if key is None else self._rows.get(key)

    def keep(self, faces: Sequence[Face], rows: Sequence[Floats] | Floats) -> None:
        """Replaces what was kept by `rows`, one reading for each of the N `faces`: `(N, K)`, or N
        arrays of one shape. Faces without a key are not kept."""
        pairs = zip(faces, rows, strict=True)
        self._rows = {face.key: row for face, row in pairs if face.key is not None}

    def state(self) -> State:
        """Returns the readings as plain values."""
        return {
            "keys": list(self._rows),
            "rows": dump_array(np.asarray(list(self._rows.values()), np.float32)),
        }

    def restore(self, state: SavedState) -> None:
        """Takes up a state. One that was kept before faces had keys leaves nothing to carry."""
        rows = load_array(state["rows"])
        keys = [int(key) for key in state.get("keys", ())]
        self._rows = dict(zip(keys, rows, strict=True)) if "keys" in state else {}
