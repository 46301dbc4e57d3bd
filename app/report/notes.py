"""Reads the notes of a run (NAME.run.json), which other programs may have edited.

Every function takes a value of any shape and returns an empty result for another shape than the
expected one.
"""

from collections.abc import Mapping

from app.types import JsonValue


def find_section(notes: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    """Returns the object under `name`.

    >>> find_section({"settings": {"blur": True}}, "settings")
    {'blur': True}
    """
    found = notes.get(name)
    return found if isinstance(found, dict) else {}


def find_list(notes: Mapping[str, JsonValue], name: str) -> list[JsonValue]:
    """Returns the list under `name`."""
    found = notes.get(name)
    return list(found) if isinstance(found, list | tuple) else []


def find_objects(notes: Mapping[str, JsonValue], name: str) -> list[Mapping[str, JsonValue]]:
    """Returns the objects in the list under `name`."""
    return [one for one in find_list(notes, name) if isinstance(one, dict)]


def read_number(value: JsonValue) -> float | None:
    """Returns a number as float; None for another value, also for `True` and `False`."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
