"""A run over a file overlaps its stages in threads, and ends as if it were in one."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import NamedTuple

import av
import pytest
from av.video.stream import VideoStream

from app.batch.annotate import FileOutcome, annotate
from app.defaults import ROOT
from app.detection.follower import Follower
from app.errors import ModelError, SinkError, SourceError
from app.frames.upright import UprightConverter
from app.frames.yuv_picture import BgrReader
from app.outputs.encoders import ENCODERS, Encoding
from app.outputs.run_metadata import name_notes, read_notes
from app.outputs.video import VideoSink
from app.pipeline import Pipeline
from app.privacy.blur_guard import BlurGuard
from app.records.resumable import LongRecords, locate_lines
from app.runs.checkpoint import Checkpoint, ResumeFile, RunFingerprint
from app.runs.frame_loop import FrameLoop
from app.runs.networks import LoadedNetworks
from app.runs.plan import OutputPaths, RecognitionSettings, RunPlan, VideoInput
from app.runs.result_view import ResultView
from app.sources.frame_selection import Selection
from app.sources.video import VideoSource
from app.types import Face, Frame, FrameResult, Image, Json
from tests.support.synthetic import write_video

FRAMES = 40
WAIT_S = 10.0
LOSSLESS = Encoding(ENCODERS["libx264"], crf=0)


def list_threads() -> set[str]:
    return {
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(("read ", "find ", "write "))
    }


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert list_threads() == set()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames with sound, whose times begin anew in the middle."""
    folder = tmp_path_factory.mktemp("clip")
    parts = [folder / f"{number}.ts" for number in range(2)]
    for part in parts:
        write_video(part, frames=FRAMES // 2, sound="aac")
    (folder / "clip.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    return folder / "clip.ts"


def make_plan(
    clip: Path, folder: Path, *, video: bool = True, resume: bool = False, exact: bool = True
) -> RunPlan:
    """Plans a run that reads frame by frame; with `exact` False, in groups of three."""
    folder.mkdir(exist_ok=True)
    outputs = OutputPaths(folder / "out.mp4" if video else None, folder / "out.jsonl")
    return RunPlan(
        VideoInput(clip),
        outputs,
        Selection(),
        RecognitionSettings(exact=exact),
        settings={},
        resume=resume,
        command=["run"],
    )


def never() -> bool:
    return False


def run_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the next runs decode, find, read and write one frame after the other."""
    build = FrameLoop.__init__

    def build_plain(self: FrameLoop, *rest: object, **more: object) -> None:
        build(self, *rest, **more | {"writes_behind": False})  # type: ignore[arg-type]

    monkeypatch.setattr(FrameLoop, "__init__", build_plain)
    monkeypatch.setattr(VideoSource, "read_ahead", lambda self, waiting: contextlib.nullcontext())
    monkeypatch.setattr(Pipeline, "find_ahead", lambda self: contextlib.nullcontext())


def read_film(path: Path) -> list[tuple[str, int, int, bytes]]:
    """The packets of a video in their order: kind, time and duration in ticks, and what is in them:
    pictures as they are shown, sound as it is stored. libx264 writes the same pictures in other
    bits once in a hundred times while other threads allocate memory, with any settings."""
    found = []
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size:
                content = bytes(packet)
                if isinstance(packet.stream, VideoStream):
                    (picture,) = packet.stream.decode(packet)
                    content = picture.to_ndarray().tobytes()
                assert packet.pts is not None
                found.append((packet.stream.type, packet.pts, packet.duration or 0, content))
    return found


def read_results(folder: Path) -> dict[str, object]:
    """The content of every file of a folder; notes without the times of the run."""
    found: dict[str, object] = {}
    for path in sorted(folder.iterdir()):
        if path.name.endswith(".run.json"):
            notes = json.loads(path.read_text())
            found[path.name] = {
                name: value
                for name, value in notes.items()
                if name not in ("begun", "ended", "timings")
            }
        elif path.suffix == ".mp4":
            found[path.name] = read_film(path)
        else:
            found[path.name] = path.read_bytes()
    return found


# Both ways give the same


@pytest.fixture
def fails_late(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets the guard stop the run at a frame, once the file could have been read to its end."""

    def arrange(at: int) -> None:
        step = BlurGuard.step

        def step_or_stop(self: BlurGuard, frame: Frame) -> list[FrameResult]:
            if frame.index == at:
                Event().wait(0.2)
                raise SourceError("clip.ts: stopped here.")
            return step(self, frame)

        monkeypatch.setattr(BlurGuard, "step", step_or_stop)

    return arrange


@pytest.mark.parametrize("stops_at", [None, 19, 23, FRAMES - 2])
def test_run_that_the_guard_stops_knows_nothing_of_later_frames(
    clip: Path,
    tmp_path: Path,
    blind_networks: LoadedNetworks,
    monkeypatch: pytest.MonkeyPatch,
    fails_late: Callable[[int], None],
    stops_at: int | None,
) -> None:
    """The reader is two frames ahead, or through: the sound must end with the pictures, and the
    notes must tell of the frames before the stop alone."""
    if stops_at is not None:
        fails_late(stops_at)
    outcomes: list[FileOutcome] = []
    for name in ("overlapping", "plain"):
        if name == "plain":
            run_in_one_thread(monkeypatch)
        plan = replace(make_plan(clip, tmp_path / name), encoding=LOSSLESS)
        outcomes.append(annotate(plan, blind_networks, stop=never, clock=lambda: 0.0))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].frames == (FRAMES if stops_at is None else stops_at)
    assert read_results(tmp_path / "overlapping") == read_results(tmp_path / "plain")
    has_passed_restart = stops_at is None or stops_at > FRAMES // 2
    assert ("counts its time anew" in str(outcomes[0].mended)) == has_passed_restart


def test_notes_lie_beside_records_that_got_another_name(
    clip: Path, tmp_path: Path, blind_networks: LoadedNetworks
) -> None:
    plan = make_plan(clip, tmp_path, video=False)
    records = plan.outputs.records
    assert records is not None

    def take_the_name(_: int) -> None:
        records.write_text("yours")

    with pytest.raises(SinkError, match="came to be while this run lasted"):
        annotate(plan, blind_networks, stop=never, on_reach=take_the_name)
    other = records.with_name(f"{records.stem}_2{records.suffix}")
    assert records.read_text() == "yours"
    assert not name_notes(records).exists()
    assert read_notes(other)["counts"]["frames"] == FRAMES


@pytest.mark.parametrize(("every", "reached"), [(1, 25), (10, 25), (50, 25)])
def test_stop_and_progress_are_of_the_frames_that_were_worked_on(
    clip: Path, tmp_path: Path, blind_networks: LoadedNetworks, every: int, reached: int
) -> None:
    heard: list[tuple[int, str]] = []
    plan = replace(make_plan(clip, tmp_path, video=False), selection=Selection(every=every))
    outcome = annotate(
        plan,
        blind_networks,
        stop=lambda: len(heard) >= reached,
        on_reach=lambda number: heard.append((number, threading.current_thread().name)),
    )
    here = threading.current_thread().name
    assert heard == [(number, here) for number in range(1, reached + 1)]
    assert outcome.interrupted
    assert outcome.frames == len(range(0, reached - 1, every))


# Checkpoints


class Snapshot(NamedTuple):
    """What a checkpoint says, and what the rows that it counts say."""

    next_frame: int
    counted: int
    last_row: int
    stages: object


@pytest.fixture
def snapshots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Snapshot]:
    saved: list[Snapshot] = []
    save = ResumeFile.save

    def save_and_look(self: ResumeFile, fingerprint: RunFingerprint, at: Checkpoint) -> None:
        save(self, fingerprint, at)
        records, notes = at.records, at.notes
        assert records is not None
        assert notes is not None
        rows = locate_lines(tmp_path / "out.jsonl").read_bytes()[: records["bytes"]]
        last = json.loads(rows.splitlines()[-1])["frame"]
        saved.append(Snapshot(at.next_frame, notes["counts"]["frames"], last, at.stages))

    monkeypatch.setattr(ResumeFile, "save", save_and_look)
    return saved


