"""A run that was killed goes on and ends with the same bytes as one that was not."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame

from app.defaults import PORTRAIT_CLIP, ROOT
from app.records.resumable import locate_lines
from app.runs.checkpoint import ResumeFile
from tests.support.program import called

FRAMES = 80  # both faces are in the picture all the time


def write_two_faces(path: Path, frames: int = FRAMES) -> None:
    """The portrait clip beside its own mirror image, half a second later, at half its size."""
    with av.open(str(PORTRAIT_CLIP)) as container:
        pictures = []
        for number, frame in enumerate(container.decode(video=0)):
            if number == frames + 12:
                break
            pictures.append(cv2.resize(frame.to_ndarray(format="bgr24"), (320, 240)))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=640, height=240)
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "ultrafast", "crf": "18"}
        for left, right in zip(pictures[:frames], pictures[12:], strict=True):
            both = np.ascontiguousarray(np.hstack([left, right[:, ::-1]]))
            container.mux(stream.encode(VideoFrame.from_ndarray(both, format="bgr24")))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def two_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("two") / "two.mp4"
    write_two_faces(path)
    return path


def words(clip: Path, *options: str) -> list[str]:
    return ["--no-window", "--device", "cpu", "--video", str(clip), *options]


def finish(clip: Path, folder: Path, *options: str) -> str:
    code, said = called(folder, *words(clip, *options))
    assert code == 0, said
    return said


def next_frame(first: Path) -> int:
    return int(json.loads(ResumeFile(first).path.read_text())["next_frame"])


# The program, which sends itself a signal some frames after it has saved a checkpoint at `frame` or
# later, in the middle of its work: whatever the machine's speed, the rows in between are lost.
STRUCK = """
import os, sys
frame, how = int(sys.argv[1]), int(sys.argv[2])
sys.argv = ["run_demo.py", *sys.argv[3:]]
import run_demo
import app.batch.annotate as one_file
from app.pipeline import Pipeline
from app.runs.checkpoint import ResumeFile

one_file.annotate.__kwdefaults__["checkpoint_s"] = 0.1
save, feed, left = ResumeFile.save, Pipeline.feed, None

def saving(self, identity, at):
    global left
    if left is None:
        save(self, identity, at)
        if at.next_frame >= frame:
            left = 5
    elif how == 2:
        save(self, identity, at)

def stepping(self, picture):
    global left
    if left is not None:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), how)
    return feed(self, picture)

ResumeFile.save, Pipeline.feed = saving, stepping
raise SystemExit(run_demo.main(sys.argv[1:]))
"""


def stop_at(frame: int, how: signal.Signals, clip: Path, first: Path, *options: str) -> int:
    """Runs until the signal comes, some frames after a checkpoint at `frame` or later. Returns the
    exit code."""
    run = [sys.executable, "-c", STRUCK, str(frame), str(int(how)), *words(clip, *options)]
    done = subprocess.run(
        run,
        cwd=first.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0, "it was over before it was struck"
    return done.returncode


@pytest.fixture(scope="module")
def unbroken(two_faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the records and episodes of a run that nobody stopped."""
    folder = tmp_path_factory.mktemp("unbroken")
    for kind in ("jsonl", "csv", "parquet"):
        finish(two_faces, folder, "--records", f"{kind}.{kind}", "--episodes", f"{kind}.vtt")
    return folder


@pytest.mark.slow
def test_two_faces_are_read_and_smoothed(unbroken: Path) -> None:
    rows = [json.loads(line) for line in (unbroken / "jsonl.jsonl").read_text().splitlines()]
    assert {row["frame"] for row in rows} == set(range(FRAMES))
    assert len([row for row in rows if row["face_id"] in (1, 2)]) > 1.9 * FRAMES
    assert any(row["probabilities"] != row["raw_probabilities"] for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "at"), [("jsonl", (5, 35)), ("csv", (20,)), ("parquet", (20,))])
