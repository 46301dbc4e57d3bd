"""A lesson in the window begins and ends with a key, and loses nothing that it taught."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.cli.teach_in_window import make_teacher, note_unfinished_lesson
from app.contract import Contract, EmbeddingFacts
from app.defaults import PORTRAIT_CLIP
from app.errors import ProfileError
from app.live.session import SessionOutcome
from app.live.teacher import UNFINISHED, FaceTeacher, format_expression
from app.live.view import LiveView
from app.recognition.classifier import Classifier
from app.runs.plan import OutputPaths, RunPlan, VideoInput, ViewSettings
from app.teaching.learning import TaughtExpression, Verdict
from app.teaching.lesson import PATIENCE_S
from app.teaching.profile import load_profile
from app.teaching.taught_face import TaughtFace
from app.types import Frame, FrameResult, Mode, TrackedFace
from tests.support.at_once import AtOnce
from tests.support.clock import Clock
from tests.support.faces import make_face
from tests.support.taught import DIM, LABELS
from tests.support.tiny_model import tiny_contract, write_tiny_model

FACTS = EmbeddingFacts(mean=(0.0,) * DIM, std=(1.0,) * DIM)


@dataclass
class Model:
    contract: Contract = field(default_factory=lambda: tiny_contract(LABELS, embedding=FACTS))
    path: Path = Path("tiny.onnx")
    sha256: str = "ab" * 32
    prior_correction: float = 0.0
    embedding_dim: int | None = DIM


class Pipeline(AtOnce):
    with_maps = with_embeddings = False
    smoothing_s: float | None = 0.5
    resting = None

    def explain(self, result: FrameResult) -> FrameResult:
        return result

    def reset(self) -> None: ...


class Desk:
    """A window, and a user who shows what is asked for."""

    def __init__(self, folder: Path, *, mode: Mode = Mode.LIVE, **settings: object) -> None:
        self.said: list[str] = []
        self.pipeline = Pipeline()
        self.taught = TaughtFace(LABELS, FACTS)
        self.clock = Clock()
        self.teacher = FaceTeacher(
            self.pipeline,
            self.taught,
            Model(),
            folder=folder,
            clock=self.clock,
            **settings,  # type: ignore[arg-type]
        )
        self.view = LiveView(
            self.pipeline,
            ViewSettings(folder=folder),
            provider="CPU",
            mode=mode,
            say=self.said.append,
            teacher=self.teacher,
            clock=self.clock,
        )
        self.now_s = 0.0

    def frame(self, faces: int = 1) -> FrameResult:
        moment = self.teacher.moment
        embedding, shares = np.zeros(DIM, np.float32), np.full(3, 0.3, np.float32)
        if moment is not None:
            embedding[LABELS.index(moment.label)] = 3.0
            shares[LABELS.index(moment.label)] = 0.4
        found = TrackedFace(
            make_face(280, 140, 80), 1, "neutral", shares, shares, embedding=embedding
        )
        image = np.full((360, 640, 3), 90, np.uint8)
        return FrameResult(Frame(image, 0, self.now_s, "made"), (found,) * faces, LABELS)

    def go(self, seconds: float, faces: int = 1) -> None:
        for _ in range(round(10 * seconds)):
            self.view.add(self.frame(faces))
            self.now_s += 0.1

    def press(self, *actions: str) -> None:
        for action in actions:
            result = self.frame()
            self.view.obey(action, result, result.picture)  # type: ignore[arg-type]

    def go_to_the_end(self) -> None:
        while self.teacher.moment is not None:
            self.go(0.5)


def test_key_teaches_saves_and_uses_a_profile(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.press("teach")
    assert desk.pipeline.with_embeddings
    desk.go_to_the_end()
    assert not desk.pipeline.with_embeddings
    saved = load_profile(tmp_path / "face.profile")
    assert (saved.name, saved.learned) == ("face", LABELS)
    assert desk.taught.profile is not None
    assert desk.taught.profile.sha256 == saved.sha256
    assert desk.taught.face_id == 1
    assert desk.said[0].startswith("neutral: learned; ")
    assert desk.said[-1] == (
        f"Saved {tmp_path / 'face.profile'}, and in use. Next time: --profile {tmp_path / 'face'}"
    )


def test_second_lesson_by_key_gets_a_free_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for _ in range(2):
        desk.press("teach")
        desk.go_to_the_end()
        desk.press("teach")  # puts the summary away
        assert desk.teacher.summary == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face.profile", "face2.profile"]


def test_named_lesson_begins_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, name="ann")
    assert desk.teacher.moment is not None
    desk.go_to_the_end()
    assert load_profile(tmp_path / "ann.profile").name == "ann"
    assert desk.teacher.is_saved
    assert warn(desk, tmp_path) is None


def test_key_ends_a_lesson_and_space_leaves_an_expression_out(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.press("teach", "pause")
    assert not desk.view.paused
    assert desk.teacher.moment is not None
    assert desk.teacher.moment.label == "sadness"
    desk.press("teach")
    assert desk.teacher.moment is None
    assert desk.said[-1] == "The lesson is ended: nothing is saved."
    assert list(tmp_path.iterdir()) == []
    desk.press("pause")
    assert desk.view.paused


def test_stream_that_ends_in_a_lesson_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.view.end_lesson()
    assert desk.said == []
    desk.press("teach")
    desk.go(5)
    desk.view.end_lesson()
    assert desk.said == [UNFINISHED]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("faces", "why"), [(0, "no face was"), (2, "several faces were")])
def test_lesson_without_one_single_face_gives_up(tmp_path: Path, faces: int, why: str) -> None:
    desk = Desk(tmp_path)
    desk.press("teach")
    desk.go(1)
    desk.go(PATIENCE_S + 1, faces)
    assert desk.said == [f"The lesson ended: for 20 s {why} in view. Nothing is saved."]
    assert desk.teacher.moment is None


def test_too_little_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.press("teach", "pause", "pause", "pause")
    desk.go(0.1)
    assert desk.said == [
        "Too little was seen of the resting face: 0 of 5 seconds, and 3 are needed. Nothing is "
        "saved."
    ]


def test_folder_that_is_gone_is_said_at_once_and_later_loses_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "gone")
    desk.press("teach")
    assert desk.teacher.moment is None
    assert "does not exist" in desk.said[-1]
    folder = tmp_path / "there"
    folder.mkdir()
    desk = Desk(folder)
    desk.press("teach")
    desk.go(5)
    folder.rmdir()
    desk.go_to_the_end()
    assert desk.said[-1].startswith("In use until the window closes, but not saved: The folder")
    assert desk.taught.profile is not None
    assert len(desk.taught.profile.sha256) == 64  # the notes of the run name what was in use
    assert not desk.teacher.is_saved


def test_profile_of_that_name_is_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "ann.profile").write_text("somebody's")
    desk = Desk(tmp_path, name="ann")
    assert "exists already" in desk.said[-1]
    assert desk.teacher.moment is None
    desk = Desk(tmp_path, name="ann", overwrite=True)
    desk.go_to_the_end()
    assert load_profile(tmp_path / "ann.profile").name == "ann"


def test_line_that_is_copied_works_also_with_a_space(tmp_path: Path) -> None:
    folder = tmp_path / "my faces"
    folder.mkdir()
    desk = Desk(folder, name="ann")
    desk.go_to_the_end()
    assert desk.said[-1].endswith(f'Next time: --profile "{folder / "ann"}"')


def warn(desk: Desk, folder: Path) -> str | None:
    """The warning with which `--teach ann` ends, which makes its exit code 1."""
    view = ViewSettings(folder=folder)
    plan = RunPlan(VideoInput(PORTRAIT_CLIP), OutputPaths(), view=view, teach="ann")
    return note_unfinished_lesson(plan, SessionOutcome(1, 1, 0.1), desk.teacher).cut_short


def test_name_that_was_taken_during_the_lesson_loses_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, name="ann")
    (tmp_path / "ann.profile").write_text("somebody's")
    desk.go_to_the_end()
    other = tmp_path / "ann2"
    assert desk.said[-1] == (
        f"{tmp_path / 'ann.profile'} came to be during the lesson and stays. "
        f"Saved {other}.profile, and in use. Next time: --profile {other}"
    )
    assert (tmp_path / "ann.profile").read_text() == "somebody's"
    assert load_profile(other.with_suffix(".profile")).name == "ann2"
    assert warn(desk, tmp_path) == (
        f"{tmp_path / 'ann.profile'} came to be during the lesson and stays. "
        f"The profile is {other}.profile."
    )
    desk.press("teach", "teach")  # puts the summary away, and begins again
    desk.go_to_the_end()
    assert desk.said[-1].startswith(f"Saved {other}.profile")
    assert (tmp_path / "ann.profile").read_text() == "somebody's"


def test_warning_on_a_lesson_is_true_where_an_old_profile_stays(tmp_path: Path) -> None:
    old = tmp_path / "ann.profile"
    old.write_text("the old one")
    desk = Desk(tmp_path, name="ann", overwrite=True)
    desk.view.end_lesson()
    assert warn(desk, tmp_path) == f"No profile of this lesson was saved as {old}."
    assert old.read_text() == "the old one"


def test_lesson_with_a_model_that_cannot_be_taught_opens_no_window(tmp_path: Path) -> None:
    plan = RunPlan(
        VideoInput(PORTRAIT_CLIP),
        OutputPaths(),
        view=ViewSettings(folder=tmp_path),
        in_window=True,
    )
    path = write_tiny_model(tmp_path / "plain.onnx", tiny_contract(LABELS), classes=3)
    model, taught = Classifier(path, device="cpu", threads=1), TaughtFace(LABELS, None)
    pipeline: Any = Pipeline()
    assert make_teacher(plan, pipeline, taught, model) is not None  # the key t says it later
    with pytest.raises(ProfileError, match=r"plain\.onnx gives no embeddings, so nothing"):
        make_teacher(replace(plan, teach="ann"), pipeline, taught, model)


def test_pictures_cannot_be_taught(tmp_path: Path) -> None:
    desk = Desk(tmp_path, mode=Mode.PICTURES)
    desk.press("teach")
    assert desk.teacher.moment is None


def test_screen_shows_the_lesson_and_then_its_results(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    plain = desk.view.draw_screen(desk.view.draw(desk.view.add(desk.frame())))
    desk.press("teach")
    asked = desk.view.draw_screen(desk.view.draw(desk.view.add(desk.frame())))
    assert int(asked[-60:].mean()) < int(plain[-60:].mean())
    assert asked[:60].tolist() == plain[:60].tolist()
    desk.go_to_the_end()
    told = desk.view.draw_screen(desk.view.draw(desk.view.add(desk.frame())))
    assert int(told[150:210].mean()) < int(plain[150:210].mean())
    desk.clock.now += 100
    assert desk.teacher.summary == ()


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (
            TaughtExpression("fear", Verdict.NOT_SEEN, 2, 0, 0),
            "fear: as before; seen for 2 of 5 seconds",
        ),
        (
            TaughtExpression("fear", Verdict.READS_AS_OTHER, 5, 0, 0, "surprise"),
            "fear: as before; what you showed reads as surprise",
        ),
        (
            TaughtExpression("fear", Verdict.NO_HELP, 5, 4, 3),
            "fear: as before; teaching it would not help",
        ),
    ],
)
def test_every_verdict_has_its_line(one: TaughtExpression, line: str) -> None:
    assert format_expression(one) == line
