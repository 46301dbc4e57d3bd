"""Keeps pictures in the planes in which a decoder gave them, so that an encoder can take them on.

A picture that goes from planes to BGR and back loses colour, and the way there and back costs more
than decoding does.
"""

from threading import Lock

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from app.frames.stored_shape import Shape
from app.frames.yuv_colour import (
    BT601,
    BT709,
    LIMITED_RANGE,
    UNSPECIFIED,
    ColourTags,
    guess_colour_tags,
    to_bgr,
    view_planes,
)
from app.types import Image

PIX_FMT = "yuv420p"  # libav's name of the only layout whose planes are kept
# By H.273's number of the matrix. 5 and 6 are the same matrix.
_KNOWN_COLOURS = {1: BT709, 5: BT601, 6: BT601}


class BgrReader:
    """Converts pictures of one stream to BGR. Several threads may share a reader."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._lock = Lock()  # a reformatter serves one thread at a time

    def read(self, frame: VideoFrame) -> Image:
        """Returns the picture of a decoded frame, uint8 (H, W, 3) BGR, in its stored size."""
        with self._lock:
            return to_bgr(frame, (frame.width, frame.height), self._reformatter)


class YuvPicture:
    """A picture of plain colours in the planes of its decoder: 8 bits, 4:2:0, of limited range and
    even sides, upright, in square pixels. `find_yuv_picture` makes it.

    Attributes:
        size_wh: Width and height in pixels.
        colour: The colours that the planes hold.
        planes: Y (H, W), U and V (H / 2, W / 2), uint8. They lie in the decoder's memory, which
            refers to them for later pictures: nothing may write into them.
    """

    __slots__ = ("_frame", "_reader", "colour", "planes", "size_wh")

    def __init__(self, frame: VideoFrame, colour: ColourTags, reader: BgrReader) -> None:
        self._frame, self._reader = frame, reader
        self.colour = colour
        self.size_wh = frame.width, frame.height
        self.planes = tuple(view_planes(frame))

    def make_bgr(self) -> Image:
        """Converts the picture to BGR, uint8 (H, W, 3). Any thread may call this."""
        return self._reader.read(self._frame)

    def make_sheet(self, size_wh: tuple[int, int]) -> VideoFrame:
        """Makes a frame of another size, of any content, whose planes mean what these mean.

        PyAV does not tell where a stream's halved colours lie, left of the pixels or between them,
        but a frame that is made of another one has this from it.
        """
        sheet, way = self._frame, Interpolation.POINT
        if size_wh == self.size_wh:  # nothing would be made anew
            sheet = VideoReformatter().reformat(sheet, 2, 2, interpolation=way)
        sheet = VideoReformatter().reformat(sheet, *size_wh, interpolation=way)
        sheet.colorspace, sheet.color_range = self.colour.tag, LIMITED_RANGE
        return sheet

    def copy(self) -> VideoFrame:
        """Copies the planes into a new frame, which has none of the other data of the decoder's."""
        copied = VideoFrame(*self.size_wh, PIX_FMT)
        for target, source in zip(view_planes(copied), self.planes, strict=True):
            target[:] = source
        return copied


def find_yuv_picture(frame: VideoFrame, shape: Shape, reader: BgrReader) -> YuvPicture | None:
    """Returns the picture of a decoded frame in its planes; None if anything but a plain conversion
    is needed to show it.

    Args:
        frame: The decoded frame.
        shape: The form in which it is stored.
        reader: Converts the picture to BGR when this is asked for.
    """
    is_plain = (
        frame.format.name == PIX_FMT
        and frame.color_range != ColorRange.JPEG
        and not frame.interlaced_frame
        and shape.stored_wh == shape.scaled_wh == (frame.width, frame.height)
        and shape.orientation.is_upright
        and shape.colours is None
        and not (frame.width % 2 or frame.height % 2)
    )
    if not is_plain:
        return None
    if frame.colorspace == UNSPECIFIED:
        return YuvPicture(frame, guess_colour_tags(frame.width, frame.height), reader)
    colour = _KNOWN_COLOURS.get(frame.colorspace)
    return None if colour is None else YuvPicture(frame, colour, reader)
