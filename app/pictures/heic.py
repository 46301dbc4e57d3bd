"""Decodes HEIC, the kind of picture that iPhones and other phones write.

A HEIC is one frame of HEVC, or a grid of such frames as tiles. libav has the decoder, which reads
videos too; where the tiles lie and how they go together is read here.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from app.frames.wide_colour import WideColour, find_wide_colour
from app.frames.yuv_colour import READING, UNSPECIFIED
from app.pictures.colour_profile import ColourProfile
from app.pictures.heif_boxes import StillFile
from app.types import Image

MAX_PIXELS = 220_000_000  # phones have 200 million
MOST_TILES = 4096  # 200 million pixels take 768 of the usual size


def decode_heic(content: bytes, colours: WideColour | ColourProfile | None) -> Image | None:
    """Decode the primary picture as it is stored, uint8 (H, W, 3) BGR of a plain screen, from
    `colours`. None where it is damaged, or not made of HEVC. Raises `struct.error`, `IndexError`
    and `ValueError` for damaged boxes."""
    still = StillFile(content)
    grid = _grid_of(still)
    if grid is None or not grid.fits():
        return None
    said = [*still.properties(still.primary), *still.properties(grid.tiles[0])]
    (width, height), (tile_width, tile_height) = grid.size_wh, grid.tile_wh
    picture = np.zeros((height, width, 3), np.uint8)
    shown = 0
    try:
        for number, tile in _frames(still, grid.tiles):
            if (tile.width, tile.height) != grid.tile_wh:
                return None
            row, column = divmod(number, grid.columns)
            y, x = row * tile_height, column * tile_width
            part = _bgr(tile, said, colours)[: height - y, : width - x]
            picture[y : y + part.shape[0], x : x + part.shape[1]] = part
            shown += 1
    except av.FFmpegError:
        return None
    return picture if shown == len(grid.tiles) else None


@dataclass(frozen=True, slots=True)
class Grid:
    """How a picture of `size_wh` px is made of the items `tiles`, in rows of `columns`."""

    size_wh: tuple[int, int]
    tile_wh: tuple[int, int]
    tiles: list[int]
    columns: int
    rows: int

    def fits(self) -> bool:
        """Tells whether the tiles are there and cover the picture, with none beside it."""
        (width, height), (w, h) = self.size_wh, self.tile_wh
        return (
            0 < width * height <= MAX_PIXELS
            and len(self.tiles) == self.columns * self.rows <= MOST_TILES
            and (self.columns - 1) * w < width <= self.columns * w
            and (self.rows - 1) * h < height <= self.rows * h
        )


def _grid_of(still: StillFile) -> Grid | None:
    """What the primary picture is made of; None where it is not made of HEVC."""
    item = still.primary
    if item is None:
        return None
    if still.types.get(item) == b"hvc1":
        size_wh = _size_of(still, item)
        return Grid(size_wh, size_wh, [item], 1, 1)
    tiles = still.parts(item)
    if still.types.get(item) != b"grid" or not tiles or still.types.get(tiles[0]) != b"hvc1":
        return None
    (grid,) = still.data([item])
    size_wh = struct.unpack_from(">II" if grid[1] & 1 else ">HH", grid, 4)
    return Grid(size_wh, _size_of(still, tiles[0]), tiles, grid[3] + 1, grid[2] + 1)


def _size_of(still: StillFile, item: int) -> tuple[int, int]:
    """Width and height px of an item; (0, 0) where they are not said."""
    for name, body in still.properties(item):
        if name == b"ispe":
            width, height = struct.unpack_from(">II", body, 4)
            return width, height
    return 0, 0


def _frames(still: StillFile, tiles: list[int]) -> Iterator[tuple[int, VideoFrame]]:
    """Give (number, frame) of each tile, in the order in which the decoder is ready."""
    decoder: VideoCodecContext | None = None
    before = b""
    for number, (tile, body) in enumerate(zip(tiles, still.data(tiles), strict=True)):
        setup = next((b for name, b in still.properties(tile) if name == b"hvcC"), b"")
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
    decoder: VideoCodecContext, packet: "Packet[Any] | None"
) -> Iterator[tuple[int, VideoFrame]]:
    for frame in decoder.decode(packet):
        yield frame.pts or 0, frame


def _bgr(
    frame: VideoFrame,
    said: list[tuple[bytes, bytes]],
    colours: WideColour | ColourProfile | None,
) -> Image:
    """Make uint8 (H, W, 3) BGR of a tile. What the file says of the matrix and the range counts
    more than what the frame says; where neither does, they are those of JPEG."""
    nclx = next((b for name, b in said if name == b"colr" and b.startswith(b"nclx")), None)
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
