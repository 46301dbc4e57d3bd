"""Decodes HEIC, the kind of picture that iPhones and other phones write.

A HEIC is one frame of HEVC, or a grid of such frames as tiles. libav has the decoder for the
frames; this module finds the tiles in the file and puts them together.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from app.frames.wide_colour import WideColour, find_wide_colour
from app.frames.yuv_colour import READING, UNSPECIFIED
from app.pictures.colour_profile import ColourProfile
from app.pictures.heif_boxes import StillFile
from app.types import Image

MAX_PIXELS = 220_000_000  # phones have 200 million
MAX_TILES = 4096  # 200 million pixels take 768 of the usual size


def decode_heic(content: bytes, colours: WideColour | ColourProfile | None) -> Image | None:
    """Decodes the primary picture as it is stored.

    Args:
        content: The bytes of the file.
        colours: The colours to convert from; None where they are those of a plain screen, or the
            frames themselves state them.

    Returns:
        uint8 (H, W, 3) BGR of a plain screen; None if the picture is damaged, or not made of HEVC.

    Raises:
        struct.error, IndexError, ValueError: If boxes of the file are damaged.

    >>> decode_heic(b"\\0\\0\\0\\x10ftypheic\\0\\0\\0\\0", None) is None  # no picture is in it
    True
    """
    still = StillFile(content)
    grid = _find_grid(still)
    if grid is None or not grid.fits():
        return None
    properties = [
        *still.list_properties(still.primary),
        *still.list_properties(grid.tiles[0]),
    ]
    (width, height), (tile_width, tile_height) = grid.size_wh, grid.tile_wh
    picture = np.zeros((height, width, 3), np.uint8)
    shown = 0
    try:
        for number, tile in _frames(still, grid.tiles):
            if (tile.width, tile.height) != grid.tile_wh:
                return None
            row, column = divmod(number, grid.columns)
            y, x = row * tile_height, column * tile_width
            part = _to_bgr(tile, properties, colours)[: height - y, : width - x]
            picture[y : y + part.shape[0], x : x + part.shape[1]] = part
            shown += 1
    except av.FFmpegError:
        return None
    return picture if shown == len(grid.tiles) else None


@dataclass(frozen=True, slots=True)
class Grid:
    """The tiles of a picture. `size_wh` and `tile_wh` are width and height in pixels of the picture
    and of each tile; `tiles` are the items in `rows` rows of `columns`."""

    size_wh: tuple[int, int]
    tile_wh: tuple[int, int]
    tiles: list[int]
    columns: int
    rows: int

    def fits(self) -> bool:
        """Tells whether the tiles are there and cover the picture, and no tile lies beside it."""
        (width, height), (w, h) = self.size_wh, self.tile_wh
        return (
            0 < width * height <= MAX_PIXELS
            and len(self.tiles) == self.columns * self.rows <= MAX_TILES
            and (self.columns - 1) * w < width <= self.columns * w
            and (self.rows - 1) * h < height <= self.rows * h
        )


def _find_grid(still: StillFile) -> Grid | None:
    """Finds the tiles of the primary picture; None where it is not made of HEVC."""
    item = still.primary
    if item is None:
        return None
    if still.types.get(item) == b"hvc1":
        size_wh = _find_size_wh(still, item)
        return Grid(size_wh, size_wh, [item], 1, 1)
    tiles = still.list_parts(item)
    if still.types.get(item) != b"grid" or not tiles or still.types.get(tiles[0]) != b"hvc1":
        return None
    (grid,) = still.read_data([item])
    size_wh = struct.unpack_from(">II" if grid[1] & 1 else ">HH", grid, 4)
    return Grid(size_wh, _find_size_wh(still, tiles[0]), tiles, grid[3] + 1, grid[2] + 1)


def _find_size_wh(still: StillFile, item: int) -> tuple[int, int]:
    """Gives width and height in pixels of an item; (0, 0) where they are missing."""
    for name, body in still.list_properties(item):
        if name == b"ispe":
            width, height = struct.unpack_from(">II", body, 4)
            return width, height
    return 0, 0


def _frames(still: StillFile, tiles: list[int]) -> Iterator[tuple[int, VideoFrame]]:
    """Yields (number, frame) of each tile, in the order in which the decoder gives them."""
    decoder: VideoCodecContext | None = None
    before = b""
    for number, (tile, body) in enumerate(zip(tiles, still.read_data(tiles), strict=True)):
        setup = next((b for name, b in still.list_properties(tile) if name == b"hvcC"), b"")
        if decoder is None or setup != before:
            if decoder is not None:
                yield from _numbered(decoder, None)
            decoder, before = _decoder(setup), setup
        packet = Packet(body)
        packet.pts = number
        yield from _numbered(decoder, packet)
    if decoder is not None:
        yield from _numbered(decoder, None)


def _decoder(setup: bytes) -> VideoCodecContext:
    decoder = VideoCodecContext.create("hevc", "r")
    decoder.extradata = setup
    decoder.options = {"max_pixels": str(MAX_PIXELS), "err_detect": "explode"}
    return decoder


def _numbered(
    decoder: VideoCodecContext, packet: "Packet[Stream] | None"
) -> Iterator[tuple[int, VideoFrame]]:
    for frame in decoder.decode(packet):
        yield frame.pts or 0, frame


def _to_bgr(
    frame: VideoFrame,
    properties: list[tuple[bytes, bytes]],
    colours: WideColour | ColourProfile | None,
) -> Image:
    """Converts a tile to uint8 (H, W, 3) BGR. The matrix and the range in the file's properties
    count more than those in the frame; where both lack them, they are those of JPEG."""
    nclx = next((b for name, b in properties if name == b"colr" and b.startswith(b"nclx")), None)
    if nclx is not None:
        matrix, full = struct.unpack_from(">HB", nclx, 8)
        if matrix != UNSPECIFIED:
            frame.colorspace = matrix
        frame.color_range = ColorRange.JPEG if full & 0x80 else ColorRange.MPEG
    if frame.colorspace == UNSPECIFIED:
        frame.colorspace = Colorspace.ITU601
    if frame.color_range == ColorRange.UNSPECIFIED:
        frame.color_range = ColorRange.JPEG
    colours = colours or find_wide_colour(frame)
    kind = "bgr24" if colours is None else "gbrp16le"
    made = VideoReformatter().reformat(frame, format=kind, interpolation=READING).to_ndarray()
    if colours is None:
        return np.asarray(made, np.uint8)
    return colours.to_bgr(np.asarray(made, np.uint16))
