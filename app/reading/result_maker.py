"""Makes the result of a frame from its faces and their readings: who they are, what is shown."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.contract import Contract
from app.recognition.quality import find_reading_problem, measure_quality
from app.stage_state import SavedState, State
from app.teaching.taught_face import TaughtFace
from app.tracking.reasons import SteadyReasons
from app.tracking.smoothing import NO_CLASS
from app.tracking.tracker import Tracker
from app.types import (
    NOT_CONFIDENT,
    UNSURE,
    Face,
    FaceQuality,
    Floats,
    Frame,
    FrameResult,
    Reason,
    TrackedFace,
)

# Distance of total variation from which a reading differs from what is shown, so that the label may
# be about to change. A camera's face is then looked at and read in every frame.
RESTLESS_DISTANCE = 0.3


class ResultMaker:
    """Makes the results of one stream, or of pictures.

    Args:
        contract: The contract of the network that reads.
        tracker: Numbers people and smooths their readings; None: every frame stands for itself.
        taught: Corrects the readings of the person who has a profile; None: of nobody.

    Attributes:
        restless: The keys of the faces of the last frame whose readings differ from what is shown.
    """

    def __init__(
        self, contract: Contract, tracker: Tracker | None, taught: TaughtFace | None = None
    ) -> None:
        self._contract = contract
        self._tracker = tracker
        self._taught = taught
        self._reasons = SteadyReasons()
        self.restless: frozenset[int] = frozenset()

    def make_result(
        self,
        frame: Frame,
        time_s: float,
        faces: Sequence[Face],
        raw: Floats,
        quality: Mapping[int, FaceQuality],
        unread: Sequence[Face],
        embeddings: Floats | None = None,
    ) -> FrameResult:
        """Makes the result of the next frame, without `stage_ms`.

        Args:
            frame: The frame.
            time_s: Its time for the tracker, in seconds.
            faces: The N faces that were read.
            raw: Their readings in this frame, probabilities (N, K).
            quality: The quality of faces, by their places. That of unsure faces is measured if it
                is lacking, because their reason depends on it.
            unread: The faces that cannot be read.
            embeddings: The embeddings (N, d) of their readings, which a profile needs.
        """
        contract = self._contract
        ids: Sequence[int] = range(1, len(faces) + 1)
        own, taught = raw, self._taught

        def correct(face_ids: Sequence[int], rows: Floats) -> Floats:
            nonlocal own
            assert taught is not None
            own = taught.correct(
                face_ids,
                rows,
                faces=faces,
                embeddings=embeddings,
                width_px=frame.size_wh[0],
                time_s=time_s,
            )
            return own

        if self._tracker is not None:
            ids, smoothed, shown = self._tracker.update(
                faces,
                raw,
                time_s,
                contract.measure_sureness_nats,
                None if taught is None or taught.profile is None else correct,
            )
        else:
            smoothed, shown = raw, np.where(contract.is_sure(raw), raw.argmax(axis=1), NO_CLASS)
        self.restless = find_restless(faces, own, smoothed)
        taught_id = None if taught is None else taught.corrected_id
        classes = shown.tolist()
        known = dict(quality)
        for row, (face, best) in enumerate(zip(faces, classes, strict=True)):
            if best == NO_CLASS and row not in known:
                known[row] = measure_quality(frame.image, face)
        reasons = self._find_reasons(time_s, ids, classes, known)
        return FrameResult(
            frame=frame,
            faces=tuple(
                TrackedFace(
                    face=face,
                    face_id=face_id,
                    label=UNSURE if best == NO_CLASS else contract.labels[best],
                    probabilities=smooth,
                    raw_probabilities=plain,
                    reason=reasons.get(face_id),
                    quality=known.get(row),
                    taught=face_id == taught_id,
                )
                for row, (face, face_id, smooth, plain, best) in enumerate(
                    zip(faces, ids, smoothed, raw, classes, strict=True)
                )
            ),
            labels=contract.labels,
            unread=tuple(unread),
        )

    def _find_reasons(
        self,
        time_s: float,
        ids: Sequence[int],
        classes: Sequence[int],
        quality: Mapping[int, FaceQuality],
    ) -> dict[int, Reason]:
        """Finds the reasons why faces are unsure, by their `face_id`."""
        now = {
            face_id: find_reading_problem(quality[row]) or NOT_CONFIDENT
            for row, (face_id, best) in enumerate(zip(ids, classes, strict=True))
            if best == NO_CLASS
        }
        return now if self._tracker is None else self._reasons.update(now, time_s)

    def reset(self) -> None:
        """Forgets all people."""
        self._reasons = SteadyReasons()
        self.restless = frozenset()
        if self._tracker is not None:
            self._tracker.reset()
        if self._taught is not None:
            self._taught.reset()

    def state(self) -> State:
        """Returns the reasons, all that the next result depends on besides the tracker."""
        return self._reasons.state()

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        self._reasons.restore(state)


def find_restless(faces: Sequence[Face], raw: Floats, smoothed: Floats) -> frozenset[int]:
    """Finds the faces whose readings differ from what is shown.

    Args:
        faces: N faces.
        raw: Their readings, probabilities (N, K).
        smoothed: The probabilities (N, K) that are shown.

    Returns:
        Their keys.

    >>> faces = [Face((0, 0, 9, 9), np.zeros((6, 2), np.float32), 0.9, key=k) for k in (3, 4)]
    >>> shown = np.array([[0.9, 0.1], [0.9, 0.1]], np.float32)
    >>> find_restless(faces, np.array([[0.8, 0.2], [0.2, 0.8]], np.float32), shown)
    frozenset({4})
    """
    differs: NDArray[np.bool_] = np.abs(raw - smoothed).sum(axis=1) / 2 > RESTLESS_DISTANCE
    pairs = zip(faces, differs.tolist(), strict=True)
    return frozenset(face.key for face, is_other in pairs if is_other and face.key is not None)
