"""Chooses the faces of a crowd that are read in a frame although the detector did not look at them:
they have moved with the picture, and a reading costs less than a look."""

from collections.abc import Collection, Sequence

from app.types import Face

FEW_FACES = 3  # that are read only when they are looked at, which is often enough
TURN_S = 0.06  # after which a face of a crowd is due again: in every second of 30 frames a second
MAX_READINGS = 10  # in one frame, those that were looked at included


class ReadingTurns:
    """The times at which the faces of a live stream were read last, by their keys.

    >>> import numpy as np
    >>> faces = [Face((0, 0, 9, 9), np.zeros((6, 2), np.float32), 0.9, key=k) for k in range(5)]
    >>> turns = ReadingTurns()
    >>> turns.note(faces, 0.0)
    >>> turns.choose(faces, {0, 1}, 0.05), turns.choose(faces, {0, 1}, 0.1)
    ([], [0, 1])
    """

    def __init__(self) -> None:
        self._read_s: dict[int, float] = {}

    def choose(self, faces: Sequence[Face], unseen: Collection[int], time_s: float) -> list[int]:
        """Chooses faces to read, those that waited longest first.

        Args:
            faces: The faces of a frame.
            unseen: The places of those that the detector did not look at.
            time_s: The time of the frame.

        Returns:
            The places of the chosen faces, in order.
        """
        if len(faces) <= FEW_FACES:
            return []
        since = {
            place: self._read_s.get(key, time_s)
            for place in unseen
            if (key := faces[place].key) is not None
        }
        due = sorted((s, place) for place, s in since.items() if time_s - s >= TURN_S)
        room = max(0, MAX_READINGS - (len(faces) - len(unseen)))
        return sorted(place for _, place in due[:room])

    def note(self, faces: Sequence[Face], time_s: float) -> None:
        """Notes that `faces` were read at `time_s`. Faces of long ago are forgotten."""
        self._read_s = {key: s for key, s in self._read_s.items() if time_s - s < 1.0}
        self._read_s.update((face.key, time_s) for face in faces if face.key is not None)
