"""Describes how the pictures of a video are stored and what is made of them, and notes changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.frames.orientation import Orientation
from app.frames.wide_colour import WideColour
from app.types import Json

MAX_FRAME_PIXELS = 40_000_000  # 8K is 33
SQUARE = Fraction(1)
# Aspects of a pixel that differ from 1 by less are taken for square: scaling an odd size leaves
# such pixels, and no viewer sees them.
SQUARE_TOLERANCE = 0.01
MAX_LISTED_SHAPES = 100  # changes that are kept one by one
MAX_PIXEL_ASPECT = 5  # of the sides of a pixel; beyond it the file is wrong


@dataclass(frozen=True, slots=True)
class Shape:
    """The form in which a frame is stored, and the steps that make its picture.

    Attributes:
        stored_wh: Width and height in pixels as stored.
        pixel_aspect: Width / height of a stored pixel.
        scaled_wh: Width and height in pixels to which the stored picture is scaled.
        orientation: The turn and the mirrors after the scaling.
        colours: The colours that are made into those of BT.709; None where they are BT.709.
    """

    stored_wh: tuple[int, int]
    pixel_aspect: Fraction
    scaled_wh: tuple[int, int]
    orientation: Orientation
    colours: WideColour | None = None

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels of the upright picture."""
        return self.orientation.turn_size(self.scaled_wh)

    def describe(self) -> Json:
        """Describes the shape for NAME.run.json."""
        return {
            "size_wh": list(self.size_wh),
            "stored_size_wh": list(self.stored_wh),
            "pixel_aspect": str(self.pixel_aspect),
            "turned": self.orientation.words or None,
            "colours_from": None if self.colours is None else str(self.colours),
        }


class ShapeChanges:
    """Notes the shape of the first picture, and the changes from one picture to the next.

    Attributes:
        first: The shape of the first picture.
        count: The number of changes so far. The first `MAX_LISTED_SHAPES` are kept one by one.
    """

    def __init__(self, first: Shape) -> None:
        self.first = self._last = first
        self.count = 0
        self._interlaced = 0  # frames
        self._moves = 0  # changes that change coordinates
        self._first_move = ""
        self._listed: list[Json] = []

    def note(
        self, shape: Shape, time_s: float, index: int | None = None, *, interlaced: bool = False
    ) -> None:
        """Notes the shape of the frame at `time_s`; `index` is the frame's number, if known."""
        self._interlaced += interlaced
        if shape == self._last:
            return
        if shape.size_wh != self._last.size_wh or shape.orientation != self._last.orientation:
            self._moves += 1
            self._first_move = self._first_move or f"{time_s:.2f} s to {_size(shape.size_wh)}"
        self._last = shape
        self.count += 1
        if len(self._listed) < MAX_LISTED_SHAPES:
            number: Json = {} if index is None else {"frame": index}
            self._listed.append(number | {"time_s": round(time_s, 6)} | shape.describe())

    def describe(self) -> Json:
        """Describes the shapes so far for NAME.run.json."""
        found = self.first.describe()
        if self._interlaced:
            found["interlaced_frames"] = self._interlaced
        if self.count:
            found |= {"shape_changes": self._listed, "shape_changes_count": self.count}
        return found

    def remarks(self, name: str) -> list[str]:
        """Says in lines what users must know of the coordinates in the records. `name` is the
        source's name."""
        said = []
        shape = self.first
        if find_square_size(shape.stored_wh, shape.pixel_aspect) != shape.stored_wh:
            said.append(
                f"{name} has pixels of {_ratio(shape.pixel_aspect)}, not square ones: it was read "
                f"at {_size(shape.size_wh)}, as players show it; coordinates are in these."
            )
        elif abs(shape.pixel_aspect - 1) > SQUARE_TOLERANCE:
            said.append(
                f"{name} says that its pixels are {_ratio(shape.pixel_aspect)}, which cannot be: "
                "they were taken for square."
            )
        if shape.colours is not None:
            kind = "HDR video" if shape.colours.is_hdr else "video of a wide colour space"
            said.append(
                f"{name} is {kind} ({shape.colours}): its colours were made into those of BT.709."
            )
        if self._moves:
            times = "once" if self._moves == 1 else f"{self._moves} times"
            said.append(
                f"{name} changes its picture {times}, first at {self._first_move}: coordinates are "
                "those of each frame's own picture."
            )
        return said


def _size(size_wh: Sequence[int]) -> str:
    return f"{size_wh[0]} x {size_wh[1]} px"


def _ratio(aspect: Fraction) -> str:
    return f"{aspect.numerator}:{aspect.denominator}"


def find_square_size(stored_wh: tuple[int, int], pixel_aspect: Fraction) -> tuple[int, int]:
    """Finds the size at which a picture has square pixels.

    The shorter side of a pixel is stretched, so that nothing is lost, or else, where the picture
    would be too large, the longer side is shrunk. An aspect beyond `MAX_PIXEL_ASPECT`, which no
    device has, is taken for square.

    Args:
        stored_wh: Width and height in pixels as stored.
        pixel_aspect: Width / height of a stored pixel.

    Returns:
        Width and height in pixels.

    >>> find_square_size((1440, 1080), Fraction(4, 3))
    (1920, 1080)
    """
    aspect = float(pixel_aspect)
    if (
        abs(aspect - 1) <= SQUARE_TOLERANCE
        or not 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT
    ):
        return stored_wh
    width, height = stored_wh
    wider, higher = (_even(width * aspect), height), (width, _even(height / aspect))
    large, small = (wider, higher) if aspect > 1 else (higher, wider)
    return large if large[0] * large[1] <= MAX_FRAME_PIXELS else small


def _even(side: float) -> int:
    return max(2, 2 * round(side / 2))
