"""Reads the values of options, each within its range. Nothing here needs a package."""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from app.defaults import find_model

if TYPE_CHECKING:
    from app.batch.shares import Share
    from app.sources.remote_video import WebVideo

MAX_RATE = 1000  # frames/s; no camera of today comes near it
MAX_SIDE_PX = 10_000


def parse_path(text: str) -> Path:
    """Reads the name of a file or folder, which is not empty."""
    return Path(parse_name(text))


class GivenOnce(argparse.Action):
    """Stores the value of an option whose later values must not replace earlier ones."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Stores the value. Raises `ArgumentError` for a second one."""
        if vars(namespace).get(self.dest) is not None:
            raise argparse.ArgumentError(self, "give it once: it is for one person")
        setattr(namespace, self.dest, values)


def parse_name(text: str) -> str:
    """Reads a name, which is not empty."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty; name a file")
    return text


def parse_model(text: str) -> Path:
    """Reads the short name of a shipped model, or a path."""
    return find_model(parse_name(text))


def parse_whole(text: str) -> int:
    """Reads a whole number in the digits 0 to 9. `int` would also take those of other scripts, and
    underscores. Raises `ValueError`."""
    if not (text.isascii() and text.lstrip("+-").isdecimal()):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _parse_float(text: str) -> float:
    """Reads a number in the digits 0 to 9. Raises `ValueError`."""
    if not text.isascii() or "_" in text:
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def parse_positive(text: str) -> int:
    """Reads a whole number of at least 1."""
    number = parse_whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def parse_rate(text: str) -> float:
    """Reads a number of frames a second, above 0."""
    number = _parse_float(text)
    if not 0 < number <= MAX_RATE:
        raise argparse.ArgumentTypeError("must be between 0 and 1000")
    return number


def parse_size(text: str) -> tuple[int, int]:
    """Reads "WxH" as (width, height) in px."""
    width, _, height = text.lower().replace("×", "x").partition("x")
    wanted = parse_whole(width), parse_whole(height)
    if not all(1 <= side <= MAX_SIDE_PX for side in wanted):
        raise argparse.ArgumentTypeError("must be from 1x1 to 10000x10000")
    return wanted


def parse_moment(text: str) -> float:
    """Reads a time, such as "90.5" or "1:30", in seconds."""
    from app.sources.frame_selection import parse_time

    return parse_time(text)


def parse_named_video(text: str) -> "Path | WebVideo":
    """Reads what one word after `--video` names: a path or an address."""
    from app.sources.remote_video import parse_video

    return parse_video(parse_name(text))


def parse_shard(text: str) -> "Share":
    """Reads "I/N" as the I-th of N shares."""
    from app.batch.shares import Share

    number, slash, count = text.partition("/")
    if not (slash and text.isascii() and number.isdecimal() and count.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a share such as 1/8")
    if int(count) < 1:
        raise argparse.ArgumentTypeError(f"there must be at least one share, got {text}")
    if not 1 <= int(number) <= int(count):
        raise argparse.ArgumentTypeError(
            f"of {count} shares, the first is 1/{count} and the last {count}/{count}, got {text}"
        )
    return Share(int(number), int(count))


def parse_strength(text: str) -> float:
    """Reads a number from 0 to 1."""
    number = _parse_float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return number


def parse_gpu_share(text: str) -> float:
    """Reads the share of a GPU that a worker takes, from 0 to 1."""
    number = _parse_float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(
            f"a worker uses one GPU at most: give a number from 0 to 1, such as 0.5, got {text}"
        )
    return number


def parse_duration(text: str) -> float:
    """Reads a finite number of seconds of at least 0."""
    number = _parse_float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError("must be a number of seconds of at least 0")
    return number


def parse_profile_name(text: str) -> str:
    """Reads the name of a profile, without its suffix. A path is none."""
    from app.errors import ProfileError
    from app.teaching.profile_name import check_profile_name

    try:
        return check_profile_name(text)
    except ProfileError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
