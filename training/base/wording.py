"""Puts lists of names into words, for messages."""

from collections.abc import Iterable

MAX_LISTED = 4  # names in a message; more would hide what the message says


def join_names(names: Iterable[str]) -> str:
    """Joins the first `MAX_LISTED` names in alphabetical order; "…" stands for further ones.

    >>> join_names(["sad", "angry"]), join_names("edcba")
    ('angry, sad', 'a, b, c, d, …')
    """
    every = sorted(names)
    return ", ".join(every[:MAX_LISTED]) + (", …" if len(every) > MAX_LISTED else "")
