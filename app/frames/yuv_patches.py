"""Converts parts of pictures between planes and BGR, with the values that a conversion of the whole
picture gives.

swscale looks at the pixels around a pixel, and takes its time to begin a conversion. So each part
is cut out with a margin, and all parts of a picture are put on one sheet, which is converted once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isqrt
from typing import NamedTuple

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from app.frames.yuv_colour import ColourTags, to_bgr, to_yuv, view_planes
from app.frames.yuv_picture import YuvPicture
from app.types import Image

# Around a part, within which swscale's filters look: for halving colours, for doubling them.
HALVING_MARGIN_PX = 4
DOUBLING_MARGIN_PX = 2
SHEET_STEP_PX = 64  # sides of sheets are multiples of this, so that few sizes come up
MAX_SHEET_SIZES = 8  # whose converters are kept; the one that was used longest ago goes first
Corners = tuple[int, int, int, int]  # x0, y0, x1, y1 px, even


class _Part(NamedTuple):
    """A part of a picture, `inner`, with its margin, `outer`, and the place of the margin's top
    left corner on the sheet."""

    inner: Corners
    outer: Corners
    x: int
    y: int


@dataclass(slots=True)
class _SheetTools:
    """The converters of sheets of one size, and the sheet of planes, which is used again."""

    to_bgr: VideoReformatter = field(default_factory=VideoReformatter)
    to_yuv: VideoReformatter = field(default_factory=VideoReformatter)
    planes: VideoFrame | None = None


class PatchConverter:
    """Converts parts of pictures of one size and one kind of colours. Belongs to one thread.

    Args:
        size_wh: Width and height of the pictures, px, even.
        colour: The colours of their planes.
    """

    def __init__(self, size_wh: tuple[int, int], colour: ColourTags) -> None:
        self._size_wh = size_wh
        self._colour = colour
        self._tools: dict[tuple[int, int], _SheetTools] = {}

    @property
    def kept_sizes(self) -> int:
        """The number of sizes of sheets whose converters are kept."""
        return len(self._tools)

    def align(self, rects: Iterable[Sequence[int]]) -> list[Corners]:
        """Enlarges parts of a picture to whole blocks of colour and cuts them to the picture.

        Args:
            rects: For each part x, y, width and height in px. It may reach outside the picture.

        Returns:
            The parts that have pixels, as x0, y0, x1, y1 px, without those that lie in others.

        >>> from app.frames.yuv_colour import BT709
        >>> PatchConverter((64, 48), BT709).align([(5, 5, 4, 4), (6, 6, 2, 2), (70, 0, 5, 5)])
        [(4, 4, 10, 10)]
        """
        width, height = self._size_wh
        parts = set()
        for x, y, wide, high in rects:
            x0, y0 = max(0, x - x % 2), max(0, y - y % 2)
            right, bottom = x + wide, y + high
            x1, y1 = min(width, right + right % 2), min(height, bottom + bottom % 2)
            if x0 < x1 and y0 < y1:
                parts.add((x0, y0, x1, y1))
        return [
            one
            for one in sorted(parts)
            if not any(_lies_in(one, other) for other in parts if other != one)
        ]

    def read(self, picture: YuvPicture, parts: Sequence[Corners], canvas: Image) -> None:
        """Converts parts of a picture to BGR, with the margin that `write` needs around them.

        Args:
            picture: The picture.
            parts: The parts, as `align` gives them.
            canvas: uint8 (H, W, 3): gets the pixels of the parts and their margins.
        """
        if not parts:
            return
        # The pixels of the margin must be right, too.
        placed, (width, height) = self._place(parts, HALVING_MARGIN_PX + DOUBLING_MARGIN_PX)
        tools = self._find_tools((width, height))
        sheet = tools.planes = tools.planes or picture.make_sheet((width, height))
        for level, (target, source) in enumerate(
            zip(view_planes(sheet), picture.planes, strict=True)
        ):
            step = 1 if level == 0 else 2
            for one in placed:
                x0, y0, x1, y1 = (side // step for side in one.outer)
                _cut(source, (x0, y0, x1, y1), target[one.y // step :, one.x // step :])
        made = to_bgr(sheet, (width, height), tools.to_bgr)
        for one in placed:
            x0, y0, x1, y1 = _cut_to(_enlarge(one.inner, HALVING_MARGIN_PX), self._size_wh)
            x, y = one.x + x0 - one.outer[0], one.y + y0 - one.outer[1]
            canvas[y0:y1, x0:x1] = made[y : y + y1 - y0, x : x + x1 - x0]

    def cut(self, image: Image, parts: Sequence[Corners], canvas: Image) -> None:
        """Copies parts of a picture that is BGR already, with the same margin as `read`."""
        for part in parts:
            x0, y0, x1, y1 = _cut_to(_enlarge(part, HALVING_MARGIN_PX), self._size_wh)
            canvas[y0:y1, x0:x1] = image[y0:y1, x0:x1]

    def write(self, canvas: Image, parts: Sequence[Corners], frame: VideoFrame) -> None:
        """Converts parts of a canvas and puts them into the planes of a frame.

        Args:
            canvas: uint8 (H, W, 3) BGR. The pixels around the parts count, too.
            parts: The parts, as `align` gives them.
            frame: Gets the parts, and stays as it is elsewhere.
        """
        if not parts:
            return
        placed, (width, height) = self._place(parts, HALVING_MARGIN_PX)
        sheet = np.zeros((height, width, 3), np.uint8)
        for one in placed:
            _cut(canvas, one.outer, sheet[one.y :, one.x :])
        made = to_yuv(sheet, self._colour, self._find_tools((width, height)).to_yuv)
        for level, (target, source) in enumerate(
            zip(view_planes(frame), view_planes(made), strict=True)
        ):
            step = 1 if level == 0 else 2
            for one in placed:
                x0, y0, x1, y1 = (side // step for side in one.inner)
                x = (one.x + one.inner[0] - one.outer[0]) // step
                y = (one.y + one.inner[1] - one.outer[1]) // step
                target[y0:y1, x0:x1] = source[y : y + y1 - y0, x : x + x1 - x0]

    def _place(
        self, parts: Sequence[Corners], margin_px: int
    ) -> tuple[list[_Part], tuple[int, int]]:
        """Places parts with their margins on a sheet, in rows, the highest first. Returns them
        with the sheet's width and height."""
        outer = {part: _enlarge(part, margin_px) for part in parts}
        sizes = [(x1 - x0, y1 - y0) for x0, y0, x1, y1 in outer.values()]
        area = sum(wide * high for wide, high in sizes)
        width = _round_up(max(isqrt(area), max(wide for wide, _ in sizes)))
        placed: list[_Part] = []
        x = y = row = 0
        for part in sorted(parts, key=lambda one: outer[one][1] - outer[one][3]):
            x0, y0, x1, y1 = outer[part]
            if x + x1 - x0 > width:
                x, y, row = 0, y + row, 0
            row = max(row, y1 - y0)
            placed.append(_Part(part, outer[part], x, y))
            x += x1 - x0
        return placed, (width, _round_up(y + row))

    def _find_tools(self, size_wh: tuple[int, int]) -> "_SheetTools":
        """Returns what converts sheets of a size; that of the sizes used last is kept."""
        tools = self._tools.pop(size_wh, None) or _SheetTools()
        self._tools[size_wh] = tools
        while len(self._tools) > MAX_SHEET_SIZES:
            del self._tools[next(iter(self._tools))]
        return tools


