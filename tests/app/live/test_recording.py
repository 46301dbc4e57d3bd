"""Recordings and snapshots: new files, whole, their times from their own beginning."""

import json
from datetime import datetime, tzinfo
from pathlib import Path

import av
import numpy as np
import pytest

from app.errors import SinkError
from app.live.recording import Recorder, name_by_time, save_snapshot
from app.types import Face, Frame, FrameResult, Image, TrackedFace

NOW = datetime(2026, 3, 1, 12, 30, 5, 250_000)


def result(index: int, time_s: float, faces: int = 0) -> FrameResult:
    shares = np.array([0.25, 0.75], np.float32)
    found = Face((10, 10, 40, 40), np.full((6, 2), 20, np.float32), 0.9)
    return FrameResult(
        Frame(np.full((48, 64, 3), 90, np.uint8), index, time_s, "camera:0"),
        tuple(TrackedFace(found, n, "b", shares, shares) for n in range(1, faces + 1)),
        ("a", "b"),
    )


def canvas() -> Image:
    return np.full((48, 64, 3), 90, np.uint8)


class Failing:
    path, dropped, warning = Path("x.mp4"), 0, None

    def __init__(self, path: Path) -> None:
        self.aborted = False

    def write(self, result: FrameResult, canvas: Image) -> None:
        raise SinkError("disk full")

    def close(self) -> None:
        raise AssertionError

    def abort(self) -> None:
        self.aborted = True


def test_names_carry_the_time_and_never_meet(tmp_path: Path) -> None:
    first = name_by_time(tmp_path, "recording", ".mp4", NOW)
    assert first.name == "recording_20260301_123005_250.mp4"
    first.touch()
    assert (
        name_by_time(tmp_path, "recording", ".mp4", NOW).name
        == "recording_20260301_123005_250_2.mp4"
    )
    second = tmp_path / "recording_20260301_123005_250_2.mp4"
    third = name_by_time(tmp_path, "recording", ".mp4", NOW, {second})
    assert third.name == "recording_20260301_123005_250_3.mp4"


@pytest.mark.parametrize("faces", [0, 1, 2])
def test_snapshot_has_a_line_for_each_face_beside_it(tmp_path: Path, faces: int) -> None:
    path = save_snapshot(tmp_path, result(7, 0.5, faces), canvas())
    rows = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
    assert len(rows) == max(1, faces)
    assert [row["frame"] for row in rows] == [7] * len(rows)
    assert rows[0]["face_id"] == (1 if faces else None)


def test_recording_is_a_video_from_its_own_beginning(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    assert recorder.start().startswith(f"Recording to {tmp_path}")
    for step in range(10):
        recorder.write(result(100 + step, 40 + step / 25), canvas())
    assert recorder.seconds == pytest.approx(9 / 25)
    (line,) = recorder.finish()
    (path,) = tmp_path.iterdir()
    assert line == f"Saved {path} (0.4 s)."
    with av.open(str(path)) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert times == pytest.approx([step / 25 for step in range(10)], abs=1e-3)
    assert not recorder.is_running


def test_two_recordings_are_two_files_even_of_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Still(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return NOW

    monkeypatch.setattr("app.live.recording.datetime", Still)
    recorder = Recorder(tmp_path)
    for _ in range(2):
        recorder.start()
        recorder.write(result(0, 0.0), canvas())
        recorder.stop()
    assert len(recorder.finish()) == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_recording_without_a_frame_leaves_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.start()
    assert recorder.finish() == ["Nothing was recorded."]
    assert not list(tmp_path.iterdir())


def test_recording_that_fails_ends_and_says_so(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, open_video=Failing)
    recorder.start()
    recorder.write(result(0, 0.0), canvas())
    assert not recorder.is_running
    assert recorder.finish() == ["The recording ended, and nothing of it is kept: disk full"]


def test_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "none")
    assert "none does not exist" in recorder.start()
    assert not recorder.is_running


def test_aborted_recording_leaves_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.start()
    recorder.write(result(0, 0.0), canvas())
    recorder.abort()
    assert not list(tmp_path.iterdir())
