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

# Around a part. swscale's filters look 4 px far to halve colours, and from there 2 px further to
# double them.
DRAWN_MARGIN_PX = 4
MARGIN_PX = 6
SHEET_STEP_PX = 32  # sides of sheets are multiples of this, so that few sizes come up
MAX_SHEET_SIZES = 16  # whose converters are kept; the one that was used longest ago goes first
Corners = tuple[int, int, int, int]  # x0, y0, x1, y1 px


class _Place(NamedTuple):
    """A part of a picture and its place on a sheet.

    `part` has even corners; (`x`, `y`) is the place of its margin's top left corner on the sheet.
    """

    part: Corners
    x: int
    y: int


class PatchLayout(NamedTuple):
    """The parts of a picture on a sheet of `size_wh` px."""

    places: tuple[_Place, ...]
    size_wh: tuple[int, int]

    @property
    def parts(self) -> list[Corners]:
        """The parts of the picture, as x0, y0, x1, y1 px."""
        return [place.part for place in self.places]


@dataclass(slots=True)
class _SheetTools:
    """The converters of sheets of one size, and the sheets, which are used again."""

    to_bgr: VideoReformatter = field(default_factory=VideoReformatter)
    to_yuv: VideoReformatter = field(default_factory=VideoReformatter)
    sheet: VideoFrame | None = None
    planes: Sequence[Image] = ()


