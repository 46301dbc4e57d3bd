"""Several videos in several processes: what fails, crashes or is stopped concerns one file."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.batch.annotate import FileOutcome
from app.batch.progress import Bars, shorten_name
from app.batch.run_all import WorkersLostError, _News, annotate_all, describe_outcome
from app.batch.run_here import BatchListener
from app.defaults import PORTRAIT_CLIP, ROOT
from app.errors import SinkError
from app.process.signals import hold_back_signals
from app.runs.check_plan import check_plan
from app.runs.checkpoint import ResumeFile
from app.runs.plan import BatchPlan, OutputPaths, RunPlan, VideoInput
from tests.support.program import called
from tools.make_portrait_clip import FPS

CUT, MENDED = "1 of them with a part missing", "1 of them whole, with mended times"


def command(*options: str) -> list[str]:
    return [sys.executable, str(ROOT / "run_demo.py"), "--no-window", "--device", "cpu", *options]


def annotated(folder: Path, line: str, code: int = 0) -> list[str]:
    """What the command says. It works in processes of its own, however it is called."""
    found, said = called(folder, "--no-window", "--device", "cpu", *line.split())
    assert found == code, said
    return said.splitlines()


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder with the portrait clip under three names and a file that is no video."""
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("a.mp4", "b.mov", "c.mp4"):
        (folder / name).write_bytes(PORTRAIT_CLIP.read_bytes())
    (folder / "bad.mp4").write_text("no video")
    return folder


