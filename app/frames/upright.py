"""Makes the picture that is looked at from a decoded frame: upright, in square pixels, of BT.709,
and without the combs of interlaced video.

Video files and network streams go through here alike. Each frame is judged by what it says itself,
for streams change their size, their turn and the shape of their pixels midway.
"""

from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction
from typing import Any, cast

import av
import cv2
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from app.frames.av_versions import to_fraction
from app.frames.interlace import remove_comb
from app.frames.orientation import UPRIGHT, Orientation
from app.frames.stored_shape import SQUARE, Shape, find_square_size
from app.frames.wide_colour import find_wide_colour
from app.frames.yuv_colour import to_bgr
from app.types import Image

UNKNOWN_KINDS = 4  # of data beside a frame that PyAV may not know
SAME_SHAPE = 0.01  # by which two ratios of sides may differ; sides are whole numbers
CORNER_PX = 16
SMALL_PIXELS = 64 * 64  # of frames that take no room to speak of


class UprightConverter:
    """Reads the frames of one `stream`. `shape_of` is asked for every frame, in their order;
    `picture` only for those that are wanted. `sizes_wh` px are those that are known to come."""

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

    def find_shape(self, frame: VideoFrame) -> Shape:
        """Tells how `frame` is stored and how its picture comes out.

        A smaller frame of the same shape as one before, or as one that is known to come, is
        enlarged to its size: calls lower their resolution for a while, and who is in the picture
        stays the same, in the same place."""
        rotation_deg = frame.rotation
        if frame.key_frame or rotation_deg != self._rotation_deg:
            self._orientation = _orientation_of(frame, self._corners, self._orientation)
        self._rotation_deg = rotation_deg
        if frame.key_frame:  # a codec reads ahead, but only with one of these it begins anew
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

    def picture(self, frame: VideoFrame, shape: Shape) -> Image:
        """Gives the upright picture of `frame` as uint8 (H, W, 3) BGR of `shape.size_wh`."""
        if frame.interlaced_frame:  # mended line by line, so before it is scaled
            image = remove_comb(to_bgr(frame, shape.stored_wh, self._reformatter, shape.colours))
            if shape.scaled_wh != shape.stored_wh:
                image = np.asarray(cv2.resize(image, shape.scaled_wh), np.uint8)
        else:
            image = to_bgr(frame, shape.scaled_wh, self._reformatter, shape.colours)
        return np.asarray(shape.orientation.apply(image), np.uint8)

    def _aspect_now(self) -> Fraction | None:
        """The container's word counts more than the codec's, but for a codec's that changes."""
        coded = to_fraction(self._stream.codec_context.sample_aspect_ratio)
        return coded if self._stated == self._first_coded else self._stated


def _larger_of_same_shape(size_wh: tuple[int, int], other_wh: tuple[int, int]) -> tuple[int, int]:
    """Gives `other_wh` where it is larger and has the shape of `size_wh`, else `size_wh`."""
    (width, height), (wide, high) = size_wh, other_wh
    alike = abs(width * high - wide * height) <= SAME_SHAPE * wide * height
    return other_wh if alike and width * height <= wide * high else size_wh


def read_upright_pictures(
    stream: VideoStream, frames: Iterable[VideoFrame]
) -> Iterator[tuple[float | None, Image]]:
    """Gives the time in seconds, None where there is none, and the picture of each of the `frames`
    decoded from `stream`."""
    upright = UprightConverter(stream)
    for frame in frames:
        yield frame.time, upright.picture(frame, upright.find_shape(frame))


class _Corners:
    """Gives a corner of a frame, with all that libav tells about the frame beside its pixels.

    PyAV's `side_data` and the frame that is asked for it hold each other, so the frame stays in
    memory until Python looks for such circles: at 4K that is gigabytes. A corner may stay."""

    def __init__(self) -> None:
        self._kind: tuple[Any, ...] = ()
        self._graph: Graph | None = None

    def of(self, frame: VideoFrame) -> VideoFrame:
        """The frame itself where it is small, or of a kind that cannot be cut."""
        if frame.width * frame.height <= SMALL_PIXELS:
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
    """Reads how `frame` is to be turned from its own display matrix.

    A stream may say it in its key frames alone; what it said holds up to the next key frame.
    `before` is the orientation of the frame before."""
    kept = _side_data(corners.of(frame))
    if kept is None:
        turns = round(frame.rotation / 90)
        return Orientation.from_quarter_turns(turns) if turns or frame.key_frame else before
    matrix = kept.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT if frame.key_frame else before
    return Orientation.from_display_matrix(np.frombuffer(matrix, np.int32).reshape(3, 3))


def _side_data(frame: VideoFrame) -> Any:
    """Gives the mapping of what libav tells about `frame` beside its pixels. PyAV fails at all of
    it where one kind is too new for it, as the EXIF of a JPEG is; such kinds are left out. None
    where even that fails."""
    for _ in range(UNKNOWN_KINDS):
        try:
            return frame.side_data
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
    """A graph of `filters` (name, arguments) for frames like `frame`."""
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)
        ),
        *(graph.add(name, arguments) for name, arguments in filters),
        graph.add("buffersink"),
    ).configure()
    return graph