def _enlarge(part: Corners, margin_px: int) -> Corners:
    x0, y0, x1, y1 = part
    return x0 - margin_px, y0 - margin_px, x1 + margin_px, y1 + margin_px


def _cut_to(part: Corners, size_wh: tuple[int, int]) -> Corners:
    (width, height), (x0, y0, x1, y1) = size_wh, part
    return max(0, x0), max(0, y0), min(width, x1), min(height, y1)


def _cut(source: Image, part: Corners, target: Image) -> None:
    """Copies a part of `source` to the top left corner of `target`. Outside of `source` lie the
    pixels of its border, as in swscale's own view."""
    height, width = source.shape[:2]
    x0, y0, x1, y1 = _cut_to(part, (width, height))
    cut = source[y0:y1, x0:x1]
    if (x0, y0, x1, y1) != part:
        sides = y0 - part[1], part[3] - y1, x0 - part[0], part[2] - x1
        cut = np.asarray(cv2.copyMakeBorder(cut, *sides, cv2.BORDER_REPLICATE), np.uint8)
    target[: cut.shape[0], : cut.shape[1]] = cut


def _lies_in(one: Corners, other: Corners) -> bool:
    return one[0] >= other[0] and one[1] >= other[1] and one[2] <= other[2] and one[3] <= other[3]


def _round_up(side_px: int) -> int:
    return -(-side_px // SHEET_STEP_PX) * SHEET_STEP_PX
