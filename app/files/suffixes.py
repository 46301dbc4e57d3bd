"""A result's kind, by the end of its name."""

from collections.abc import Container
from pathlib import Path

from app.errors import SinkError


def read_suffix(path: Path, kinds: Container[str], otherwise: str) -> str:
    """The suffix, in small letters. Raises `SinkError` where it is none of `kinds`, which says
    `otherwise` of the path, or where there is nothing else: only several videos take a suffix
    alone."""
    suffix = path.suffix.lower()
    if suffix in kinds:
        return suffix
    if path.name.lower() in kinds:
        raise SinkError(
            f"{path} is a suffix alone, which goes with --video and --no-window. Put a name before "
            f"it, such as results{path.name}."
        )
    raise SinkError(f"{path} {otherwise}")
