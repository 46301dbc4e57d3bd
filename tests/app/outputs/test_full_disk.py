"""A full disk costs the output, and says so in one line."""

import contextlib
from pathlib import Path

import pytest

from app.errors import SinkError
from app.outputs.picture_writer import write_picture
from app.outputs.video import VideoSink
from app.records.writers import RecordsSink
from tests.support.synthetic import LABELS, frame_result, level_picture, noise_picture, tracked_face

try:
    import resource
except ImportError:  # Windows
    resource = None


@contextlib.contextmanager
def full_disk(free_bytes: int):
    """No file may grow past `free_bytes`: a write fails as it does on a full disk."""
    if resource is None:
        pytest.skip("needs a limit on file sizes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill_video(path: Path) -> None:
    sink = VideoSink(path, overwrite=False)
    for index in range(60):
        sink.write(frame_result(time_s=index / 25), noise_picture(index, (128, 96)))
    sink.close()


def fill_records(path: Path) -> None:
    sink = RecordsSink(path, LABELS, overwrite=False)
    for index in range(2000):
        sink.write(frame_result(tracked_face(), time_s=index / 25), level_picture(0, (6, 4)))
    sink.close()


def close_records(path: Path) -> None:
    sink = RecordsSink(path, LABELS, overwrite=False)
    for index in range(50):  # less than what is buffered
        sink.write(frame_result(tracked_face(), time_s=index / 25), level_picture(0, (6, 4)))
    sink.close()


def fill_picture(path: Path) -> None:
    write_picture(path, noise_picture(0, (128, 96)), overwrite=False)


@pytest.mark.parametrize(
    ("name", "fill"),
    [
        ("out.mp4", fill_video),
        ("out.mkv", fill_video),
        ("out.csv", fill_records),
        ("out.jsonl", close_records),
        ("out.png", fill_picture),
    ],
)
def test_full_disk_is_one_line_and_leaves_nothing(tmp_path, name, fill):
    with full_disk(4096), pytest.raises(SinkError, match=r"out\..* could not be written: ") as got:
        fill(tmp_path / name)
    assert "\n" not in str(got.value)
    assert list(tmp_path.iterdir()) == []