def test_killed_run_ends_with_the_same_bytes(
    two_faces: Path, unbroken: Path, tmp_path: Path, kind: str, at: tuple[int, ...]
) -> None:
    first = tmp_path / f"{kind}.{kind}"
    asked = ("--records", first.name, "--episodes", f"{kind}.vtt", "--resume")
    for frame in at:
        code = stop_at(frame, signal.SIGKILL, two_faces, first, *asked)
        assert code == -signal.SIGKILL
        assert not first.exists()
        begun = next_frame(first)
        assert frame <= begun < FRAMES
    assert f" from frame {begun} on -> " in finish(two_faces, tmp_path, *asked)
    for name in (first.name, f"{kind}.vtt"):
        assert (tmp_path / name).read_bytes() == (unbroken / name).read_bytes()
    notes, others = (
        json.loads((folder / f"{kind}.run.json").read_text()) for folder in (tmp_path, unbroken)
    )
    assert notes["counts"] == others["counts"]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted([first.name, f"{kind}.vtt", f"{kind}.run.json"])


@pytest.mark.slow
def test_stopped_run_goes_on_too(two_faces: Path, unbroken: Path, tmp_path: Path) -> None:
    """Ctrl-C on a single file completes its results up to there; they are gone on with."""
    first = tmp_path / "jsonl.jsonl"
    asked = ("--records", first.name)
    assert stop_at(10, signal.SIGINT, two_faces, first, *asked) == 130
    part = first.read_bytes()
    assert part.endswith(b"}\n")
    assert (unbroken / first.name).read_bytes().startswith(part)
    assert json.loads((tmp_path / "jsonl.run.json").read_text())["interrupted"] is True
    again = refused(two_faces, tmp_path, *asked)
    assert again.startswith("error: An unfinished run of two.mp4 lies beside jsonl.jsonl.")
    other = refused(two_faces, tmp_path, *asked, "--resume", "--max-faces", "1")
    assert "it was begun with another --max-faces" in other
    assert first.read_bytes() == part
    finish(two_faces, tmp_path, *asked, "--resume")
    assert first.read_bytes() == (unbroken / first.name).read_bytes()
    assert json.loads((tmp_path / "jsonl.run.json").read_text())["interrupted"] is False
    before = first.stat().st_mtime_ns
    assert "two.mp4: finished before." in finish(two_faces, tmp_path, *asked, "--resume")
    assert first.stat().st_mtime_ns == before
    other = refused(two_faces, tmp_path, *asked, "--resume", "--every", "2")
    assert "jsonl.jsonl was made with another --every" in other


def refused(clip: Path, folder: Path, *options: str) -> str:
    code, said = called(folder, *words(clip, *options))
    assert code == 2, said
    return "\n".join(line for line in said.splitlines() if " on CPU" not in line)


@pytest.mark.slow
def test_changed_rows_and_damaged_checkpoints_are_not_gone_on_with(
    two_faces: Path, tmp_path: Path
) -> None:
    first = tmp_path / "r.jsonl"
    asked = ("--records", first.name, "--resume")
    stop_at(5, signal.SIGKILL, two_faces, first, *asked)
    rows, kept = locate_lines(first), ResumeFile(first).path
    content = rows.read_bytes()
    rows.write_bytes(content.replace(b"happiness", b"sadness00", 1))
    assert "is not as the run left it" in refused(two_faces, tmp_path, *asked)
    rows.write_bytes(content)
    state = json.loads(kept.read_text())
    state["stages"]["follower"]["known"] = [{"face": "a face"}]
    for damaged in (json.dumps(state), "[" * 100_000, '{"schema": 1}', ""):
        kept.write_text(damaged)
        assert "cannot go on: it is damaged" in refused(two_faces, tmp_path, *asked)
    assert "--overwrite" in refused(two_faces, tmp_path, "--records", first.name)
    finish(two_faces, tmp_path, "--records", first.name, "--overwrite", "--end", "0.2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.jsonl", "r.run.json"]
