"""What is to be placed on a picture, and where it was placed."""

from dataclasses import dataclass
from typing import NamedTuple

from app.placement.rects import Rect

Key = tuple[int, int]  # face id, and its count among faces with this id
DETACHED = -1  # the slot of a panel that stands away from its face, tied to it by a line


class Form(NamedTuple):
    """One way to show a label or panel: size in px, and its worth of at most 1. `over_own`: it may
    lie over the outer parts of its own face."""

    width: int
    height: int
    worth: float
    over_own: bool = False


@dataclass(frozen=True, slots=True)
class SceneFace:
    """A face to be labelled: its box, cut to the picture; `inner`: eyes to mouth. Forms are
    ordered, the fullest first."""

    key: Key
    box: Rect
    inner: Rect
    labels: tuple[Form, ...]
    panels: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be placed on a picture of `size_wh` px. `blocked` is never covered; `gap_px` lies
    between a box and what belongs to it."""

    size_wh: tuple[int, int]
    faces: tuple[SceneFace, ...]
    blocked: tuple[Rect, ...] = ()
    gap_px: int = 4


class Spot(NamedTuple):
    """Where something lies: the number of its form, of its slot (or `DETACHED`), and `rect`."""

    form: int
    slot: int
    rect: Rect


class FacePlaces(NamedTuple):
    """Places of one face's label and panel; None where there was no room."""

    label: Spot | None = None
    panel: Spot | None = None


Plan = dict[Key, FacePlaces]
NOWHERE = FacePlaces()