@pytest.mark.parametrize(
    ("name", "said"), [("gone.mp4", "does not exist"), ("photo.png", "is a picture. Use --image.")]
)
def test_what_is_no_video_is_said_before_a_model_is_loaded(
    tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    (tmp_path / "no.onnx").touch()  # would be complained of
    line = f"--video {tmp_path / name} --records .csv --model {tmp_path / 'no.onnx'}"
    (line,) = annotated(tmp_path, line, code=2)
    assert line.endswith(said if said.endswith(".") else f"{said}.")


@pytest.mark.parametrize(
    ("stopped", "code", "said"), [(True, 130, "Interrupted.\n"), (False, 0, "")]
)
def test_a_run_that_ends_while_it_loads_says_so(
    stopped: bool, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = [RunPlan(VideoInput(Path("a.mp4")), OutputPaths())]
    assert _News(plans, Bars(plans)).sum_up(stopped=stopped) == code
    assert capsys.readouterr() == ("", said)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_each_gets_its_own_and_a_bad_one_is_skipped(films: Path, tmp_path: Path) -> None:
    common = "--video films --records .csv --every 3 --end 1"
    said = annotated(tmp_path, f"{common} -o one", 1)
    assert said[-1].startswith("4 videos: 3 done, 1 failed, in ")
    assert [line for line in said if line.startswith("error: ")] == [
        "error: films/bad.mp4 is not a video, or is damaged beyond reading."
    ]
    wanted = [f"{n}{end}" for n in "abc" for end in (".csv", ".run.json", "_annotated.mp4")]
    assert names(tmp_path / "one") == wanted
    said = annotated(tmp_path, f"{common} -o two --jobs 2", 1)
    assert names(tmp_path / "two") == wanted
    for name in ("a.csv", "b.csv", "c.csv"):
        one, two = ((tmp_path / run / name).read_bytes() for run in ("one", "two"))
        assert one == two
    (tmp_path / "two" / "b.csv").unlink()
    said = annotated(tmp_path, f"{common} -o two --resume", 2)
    assert "exists already" in said[0]
    for name in ("b.run.json", "b_annotated.mp4"):
        (tmp_path / "two" / name).unlink()
    said = annotated(tmp_path, f"{common} -o two --resume", 1)
    assert {"a.mp4: finished before.", "c.mp4: finished before."} < set(said)
    assert (tmp_path / "two" / "b.csv").read_bytes() == (tmp_path / "one" / "b.csv").read_bytes()
    assert names(films) == ["a.mp4", "b.mov", "bad.mp4", "c.mp4"]


@pytest.mark.slow
def test_where_nothing_can_be_done_the_code_is_2(tmp_path: Path) -> None:
    for name in ("x.mp4", "y.mp4"):
        (tmp_path / name).write_text("no video")
    said = annotated(tmp_path, "--video x.mp4 y.mp4 --records out", 2)
    assert said[-1].startswith("2 videos: 0 done, 2 failed, in ")
    assert names(tmp_path) == ["x.mp4", "y.mp4"]


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def running(folder: Path, line: str, until: Path) -> subprocess.Popen[str]:
    """The command, from when there is a checkpoint of `until` on."""
    process = subprocess.Popen(
        command(*line.split()), cwd=folder, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not ResumeFile(until).exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    return process


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker in /proc")
def test_crashed_worker_costs_one_file_which_goes_on(films: Path, tmp_path: Path) -> None:
    line = "--video films/a.mp4 films/b.mov --records out --end 2"
    process = running(tmp_path, line, tmp_path / "out" / "a.jsonl")
    (worker,) = workers_of(process)
    os.kill(worker, signal.SIGSEGV)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "error: films/a.mp4: its worker was ended by SIGSEGV." in said
    assert "2 videos: 1 done, 1 failed" in said
    assert {"b.jsonl", "b.run.json"} < set(names(tmp_path / "out"))
    assert not (tmp_path / "out" / "a.jsonl").exists()
    annotated(tmp_path, f"{line} --resume")
    assert names(tmp_path / "out") == ["a.jsonl", "a.run.json", "b.jsonl", "b.run.json"]
    a, b = ((tmp_path / "out" / f"{name}.jsonl").read_text() for name in "ab")
    assert a.replace("a.mp4", "b.mov") == b


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_and_killed_runs_leave_nothing_half_done(
    films: Path, tmp_path: Path, how: signal.Signals
) -> None:
    line = "--video films/a.mp4 films/b.mov --records out --jobs 2 --end 3"
    process = running(tmp_path, line, tmp_path / "out" / "a.jsonl")
    os.kill(process.pid, how)
    _, said = process.communicate(timeout=60)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert said.splitlines()[-1] == "Interrupted. The same command with --resume goes on."
    assert not (tmp_path / "out" / "a.jsonl").exists()
    annotated(tmp_path, f"{line} --resume")
    a, b = ((tmp_path / "out" / f"{name}.jsonl").read_text() for name in "ab")
    assert a.replace("a.mp4", "b.mov") == b
    assert len({json.loads(row)["frame"] for row in a.splitlines()}) == 3 * FPS
    assert names(tmp_path / "out") == ["a.jsonl", "a.run.json", "b.jsonl", "b.run.json"]


def plan(folder: Path, **options: bool) -> RunPlan:
    return RunPlan(VideoInput(PORTRAIT_CLIP), OutputPaths(records=folder / "r.csv"), **options)


def test_unfinished_runs_are_not_begun_anew_unasked(tmp_path: Path) -> None:
    check_plan(plan(tmp_path))
    ResumeFile(tmp_path / "r.csv").path.touch()
    with pytest.raises(SinkError, match=r"Add --resume to go on, or --overwrite"):
        check_plan(plan(tmp_path))
    check_plan(plan(tmp_path, resume=True))
    check_plan(plan(tmp_path, overwrite=True))


@pytest.mark.parametrize(
    ("outcome", "named", "lines"),
    [
        (FileOutcome(finished_before=True), True, ["portrait.mp4: finished before."]),
        (
            FileOutcome(2, 1, 4.0),
            False,
            ["2 frames with 1 face in 4.0 s (0.5 frames/s) -> r.csv, r.run.json"],
        ),
        (
            FileOutcome(2, 1, 4.0, cut_short="It ends early."),
            True,
            [
                "portrait.mp4: 2 frames with 1 face in 4.0 s (0.5 frames/s) -> r.csv, r.run.json",
                "warning: It ends early.",
            ],
        ),
        (
            FileOutcome(2, 1, 4.0, mended="It has a wrong time, which was mended."),
            True,
            [
                "portrait.mp4: 2 frames with 1 face in 4.0 s (0.5 frames/s) -> r.csv, r.run.json",
                "warning: It has a wrong time, which was mended.",
            ],
        ),
        (
            FileOutcome(9, 1, 4.0, from_frame=5, interrupted=True),
            True,
            ["portrait.mp4: 9 frames with 1 face, 4.0 s from frame 5 on"],
        ),
    ],
)
def test_what_is_said_of_a_file(outcome: FileOutcome, named: bool, lines: list[str]) -> None:
    assert describe_outcome(plan(Path()), outcome, named=named) == lines


@pytest.mark.parametrize(
    ("finished", "failed", "code", "said"),
    [
        ((), (), 2, "3 videos: 0 done, 3 not read to the end, in "),
        ((1,), (), 1, "3 videos: 1 done, 2 not read to the end, in "),
        ((1,), (0,), 1, "3 videos: 1 done, 1 failed, 1 not read to the end, in "),
        ((0, 1, 2), (), 0, "3 videos: 3 done, in "),
    ],
)
def test_workers_that_are_lost_end_with_a_summary_and_what_is_left(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    finished: Sequence[int],
    failed: Sequence[int],
    code: int,
    said: str,
) -> None:
    def tell(
        plans: Sequence[RunPlan],
        *,
        workers: int,
        stop: Callable[[], bool],
        listener: BatchListener,
    ) -> None:
        for number in finished:
            listener.hear_done(number, FileOutcome())
        for number in failed:
            listener.hear_failed(number, "It is no video.")
        raise WorkersLostError("The cluster is gone.")

    videos = [VideoInput(Path(f"{name}.mp4")) for name in "abc"]
    runs = tuple(replace(plan(tmp_path), source=video) for video in videos)
    assert annotate_all(BatchPlan(runs, ()), stop=lambda: False, elsewhere=tell) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if ".mp4: 0 frames" not in line]
    assert "error: The cluster is gone." in lines
    left = [n for n in range(3) if n not in (*finished, *failed)]
    assert lines[-1 - bool(left)].startswith(said)
    if left:
        names = ", ".join(f"{'abc'[n]}.mp4" for n in left)
        assert lines[-1] == (
            f"Not read to the end: {names}. The same command with --resume goes on."
        )


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_folder_where_none_can_be_made_is_not_called_missing(tmp_path: Path) -> None:
    line = f"--video {PORTRAIT_CLIP} --records /proc/nope"
    assert annotated(tmp_path, line, 2) == [
        "error: /proc/nope could not be written: No such file or directory. No file can be made "
        "there. Choose another folder."
    ]
    missing = f"error: The folder {tmp_path}/no does not exist. Make it, or choose another one."
    line = f"--video {PORTRAIT_CLIP} --records {tmp_path}/no/out"
    assert annotated(tmp_path, line, 2) == [missing]


@pytest.mark.parametrize(
    ("outcomes", "done", "code"),
    [
        ([FileOutcome(), FileOutcome()], "2 done", 0),
        (
            [FileOutcome(), FileOutcome(cut_short="cut")],
            "2 done (1 of them with a part missing)",
            1,
        ),
        (
            [FileOutcome(), FileOutcome(mended="t")],
            "2 done (1 of them whole, with mended times)",
            1,
        ),
        (
            [FileOutcome(cut_short="cut", mended="t"), FileOutcome(mended="t")],
            f"2 done ({CUT}; {MENDED})",
            1,
        ),
    ],
)
def test_the_summary_tells_a_cut_video_from_one_with_mended_times(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    outcomes: list[FileOutcome],
    done: str,
    code: int,
) -> None:
    def tell(
        plans: Sequence[RunPlan],
        *,
        workers: int,
        stop: Callable[[], bool],
        listener: BatchListener,
    ) -> None:
        for number, outcome in enumerate(outcomes):
            listener.hear_done(number, outcome)

    batch = BatchPlan((plan(tmp_path), plan(tmp_path)), ())
    assert annotate_all(batch, stop=lambda: False, elsewhere=tell) == code
    assert f"2 videos: {done}, in " in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("records", ["", " --records .csv"])
def test_pictures_of_faces_are_not_taken_for_covered_ones(
    films: Path, tmp_path: Path, records: str
) -> None:
    """A video that was made without --blur is not what a run with it may call finished."""
    line = f"--video films/a.mp4 -o out.mp4{records} --end 0.2"
    annotated(tmp_path, line)
    before = (tmp_path / "out.mp4").read_bytes()
    said = annotated(tmp_path, f"{line} --resume --blur", 2)
    why = "was made with another --blur" if records else "nothing says that its faces are covered"
    assert why in said[-1]
    assert "--overwrite instead of --resume" in said[-1]
    assert (tmp_path / "out.mp4").read_bytes() == before
    annotated(tmp_path, f"{line} --blur --overwrite")
    assert (tmp_path / "out.mp4").read_bytes() != before


@pytest.mark.parametrize(
    ("name", "shown"),
    [("talk.mp4", "talk.mp4"), ("x" * 20 + ".mp4", "x" * 20 + ".mp4")]
    + [("a_talk_with_a_very_long_name_of_2026.mp4", "a_talk_with…_of_2026.mp4")],
)
def test_bar_of_a_long_name_has_room(name: str, shown: str) -> None:
    assert shorten_name(name) == shown


@pytest.mark.skipif(sys.platform == "win32", reason="signals wait on POSIX only")
def test_ctrl_c_while_a_worker_loads_does_not_end_it() -> None:
    """A terminal gives it to all processes at once, those that are loading too."""
    body = "import time; print(1, flush=True); time.sleep(0.2); from app.process.signals import *;"
    line = [sys.executable, "-c", f"{body} ignore_signals(); print('lives')"]
    with hold_back_signals():
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == b"lives\n"
    assert process.returncode == 0
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
