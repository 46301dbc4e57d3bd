"""Other programs are told of every frame: the whole program, as its users start it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.defaults import ROOT
from run_demo import main
from tests.support.receivers import osc_receiver

pytestmark = pytest.mark.slow
PROGRAM = (sys.executable, str(ROOT / "run_demo.py"))
DEMO = ("--demo", "--no-window", "--end", "1")
FRAMES = 25  # of the first second of the clip


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def read_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def faces_of(rows: Sequence[dict[str, object]]) -> list[tuple[object, object, object]]:
    return [
        (row["frame"], row["face_id"], row["probabilities"])
        for row in rows
        if row["face_id"] is not None
    ]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """The records of the first second, as a file has them."""
    folder = tmp_path_factory.mktemp("records")
    assert run(*DEMO, "--records", "r.jsonl", cwd=folder).returncode == 0
    return read_lines((folder / "r.jsonl").read_text())


def test_events_on_stdout_are_the_records_and_nothing_else(
    rows: list[dict[str, object]], tmp_path: Path
) -> None:
    done = run(*DEMO, "--events", "-", cwd=tmp_path)
    events = read_lines(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [(one["type"], one["schema"], one["frame"]) for one in events] == [
        ("frame", 1, index) for index in range(FRAMES)
    ]
    flat = [{**face, "frame": one["frame"]} for one in events for face in one["faces"]]  # type: ignore[attr-defined]
    assert faces_of(flat) == faces_of(rows)
    assert {one["captured_utc"] for one in events} == {None}
    assert list(tmp_path.iterdir()) == []


def test_records_on_stdout_are_those_of_a_file(
    rows: list[dict[str, object]], tmp_path: Path
) -> None:
    done = run(*DEMO, "--records", "-", cwd=tmp_path)
    assert (done.returncode, read_lines(done.stdout)) == (0, rows), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_as_a_camera_tells_when_each_frame_was_due(tmp_path: Path) -> None:
    done = run(*DEMO, "--realtime", "--events", "-", "--records", "r.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    events = read_lines(done.stdout)
    first = events[0]
    assert events[-1]["frame"] == FRAMES - 1
    for one in events:
        ages = one["captured_monotonic_s"], first["captured_monotonic_s"]
        times = one["time_s"], first["time_s"]
        assert ages[0] - ages[1] == pytest.approx(times[0] - times[1], abs=1e-5)  # type: ignore[operator]
        assert one["age_ms"] > 0  # type: ignore[operator]
        assert str(one["captured_utc"]).endswith("Z")
    written = read_lines((tmp_path / "r.jsonl").read_text())
    assert [one["frame"] for one in events] == sorted({row["frame"] for row in written})  # type: ignore[type-var]


def test_a_reader_that_leaves_ends_the_run_in_silence(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "--demo", "--no-window", "--events", "-"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["frame"] == 0
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read().splitlines()
        assert process.wait(60) == 1
    assert [line for line in said if " on " not in line] == []


def test_a_reader_that_leaves_takes_no_other_output_along(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, *DEMO, "--events", "-", "--records", "r.jsonl"],
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 1
    assert "The reader of the standard output left; the run goes on without it." in done.stderr
    assert read_lines((tmp_path / "r.jsonl").read_text())[-1]["frame"] == FRAMES - 1


def test_all_of_them_go_together(rows: list[dict[str, object]], tmp_path: Path) -> None:
    with osc_receiver() as server:
        target = f"127.0.0.1:{server.port}"
        words = ("--osc", target, "--osc-prefix", "/me", "--events", "e.jsonl", "--records", "-")
        done = run(*DEMO, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert read_lines(done.stdout) == rows
    events = read_lines((tmp_path / "e.jsonl").read_text())
    assert [one["frame"] for one in events] == list(range(FRAMES))
    sent = {address for address, _ in server.messages}
    assert {"/me/found", "/me/face/1/happiness", "/me/face/1/box"} <= sent


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--demo --events - --records -", "the standard output takes only one of them"),
        ("--demo --events ws", "add --serve"),
        ("--demo --events=", "argument --events: the name is empty"),
        ("--demo --records=", "argument --records: the name is empty"),
        ("--demo --output=", "argument -o/--output: the name is empty"),
        ("--demo --profile=", "argument --profile: the name is empty"),
        ("--demo --model=", "argument --model: the name is empty"),
        ("--demo --record-dir=", "argument --record-dir: the name is empty"),
        ("--video=", "argument --video: the name is empty"),
        ("--image=", "argument --image: the name is empty"),
        ("--demo --events e.csv", "events are lines of JSON. Name a file such as e.jsonl"),
        ("--demo --events nowhere/e.jsonl", "The folder nowhere does not exist"),
        ("--demo --events r.jsonl --records r.jsonl", "r.jsonl cannot be two results at once"),
        ("--demo --osc 127.0.0.1", "is no HOST:PORT"),
        ("--demo --osc nowhere.invalid:9000", "the host nowhere.invalid is not known"),
        ("--demo --lsl Anna's", "without an apostrophe"),
        ("--demo --osc-prefix /me", "--osc-prefix goes with --osc"),
        ("--demo --osc-immediately", "--osc-immediately goes with --osc"),
        ("--demo --osc 127.0.0.1:9 --osc-prefix me", "'me' is no prefix"),
        ("--realtime", "--realtime is for --video and --demo"),
        ("--image a.png --realtime", "--realtime is for --video and --demo"),
        ("--video a.mp4 b.mp4 --events -", "take one video of this machine"),
        ("--video http://h/a.mp4 --osc 127.0.0.1:9", "take one video of this machine"),
        ("--video a.mp4 --events - --resume", "without --jobs, --shard and --resume"),
        ("--serve --events -", "Outputs need a source of this machine"),
        ("--serve --events ws", "Outputs need a source of this machine"),
        ("--demo --window", "--window goes with --serve"),
        ("--demo --allow-origin https://a.org", "--allow-origin goes with --serve"),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    line: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    words = line.split()
    try:
        code = main(words if "--serve" in words else [*words, "--no-window"])
    except SystemExit as end:
        code = end.code  # type: ignore[assignment]
    said = capfd.readouterr()
    assert (code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1, said.err
    assert message in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_no_virtual_camera_prints_the_commands_that_make_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = main(["--demo", "--no-window", "--virtual-camera", str(tmp_path / "video9")])
    said = capfd.readouterr().err
    assert code == 2
    assert "video9" in said
    if sys.platform == "linux":
        assert "sudo modprobe v4l2loopback" in said
