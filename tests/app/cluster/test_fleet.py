"""Workers that end, begin late or cannot begin, with workers that only play their part."""

import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from app.batch.annotate import FileOutcome
from app.batch.run_all import WorkersLostError
from app.batch.workers import Message
from app.cluster.fleet import MAX_TRIES, Fleet, FleetWorker, WorkerEndedError
from app.cluster.shared_folders import (
    FolderMarks,
    list_result_folders,
    mark_folders,
    remove_left_marks,
)
from app.cluster.total_progress import TotalProgress
from app.cluster.video_reader import ReaderSetting, VideoReader, find_model_here, plan_retry
from app.defaults import DEFAULT_MODEL, PORTRAIT_CLIP, ROOT
from app.errors import DeviceError, RecogniserError, SinkError
from app.runs.plan import OutputPaths, RecognitionSettings, RunPlan, VideoInput
from tests.support.clock import Clock

READY = Message("ready", "the model on a device")
Answer = Message | str  # a text: the worker ends, and says how


def plans(*names: str) -> list[RunPlan]:
    return [
        RunPlan(VideoInput(Path(name)), OutputPaths(records=Path(f"out/{name}.csv")))
        for name in names
    ]


class PlayedWorker:
    """Answers with what the engine has for the video, or for its beginning."""

    def __init__(self, engine: "PlayedEngine") -> None:
        self.engine = engine
        self.answer: Answer = engine.beginnings.popleft() if engine.beginnings else READY
        self.is_closed = self.is_asked = False
        self.is_told_to_stop = False

    def ask(self, plan: RunPlan, *, is_retry: bool) -> None:
        self.is_asked = True
        self.engine.asked.append((plan.name, is_retry))
        answers = self.engine.answers.get(plan.name)
        self.answer = answers.pop(0) if answers else Message("done", outcome=FileOutcome(frames=1))

    def get_answer(self) -> Message:
        if isinstance(self.answer, str):
            raise WorkerEndedError(self.answer)
        return self.answer

    def ask_reached(self) -> int | None:
        return self.engine.reached.pop(0) if self.engine.reached else None

    def stop(self) -> None:
        self.is_told_to_stop = True
        self.answer = Message("done", outcome=FileOutcome(interrupted=True))

    def close(self) -> None:
        self.is_closed = True


class PlayedEngine:
    def __init__(self, beginnings: Sequence[Answer] = (), **answers: list[Answer]) -> None:
        self.beginnings = deque(beginnings)
        self.answers = {f"{name}.mp4": said for name, said in answers.items()}
        self.asked: list[tuple[str, bool]] = []
        self.started: list[PlayedWorker] = []
        self.reached: list[int | None] = []
        self.reachable: Callable[[], bool] = lambda: True

    def is_reachable(self) -> bool:
        return self.reachable()

    def start(self) -> FleetWorker:
        self.started.append(PlayedWorker(self))
        return self.started[-1]

    def wait(self, workers: Sequence[FleetWorker], timeout_s: float) -> Sequence[FleetWorker]:
        """All begin first; then the last one is over first."""
        beginning = [one for one in workers if isinstance(one, PlayedWorker) and not one.is_asked]
        return beginning[:1] or workers[-1:]


