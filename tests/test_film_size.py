"""The annotated video of a call that grows is as large as the call becomes."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest

from app.film_size import may_grow
from app.sources import VideoSource
from app.types import FrameResult
from app.video_sink import VideoSink
from tests.synthetic import index_of, write_video

MILLISECONDS = Fraction(1, 1000)


def write_call(path: Path, sizes_wh: Sequence[tuple[int, int]]) -> None:
    """As a browser records it: VP8 in one track, four frames of each size."""
    with av.open(str(path), "w") as container:
        track = None
        for number, size_wh in enumerate(sizes_wh):
            part = path.with_name("part.webm")
            write_video(part, frames=4, size_wh=size_wh, codec="libvpx")
            with av.open(str(part)) as source:
                stream = source.streams.video[0]
                track = track or container.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.size:
                        packet.pts = packet.dts = packet.pts + 160 * number
                        packet.time_base, packet.stream = MILLISECONDS, track
                        container.mux(packet)


@pytest.mark.parametrize(
    ("sizes_wh", "film_wh"),
    [
        ([(64, 48)], (64, 48)),
        ([(64, 48), (128, 96), (96, 72)], (128, 96)),
        ([(64, 48), (48, 64), (96, 128)], (64, 48)),  # of another shape
    ],
)
def test_annotated_call_is_as_large_as_it_becomes(
    sizes_wh: list[tuple[int, int]], film_wh: tuple[int, int], tmp_path: Path
) -> None:
    path, out = tmp_path / "call.webm", tmp_path / "out.webm"
    write_call(path, sizes_wh)
    with VideoSource(path) as source:
        assert source.size_wh == sizes_wh[0]
        sink = VideoSink(out, source_video=source)
        for frame in source:
            sink.write(FrameResult(frame, (), ()), frame.image)
        sink.close()
    with VideoSource(out) as copy:
        images = [frame.image for frame in copy]
    assert {image.shape[1::-1] for image in images} == {film_wh}
    assert [index_of(image) for image in images] == [0, 1, 2, 3] * len(sizes_wh)


def test_only_recorded_calls_are_looked_through() -> None:
    assert may_grow("matroska,webm", "vp8")
    assert not may_grow("matroska,webm", "h264")
    assert not may_grow("mov,mp4,m4a,3gp,3g2,mj2", "vp9")
