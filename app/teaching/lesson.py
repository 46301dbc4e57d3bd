"""Leads one person through a lesson, from the results of a stream: which expression is asked for,
how long it still takes, and what was seen of it.

Times are those of the frames, so that a lesson over a video goes as it would before a camera.
Nothing counts while no face or several faces are in view.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.contract import EmbeddingFacts
from app.errors import ProfileError
from app.teaching.head import FLOOR, standardise_embeddings
from app.teaching.learning import MIN_SECONDS, LearnedHead, TaughtSeconds, learn_head
from app.teaching.profile import FaceProfile, LoadedModel
from app.teaching.resting_sketch import make_sketch
from app.teaching.taught_face import measure_face_place
from app.tracking.resting_face import NEUTRAL
from app.types import FrameResult, TrackedFace

READY_S = 3.0  # to read what is asked for, and to make that face
HOLD_S = 5.0  # for which an expression is held
MIN_READINGS = 3  # in a second, or it does not count
MAX_STEP_S = 0.2  # the most that one frame adds to a time, because a pause is no look
PATIENCE_S = 20.0  # without one single face, after which the lesson ends

Phase = Literal["ready", "hold", "done", "given up"]
Hindrance = Literal["no face", "several faces"]


@dataclass(frozen=True, slots=True)
class LessonMoment:
    """A moment of a lesson.

    Attributes:
        label: The expression that is asked for.
        number: Its place in the lesson, from 1 to `count`.
        count: The number of expressions.
        phase: "ready" while the user gets ready, "hold" while the face is looked at, "done" and
            "given up" afterwards.
        left_s: The seconds until the next phase.
        hindrance: The reason for which the time stands still; None while it goes on.
    """

    label: str
    number: int
    count: int
    phase: Phase
    left_s: float
    hindrance: Hindrance | None = None


@dataclass(slots=True)
class _Seen:
    """The sums over one second of an expression: features `(d,)` and log-probabilities `(K,)`."""

    features: NDArray[np.float64]
    logs: NDArray[np.float64]
    readings: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class LessonResult:
    """A finished lesson: the profile, None where it would not help, what was learned of each
    expression, and the number of the person."""

    profile: FaceProfile | None
    learned: LearnedHead
    face_id: int | None


@dataclass(slots=True)
class _Progress:
    """The place in the lesson."""

    step: int = 0
    phase: Phase = "ready"
    left_s: float = READY_S
    hindrance: Hindrance | None = None
    hindered_s: float = 0.0
    at_s: float | None = None
    seen: dict[tuple[int, int], _Seen] = field(default_factory=dict)
    places: list[tuple[float, float, float]] = field(default_factory=list)
    face_id: int | None = None


def check_model_teaches(model: LoadedModel) -> EmbeddingFacts:
    """Returns the units of a model's embeddings. Raises `ProfileError` where its file gives none,
    so that nothing can be taught."""
    facts = model.contract.embedding
    if facts is None or model.embedding_dim is None:
        raise ProfileError(
            f"{model.path} gives no embeddings, so nothing can be taught. Use a shipped model, "
            "or export the model again."
        )
    return facts


class Lesson:
    """Asks for each expression of a model in turn, the resting face first.

    Results must come with embeddings (`Pipeline.with_embeddings`) and with raw readings that no
    profile has changed.

    Args:
        model: The model whose expressions are taught.

    Raises:
        ProfileError: The model's file gives no embeddings.
    """

    def __init__(self, model: LoadedModel) -> None:
        self._model, self._facts = model, check_model_teaches(model)
        labels = model.contract.labels
        # The resting face first: everything else is compared with it.
        self._order = sorted(range(len(labels)), key=lambda one: labels[one].lower() != NEUTRAL)
        self._at = _Progress()

    @property
    def moment(self) -> LessonMoment:
        """The present moment."""
        at, count = self._at, len(self._order)
        return LessonMoment(
            self._model.contract.labels[self._order[min(at.step, count - 1)]],
            min(at.step, count - 1) + 1,
            count,
            at.phase,
            at.left_s,
            at.hindrance,
        )

    @property
    def is_over(self) -> bool:
        """True when nothing more is asked for."""
        return self._at.phase in ("done", "given up")

    def skip(self) -> None:
        """Leaves the present expression out. Nothing of it is used."""
        if not self.is_over:
            asked = self._order[self._at.step]
            self._at.seen = {key: one for key, one in self._at.seen.items() if key[0] != asked}
            self._go_on()

    def add(self, result: FrameResult) -> None:
        """Takes the next result of the stream."""
        at = self._at
        if self.is_over:
            return
        now_s = result.frame.time_s
        step_s = 0.0 if at.at_s is None else min(MAX_STEP_S, max(0.0, now_s - at.at_s))
        at.at_s = now_s
        faces = len(result.faces) + len(result.unread)
        at.hindrance = "no face" if not result.faces else "several faces" if faces > 1 else None
        if at.hindrance is not None:
            at.hindered_s += step_s
            if at.hindered_s >= PATIENCE_S:
                at.phase = "given up"
            return
        at.hindered_s = 0.0
        at.left_s -= step_s
        if at.phase == "hold":
            self._look(result.faces[0], result.frame.size_wh[0])
        if at.left_s <= 0:
            if at.phase == "hold":
                self._go_on()
            else:
                at.phase, at.left_s = "hold", HOLD_S

    def _look(self, face: TrackedFace, width_px: int) -> None:
        """Takes one reading into the present second."""
        at = self._at
        at.face_id = face.face_id
        if face.embedding is None:
            return
        key = self._order[at.step], min(int(HOLD_S - at.left_s), int(HOLD_S) - 1)
        features = standardise_embeddings(face.embedding[None], self._facts)[0]
        logs = np.log(np.maximum(face.raw_probabilities.astype(np.float64), FLOOR))
        seen = at.seen.get(key)
        if seen is None:
            seen = at.seen[key] = _Seen(np.zeros_like(features), np.zeros_like(logs))
        seen.features += features
        seen.logs += logs
        seen.readings += 1
        at.places.append(measure_face_place(face.face, width_px))

    def _go_on(self) -> None:
        at = self._at
        at.step += 1
        at.phase, at.left_s = ("done", 0.0) if at.step == len(self._order) else ("ready", READY_S)
        at.hindrance = None

    def collect_seconds(self) -> TaughtSeconds:
        """Collects the seconds that were seen well enough."""
        kept = [
            (key, one) for key, one in sorted(self._at.seen.items()) if one.readings >= MIN_READINGS
        ]
        k, dim = len(self._model.contract.labels), self._facts.dim
        return TaughtSeconds(
            np.array([one.features / one.readings for _, one in kept]).reshape(-1, dim),
            np.array([one.logs / one.readings for _, one in kept]).reshape(-1, k),
            np.array([key[0] for key, _ in kept], np.int64),
            np.array([key[1] for key, _ in kept], np.int64),
        )

    def finish(self, name: str) -> LessonResult:
        """Learns from what was seen.

        Args:
            name: The name of the profile.

        Raises:
            ProfileError: Too little was seen: of the resting face, or of all expressions but one.
        """
        seconds = self.collect_seconds()
        labels = self._model.contract.labels
        _check_enough(seconds, labels)
        learned = learn_head(seconds, self._model.contract, self._model.prior_correction)
        profile = None
        if learned.head is not None:
            resting = seconds.features[seconds.classes == self._order[0]]
            has_neutral = labels[self._order[0]].lower() == NEUTRAL
            x, y, side = np.median(np.array(self._at.places), axis=0).tolist()
            profile = FaceProfile(
                name,
                self._model.sha256,
                labels,
                learned.head,
                make_sketch(resting.mean(axis=0)) if has_neutral else None,
                (x, y, side),
                learned.expressions,
            )
        return LessonResult(profile, learned, self._at.face_id)


def _check_enough(seconds: TaughtSeconds, labels: Sequence[str]) -> None:
    counts = np.bincount(seconds.classes, minlength=len(labels)).tolist()
    names = [label.lower() for label in labels]
    if NEUTRAL in names and counts[names.index(NEUTRAL)] < MIN_SECONDS:
        raise ProfileError(
            f"Too little was seen of the resting face: {counts[names.index(NEUTRAL)]} of "
            f"{HOLD_S:.0f} seconds, and {MIN_SECONDS} are needed. Nothing is saved."
        )
    if sum(count >= MIN_SECONDS for count in counts) < 2:
        raise ProfileError(
            f"Too little was seen: two expressions are needed, each for {MIN_SECONDS} of "
            f"{HOLD_S:.0f} seconds. Nothing is saved."
        )
