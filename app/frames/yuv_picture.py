"""Keeps pictures in the planes in which a decoder gave them, so that an encoder can take them on.

A picture that goes from planes to BGR and back loses colour, and the way there and back costs more
than decoding does.
"""

from threading import Lock

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from app.frames.orientation import UPRIGHT, Orientation
from app.frames.plane_steps import PlaneSteps, Siting
from app.frames.stored_shape import Shape
from app.frames.yuv_colour import (
    BT601,
    BT709,
    FULL_RANGE,
    LIMITED_RANGE,
    UNSPECIFIED,
    ColourTags,
    guess_colour_tags,
    to_bgr,
    view_planes,
)
from app.types import Image

PIX_FMT = "yuv420p"  # libav's name of the only layout whose planes are kept
PIX_FMT_OF_JPEG = "yuvj420p"  # the same of full range
PROBE_PX = 16  # sides of the picture in which the place of the colours is measured
# By H.273's number of the matrix. 5 and 6 are the same matrix.
_KNOWN_COLOURS = {1: BT709, 5: BT601, 6: BT601}


class BgrReader:
    """Converts pictures of one stream to BGR. Several threads may share a reader."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._lock = Lock()  # a reformatter serves one thread at a time
        self._sitings: dict[tuple[str, int], Siting] = {}

    def read(self, frame: VideoFrame) -> Image:
        """Returns the picture of a decoded frame, uint8 (H, W, 3) BGR, in its stored size."""
        with self._lock:
            return to_bgr(frame, (frame.width, frame.height), self._reformatter)

    def find_siting(self, frame: VideoFrame) -> Siting:
        """Finds where the halved colours of a frame lie, once for each kind of frame."""
        kind = frame.format.name, int(frame.color_range)
        if kind not in self._sitings:
            self._sitings[kind] = _measure_siting(frame)
        return self._sitings[kind]


class YuvPicture:
    """A picture of plain colours in the planes of its decoder: 8 bits, 4:2:0, of even sides, in
    square pixels. `find_yuv_picture` makes it.

    Args:
        frame: The decoded frame.
        colour: The matrix of its colours.
        reader: Converts it to BGR.
        orientation: The steps that make it upright.

    Attributes:
        size_wh: Width and height of the upright picture in pixels.
        colour: The colours that the planes hold.
        orientation: The steps that make the planes upright.
        is_full_range: True if the planes use all of 0 to 255.
        planes: Y (H, W), U and V (H / 2, W / 2), uint8, as they are stored. They lie in the
            decoder's memory, which refers to them for later pictures: nothing may write into them.
    """

    __slots__ = ("_frame", "_reader", "colour", "is_full_range", "orientation", "planes", "size_wh")

    def __init__(
        self,
        frame: VideoFrame,
        colour: ColourTags,
        reader: BgrReader,
        orientation: Orientation = UPRIGHT,
    ) -> None:
        self._frame, self._reader = frame, reader
        self.colour, self.orientation = colour, orientation
        self.size_wh = orientation.turn_size((frame.width, frame.height))
        self.is_full_range = _is_full_range(frame)
        self.planes = tuple(view_planes(frame))

    @property
    def luma(self) -> Image:
        """The upright Y (H, W), a view of the plane."""
        return self.orientation.view(self.planes[0])

    def make_bgr(self) -> Image:
        """Converts the picture to upright BGR, uint8 (H, W, 3). Any thread may call this."""
        return self.orientation.apply(self._reader.read(self._frame))

    def make_sheet(self, size_wh: tuple[int, int]) -> VideoFrame:
        """Makes a frame of another size, of any content, whose planes mean what these mean."""
        return _make_sheet(self._frame, size_wh, self.colour)

    def copy_for_encoder(self) -> VideoFrame:
        """Copies the planes into a new frame: upright, of limited range, and with none of the other
        data of the decoder's."""
        copied = VideoFrame(*self.size_wh, PIX_FMT)
        targets = view_planes(copied)
        if self.orientation.is_upright and not self.is_full_range:
            for target, source in zip(targets, self.planes, strict=True):
                target[:] = source
        else:
            siting = self._reader.find_siting(self._frame)
            steps = PlaneSteps(self.orientation, self.is_full_range, siting)
            steps.write(self.planes, targets)
        return copied


def find_yuv_picture(frame: VideoFrame, shape: Shape, reader: BgrReader) -> YuvPicture | None:
    """Returns the picture of a decoded frame in its planes; None if more than a plain conversion
    and a turn are needed to show it.

    Args:
        frame: The decoded frame.
        shape: The form in which it is stored.
        reader: Converts the picture to BGR when this is asked for.
    """
    is_plain = (
        (
            frame.format.name == PIX_FMT
            or (frame.format.name == PIX_FMT_OF_JPEG and _is_full_range(frame))
        )
        and not frame.interlaced_frame
        and shape.stored_wh == shape.scaled_wh == (frame.width, frame.height)
        and shape.colours is None
        and not (frame.width % 2 or frame.height % 2)
    )
    if not is_plain:
        return None
    if frame.colorspace == UNSPECIFIED:
        colour: ColourTags | None = guess_colour_tags(frame.width, frame.height)
    else:
        colour = _KNOWN_COLOURS.get(frame.colorspace)
    return None if colour is None else YuvPicture(frame, colour, reader, shape.orientation)


def _is_full_range(frame: VideoFrame) -> bool:
    return bool(frame.color_range == ColorRange.JPEG)


def _make_sheet(frame: VideoFrame, size_wh: tuple[int, int], colour: ColourTags) -> VideoFrame:
    """Makes a frame of another size, of any content, whose planes mean what those of `frame` mean.

    PyAV does not tell where a stream's halved colours lie, left of the pixels or between them, but
    a frame that is made of another one has this from it.
    """
    sheet, way = frame, Interpolation.POINT
    if size_wh == (frame.width, frame.height):  # nothing would be made anew
        sheet = VideoReformatter().reformat(sheet, 2, 2, interpolation=way)
    sheet = VideoReformatter().reformat(sheet, *size_wh, interpolation=way)
    sheet.colorspace = colour.tag
    sheet.color_range = FULL_RANGE if _is_full_range(frame) else LIMITED_RANGE
    return sheet


def _measure_siting(frame: VideoFrame) -> Siting:
    """Measures where the halved colours of a frame lie, by the middle of the blue that one of them
    becomes: PyAV does not tell it, but its converter knows."""
    sheet = _make_sheet(frame, (PROBE_PX, PROBE_PX), BT601)
    for plane in view_planes(sheet):
        plane[:] = 128
    at = PROBE_PX // 4
    view_planes(sheet)[1][at, at] = 200
    blue = to_bgr(sheet, (PROBE_PX, PROBE_PX), VideoReformatter())[..., 0].astype(np.float64)
    blue -= blue[0, 0]
    places = np.arange(PROBE_PX) + 0.5
    middle = 2 * at + 1
    right, below = (float(blue.sum(axis) @ places / blue.sum()) - middle for axis in (0, 1))
    return Siting(round(2 * right) / 2, round(2 * below) / 2)
