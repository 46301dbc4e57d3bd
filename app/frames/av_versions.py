"""Evens out what differs between PyAV 18 and 19: how a file is opened, and how ratios are given."""

from fractions import Fraction
from typing import Any

import av

# Up to version 18 PyAV raises for texts that are no UTF-8, unless told to replace what it cannot
# decode; version 19 does not know the option and gives what it cannot decode as surrogates.
_MAJOR = int(av.__version__.split(".")[0])
_REPLACING: dict[str, Any] = {"metadata_errors": "replace"} if _MAJOR < 19 else {}


def open_input(file: Any, **options: Any) -> Any:
    """Opens `file` with `av.open` for reading. Titles of old recorders may be no UTF-8."""
    return av.open(file, "r", **_REPLACING, **options)


def exact(ratio: Any) -> Fraction | None:
    """Gives a rate, a time base or an aspect ratio as a `Fraction`; None where it is not set.

    PyAV 18 gives a `Fraction` or None. Version 19 gives an `AVRational`, which is 0/1 where it is
    not set, cannot be rounded, and is written 25/1 for 25."""
    return Fraction(ratio.numerator, ratio.denominator) if ratio else None
