"""Gives a profile to the one face of a stream that it belongs to, and corrects that face's
readings.

This is no identification. The profile goes to the only face, or to the face that sits where the
taught person sat, and stays with it while it is tracked. A check of the resting face takes it away
from somebody who looks clearly different, and says so.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.contract import EmbeddingFacts
from app.stage_state import SavedState, State, dump_array, load_array
from app.teaching.head import standardise_embeddings
from app.teaching.profile import FaceProfile
from app.teaching.resting_sketch import (
    MAX_SKETCH_DISTANCE,
    SKETCH_SIZE,
    make_sketch,
    measure_sketch_distance,
)
from app.tracking.resting_face import FORGET_S, NEUTRAL, shift_probabilities
from app.types import Face, Floats, Json

MAX_PLACE_SIDES = 1.5  # sides of the box between the taught and the present place of one person
CHECK_S = 2.0  # of a resting face, after which it is compared with the taught one
MIN_CHECKED = 10  # readings that a comparison needs
MAX_STEP_S = 0.2  # the most that one frame adds to a comparison, because a pause is no look
RESTING_SHARE = 0.6  # probability of neutral from which a face counts as resting
MAX_REFUSED = 1000  # people who are remembered as not being the one


class TaughtFace:
    """Corrects the taught person's readings in one stream.

    Attributes:
        profile: The profile in use; None: nothing is corrected.
        face_id: The number of the person who has the profile; None: nobody.
        corrected_id: The number of the person whose reading was corrected in the last frame.

    Args:
        labels: The labels of the model.
        facts: The units of the model's embeddings.
        profile: The profile to begin with.
    """

    def __init__(
        self,
        labels: Sequence[str],
        facts: EmbeddingFacts | None,
        profile: FaceProfile | None = None,
    ) -> None:
        names = [label.lower() for label in labels]
        self._neutral = names.index(NEUTRAL) if NEUTRAL in names else None
        self._facts = facts
        self.profile: FaceProfile | None = None
        self._last: FaceProfile | None = None
        self.face_id: int | None = None
        self.corrected_id: int | None = None
        self._news: list[str] = []
        self._checked_at_s: float | None = None
        self.use(profile)

    def use(self, profile: FaceProfile | None, *, face_id: int | None = None) -> None:
        """Takes a profile, for the person `face_id` if that is given; None drops the one in use."""
        self.profile = profile
        self._last = profile or self._last
        self.face_id = face_id
        self.corrected_id = None
        self._place = None if profile is None else profile.place
        self._seen_s: float | None = None
        self._refused: list[int] = []
        self._forget_check()

    def describe_profile(self) -> Json | None:
        """Describes, for the notes of a run, the last profile that was in use; None if none was."""
        return None if self._last is None else self._last.describe()

    def take_news(self) -> list[str]:
        """Returns the lines for the user that have come since the last call."""
        news, self._news = self._news, []
        return news

    def reset(self) -> None:
        """Forgets who has the profile, because everybody is new. The profile stays."""
        self.face_id = self.corrected_id = self._seen_s = None
        self._refused = []
        self._forget_check()

    def correct(
        self,
        face_ids: Sequence[int],
        rows: Floats,
        *,
        faces: Sequence[Face],
        embeddings: Floats | None,
        width_px: int,
        time_s: float,
    ) -> Floats:
        """Corrects the readings of one frame.

        Args:
            face_ids: The numbers of the N people.
            rows: Their probabilities, float32 (N, K).
            faces: Their faces.
            embeddings: Their embeddings, float32 (N, d); None corrects nothing.
            width_px: The width of the picture.
            time_s: The time of the frame in seconds.

        Returns:
            float32 (N, K); only the row of the taught person is changed.
        """
        profile, self.corrected_id = self.profile, None
        if profile is None or self._facts is None or embeddings is None:
            return rows
        row = self._find(face_ids, faces, width_px, time_s)
        if row is None:
            return rows
        features = standardise_embeddings(embeddings[row : row + 1], self._facts)
        shifts = profile.head.compute_shifts(features)
        own = shift_probabilities(rows[row : row + 1], shifts)
        if not self._is_consistent(own[0], features[0], face_ids[row], time_s):
            return rows
        self._seen_s = time_s
        self.corrected_id = face_ids[row]
        corrected = rows.copy()
        corrected[row] = own[0]
        return corrected

    def _find(
        self, face_ids: Sequence[int], faces: Sequence[Face], width_px: int, time_s: float
    ) -> int | None:
        """Finds the place of the taught person among N faces."""
        if self.face_id is not None and self.face_id in face_ids:
            row = list(face_ids).index(self.face_id)
        else:
            gone_s = None if self._seen_s is None else time_s - self._seen_s
            if self.face_id is not None and gone_s is not None and 0 <= gone_s <= FORGET_S:
                return None  # the number of a person who is hidden for a moment comes back
            self.face_id = None
            chosen = self._choose(face_ids, faces, width_px)
            if chosen is None:
                return None
            row = chosen
            self.face_id = face_ids[row]
            self._seen_s = None
            self._forget_check()
        self._place = measure_face_place(faces[row], width_px)
        return row

    def _choose(self, face_ids: Sequence[int], faces: Sequence[Face], width_px: int) -> int | None:
        """Chooses the only face, or of several that which sits nearest to the last place."""
        rows = [row for row, number in enumerate(face_ids) if number not in self._refused]
        if not rows:
            return None
        if len(face_ids) == 1:
            return rows[0]
        assert self._place is not None
        x, y, side = self._place
        best, nearest = None, MAX_PLACE_SIDES
        for row in rows:
            u, v, other = measure_face_place(faces[row], width_px)
            apart = float(np.hypot(u - x, v - y)) / max((side + other) / 2, 1e-6)
            if apart < nearest:
                best, nearest = row, apart
        return best

    def _is_consistent(
        self,
        reading: Floats,
        features: NDArray[np.float64],
        face_id: int,
        time_s: float,
    ) -> bool:
        """Compares the resting face with the taught one. False takes the profile away."""
        profile = self.profile
        assert profile is not None
        if profile.sketch is None or self._neutral is None:
            return True
        if reading[self._neutral] < RESTING_SHARE:
            self._checked_at_s = None
            return True
        if self._checked_at_s is not None:
            self._checked_s += min(MAX_STEP_S, max(0.0, time_s - self._checked_at_s))
        self._checked_at_s = time_s
        self._sketch_sum += make_sketch(features)
        self._checked += 1
        if self._checked_s < CHECK_S or self._checked < MIN_CHECKED:
            return True
        far = measure_sketch_distance(self._sketch_sum / self._checked, profile.sketch)
        self._forget_check()
        if far <= MAX_SKETCH_DISTANCE:
            return True
        self._refused = [*self._refused, face_id][-MAX_REFUSED:]
        self.face_id = self._seen_s = None
        self._news.append(
            f"The profile {profile.name} is not used for face {face_id}: its resting face is not "
            "the one that was taught."
        )
        return False

    def _forget_check(self) -> None:
        self._sketch_sum = np.zeros(SKETCH_SIZE)
        self._checked, self._checked_s = 0, 0.0
        self._checked_at_s = None

    def state(self) -> State:
        """Returns all that the next frame's correction depends on but the profile."""
        return {
            "face_id": self.face_id,
            "seen_s": self._seen_s,
            "place": None if self._place is None else list(self._place),
            "refused": list(self._refused),
            "sketch_sum": dump_array(self._sketch_sum),
            "checked": self._checked,
            "checked_s": self._checked_s,
            "checked_at_s": self._checked_at_s,
        }

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        face_id, place = state["face_id"], state["place"]
        self.face_id = None if face_id is None else int(face_id)
        self._seen_s = _read_optional(state["seen_s"])
        self._place = None if place is None else (float(place[0]), float(place[1]), float(place[2]))
        self._refused = [int(one) for one in state["refused"]]
        self._sketch_sum = load_array(state["sketch_sum"])
        self._checked, self._checked_s = int(state["checked"]), float(state["checked_s"])
        self._checked_at_s = _read_optional(state["checked_at_s"])


def _read_optional(value: float | None) -> float | None:
    return None if value is None else float(value)


def measure_face_place(face: Face, width_px: int) -> tuple[float, float, float]:
    """Measures where a face is: centre x and y, and the side of its box, in widths of the picture.

    >>> face = Face((10.0, 20.0, 30.0, 40.0), np.zeros((6, 2), np.float32), 0.9)
    >>> measure_face_place(face, 100)
    (0.2, 0.3, 0.2)
    """
    x0, y0, x1, y1 = face.box_xyxy
    side = float(np.sqrt(max(face.width_px, 0.0) * max(face.height_px, 0.0)))
    return (x0 + x1) / 2 / width_px, (y0 + y1) / 2 / width_px, side / width_px
