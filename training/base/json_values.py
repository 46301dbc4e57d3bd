"""Prepares values for JSON files."""

import math
from typing import Any


def make_json_safe(value: Any) -> Any:
    """Replaces NaN and infinities by None in a value for JSON, which has no such numbers. Tuples
    become lists.

    >>> make_json_safe({"share": float("nan"), "pair": (1, 2.5)})
    {'share': None, 'pair': [1, 2.5]}
    """
    if isinstance(value, dict):
        return {key: make_json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [make_json_safe(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