class Heard:
    """Keeps everything that a listener hears, as texts."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def hear_ready(self, text: str) -> None:
        self.lines.append("ready")

    def hear_reached(self, number: int, frames: int) -> None:
        self.lines.append(f"{number} at {frames}")

    def hear_done(self, number: int, outcome: FileOutcome) -> None:
        self.lines.append(f"{number} {'stopped' if outcome.interrupted else 'done'}")

    def hear_note(self, text: str) -> None:
        self.lines.append(f"note {text}")

    def hear_failed(self, number: int, why: str) -> None:
        self.lines.append(f"{number} failed {why}")


def run(engine: PlayedEngine, names: str, count: int = 1) -> list[str]:
    heard = Heard()
    Fleet(plans(*names.split()), engine, heard).run(count, lambda: False)
    assert all(worker.is_closed for worker in engine.started)
    return heard.lines


def test_a_video_whose_worker_ends_is_read_again_by_another_one() -> None:
    engine = PlayedEngine(a=["It was killed."])
    assert run(engine, "a.mp4 b.mp4") == [
        "ready",
        "note a.mp4: its worker ended, another one goes on. It was killed.",
        "ready",
        "0 done",
        "1 done",
    ]
    assert engine.asked == [("a.mp4", False), ("a.mp4", True), ("b.mp4", False)]
    assert len(engine.started) == 2


def test_a_video_that_ends_every_worker_fails_and_the_others_go_on() -> None:
    engine = PlayedEngine(a=["Crash."] * MAX_TRIES)
    lines = run(engine, "a.mp4 b.mp4")
    assert lines[-3:] == ["0 failed a.mp4: its worker ended 3 times: Crash.", "ready", "1 done"]
    assert engine.asked.count(("a.mp4", True)) == MAX_TRIES - 1


def test_an_idle_worker_takes_over() -> None:
    """`b` is over while `a` is read; its worker reads `a` when that of `a` ends."""
    engine = PlayedEngine(a=["Crash."])
    lines = run(engine, "a.mp4 b.mp4", count=2)
    assert lines[:3] == ["ready", "ready", "1 done"]
    assert lines[-1] == "0 done"
    assert len(engine.started) == 2


def test_a_failure_is_no_reason_to_try_again() -> None:
    engine = PlayedEngine(a=[Message("failed", "a.mp4 is no video.")])
    assert run(engine, "a.mp4 b.mp4") == ["ready", "0 failed a.mp4 is no video.", "1 done"]


def test_a_worker_that_cannot_begin_is_replaced_and_three_in_a_row_end_the_run() -> None:
    assert run(PlayedEngine(["Gone."] * 2), "a.mp4") == ["ready", "0 done"]
    engine = PlayedEngine(["No module named 'app'."] * 3)
    with pytest.raises(DeviceError, match="end before they can begin: No module named 'app'"):
        run(engine, "a.mp4")
    assert all(worker.is_closed for worker in engine.started)


def test_a_worker_without_a_model_ends_the_run() -> None:
    engine = PlayedEngine([Message("unable", "no model")])
    with pytest.raises(RecogniserError, match=r"^no model$"):
        run(engine, "a.mp4", count=2)
    assert all(worker.is_closed for worker in engine.started)


def test_a_stop_ends_what_is_read_and_begins_nothing() -> None:
    engine, heard = PlayedEngine(), Heard()
    Fleet(plans("a.mp4", "b.mp4"), engine, heard).run(1, lambda: bool(engine.asked))
    assert heard.lines == ["ready", "0 stopped"]
    assert engine.asked == [("a.mp4", False)]


def test_a_worker_that_ends_after_a_stop_is_not_replaced() -> None:
    class DyingEngine(PlayedEngine):
        def wait(self, workers: Sequence[FleetWorker], timeout_s: float) -> Sequence[FleetWorker]:
            for worker in self.started:
                if worker.is_told_to_stop:
                    worker.answer = "Killed."
            return [] if self.asked and not self.started[0].is_told_to_stop else workers[:1]

    engine, heard = DyingEngine(), Heard()
    Fleet(plans("a.mp4", "b.mp4"), engine, heard).run(1, lambda: bool(engine.asked))
    assert heard.lines == ["ready"]
    assert len(engine.started) == 1
    assert engine.started[0].is_closed


def test_workers_are_asked_how_far_they_are() -> None:
    clock, heard = Clock(), Heard()

    class SlowEngine(PlayedEngine):
        def wait(self, workers: Sequence[FleetWorker], timeout_s: float) -> Sequence[FleetWorker]:
            clock.now += 1.0
            return workers[:1] if not self.asked or clock.now > 7 else []

    engine = SlowEngine()
    engine.reached = [None, 50, 90, 120]
    Fleet(plans("a.mp4"), engine, heard, clock).run(1, lambda: False)
    assert heard.lines == ["ready", "0 at 50", "0 at 90", "0 done"]


def test_a_cluster_that_is_gone_ends_the_run_before_ray_does() -> None:
    clock, heard = Clock(), Heard()

    class MuteEngine(PlayedEngine):
        def wait(self, workers: Sequence[FleetWorker], timeout_s: float) -> Sequence[FleetWorker]:
            clock.now += 1.0
            return workers[:1] if clock.now < 4 else []

    engine = MuteEngine()
    engine.reachable = lambda: clock.now < 10
    fleet = Fleet(plans("a.mp4", "b.mp4", "c.mp4"), engine, heard, clock)
    with pytest.raises(WorkersLostError, match="has not answered for 30 s: its head has ended"):
        fleet.run(1, lambda: False)
    assert 40 <= clock.now < 55
    told = "note The cluster does not answer. It has 30 s to come back."
    assert heard.lines.count(told) == 1
    assert all(worker.is_closed for worker in engine.started)


def test_a_cluster_that_comes_back_goes_on() -> None:
    """A worker ends meanwhile; another one begins only when the cluster answers again."""
    clock, heard = Clock(), Heard()

    class PausedEngine(PlayedEngine):
        def wait(self, workers: Sequence[FleetWorker], timeout_s: float) -> Sequence[FleetWorker]:
            clock.now += 2.0
            return workers[:1]

    engine = PausedEngine(a=["Killed."])
    engine.reachable = lambda: not 3 < clock.now < 20
    Fleet(plans("a.mp4", "b.mp4"), engine, heard, clock).run(1, lambda: False)
    assert heard.lines == [
        "ready",
        "note a.mp4: its worker ended, another one goes on. Killed.",
        "note The cluster does not answer. It has 30 s to come back.",
        "ready",
        "0 done",
        "1 done",
    ]
    assert clock.now >= 20


def test_a_full_cluster_is_told_once() -> None:
    clock, heard = Clock(), Heard()

    class FullEngine(PlayedEngine):
        def wait(self, workers: Sequence[FleetWorker], timeout_s: float) -> Sequence[FleetWorker]:
            clock.now += 20.0
            return [] if clock.now < 200 else workers[:1]

    Fleet(plans("a.mp4"), FullEngine(), heard, clock).run(2, lambda: False)
    told = "note 2 workers wait for room on the cluster; Ctrl-C gives up."
    assert heard.lines == [told, "ready", "ready", "0 done"]


@pytest.mark.parametrize(
    ("overwrite", "has_checkpoint", "goes_on"),
    [(False, False, True), (False, True, True), (True, True, True), (True, False, False)],
)
def test_a_retry_goes_on_unless_old_results_may_be_there(
    *, overwrite: bool, has_checkpoint: bool, goes_on: bool
) -> None:
    (plan,) = plans("a.mp4")
    plan = RunPlan(plan.source, plan.outputs, overwrite=overwrite)
    again = plan_retry(plan, has_checkpoint=has_checkpoint)
    assert (again.resume, again.overwrite) == ((True, False) if goes_on else (False, overwrite))


def test_folders_that_a_worker_does_not_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cluster.shared_folders.time.sleep", lambda _: None)
    folder = tmp_path / "out"
    folder.mkdir()
    with mark_folders([tmp_path, folder]) as marks:
        assert len(list(folder.iterdir())) == 1
        assert marks.find_unseen() is None
        elsewhere = FolderMarks((*marks.paths, folder / ".seen-other"))
        assert elsewhere.find_unseen(tries=2, try_s=0.0) == folder
        gone = FolderMarks((Path("/gone/.seen-1"),))
        reader = VideoReader(ReaderSetting(RecognitionSettings(), "", 1, gone))
    assert list(folder.iterdir()) == []
    said = reader.load()
    assert said.kind == "unable"
    assert "does not see the folder /gone. Name a folder on a disk" in said.text
    with pytest.raises(SinkError, match="could not be written"), mark_folders([tmp_path / "no"]):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="no look at a process does no harm there")
def test_marks_of_a_killed_run_go_at_the_next_start_and_those_of_others_stay(
    tmp_path: Path,
) -> None:
    code = (
        "import os, sys; from pathlib import Path; "
        "from app.cluster.shared_folders import mark_folders; "
        "marks = mark_folders([Path(sys.argv[1])]); marks.__enter__(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, check=False)
    (left,) = tmp_path.iterdir()
    others = [tmp_path / ".seen-00000000-1-0123456789abcdef", tmp_path / ".seen-mine"]
    for other in others:
        other.touch()
    with mark_folders([tmp_path]) as marks:
        remove_left_marks([tmp_path, tmp_path / "nowhere"])
        assert set(tmp_path.iterdir()) == {*others, *marks.paths}
        assert not left.exists()


def test_each_folder_of_results_is_marked_once() -> None:
    assert list_result_folders(plans("a.mp4", "b.mp4")) == [Path("out")]


def test_a_model_is_found_where_this_program_lies(tmp_path: Path) -> None:
    assert find_model_here(Path("/elsewhere/models/dacl.onnx")) == DEFAULT_MODEL
    assert find_model_here(Path("/elsewhere/mine.onnx")) == Path("/elsewhere/mine.onnx")
    own = tmp_path / "dacl.onnx"
    own.touch()
    assert find_model_here(own) == own


def test_another_model_under_the_same_name_is_refused() -> None:
    reader = VideoReader(ReaderSetting(RecognitionSettings(), "0" * 64, 1, FolderMarks(())))
    said = reader.load()
    assert said.kind == "unable"
    assert f"has another model as {DEFAULT_MODEL}. Install the same version" in said.text


def test_a_log_gets_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = TotalProgress(plans(*(f"{n}.mp4" for n in range(10))), clock)  # of unknown length
    for number, clock.now in enumerate((30.0, 59.0, 61.0, 62.0, 121.0)):
        progress.show_reached(number, 1000)
        progress.end(number)
    assert capsys.readouterr().err.splitlines() == [
        "progress: 2 of 10 videos, about 4:04 left.",
        "progress: 4 of 10 videos, about 3:02 left.",
    ]


def test_few_videos_are_counted_in_frames(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that were finished before say nothing about the time that is left."""
    clock = Clock()
    demos = [RunPlan(VideoInput(PORTRAIT_CLIP), OutputPaths()) for _ in range(4)]
    progress = TotalProgress(demos, clock)
    length = progress._lengths[0]
    progress.end(0, was_read=False)
    clock.now = 60.0
    progress.show_reached(1, length // 2)
    clock.now = 120.0
    progress.end(1)
    progress.close()
    assert capsys.readouterr().err.splitlines() == [
        f"progress: 1 of 4 videos, {length // 2} frames read, about 5:00 left.",
        f"progress: 2 of 4 videos, {length} frames read, about 4:00 left.",
    ]
