"""Makes pictures of decoded frames: upright, in square pixels, of BT.709, and without the combs of
interlaced video.

Video files and network streams both go through this module. Each frame is judged by its own facts,
because streams change their size, their turn and the shape of their pixels midway.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import cast

import av
import cv2
import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from app.frames.av_versions import to_fraction
from app.frames.interlace import remove_comb
from app.frames.orientation import UPRIGHT, Orientation
from app.frames.stored_shape import SQUARE, Shape, find_square_size
from app.frames.wide_colour import find_wide_colour
from app.frames.yuv_colour import to_bgr
from app.frames.yuv_picture import BgrReader, YuvPicture, find_yuv_picture
from app.types import Image

MAX_UNKNOWN_KINDS = 4  # of data beside a frame that PyAV may not know
# The share by which the aspects of two pictures of one shape may differ: sides are whole numbers.
ASPECT_TOLERANCE = 0.01
CORNER_PX = 16  # sides of the corner that stands for a frame
MAX_SMALL_PIXELS = 64 * 64  # of frames that take so little memory that no corner is cut from them


class UprightConverter:
    """Makes upright pictures of the frames of one stream.

    `find_shape` must be asked about every frame, in their order, and `make_picture` or
    `keep_picture` only about the frames that are wanted.

    Args:
        stream: The video track of the frames.
        sizes_wh: Sizes (width, height) in pixels that later frames are known to have.
    """

    def __init__(self, stream: VideoStream, sizes_wh: Collection[tuple[int, int]] = ()) -> None:
        self._sizes_wh = sizes_wh
        self._stream = stream
        self._stated = self._aspect = to_fraction(stream.sample_aspect_ratio)
        self._first_coded = to_fraction(stream.codec_context.sample_aspect_ratio)
        self._orientation = UPRIGHT
        self._rotation_deg = 0
        self._corners = _Corners()
        self._largest: Shape | None = None
        self._reformatter = VideoReformatter()
        self._reader = BgrReader()

    def find_shape(self, frame: VideoFrame) -> Shape:
        """Tells how `frame` is stored and how its picture comes out.

        A smaller frame is enlarged to the size of an earlier frame of the same aspect, or of one
        that is known to come. Calls lower their resolution for a while, and people stay the same,
        in the same place.
        """
        rotation_deg = frame.rotation
        if frame.key_frame or rotation_deg != self._rotation_deg:
            self._orientation = _orientation_of(frame, self._corners, self._orientation)
        self._rotation_deg = rotation_deg
        if frame.key_frame:  # the codec has read ahead, but its aspect changes only at a key frame
            self._aspect = self._aspect_now()
        aspect = self._aspect if self._aspect is not None and self._aspect > 0 else SQUARE
        stored_wh = (frame.width, frame.height)
        scaled_wh, colours = find_square_size(stored_wh, aspect), find_wide_colour(frame)
        for known_wh in self._sizes_wh:
            scaled_wh = _larger_of_same_shape(scaled_wh, find_square_size(known_wh, aspect))
        largest = self._largest
        if largest is not None and largest.orientation == self._orientation:
            scaled_wh = _larger_of_same_shape(scaled_wh, largest.scaled_wh)
        shape = Shape(stored_wh, aspect, scaled_wh, self._orientation, colours)
        self._largest = shape
        return shape

    def make_picture(self, frame: VideoFrame, shape: Shape) -> Image:
        """Makes the upright picture of a frame.

        Args:
            frame: The decoded frame.
            shape: The result of `find_shape` for this frame.

        Returns:
            uint8 (H, W, 3) BGR of `shape.size_wh`.
        """
        if frame.interlaced_frame:  # mended line by line, so before the scaling
            image = remove_comb(to_bgr(frame, shape.stored_wh, self._reformatter, shape.colours))
            if shape.scaled_wh != shape.stored_wh:
                image = np.asarray(cv2.resize(image, shape.scaled_wh), np.uint8)
        else:
            image = to_bgr(frame, shape.scaled_wh, self._reformatter, shape.colours)
        return shape.orientation.apply(image)

    def keep_picture(self, frame: VideoFrame, shape: Shape) -> Image | YuvPicture:
        """Keeps the picture of a frame in its planes if it needs nothing but a plain conversion;
        else makes it. Takes what `make_picture` takes."""
        yuv = find_yuv_picture(frame, shape, self._reader)
        return self.make_picture(frame, shape) if yuv is None else yuv

    def _aspect_now(self) -> Fraction | None:
        """Gives the aspect that the container states, or else the codec's, which may change."""
        coded = to_fraction(self._stream.codec_context.sample_aspect_ratio)
        return coded if self._stated == self._first_coded else self._stated


