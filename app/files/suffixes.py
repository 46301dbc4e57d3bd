"""Reads the kind of a result from the suffix of its name."""

from collections.abc import Container
from pathlib import Path

from app.errors import SinkError


def read_suffix(path: Path, kinds: Container[str], otherwise: str) -> str:
    """Reads the suffix of a result's name.

    Args:
        path: The name.
        kinds: The suffixes that can be written, in small letters.
        otherwise: The end of the error's sentence for another suffix, such as "must end in .csv.".

    Returns:
        The suffix in small letters.

    Raises:
        SinkError: The suffix is none of `kinds`, or there is no name before it. Only a run on
            several videos takes a suffix alone.
    """
    suffix = path.suffix.lower()
    if suffix in kinds:
        return suffix
    if path.name.lower() in kinds:
        raise SinkError(
            f"{path} is a suffix alone, which goes with --video and --no-window. Put a name before "
            f"it, such as results{path.name}."
        )
    raise SinkError(f"{path} {otherwise}")
