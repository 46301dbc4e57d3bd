"""Prepares values for JSON files."""

import math
from typing import Any


def make_json_safe(value: Any) -> Any:
    """NaN, which JSON does not have, becomes null."""
    if isinstance(value, dict):
        return {key: make_json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [make_json_safe(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
