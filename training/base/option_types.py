"""Reads numbers from the command line, each within its range."""

import argparse
import math


def gigabytes(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no amount of memory")
    return value


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def share(text: str) -> float:
    """A fraction of 0..1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def inner_share(text: str) -> float:
    """A fraction that leaves something on both sides."""
    value = share(text)
    if value in (0, 1):
        raise argparse.ArgumentTypeError(f"{text} leaves one side of the split empty")
    return value
