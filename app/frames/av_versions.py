"""Evens out the differences between PyAV 18 and 19 in opening files and in giving ratios."""

from fractions import Fraction
from typing import Any, BinaryIO, Protocol

import av
from av.container import InputContainer

# Up to version 18 PyAV raises for texts that are no UTF-8, unless told to replace what it cannot
# decode; version 19 does not know the option and gives what it cannot decode as surrogates.
_MAJOR = int(av.__version__.split(".")[0])
_REPLACING: dict[str, Any] = {"metadata_errors": "replace"} if _MAJOR < 19 else {}  # keywords


class Ratio(Protocol):
    """A ratio of whole numbers, as `Fraction` and PyAV's `AVRational` give it."""

    @property
    def numerator(self) -> int:
        """The number above the line."""

    @property
    def denominator(self) -> int:
        """The number below the line."""


def open_input(
    file: str | BinaryIO,
    *,
    format_name: str | None = None,
    options: dict[str, str] | None = None,
    timeout: tuple[float, float] | None = None,
) -> InputContainer:
    """Opens `file` with `av.open` for reading. Titles of old recorders may be no UTF-8.

    Args:
        file: A path, an address or an open binary file.
        format_name: libav's name of the only format to try; None for all.
        options: libav's options.
        timeout: The seconds to wait for a connection, and for each further piece.

    Raises:
        av.FFmpegError: If libav cannot read it.
        OSError: If the system cannot open it.
    """
    container: InputContainer = av.open(
        file, "r", format=format_name, options=options, timeout=timeout, **_REPLACING
    )
    return container


def to_fraction(ratio: Ratio | None) -> Fraction | None:
    """Makes a `Fraction` of a rate, a time base or an aspect ratio; None where it is not set.

    PyAV 18 gives a `Fraction` or None. Version 19 gives an `AVRational`, which is 0/1 where it is
    not set, cannot be rounded, and is written 25/1 for 25.

    >>> to_fraction(Fraction(30_000, 1001)), to_fraction(Fraction(0)), to_fraction(None)
    (Fraction(30000, 1001), None, None)
    """
    return Fraction(ratio.numerator, ratio.denominator) if ratio else None
