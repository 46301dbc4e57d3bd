"""Gives each person a place that outlasts short absences, for receivers with fixed places."""

from collections.abc import Sequence

from app.types import TrackedFace

HOLD_S = 2.0  # a person who is away for longer gives the place up when another one needs it


class PersonSlots:
    """Places of a fixed number. A person has the lowest place that was free at the first sight.

    Args:
        count: The number of places.
    """

    def __init__(self, count: int) -> None:
        self._people: list[int | None] = [None] * count
        self._seen_s = [0.0] * count
        self._before_s = 0.0

    def place(self, faces: Sequence[TrackedFace], time_s: float) -> list[TrackedFace | None]:
        """Places the faces of a frame.

        Args:
            faces: The faces, of which the first ones get new places first.
            time_s: The time of the frame. A time before the last one begins anew.

        Returns:
            A face or None for each place. Faces for which there is no place are left out.
        """
        if time_s < self._before_s:
            self._people = [None] * len(self._people)
        self._before_s = time_s
        placed: list[TrackedFace | None] = [None] * len(self._people)
        new = []
        for face in faces:
            if face.face_id in self._people:
                placed[self._people.index(face.face_id)] = face
            else:
                new.append(face)
        for face in new:
            slot = self._find_free(placed, time_s)
            if slot is None:
                break
            self._people[slot] = face.face_id
            placed[slot] = face
        for slot, face_there in enumerate(placed):
            if face_there is not None:
                self._seen_s[slot] = time_s
        return placed

    def _find_free(self, placed: Sequence[TrackedFace | None], time_s: float) -> int | None:
        """Finds a place of nobody, else of somebody who is away for long, else of whoever is away
        for longest; None where all are in view."""
        empty = [slot for slot, face in enumerate(placed) if face is None]
        for slot in empty:
            if self._people[slot] is None or time_s - self._seen_s[slot] > HOLD_S:
                return slot
        return min(empty, key=lambda slot: self._seen_s[slot]) if empty else None
