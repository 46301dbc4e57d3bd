"""The input of placement (a scene of faces) and its result (a plan)."""

from dataclasses import dataclass
from typing import NamedTuple

from app.placement.rects import Rect

Key = tuple[int, int]  # face id, and a count from 0 among the faces with this id
DETACHED = -1  # the slot of a panel that stands away from its face and is joined to it by a line


class Form(NamedTuple):
    """One way to show a label or panel.

    `width` and `height` are px. `worth` in 0..1 says how much this form shows; 1 is the fullest.
    `over_own`: this form may cover the outer parts of its own face.
    """

    width: int
    height: int
    worth: float
    over_own: bool = False


@dataclass(frozen=True, slots=True)
class SceneFace:
    """One face that gets a label and a panel.

    `box` is its box, cut to the picture; `inner` is the part from the eyes to the mouth, which
    nothing may cover. `labels` and `panels` are the forms to choose from, the fullest first.
    """

    key: Key
    box: Rect
    inner: Rect
    labels: tuple[Form, ...]
    panels: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture of `size_wh` px and its faces.

    Nothing is placed over `blocked`. `gap_px` is the distance between a face's box and its label or
    panel.
    """

    size_wh: tuple[int, int]
    faces: tuple[SceneFace, ...]
    blocked: tuple[Rect, ...] = ()
    gap_px: int = 4


class Spot(NamedTuple):
    """A place for one label or panel: the index of its form, the index of its slot
    (`app.placement.slots`) or `DETACHED`, and the rectangle on the picture."""

    form: int
    slot: int
    rect: Rect


class FacePlaces(NamedTuple):
    """The places of one face's label and panel. None: there was no room."""

    label: Spot | None = None
    panel: Spot | None = None


Plan = dict[Key, FacePlaces]
NOWHERE = FacePlaces()