class PatchConverter:
    """Converts parts of pictures of one size and one kind of colours. Belongs to one thread.

    Args:
        size_wh: Width and height of the pictures, px, even.
        colour: The colours of their planes.
    """

    def __init__(self, size_wh: tuple[int, int], colour: ColourTags) -> None:
        self._size_wh = size_wh
        self._colour = colour
        self._tools: dict[tuple[tuple[int, int], bool], _SheetTools] = {}

    @property
    def kept_sizes(self) -> int:
        """The number of sizes of sheets whose converters are kept."""
        return len(self._tools)

    def lay_out(self, rects: Iterable[Sequence[int]]) -> PatchLayout:
        """Lays parts of a picture out on a sheet: enlarged to whole blocks of colour, cut to the
        picture, and without those that lie in others.

        Args:
            rects: For each part x, y, width and height in px. It may reach outside the picture.

        >>> from app.frames.yuv_colour import BT709
        >>> PatchConverter((64, 48), BT709).lay_out([(5, 5, 4, 4), (6, 6, 2, 2), (70, 0, 5, 5)])
        PatchLayout(places=(_Place(part=(4, 4, 10, 10), x=0, y=0),), size_wh=(32, 32))
        """
        width, height = self._size_wh
        parts = set()
        for x, y, wide, high in rects:
            right, bottom = x + wide, y + high
            x0, y0 = max(0, x - x % 2), max(0, y - y % 2)
            x1, y1 = min(width, right + right % 2), min(height, bottom + bottom % 2)
            if x0 < x1 and y0 < y1:
                parts.add((x0, y0, x1, y1))
        return _place([one for one in parts if not _lies_in_another(one, parts)])

    def read(self, picture: YuvPicture, layout: PatchLayout, canvas: Image) -> None:
        """Converts parts of a picture to BGR, with the margin that `write` needs around them.

        Args:
            picture: The picture.
            layout: Its parts.
            canvas: uint8 (H, W, 3): gets the pixels of the parts and their margins.
        """
        if not layout.places:
            return
        turn, stored_wh = picture.orientation, picture.orientation.turn_size(self._size_wh)
        if not turn.is_upright:
            back = turn.inverse
            layout = _place([back.turn_corners(part, self._size_wh) for part in layout.parts])
        tools = self._find_tools(layout.size_wh, is_full_range=picture.is_full_range)
        if tools.sheet is None:
            tools.sheet = picture.make_sheet(layout.size_wh)
            tools.planes = view_planes(tools.sheet)
        luma, *colours = zip(tools.planes, picture.planes, strict=True)
        for (x0, y0, x1, y1), x, y in layout.places:
            _cut(*luma, (x0, y0, x1, y1), MARGIN_PX, (x, y))
            half = (x0 // 2, y0 // 2, x1 // 2, y1 // 2)
            for target, source in colours:
                _cut(target, source, half, MARGIN_PX // 2, (x // 2, y // 2))
        made = to_bgr(tools.sheet, layout.size_wh, tools.to_bgr)
        for part, x, y in layout.places:
            x0, y0, x1, y1 = wide = _add_margin(part, stored_wh)
            x, y = x + MARGIN_PX + x0 - part[0], y + MARGIN_PX + y0 - part[1]
            left, top, right, bottom = turn.turn_corners(wide, stored_wh)
            canvas[top:bottom, left:right] = turn.apply(made[y : y + y1 - y0, x : x + x1 - x0])

    def cut(self, image: Image, layout: PatchLayout, canvas: Image) -> None:
        """Copies parts of a picture that is BGR already, with the same margin as `read`."""
        for part in layout.parts:
            x0, y0, x1, y1 = _add_margin(part, self._size_wh)
            canvas[y0:y1, x0:x1] = image[y0:y1, x0:x1]

    def write(self, canvas: Image, layout: PatchLayout, frame: VideoFrame) -> None:
        """Converts parts of a canvas and puts them into the planes of a frame.

        Args:
            canvas: uint8 (H, W, 3) BGR. The pixels around the parts count, too.
            layout: The parts.
            frame: Gets the parts, and stays as it is elsewhere.
        """
        if not layout.places:
            return
        width, height = layout.size_wh
        sheet = np.zeros((height, width, 3), np.uint8)
        for part, x, y in layout.places:
            inset = MARGIN_PX - DRAWN_MARGIN_PX
            _cut(sheet, canvas, part, DRAWN_MARGIN_PX, (x + inset, y + inset))
        made = view_planes(to_yuv(sheet, self._colour, self._find_tools(layout.size_wh).to_yuv))
        luma, *colours = zip(view_planes(frame), made, strict=True)
        for (x0, y0, x1, y1), x, y in layout.places:
            x, y = x + MARGIN_PX, y + MARGIN_PX
            luma[0][y0:y1, x0:x1] = luma[1][y : y + y1 - y0, x : x + x1 - x0]
            x0, y0, x1, y1, x, y = x0 // 2, y0 // 2, x1 // 2, y1 // 2, x // 2, y // 2
            for target, source in colours:
                target[y0:y1, x0:x1] = source[y : y + y1 - y0, x : x + x1 - x0]

    def _find_tools(self, size_wh: tuple[int, int], *, is_full_range: bool = False) -> _SheetTools:
        """Returns what converts sheets of a size; that of the sizes used last is kept."""
        kind = size_wh, is_full_range
        tools = self._tools.pop(kind, None) or _SheetTools()
        self._tools[kind] = tools
        while len(self._tools) > MAX_SHEET_SIZES:
            del self._tools[next(iter(self._tools))]
        return tools


def _add_margin(part: Corners, size_wh: tuple[int, int]) -> Corners:
    """Adds the margin that counts for `write`, as far as it lies in a picture of `size_wh` px."""
    (width, height), (x0, y0, x1, y1) = size_wh, part
    return (
        max(0, x0 - DRAWN_MARGIN_PX),
        max(0, y0 - DRAWN_MARGIN_PX),
        min(width, x1 + DRAWN_MARGIN_PX),
        min(height, y1 + DRAWN_MARGIN_PX),
    )


def _place(parts: Sequence[Corners]) -> PatchLayout:
    """Places parts with their margins on a sheet, in rows, the highest first."""
    if not parts:
        return PatchLayout((), (0, 0))
    sizes = sorted(
        ((y1 - y0 + 2 * MARGIN_PX, x1 - x0 + 2 * MARGIN_PX, (x0, y0, x1, y1)))
        for x0, y0, x1, y1 in parts
    )
    area = sum(high * wide for high, wide, _ in sizes)
    width = _round_up(max(isqrt(area), *(wide for _, wide, _ in sizes)))
    places: list[_Place] = []
    x = y = row = 0
    for high, wide, part in reversed(sizes):
        if x + wide > width:
            x, y, row = 0, y + row, 0
        row = max(row, high)
        places.append(_Place(part, x, y))
        x += wide
    return PatchLayout(tuple(places), (width, _round_up(y + row)))


def _cut(target: Image, source: Image, part: Corners, margin: int, xy: tuple[int, int]) -> None:
    """Copies a part of `source` with its margin to (x, y) of `target`. Outside of `source` lie the
    pixels of its border, as in swscale's own view."""
    (height, width), (x, y) = source.shape[:2], xy
    x0, y0, x1, y1 = part[0] - margin, part[1] - margin, part[2] + margin, part[3] + margin
    if x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height:
        target[y : y + y1 - y0, x : x + x1 - x0] = source[y0:y1, x0:x1]
        return
    inside = source[max(0, y0) : y1, max(0, x0) : x1]
    sides = max(0, -y0), max(0, y1 - height), max(0, -x0), max(0, x1 - width)
    whole = cv2.copyMakeBorder(inside, *sides, cv2.BORDER_REPLICATE)
    target[y : y + y1 - y0, x : x + x1 - x0] = whole


def _lies_in_another(one: Corners, parts: Iterable[Corners]) -> bool:
    x0, y0, x1, y1 = one
    return any(
        left <= x0 and top <= y0 and x1 <= right and y1 <= bottom
        for left, top, right, bottom in parts
        if (left, top, right, bottom) != one
    )


def _round_up(side_px: int) -> int:
    return -(-side_px // SHEET_STEP_PX) * SHEET_STEP_PX
