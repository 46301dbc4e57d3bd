"""Checks the values of a records file and the order of its rows.

Records may have been edited, joined or written by another program. Every check raises `ValueError`
with a reason, which the reader puts behind "FILE, line N: ".
"""

import math
import re
from collections.abc import Mapping

from app.records.schema import Record

MAX_WHOLE = 2**53  # floating point holds every whole number up to this one
MAX_TIME_S = 1e9  # about 30 years
MAX_PX = 1e7  # boxes reach outside of pictures, but not that far
MAX_SUM_ERROR = 0.02  # of probabilities, if each was rounded to two decimals
MAX_SHOWN_CHARACTERS = 40  # of a value in an error line
_HALF = re.compile("[\ud800-\udfff]")  # half of a character that UTF-16 writes in two parts


def check_number(value: object) -> float:
    """Returns a finite number. `True` and `False` do not count as numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{_shown(value)} is not a number")
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        raise ValueError("a number is too large to be read")
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def check_whole(value: object, name: str) -> int:
    """Returns a whole number from 0 to `MAX_WHOLE`; the reason calls it `name`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{_shown(value)} is not a whole number")
    if not 0 <= value <= MAX_WHOLE:
        raise ValueError(f"{name} must be from 0 to {MAX_WHOLE}")
    return value


def check_text(value: object) -> str:
    """Returns text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is not text")
    if not value.isascii() and _HALF.search(value):
        # JSON can name halves of characters, which cannot be written as UTF-8.
        raise ValueError(f"{_shown(value)} holds half a character")
    return value


def check_time(value: object) -> float:
    """Returns seconds from the beginning of the source, from 0 to `MAX_TIME_S`."""
    time_s = check_number(value)
    if not 0 <= time_s <= MAX_TIME_S:
        raise ValueError(f"time_s must be from 0 to {MAX_TIME_S:.0f}, got {time_s:g}")
    return time_s


def check_pixels(value: object) -> float:
    """Returns a coordinate or a length in pixels, within ±`MAX_PX`."""
    found = check_number(value)
    if abs(found) > MAX_PX:
        raise ValueError(f"a place in the picture must be within {MAX_PX:.0f} px, got {found:g}")
    return found


def check_score(value: object, name: str) -> float:
    """Returns a number from 0 to 1; the reason calls it `name`."""
    found = check_number(value)
    if not 0 <= found <= 1:
        raise ValueError(f"{name} must be from 0 to 1, got {found:g}")
    return found


def check_shares(values: object, what: str) -> dict[str, float]:
    """Returns probabilities by label: at least one, each from 0 to 1, with a sum of 1. The reason
    calls a probability `what`."""
    if not isinstance(values, Mapping):
        raise ValueError(f"{what} must be given by label")
    if not values:
        raise ValueError(f"{what} has no label")
    found = {
        check_text(label): check_score(value, f"{what} of {label!r}")
        for label, value in values.items()
    }
    total = math.fsum(found.values())
    if abs(total - 1) > MAX_SUM_ERROR:
        raise ValueError(f"{what} must sum up to 1, got {total:.3f}")
    return found


class RowOrder:
    """Checks that rows are in the order of a run.

    The rows of a frame follow one another and name each face once. Within a source, frames and
    times go up. The rows of a video are not interrupted by another source.
    """

    def __init__(self) -> None:
        self._last: Record | None = None
        self._faces: set[int] = set()  # of the frame so far
        self._over: set[str] = set()  # finished sources of several frames
        self._has_several_frames = False  # the source of the last row

    def check(self, row: Record) -> None:
        """Checks the next row. Raises `ValueError`."""
        last, self._last = self._last, row
        if last is not None and row.source == last.source and row.frame == last.frame:
            self._check_same_frame(row, last)
            return
        if last is None or row.source != last.source:
            if row.source in self._over:
                raise ValueError(f"{row.source!r} begins again after another source")
            if last is not None and self._has_several_frames:
                self._over.add(last.source)
            self._has_several_frames = False
        else:
            self._has_several_frames = True
            if row.frame < last.frame:
                raise ValueError(f"frame {row.frame} comes after frame {last.frame}")
            if row.time_s <= last.time_s:
                raise ValueError(
                    f"frame {row.frame} has no time of its own: {row.time_s:g} s comes after "
                    f"{last.time_s:g} s"
                )
        self._faces = set() if row.face is None else {row.face.face_id}

    def _check_same_frame(self, row: Record, last: Record) -> None:
        if row.face is None or last.face is None:
            raise ValueError(f"frame {row.frame} has a row without a face beside another row")
        if row.face.face_id in self._faces:
            raise ValueError(f"frame {row.frame} has face {row.face.face_id} twice")
        if row.time_s != last.time_s:
            raise ValueError(f"frame {row.frame} has two times")
        self._faces.add(row.face.face_id)


def _shown(value: object) -> str:
    """Formats a value for an error line: short, in one line, and possible to encode."""
    if value is not None and not isinstance(value, str | bool | float | int):
        return f"a {type(value).__name__}"
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        return "a number of many digits"
    text = str(value)
    if len(text) <= MAX_SHOWN_CHARACTERS:
        shown = repr(value)
    else:
        shown = f"{text[: MAX_SHOWN_CHARACTERS - 3]!r}..."
    return _HALF.sub(lambda found: f"\\u{ord(found[0]):x}", shown)
