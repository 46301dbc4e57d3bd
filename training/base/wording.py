"""Counts and lists of names, as they stand in lines for people."""

from collections.abc import Iterable

MAX_LISTED = 4  # names in a message


def counted(count: int, noun: str) -> str:
    """A number and its noun: "1 picture", "2 pictures"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """The first of some names, in their order, and a sign that there are more."""
    every = sorted(names)
    return ", ".join(every[:MAX_LISTED]) + (", …" if len(every) > MAX_LISTED else "")
