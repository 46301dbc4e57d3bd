"""Reads numbers from the command line, each within its range.

argparse would put a function's own name into the message for text that is no number, so that each
function here writes that message itself, with the plain word for its kind.
"""

import argparse
import math


def parse_gigabytes(text: str) -> float:
    """Reads an amount of memory, 0 or more, in gigabytes. Raises `ArgumentTypeError`."""
    value = _parse_float(text, "gigabytes")
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no amount of memory")
    return value


def parse_count(text: str) -> int:
    """Reads a whole number of at least 1. Raises `ArgumentTypeError`."""
    try:
        number = int(text)
    except ValueError:
        raise _make_kind_error(text, "positive") from None
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def parse_seed(text: str) -> int:
    """Reads a seed, a whole number of at least 0 and below 2^63. Raises `ArgumentTypeError`."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not 0 <= number < 2**63:
        raise argparse.ArgumentTypeError("must be at least 0 and below 2^63")
    return number


def parse_share(text: str) -> float:
    """Reads a fraction in 0..1, both included. Raises `ArgumentTypeError`."""
    return _parse_fraction(text, "share")


def parse_inner_share(text: str) -> float:
    """Reads a fraction between 0 and 1, both excluded, so that a split leaves something on both
    sides. Raises `ArgumentTypeError`."""
    value = _parse_fraction(text, "inner_share")
    if value in (0, 1):
        raise argparse.ArgumentTypeError(f"{text} leaves one side of the split empty")
    return value


def _parse_fraction(text: str, kind: str) -> float:
    value = _parse_float(text, kind)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _parse_float(text: str, kind: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _make_kind_error(text, kind) from None


def _make_kind_error(text: str, kind: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"invalid {kind} value: {text!r}")