def test_checkpoints_hold_what_was_written_and_the_stages_of_then(
    clip: Path,
    tmp_path: Path,
    blind_networks: LoadedNetworks,
    snapshots: list[Snapshot],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows are written slowly here, so reading is ahead of them whenever a checkpoint is due."""
    write, state = LongRecords.write, Pipeline.state
    steps = 0

    def write_slowly(self: LongRecords, result: FrameResult, canvas: Image) -> None:
        Event().wait(0.01)
        write(self, result, canvas)

    def step(self: Pipeline, frame: Frame) -> FrameResult:
        nonlocal steps
        steps += 1
        return FrameResult(frame, (), ("a", "b"))

    def count_steps(self: Pipeline) -> Json:
        return {**state(self), "steps": steps}

    monkeypatch.setattr(LongRecords, "write", write_slowly)
    monkeypatch.setattr(Pipeline, "step", step)
    monkeypatch.setattr(Pipeline, "state", count_steps)
    annotate(make_plan(clip, tmp_path, video=False), blind_networks, stop=never, checkpoint_s=0.03)
    assert len(snapshots) > 3
    for one in snapshots:
        assert isinstance(one.stages, dict)
        assert one.next_frame == one.counted == one.last_row + 1 == one.stages["steps"]
    assert [one.next_frame for one in snapshots] == sorted(one.next_frame for one in snapshots)
    assert snapshots[-1].next_frame == FRAMES


@pytest.mark.parametrize(("cores", "is_found_ahead"), [(1, False), (2, True)])
def test_a_run_that_has_one_core_finds_no_group_ahead(
    clip: Path,
    tmp_path: Path,
    blind_networks: LoadedNetworks,
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
    is_found_ahead: bool,
) -> None:
    find = Follower.find_group
    names = set[str]()

    def find_and_note(self: Follower, frames: Sequence[Frame]) -> list[tuple[Face, ...]]:
        names.add(threading.current_thread().name)
        return find(self, frames)

    monkeypatch.setattr(Follower, "find_group", find_and_note)
    plan = make_plan(clip, tmp_path, exact=False)
    outcome = annotate(plan, replace(blind_networks, threads=cores), stop=never)
    assert outcome.frames == FRAMES
    assert ("find faces" in names) == is_found_ahead


@pytest.mark.parametrize(("told_at", "done"), [(11, 10), (12, 13), (13, 13), (14, 13)])
def test_checkpoints_and_stops_are_at_the_ends_of_groups(
    clip: Path,
    tmp_path: Path,
    blind_networks: LoadedNetworks,
    snapshots: list[Snapshot],
    told_at: int,
    done: int,
) -> None:
    heard: list[int] = []
    outcome = annotate(
        make_plan(clip, tmp_path, video=False, exact=False),
        blind_networks,
        stop=lambda: len(heard) >= told_at,
        on_reach=heard.append,
        checkpoint_s=0,
    )
    assert (outcome.frames, outcome.interrupted) == (done, True)
    assert {one.next_frame % 3 for one in snapshots} == {1}
    assert snapshots[-1].next_frame == done


# Errors


class Break(NamedTuple):
    """A place that fails, and the error that is heard of."""

    owner: type
    name: str
    error: BaseException


@pytest.mark.parametrize(
    "at",
    [
        Break(UprightConverter, "keep_picture", MemoryError("no room")),
        Break(UprightConverter, "keep_picture", SourceError("cannot be read.")),
        Break(BgrReader, "read", MemoryError("no room")),
        Break(Pipeline, "step", ModelError("no numbers.")),
        Break(Pipeline, "step", KeyboardInterrupt()),
        Break(ResultView, "add", MemoryError("no room")),
        Break(VideoSink, "write", SinkError("There is no room left on the disk.")),
        Break(LongRecords, "write", SinkError("There is no room left on the disk.")),
        Break(ResumeFile, "save", SinkError("There is no room left on the disk.")),
    ],
    ids=lambda at: f"{at.owner.__name__} {type(at.error).__name__}",
)
@pytest.mark.parametrize("calls", [1, 5])
def test_error_in_any_thread_ends_all_and_leaves_nothing(
    clip: Path,
    tmp_path: Path,
    blind_networks: LoadedNetworks,
    monkeypatch: pytest.MonkeyPatch,
    at: Break,
    calls: int,
) -> None:
    work = getattr(at.owner, at.name)
    left = calls

    def fail(*rest: object, **more: object) -> object:
        nonlocal left
        left -= 1
        if left <= 0:
            raise at.error
        return work(*rest, **more)

    monkeypatch.setattr(at.owner, at.name, fail)
    plan = make_plan(clip, tmp_path / "out")
    began_s = time.monotonic()
    if isinstance(at.error, SourceError) and calls > 1:
        # What came before is kept, as always where a source breaks off.
        outcome = annotate(plan, blind_networks, stop=never)
        assert (outcome.frames, list_threads()) == (calls - 1, set())
        return
    with pytest.raises(type(at.error)) as raised:
        annotate(plan, blind_networks, stop=never, checkpoint_s=0)
    assert raised.value is at.error
    assert list_threads() == set()
    assert time.monotonic() - began_s < WAIT_S
    kept = {locate_lines(tmp_path / "out" / "out.jsonl"), ResumeFile(plan.outputs.first).path}
    assert {*(tmp_path / "out").iterdir()} <= kept  # rows from which another run goes on


def test_program_ends_at_the_second_ctrl_c(clip: Path, tmp_path: Path) -> None:
    """The first one waits for the frame in hand, which takes for ever here."""
    body = """
import sys, threading, run_demo
from app.pipeline import Pipeline
def read(self, group):
    print("begun", flush=True)
    threading.Event().wait()
Pipeline._read_group = read
raise SystemExit(run_demo.main(sys.argv[1:]))
"""
    words = ["--no-window", "--device", "cpu", "--video", str(clip), "-o", "out.mp4"]
    process = subprocess.Popen(
        [sys.executable, "-c", body, *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == []
