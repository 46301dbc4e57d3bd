"""Moves the picture of a video by two pixels, to see how much of a difference between two readings
is the trembling of the detector."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from app.records.schema import Record
from app.types import Image

MOVED_PX = 2  # an even number, so that the colour planes move by whole pixels
LOSSLESS = {"qp": "0", "preset": "ultrafast", "bf": "0"}  # of libx264


def write_moved_clip(clip: Path, path: Path) -> None:
    """Writes a copy of a video without sound, encoded without loss, whose picture lies `MOVED_PX`
    further to the right. What leaves at the right comes in at the left."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as copy:
        stream = source.streams.video[0]
        made = copy.add_stream("libx264", rate=stream.average_rate, options=LOSSLESS)
        assert isinstance(made, VideoStream)
        made.width, made.height, made.pix_fmt = stream.width, stream.height, "yuv420p"
        assert stream.time_base is not None
        made.codec_context.time_base = stream.time_base
        context, coded = stream.codec_context, made.codec_context
        coded.colorspace, coded.color_range = context.colorspace, context.color_range
        coded.color_primaries, coded.color_trc = context.color_primaries, context.color_trc
        for frame in source.decode(stream):
            copy.mux(made.encode(_move_frame(frame)))
        copy.mux(made.encode(None))


def _move_frame(frame: VideoFrame) -> VideoFrame:
    planes = frame.reformat(format="yuv420p").to_ndarray()  # (1.5 H, W), the colours below
    height = frame.height
    colours = planes[height:].reshape(-1, frame.width // 2)
    moved: Image = np.vstack(
        [
            np.roll(planes[:height], MOVED_PX, axis=1),
            np.roll(colours, MOVED_PX // 2, axis=1).reshape(-1, frame.width),
        ]
    )
    made = VideoFrame.from_ndarray(moved, format="yuv420p")
    made.pts, made.time_base = frame.pts, frame.time_base
    made.colorspace, made.color_range = frame.colorspace, frame.color_range
    return made


def move_back(records: Iterable[Record]) -> Iterator[Record]:
    """Yields the records of a moved clip with the places that faces have in the clip itself."""
    for record in records:
        face = record.face
        if face is not None:
            x, y, width, height = face.box_xywh
            points = face.landmarks and tuple((px - MOVED_PX, py) for px, py in face.landmarks)
            box_xywh = (x - MOVED_PX, y, width, height)
            record = replace(record, face=replace(face, box_xywh=box_xywh, landmarks=points))
        yield record
