"""Copies videos through a source and a sink, for tests."""

from pathlib import Path

from app.outputs.video import VideoSink
from app.sources.video import VideoSource
from app.types import FrameResult
from tests.support.synthetic import LABELS


def annotate(source_path: Path, path: Path, *, stop_after: int | None = None) -> list[float]:
    """Copies a video through a source and a sink, and returns the times of the frames, s."""
    times_s = []
    with VideoSource(source_path) as source:
        sink = VideoSink(path, overwrite=False, source_video=source)
        for frame in source:
            sink.write(FrameResult(frame, (), LABELS), frame.image)
            times_s.append(frame.time_s)
            if len(times_s) == stop_after:
                break
        sink.close()
        sink.close()
        sink.abort()
    return times_s


def read_times_s(path: Path) -> list[float]:
    """Returns the times of the frames of a video without a fault, s."""
    with VideoSource(path) as source:
        times_s = [frame.time_s for frame in source]
    assert source.warning is None
    return times_s
