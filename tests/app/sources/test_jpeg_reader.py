"""Pictures of a Motion JPEG: the same from both decoders, whole, and of any size."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from app.frames.jpeg_picture import decode_jpeg, is_whole_jpeg
from app.frames.stored_shape import Shape
from app.sources import jpeg_reader
from app.sources.jpeg_reader import JpegReader
from tests.support.synthetic import index_of, level_picture

SIZES_WH = [(64, 48), (64, 48), (64, 48), (96, 80), (96, 80), (64, 48)]


@pytest.fixture
def motion_jpeg(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mjpeg"
    pictures = [level_picture(number, size_wh) for number, size_wh in enumerate(SIZES_WH)]
    path.write_bytes(b"".join(cv2.imencode(".jpg", one)[1].tobytes() for one in pictures))
    return path


def test_size_may_change_and_opencv_decodes_what_has_the_size_before(
    motion_jpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(
        jpeg_reader, "decode_jpeg", lambda data: (asked.append(data.size), decode_jpeg(data))[1]
    )
    shapes: list[Shape] = []
    with av.open(str(motion_jpeg)) as container:
        stream = container.streams.video[0]
        reader = JpegReader(stream, shapes.append)
        made = [reader.make(packet) for packet in container.demux(stream) if packet.size]
        reader.close()
    images = [image for image in made if image is not None]
    assert [image.shape[1::-1] for image in images] == SIZES_WH
    assert [index_of(image) for image in images] == list(range(len(SIZES_WH)))
    assert [shape.stored_wh for shape in shapes] == SIZES_WH
    assert len(asked) == len(SIZES_WH) - 1


def test_both_decoders_make_the_same_picture(tmp_path: Path) -> None:
    grey = cv2.resize(np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8), (640, 480))
    path = tmp_path / "clip.mjpeg"
    path.write_bytes(cv2.imencode(".jpg", grey)[1].tobytes() * 2)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        reader = JpegReader(stream, lambda shape: None)
        first, second = (reader.make(packet) for packet in container.demux(stream) if packet.size)
    assert first is not None
    assert second is not None
    apart = np.abs(first.astype(int) - second.astype(int))
    assert apart.mean() < 0.5
    assert np.percentile(apart, 99.9) <= 3


def test_closed_reader_and_damaged_pictures_give_nothing(motion_jpeg: Path) -> None:
    with av.open(str(motion_jpeg)) as container:
        stream = container.streams.video[0]
        reader = JpegReader(stream, lambda shape: None)
        packet = next(container.demux(stream))
        broken = av.Packet(b"no jpeg!!")
        assert reader.make(broken) is None
        reader.close()
        assert reader.make(packet) is None


def test_whole_jpegs_are_told_from_parts() -> None:
    whole = cv2.imencode(".jpg", level_picture(3, (64, 48)))[1].ravel()
    padded = np.concatenate([whole, np.zeros(100, np.uint8)])
    assert [is_whole_jpeg(data) for data in (whole, padded, whole[:-9], whole[4:])] == [
        True,
        True,
        False,
        False,
    ]
    decoded = decode_jpeg(whole)
    assert decoded is not None
    assert index_of(decoded) == 3
    assert decode_jpeg(np.full(50, 7, np.uint8)) is None
