"""What is to be written about a frame's faces, how large, and what must not be covered."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from app.overlay.labels import Label, make_labels, to_label_forms
from app.overlay.panels import Panel, make_panels, to_panel_forms
from app.overlay.reading_list import ReadingList, find_unnamed, place_list
from app.overlay.text import LEAST_PX, MIN_TEXT_PX, choose_text_px
from app.placement.memory import PlacementMemory
from app.placement.rects import Rect
from app.placement.values import Key, Plan, Scene, SceneFace
from app.types import Face, Floats, FrameResult, TrackedFace

HudMode = Literal["off", "boxes", "full"]
HUD_MODES: tuple[HudMode, ...] = ("off", "boxes", "full")

# The size of texts follows that of the faces, between these shares of the usual size.
FACE_SHARE = 0.18  # of a face's height
LEAST_SHARE = 0.6
HOLD_SHARE, HOLD_S = 0.15, 1.0  # it changes by more than that, and not before
LISTED_FORM = 1  # of a label, as lines of the list have it
LIST_AGAIN_S = 1.0
SMALL_SHARE = 0.78  # of a label where there is little room
PANEL_SHARE, SMALL_PANEL_SHARE = 0.75, 0.6
NUMBERED_S = 5.0  # how long a face alone keeps the number that it had among others
OVERTAKEN = 0.03  # by how much more probable the next row must be to move up

# Of a box, where landmarks do not say where eyes and mouth are.
USUAL_INNER = (0.14, 0.18, 0.86, 0.9)
AROUND_EYES, ABOVE_EYES, UNDER_MOUTH = 0.16, 0.12, 0.13  # sides of the box


@dataclass(slots=True)
class OverlayMemory:
    """What is remembered of one view's pictures so that texts stay where they are. One for each
    stream, not to be shared between threads."""

    places: PlacementMemory = field(default_factory=PlacementMemory)
    _view: tuple[HudMode, bool] | None = None
    _size_px: int = 0
    _size_since_s: float | None = None
    _several_s: float | None = None
    _now_s: float = 0.0
    _rows: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _list: Rect | None = None
    _no_list_s: float | None = None  # when there was no room for it

    def begin(self, mode: HudMode, mirror: bool, time_s: float) -> None:
        """To be called before each frame. Begins anew in another view, and where time runs
        backwards."""
        if self._view != (mode, mirror) or time_s < self._now_s:
            self.places = PlacementMemory()
            self._size_px, self._size_since_s = 0, None
            self._several_s = None
            self._rows = {}
            self._list = self._no_list_s = None
        self._view, self._now_s = (mode, mirror), time_s

    def is_numbered(self, count: int) -> bool:
        if count > 1:
            self._several_s = self._now_s
        return self._several_s is not None and self._now_s - self._several_s <= NUMBERED_S

    def list_of(self, faces: Sequence["DrawnFace"], scene: Scene, plan: Plan) -> ReadingList | None:
        """Returns the list of those whose label is their number alone, where there is room for it.
        After there was none, room is looked for again only after some time."""
        numbers = find_unnamed([one.labels for one in faces], scene, plan)
        waits = self._no_list_s is not None and self._now_s - self._no_list_s < LIST_AGAIN_S
        if not numbers or (waits and self._now_s != self._no_list_s):
            return None
        lines = {number: faces[number].labels[LISTED_FORM] for number in numbers}
        listed = place_list(lines, scene, plan, self._list)
        self._list = None if listed is None else listed.rect
        self._no_list_s = self._now_s if listed is None else None
        return listed

    def steady_size(self, wanted_px: int) -> int:
        """Returns the size of a moment ago until another one has been wanted for some time."""
        held = self._size_px
        if held and abs(wanted_px - held) <= HOLD_SHARE * held:
            self._size_since_s = None
            return held
        if held and self._size_since_s is None:
            self._size_since_s = self._now_s
        if held and self._size_since_s is not None and self._now_s - self._size_since_s < HOLD_S:
            return held
        self._size_px, self._size_since_s = wanted_px, None
        return wanted_px

    def rows(self, face_id: int, probabilities: Floats, count: int) -> tuple[int, ...]:
        """Returns the `count` likeliest classes; near neighbours keep their order."""
        before = self._rows.get(face_id, ())
        order = [*before, *(i for i in range(len(probabilities)) if i not in before)]
        if len(order) != len(probabilities):
            order = list(range(len(probabilities)))
        margin = OVERTAKEN if before else 0.0
        for end in range(1, len(order)):
            at = end
            while at and probabilities[order[at]] > probabilities[order[at - 1]] + margin:
                order[at - 1], order[at] = order[at], order[at - 1]
                at -= 1
        self._rows.pop(face_id, None)
        self._rows[face_id] = tuple(order)
        while len(self._rows) > 64:
            self._rows.pop(next(iter(self._rows)))
        return tuple(order[:count])


@dataclass(frozen=True, slots=True)
class DrawnFace:
    """One face on the canvas: its whole box and the forms that it can be labelled in."""

    face: TrackedFace
    key: Key
    box: Rect
    labels: tuple[Label, ...]
    panels: tuple[Panel, ...]


def describe_scene(
    result: FrameResult,
    *,
    mode: HudMode,
    mirror: bool,
    with_strips: bool,
    memory: OverlayMemory,
    reserved: Sequence[Rect] = (),
) -> tuple[Scene, tuple[DrawnFace, ...], int]:
    """Returns what is to be placed, what is said of each face, and the size of labels in px.
    `reserved`: parts of the canvas that something else is drawn on."""
    height, width = result.picture.shape[:2]
    flip = width if mirror else None
    boxes = [locate_box(told.face, flip) for told in result.faces]
    size = memory.steady_size(_label_px(boxes, choose_text_px(width, height)))
    numbered = memory.is_numbered(len(boxes))
    longest = max((f"#{told.face_id}" for told in result.faces if numbered), key=len, default="")
    small = max(LEAST_PX + 2, round(SMALL_SHARE * size))
    panel_px = max(MIN_TEXT_PX, round(PANEL_SHARE * size))
    panel_sizes = panel_px, max(LEAST_PX + 2, round(SMALL_PANEL_SHARE * size))
    panels: tuple[Panel, ...] = ()
    if mode == "full":
        panels = make_panels(result.labels, panel_sizes, number=longest, with_strip=with_strips)
    panel_shapes = to_panel_forms(panels)
    counted: Counter[int] = Counter()
    said: list[DrawnFace] = []
    subjects: list[SceneFace] = []
    for told, box in zip(result.faces, boxes, strict=True):
        labels = make_labels(
            told, result.labels, sizes=(size, small), numbered=numbered, room_px=width
        )
        key = told.face_id, counted[told.face_id]
        counted[told.face_id] += 1
        within, inner = box.cut_to(width, height), locate_inner(told.face, box, flip)
        subjects.append(
            SceneFace(
                key, within, inner.cut_to(width, height), to_label_forms(labels), panel_shapes
            )
        )
        said.append(DrawnFace(told, key, box, labels, panels))
    unread = (locate_box(face, flip).cut_to(width, height) for face in result.unread)
    gap = max(3, round(size / 5))
    return Scene((width, height), tuple(subjects), (*unread, *reserved), gap), tuple(said), size


def _label_px(boxes: Sequence[Rect], usual_px: int) -> int:
    if not boxes:
        return usual_px
    fit = FACE_SHARE * float(np.median([box.height for box in boxes]))
    least = max(MIN_TEXT_PX, round(LEAST_SHARE * usual_px))
    return int(min(usual_px, max(least, round(fit))))


def locate_box(face: Face, mirror_width: int | None) -> Rect:
    """Returns a face's box on the canvas, which it may reach out of."""
    x0, y0, x1, y1 = face.box_xyxy
    if mirror_width is not None:
        x0, x1 = mirror_width - x1, mirror_width - x0
    left, top = round(x0), round(y0)
    return Rect(left, top, max(1, round(x1) - left), max(1, round(y1) - top))


def locate_inner(face: Face, box: Rect, mirror_width: int | None) -> Rect:
    """Returns the part of a box from the eyes to the mouth, which nothing may cover."""
    x, y = face.landmarks[:4].astype(float).T
    if mirror_width is not None:
        x = mirror_width - x
    aside, high = AROUND_EYES * box.width, box.height
    x0, x1 = max(box.x, x.min() - aside), min(box.right, x.max() + aside)
    y0, y1 = max(box.y, y.min() - ABOVE_EYES * high), min(box.bottom, y.max() + UNDER_MOUTH * high)
    if not (x1 - x0 > 0.3 * box.width and y1 - y0 > 0.3 * box.height):
        left, top, right, bottom = USUAL_INNER
        x0, x1 = box.x + left * box.width, box.x + right * box.width
        y0, y1 = box.y + top * box.height, box.y + bottom * box.height
    return Rect(int(x0), int(y0), max(1, int(x1 - x0)), max(1, int(y1 - y0)))
