"""Calls that grow while they are recorded are read at the size that they reach."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest

from app.sources.call_sizes import find_call_sizes_wh, read_vp8_size_wh, read_vp9_size_wh
from app.sources.video import VideoSource
from tests.support.synthetic import index_of, write_video

MILLISECONDS = Fraction(1, 1000)


def write_call(path: Path, sizes_wh: Sequence[tuple[int, int]], codec: str) -> None:
    """As a browser records it: in one track, four frames of each size."""
    with av.open(str(path), "w") as container:
        track = None
        for number, size_wh in enumerate(sizes_wh):
            part = path.with_name("part.webm")
            write_video(part, frames=4, size_wh=size_wh, codec=codec)
            with av.open(str(part)) as source:
                stream = source.streams.video[0]
                track = track or container.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.size:
                        packet.pts = packet.dts = packet.pts + 160 * number
                        packet.time_base, packet.stream = MILLISECONDS, track
                        container.mux(packet)


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
@pytest.mark.parametrize(
    ("sizes_wh", "shown_wh"),
    [
        ([(64, 48)], [(64, 48)]),
        ([(64, 48), (128, 96), (96, 72)], [(128, 96)] * 3),
        ([(64, 48), (48, 64), (96, 128)], [(64, 48), (96, 128), (96, 128)]),
    ],
)
def test_call_is_read_at_the_size_that_it_grows_to(
    sizes_wh: list[tuple[int, int]], shown_wh: list[tuple[int, int]], codec: str, tmp_path: Path
) -> None:
    path = tmp_path / "call.webm"
    write_call(path, sizes_wh, codec)
    with VideoSource(path) as source:
        assert source.size_wh == shown_wh[0]
        frames = list(source)
    assert [frame.image.shape[1::-1] for frame in frames[::4]] == shown_wh
    assert [index_of(frame.image) for frame in frames] == [0, 1, 2, 3] * len(sizes_wh)
    stored = source.picture_facts.get("shape_changes", [])
    assert [tuple(change["stored_size_wh"]) for change in stored] == sizes_wh[1:]
    assert len(source.remarks) == (len(set(shown_wh)) > 1)


def test_only_recorded_calls_are_looked_through(tmp_path: Path) -> None:
    path = tmp_path / "call.webm"
    write_call(path, [(64, 48), (130, 98)], "libvpx")
    sizes = {(64, 48), (130, 98)}
    assert find_call_sizes_wh(path, "matroska,webm", "vp8") == sizes
    assert find_call_sizes_wh(path, "matroska,webm", "h264") == set()
    assert find_call_sizes_wh(path, "mov,mp4,m4a,3gp,3g2,mj2", "vp8") == set()
    assert find_call_sizes_wh(tmp_path / "none.webm", "matroska,webm", "vp8") == set()


@pytest.mark.parametrize(
    "frame", [b"", b"\0", b"\x82", bytes(16), b"\xff" * 16, b"\x82\x49\x83\x42"]
)
def test_headers_of_nothing_give_no_size(frame: bytes) -> None:
    assert read_vp8_size_wh(frame) is None
    assert read_vp9_size_wh(frame) in (None, (1, 1))
