"""Keeps the texts of one stream steady from frame to frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.overlay.labels import Label
from app.overlay.reading_list import ReadingList, find_unnamed, place_list
from app.placement.memory import PlacementMemory
from app.placement.rects import Rect
from app.placement.values import Plan, Scene
from app.types import Floats

HOLD_SHARE = 0.15  # of the text size: a smaller change is ignored
SIZE_HOLD_S = 1.0  # a larger change is made after it has been wanted for this time
LISTED_FORM = 1  # of a label: the one that is used for the lines of the list
LIST_AGAIN_S = 1.0  # after there was no room for the list, room is looked for again
NUMBERED_S = 5.0  # how long a face that is left alone keeps its number
OVERTAKING_SHARE = 0.03  # by which a class must be more probable than the row above to move up
MAX_PEOPLE = 64  # whose rows are remembered; the oldest are forgotten first


@dataclass(slots=True)
class OverlayMemory:
    """The state of one stream's overlay: where texts are, how large they are, and in which order
    the rows of panels stand. Belongs to one stream, and to one thread at a time."""

    places: PlacementMemory = field(default_factory=PlacementMemory)
    _view: tuple[str, bool] | None = None
    _size_px: int = 0
    _size_since_s: float | None = None
    _several_s: float | None = None  # when there were several faces for the last time
    _now_s: float = 0.0
    _rows: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _list: Rect | None = None
    _no_list_s: float | None = None  # when there was no room for the list

    def begin(self, mode: str, mirror: bool, time_s: float) -> None:
        """Begins a frame at `time_s`; to be called before all else. Another mode or mirroring, or a
        time that runs backwards, clears the memory."""
        if self._view != (mode, mirror) or time_s < self._now_s:
            self.places = PlacementMemory()
            self._size_px, self._size_since_s = 0, None
            self._several_s = None
            self._rows = {}
            self._list = self._no_list_s = None
        self._view, self._now_s = (mode, mirror), time_s

    def is_numbered(self, count: int) -> bool:
        """Returns whether labels begin with the face's number, in a frame with `count` faces."""
        if count > 1:
            self._several_s = self._now_s
        return self._several_s is not None and self._now_s - self._several_s <= NUMBERED_S

    def place_list(
        self, labels: Sequence[tuple[Label, ...]], scene: Scene, plan: Plan
    ) -> ReadingList | None:
        """Finds room for the list of labels that have no room at their face.

        Args:
            labels: For each face of the scene, the forms of its label.
            scene: The picture and its faces.
            plan: The places of labels and panels.

        Returns:
            The list; None where none is needed or there is no room. After there was no room, None
            for the next `LIST_AGAIN_S`.
        """
        numbers = find_unnamed(labels, scene, plan)
        waits = self._no_list_s is not None and self._now_s - self._no_list_s < LIST_AGAIN_S
        if not numbers or (waits and self._now_s != self._no_list_s):
            return None
        lines = {number: labels[number][LISTED_FORM] for number in numbers}
        listed = place_list(lines, scene, plan, self._list)
        self._list = None if listed is None else listed.rect
        self._no_list_s = self._now_s if listed is None else None
        return listed

    def hold_size(self, wanted_px: int) -> int:
        """Returns the size of texts, px: that of the frame before until a clearly different one has
        been wanted for `SIZE_HOLD_S`."""
        held = self._size_px
        if held and abs(wanted_px - held) <= HOLD_SHARE * held:
            self._size_since_s = None
            return held
        if held and self._size_since_s is None:
            self._size_since_s = self._now_s
        since_s = self._size_since_s
        if held and since_s is not None and self._now_s - since_s < SIZE_HOLD_S:
            return held
        self._size_px, self._size_since_s = wanted_px, None
        return wanted_px

    def choose_rows(self, face_id: int, probabilities: Floats, count: int) -> tuple[int, ...]:
        """Chooses the `count` likeliest classes for a person's panel. Classes that are about
        equally likely keep the order of the frame before.

        >>> import numpy as np
        >>> memory = OverlayMemory()
        >>> memory.choose_rows(1, np.array([0.2, 0.5, 0.3], np.float32), 2)
        (1, 2)
        >>> memory.choose_rows(1, np.array([0.2, 0.39, 0.41], np.float32), 2)
        (1, 2)
        """
        before = self._rows.get(face_id, ())
        order = [*before, *(i for i in range(len(probabilities)) if i not in before)]
        if len(order) != len(probabilities):
            order = list(range(len(probabilities)))
        margin = OVERTAKING_SHARE if before else 0.0
        for end in range(1, len(order)):
            at = end
            while at and probabilities[order[at]] > probabilities[order[at - 1]] + margin:
                order[at - 1], order[at] = order[at], order[at - 1]
                at -= 1
        self._rows.pop(face_id, None)
        self._rows[face_id] = tuple(order)
        while len(self._rows) > MAX_PEOPLE:
            self._rows.pop(next(iter(self._rows)))
        return tuple(order[:count])