def _larger_of_same_shape(size_wh: tuple[int, int], other_wh: tuple[int, int]) -> tuple[int, int]:
    """Gives `other_wh` if it is larger and has the aspect of `size_wh`, else `size_wh`."""
    (width, height), (wide, high) = size_wh, other_wh
    alike = abs(width * high - wide * height) <= ASPECT_TOLERANCE * wide * height
    return other_wh if alike and width * height <= wide * high else size_wh


def read_upright_pictures(
    stream: VideoStream, frames: Iterable[VideoFrame]
) -> Iterator[tuple[float | None, Image]]:
    """Yields (time in seconds or None, picture) of each frame.

    Args:
        stream: The video track.
        frames: All frames decoded from `stream`, in order.

    Yields:
        The frame's time, and its upright picture as uint8 (H, W, 3) BGR.
    """
    upright = UprightConverter(stream)
    for frame in frames:
        yield frame.time, upright.make_picture(frame, upright.find_shape(frame))


class _Corners:
    """Cuts a corner of a frame, which keeps all that libav tells about the frame.

    PyAV's `side_data` and its frame hold each other, so the frame stays in memory until Python
    looks for such circles: at 4K that is gigabytes. A corner may stay.
    """

    def __init__(self) -> None:
        self._kind: tuple[int | str, ...] = ()
        self._graph: Graph | None = None

    def cut(self, frame: VideoFrame) -> VideoFrame:
        """Gives a corner, or the frame itself if it is small or cannot be cut."""
        if frame.width * frame.height <= MAX_SMALL_PIXELS:
            return frame
        kind = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
        try:
            if kind != self._kind:
                self._kind, self._graph = kind, None
                self._graph = _linked(frame, ("crop", f"{CORNER_PX}:{CORNER_PX}:0:0"), ("copy", ""))
            if self._graph is None:
                return frame
            self._graph.push(frame)
            return cast(VideoFrame, self._graph.pull())
        except (av.FFmpegError, ValueError):
            self._graph = None
            return frame


def _orientation_of(frame: VideoFrame, corners: _Corners, before: Orientation) -> Orientation:
    """Reads the orientation of `frame` from its own display matrix.

    A stream may have the matrix only at its key frames; it then holds up to the next key frame.
    `before` is the orientation of the frame before.
    """
    kept = _side_data(corners.cut(frame))
    if kept is None:
        turns = round(frame.rotation / 90)
        return Orientation.from_quarter_turns(turns) if turns or frame.key_frame else before
    matrix = kept.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT if frame.key_frame else before
    return Orientation.from_display_matrix(np.frombuffer(bytes(matrix), np.int32).reshape(3, 3))


def _side_data(frame: VideoFrame) -> Mapping[str, SideData] | None:
    """Gives the data that libav has beside the pixels of `frame`. PyAV fails at all of them where
    one kind is too new for it, as the EXIF of a JPEG is; such kinds are left out. None where even
    that fails."""
    for _ in range(MAX_UNKNOWN_KINDS):
        try:
            return cast("Mapping[str, SideData]", frame.side_data)
        except ValueError as error:  # "31 is not a valid Type"
            kind = str(error).partition(" ")[0]
            if not kind.isdigit():
                break
            frame = _without(frame, int(kind))
    return None


def _without(frame: VideoFrame, kind: int) -> VideoFrame:
    graph = _linked(frame, ("sidedata", f"mode=delete:type={kind}"))
    graph.push(frame)
    return cast(VideoFrame, graph.pull())


def _linked(frame: VideoFrame, *filters: tuple[str, str]) -> Graph:
    """Makes a graph of `filters` (name, arguments) for frames like `frame`."""
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)
        ),
        *(graph.add(name, arguments) for name, arguments in filters),
        graph.add("buffersink"),
    ).configure()
    return graph
