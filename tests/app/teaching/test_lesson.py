"""A lesson asks for each expression, counts only what one single face shows, and ends by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from app.contract import Contract, EmbeddingFacts
from app.errors import ProfileError
from app.teaching.learning import Verdict
from app.teaching.lesson import HOLD_S, PATIENCE_S, READY_S, Lesson
from app.types import Frame, FrameResult, TrackedFace
from tests.support.faces import make_face
from tests.support.taught import DIM, LABELS
from tests.support.tiny_model import tiny_contract

FACTS = EmbeddingFacts(mean=(0.0,) * DIM, std=(1.0,) * DIM)
IMAGE = np.zeros((360, 640, 3), np.uint8)
STEP_S = 0.1


@dataclass
class Model:
    contract: Contract = field(default_factory=lambda: tiny_contract(LABELS, embedding=FACTS))
    path: Path = Path("tiny.onnx")
    sha256: str = "ab" * 32
    prior_correction: float = 0.0
    embedding_dim: int | None = DIM


def result(
    time_s: float, shown: int | None, *, faces: int = 1, read: bool = True, face_id: int = 7
) -> FrameResult:
    """A frame in which each face shows a class: a feature of its own stands out."""
    embedding = np.zeros(DIM, np.float32)
    shares = np.full(3, 0.3, np.float32)
    if shown is not None:
        embedding[shown] = 3.0
        shares[shown] = 0.4
    found = tuple(
        TrackedFace(
            make_face(280, 140, 80),
            face_id + number,
            "neutral",
            shares,
            shares,
            embedding=embedding if read else None,
        )
        for number in range(faces)
    )
    return FrameResult(Frame(IMAGE, 0, time_s, "made"), found, LABELS)


class Desk:
    """A user before a lesson."""

    def __init__(self) -> None:
        self.lesson = Lesson(Model())
        self.now_s = 0.0

    def go(self, seconds: float, **settings: object) -> None:
        """Lets time pass, while the user shows what is asked for."""
        for _ in range(round(seconds / STEP_S)):
            shown = LABELS.index(self.lesson.moment.label)
            self.lesson.add(result(self.now_s, shown, **settings))  # type: ignore[arg-type]
            self.now_s += STEP_S

    def go_to_the_end(self, **settings: object) -> None:
        while not self.lesson.is_over:
            self.go(1.0, **settings)


def test_each_expression_is_asked_for_and_held() -> None:
    desk = Desk()
    phases: list[tuple[str, str]] = []
    while not desk.lesson.is_over:
        moment = desk.lesson.moment
        if not phases or phases[-1] != (moment.label, moment.phase):
            phases.append((moment.label, moment.phase))
        desk.go(STEP_S)
    assert phases == [(label, phase) for label in LABELS for phase in ("ready", "hold")]
    assert desk.now_s == pytest.approx(3 * (READY_S + HOLD_S), abs=0.5)


def test_resting_face_comes_first_whatever_the_order_of_the_labels() -> None:
    model = Model(contract=tiny_contract(("anger", "Neutral"), embedding=FACTS))
    assert Lesson(model).moment.label == "Neutral"


def test_lesson_makes_a_profile_of_what_it_saw() -> None:
    desk = Desk()
    desk.go_to_the_end()
    found = desk.lesson.finish("ann")
    profile = found.profile
    assert profile is not None
    assert (profile.name, profile.model_sha256, profile.labels) == ("ann", "ab" * 32, LABELS)
    assert profile.place == pytest.approx((0.5, 180 / 640, 80 / 640))
    assert [(one.verdict, one.seconds) for one in profile.expressions] == [(Verdict.LEARNED, 5)] * 3
    assert found.face_id == 7
    assert profile.sketch is not None


@pytest.mark.parametrize(
    ("settings", "hindrance"), [({"faces": 0}, "no face"), ({"faces": 2}, "several faces")]
)
def test_time_stands_still_while_the_view_is_wrong(
    settings: dict[str, int], hindrance: str
) -> None:
    desk = Desk()
    desk.go(READY_S + 1)
    before = desk.lesson.moment
    desk.go(5.0, **settings)
    moment = desk.lesson.moment
    assert (moment.phase, moment.left_s, moment.hindrance) == ("hold", before.left_s, hindrance)
    desk.go(STEP_S)
    assert desk.lesson.moment.hindrance is None


def test_lesson_that_nobody_attends_ends() -> None:
    desk = Desk()
    desk.go(1.0)
    desk.go(PATIENCE_S + 0.5, faces=0)
    assert desk.lesson.is_over
    assert desk.lesson.moment.phase == "given up"


def test_pause_of_the_source_is_no_look() -> None:
    desk = Desk()
    desk.go(1.0)
    left_s = desk.lesson.moment.left_s
    desk.now_s += 60.0
    desk.go(STEP_S)
    assert desk.lesson.moment.left_s == pytest.approx(left_s - 0.2, abs=0.01)


def test_expression_that_is_left_out_is_not_learned() -> None:
    desk = Desk()
    desk.go(2 * (READY_S + HOLD_S) + 5.0)
    assert desk.lesson.moment.label == "anger"
    desk.lesson.skip()
    assert desk.lesson.is_over
    expressions = desk.lesson.finish("ann").learned.expressions
    assert [(one.verdict, one.seconds) for one in expressions] == [
        *[(Verdict.LEARNED, 5)] * 2,
        (Verdict.NOT_SEEN, 0),
    ]


def skip_all(lesson: Lesson, labels: Sequence[str]) -> None:
    while not lesson.is_over and lesson.moment.label in labels:
        lesson.skip()


def test_too_little_is_one_line() -> None:
    desk = Desk()
    skip_all(desk.lesson, LABELS)
    with pytest.raises(ProfileError, match="Too little was seen of the resting face: 0 of 5"):
        desk.lesson.finish("ann")
    desk = Desk()
    desk.go(READY_S + HOLD_S + 0.5)
    skip_all(desk.lesson, LABELS[1:])
    with pytest.raises(ProfileError, match="two expressions are needed"):
        desk.lesson.finish("ann")


def test_frames_that_were_not_read_teach_nothing() -> None:
    desk = Desk()
    desk.go_to_the_end(read=False)
    with pytest.raises(ProfileError, match="Too little"):
        desk.lesson.finish("ann")


def test_model_without_embeddings_cannot_be_taught() -> None:
    with pytest.raises(ProfileError, match=r"tiny\.onnx gives no embeddings"):
        Lesson(Model(contract=tiny_contract(LABELS), embedding_dim=None))
