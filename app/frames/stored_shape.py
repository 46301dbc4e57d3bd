"""How the pictures of a video are stored, what is made of them, and where that changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.frames.orientation import Orientation
from app.frames.wide_colour import WideColour
from app.types import Json

MAX_FRAME_PIXELS = 40_000_000  # 8K is 33
SQUARE = Fraction(1)
ALMOST_SQUARE = 0.01  # scaling an odd size leaves such pixels; nobody sees them
LISTED = 100  # changes that are kept one by one
MOST_UNEQUAL = 5  # sides of a pixel; beyond it the file is wrong


@dataclass(frozen=True, slots=True)
class Shape:
    """How a frame is stored, and what is made of it.

    `stored_wh` px is its size as it is stored, `pixel_aspect` the width / height of its pixels
    there. It is scaled to `scaled_wh` px and then turned. `colours` are those that are made into
    the ones of BT.709; None where it has those.
    """

    stored_wh: tuple[int, int]
    pixel_aspect: Fraction
    scaled_wh: tuple[int, int]
    orientation: Orientation
    colours: WideColour | None = None

    @property
    def size_wh(self) -> tuple[int, int]:
        """The size px of the upright picture."""
        return self.orientation.turn_size(self.scaled_wh)

    def describe(self) -> Json:
        """The same for the notes of a run, in values that JSON has."""
        return {
            "size_wh": list(self.size_wh),
            "stored_size_wh": list(self.stored_wh),
            "pixel_aspect": str(self.pixel_aspect),
            "turned": self.orientation.words or None,
            "colours_from": None if self.colours is None else str(self.colours),
        }


class ShapeChanges:
    """Keeps the shape of the first picture, and the first `LISTED` of those that are unlike the one
    before them. `count` is how many there are in all."""

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
        """Takes the shape of the frame at `time_s`; `index` is its number, where it is known."""
        self._interlaced += interlaced
        if shape == self._last:
            return
        if shape.size_wh != self._last.size_wh or shape.orientation != self._last.orientation:
            self._moves += 1
            self._first_move = self._first_move or f"{time_s:.2f} s to {_size(shape.size_wh)}"
        self._last = shape
        self.count += 1
        if len(self._listed) < LISTED:
            number: Json = {} if index is None else {"frame": index}
            self._listed.append(number | {"time_s": round(time_s, 6)} | shape.describe())

    def describe(self) -> Json:
        """What is known up to now, in values that JSON has."""
        found = self.first.describe()
        if self._interlaced:
            found["interlaced_frames"] = self._interlaced
        if self.count:
            found |= {"shape_changes": self._listed, "shape_changes_count": self.count}
        return found

    def remarks(self, name: str) -> list[str]:
        """Says in lines for people what they must know of the coordinates in the records."""
        said = []
        shape = self.first
        if find_square_size(shape.stored_wh, shape.pixel_aspect) != shape.stored_wh:
            said.append(
                f"{name} has pixels of {_ratio(shape.pixel_aspect)}, not square ones: it was read "
                f"at {_size(shape.size_wh)}, as players show it; coordinates are in these."
            )
        elif abs(shape.pixel_aspect - 1) > ALMOST_SQUARE:
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
    """Gives the size px at which a picture has square pixels. The shorter side of a pixel is
    stretched, so that nothing is lost, or else, where that would be too large, the longer side is
    shrunk. An aspect that no device has (`MOST_UNEQUAL`) is taken for square."""
    aspect = float(pixel_aspect)
    if abs(aspect - 1) <= ALMOST_SQUARE or not 1 / MOST_UNEQUAL <= aspect <= MOST_UNEQUAL:
        return stored_wh
    width, height = stored_wh
    wider, higher = (_even(width * aspect), height), (width, _even(height / aspect))
    large, small = (wider, higher) if aspect > 1 else (higher, wider)
    return large if large[0] * large[1] <= MAX_FRAME_PIXELS else small


def _even(side: float) -> int:
    return max(2, 2 * round(side / 2))
