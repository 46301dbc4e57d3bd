"""A clip is moved without loss, and its records are moved back."""

from pathlib import Path

import av
import numpy as np

from app.records.schema import FaceRecord, Record
from tools.moved_clip import MOVED_PX, move_back, write_moved_clip


def planes(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]


def test_every_picture_lies_two_pixels_further_to_the_right(tmp_path: Path) -> None:
    clip, moved = tmp_path / "clip.mkv", tmp_path / "moved.mkv"
    rng = np.random.default_rng(0)
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(5):
            image = rng.integers(0, 255, (48, 64, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    write_moved_clip(clip, moved)
    before, after = planes(clip), planes(moved)
    assert len(before) == len(after) == 5
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(np.roll(one[:48], MOVED_PX, axis=1), other[:48])
        colours = one[48:].reshape(-1, 32), other[48:].reshape(-1, 32)
        assert np.array_equal(np.roll(colours[0], MOVED_PX // 2, axis=1), colours[1])


def test_places_are_moved_back_and_nothing_else() -> None:
    face = FaceRecord(1, (12.0, 5.0, 9.0, 9.0), 0.9, "anger", None, {"anger": 1.0})
    pointed = FaceRecord(
        2, (2.0, 5.0, 9.0, 9.0), 0.9, "anger", None, {"anger": 1.0}, landmarks=((4.0, 7.0),) * 6
    )
    rows = [Record("a", 0, 0.0, face), Record("a", 0, 0.0, pointed), Record("a", 1, 0.1, None)]
    found = list(move_back(rows))
    assert [row.face and row.face.box_xywh for row in found] == [
        (10.0, 5.0, 9.0, 9.0),
        (0.0, 5.0, 9.0, 9.0),
        None,
    ]
    assert found[1].face is not None
    assert found[1].face.landmarks == ((2.0, 7.0),) * 6
    assert [row.frame for row in found] == [0, 0, 1]
