"""Reads times as people and other programs write them.

The decimal mark of a number may be a comma, and there may be marks between thousands. The numbers
of a whole table together show which marks are in use.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.codings.columns import TimeUnit, find_unit
from app.records.checks import MAX_TIME_S
from app.sources.frame_selection import parse_time

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_WITH_UNIT = re.compile(r"(.*\d)\s*([a-zA-Z]+)")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:([.,])\d{3})+")
_MARKED_DIGITS = re.compile(r"[+-]?[\d.,]*\d")
_ONE_MARK = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")  # 1.500 or 1,500, but not 0.500
# Marks between thousands that have no other meaning: an apostrophe, and spaces of several kinds.
_SPACES = str.maketrans("", "", "'\u2019 \u00a0\u2009\u202f")
_SECONDS = {"s": 1.0, "ms": 1e-3, "min": 60.0}
_TIMECODE_ERROR = (
    "is a timecode whose last part counts frames. The rate of the frames is not known here: export "
    "times as seconds, milliseconds or hh:mm:ss.ms"
)


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """The marks within the numbers of a table. `thousands` is "" if there is no such mark."""

    decimal: str = "."
    thousands: str = ""

    def parse_number(self, text: str) -> float:
        """Reads a number. Raises `ValueError` for other text.

        >>> NumberStyle(decimal=",", thousands=".").parse_number("1.234,5")
        1234.5
        """
        plain = text.strip().translate(_SPACES)
        if self.thousands:
            plain = plain.replace(self.thousands, "")
        plain = plain.replace(self.decimal, ".")
        if not _NUMBER.fullmatch(plain):
            raise ValueError(f"{text.strip()[:40]!r} is not a time")
        return float(plain)


def detect_number_style(cells: Iterable[str], *, comma_parts_cells: bool) -> NumberStyle:
    """Detects how the numbers in `cells` are written. Cells with other texts are skipped.

    Raises `ValueError` if the style stays open: in a table with commas between cells
    (`comma_parts_cells`), 1,500 is 1.5 or 1500.

    >>> detect_number_style(["0,5", "12,25"], comma_parts_cells=False)
    NumberStyle(decimal=',', thousands='')
    """
    has_comma = has_dot = False
    only_thousands = True
    for cell in cells:
        text = cell.strip().translate(_SPACES)
        comma, dot = text.rfind(","), text.rfind(".")
        if (comma < 0 and dot < 0) or ":" in text:
            continue
        if comma >= 0 and dot >= 0:
            decimal = "," if comma > dot else "."
            return NumberStyle(decimal, "." if decimal == "," else ",")
        thousands = _THOUSANDS.fullmatch(text)
        if comma >= 0:
            if text.count(",") > 1 and thousands:
                return NumberStyle(".", ",")
            has_comma = True
            only_thousands &= thousands is not None
        else:
            if text.count(".") > 1 and thousands:
                return NumberStyle(",", ".")
            has_dot = True
    if not has_comma:
        return NumberStyle()
    if has_dot:  # for example 0,5 and 1.250
        return NumberStyle(".", ",") if only_thousands else NumberStyle(",", ".")
    if only_thousands and comma_parts_cells:
        raise ValueError(
            "its times have a comma before three digits, which may part thousands or decimals. "
            "Save them without marks between thousands, and with a point"
        )
    return NumberStyle(",")


def check_thousands(cells: Iterable[str]) -> None:
    """Refuses numbers of milliseconds that may have marks between thousands: 1.500 is 1500 or 1.5.

    Other numbers in `cells` decide between the two: a mark that is not before three digits, as in
    33.37 or 1.234.567, or a number above 999 without a mark. Cells with other texts are skipped.

    Raises `ValueError` if nothing decides.
    """
    is_open = False
    for cell in cells:
        text = cell.strip().translate(_SPACES)
        if not _MARKED_DIGITS.fullmatch(text):
            continue
        if text.isdigit():
            if len(text) > 3:
                return
        elif _ONE_MARK.fullmatch(text):
            is_open = True
        else:
            return
    if is_open:
        raise ValueError(
            "its milliseconds have a mark before three digits, which may part thousands or "
            "decimals. Save them as whole numbers without marks, or as seconds"
        )


def parse_coded_time(text: str, unit: TimeUnit | None, style: NumberStyle) -> float:
    """Reads a time as seconds: a number in `unit`, a number with its unit, or hours, minutes and
    seconds. Raises `ValueError`.

    >>> style = NumberStyle()
    >>> [parse_coded_time(text, None, style) for text in ("12.5", "1:02:03.5", "480 ms")]
    [12.5, 3723.5, 0.48]
    """
    text = text.strip()
    if not text:
        raise ValueError("a time is missing")
    if unit == "timecode" or text.count(":") > 2 or (":" in text and ";" in text):
        raise ValueError(f"{text!r} {_TIMECODE_ERROR}")
    if ":" in text:
        try:
            found = parse_time(text.replace(",", "."))
        except ValueError as error:
            raise ValueError(
                f"{text[:40]!r} is not a time: times are seconds or hh:mm:ss.ms, with minutes and "
                "seconds below 60"
            ) from error
    else:
        if (parts := _WITH_UNIT.fullmatch(text)) and (named := find_unit(parts[2])) in _SECONDS:
            text, unit = parts[1], named
        found = style.parse_number(text) * _SECONDS.get(unit or "s", 1.0)
    if not 0 <= found <= MAX_TIME_S:
        raise ValueError(f"{text!r} is no time from the beginning of a video")
    return found
