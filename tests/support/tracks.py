"""Makes tracks of spans for tests."""

from collections.abc import Sequence

import numpy as np

from app.codings.tracks import Span, Track


def spans(*found: tuple[float, float, str]) -> tuple[Span, ...]:
    return tuple(Span(*one) for one in found)


def track(*found: tuple[float, float, str], instants: Sequence[float] | None = None) -> Track:
    return Track(spans(*found), spans(*found), None if instants is None else np.array(instants))
