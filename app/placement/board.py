"""The state of one picture while labels and panels are placed, and the costs that both share.

A place gains the worth of the form that is shown there (`app.placement.values.Form`, at most 1),
less the cost of the place. All costs here are in this unit.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.placement.rects import Corners, Rect, count_shared_px, overlaps_any, stack_corners
from app.placement.values import DETACHED, Scene, Spot

OVER_OWN_COST = 0.4  # of a place that covers its own face as a whole; in proportion for a part
KEEP_GAIN = 0.2  # for the place of the frame before
SOON_S = np.array([0.4, 0.8, 1.2])  # times from now for which positions of faces are predicted
SOON_COST = 0.2  # for each of these times at which another face would be in the place
MIN_CROWD_FACES = 13  # from this number on, faces cross each other's ways too often for predictions
MAX_FEW_FACES = 3  # faces; up to this number, each has a label even where no place is free
TOUCH_SHARE = 0.07  # of a face's sides, at each end: may lie under a place that stood there before
TOUCH_COST = 0.3  # of a place that covers a face's border, so that a better place is found soon
MAX_DISTANCE = 0.45  # of a detached panel from its face, in picture diagonals
MAX_HELD_DISTANCE = 1.2 * MAX_DISTANCE  # of a panel that stood there before
Drift = NDArray[np.float64]  # (N, 2): velocity x, y of each face, px/s
Costs = NDArray[np.float64]  # (P,): of each place


class Choice(NamedTuple):
    """A place and its gain: the worth of its form less its costs."""

    spot: Spot
    gain: float


class Board:
    """One picture's faces, and the places that are taken. Faces are numbered as in `scene.faces`.

    Args:
        scene: The picture and its faces.
        taken: Places that are taken from the start.
        drift: The velocity of each face; None: faces are taken to stand still.

    Attributes:
        boxes: float64 `(N, 4)` of x0, y0, x1, y1 px: the faces' boxes.
        inner: float64 `(N, 4)`: their inner parts (eyes to mouth).
        blocked: float64 `(B, 4)`: the parts of the picture that stay free.
    """

    def __init__(
        self, scene: Scene, taken: Iterable[Rect] = (), drift: Drift | None = None
    ) -> None:
        self.scene = scene
        self.boxes = stack_corners(one.box for one in scene.faces)
        self.inner = stack_corners(one.inner for one in scene.faces)
        self.blocked = stack_corners(scene.blocked)
        self._all_taken = np.zeros((2 * len(scene.faces), 4))  # a label and a panel for each
        self._count = 0
        is_crowd = len(scene.faces) >= MIN_CROWD_FACES
        self._drift = None if is_crowd or drift is None or not drift.any() else drift
        for rect in taken:
            self.take(rect)

    @property
    def taken(self) -> Corners:
        """The places of labels and panels so far: float64 `(T, 4)` of x0, y0, x1, y1 px."""
        return self._all_taken[: self._count]

    def take(self, rect: Rect) -> None:
        """Marks the place of a label or panel as taken."""
        self._all_taken[self._count] = rect.x, rect.y, rect.right, rect.bottom
        self._count += 1

    def is_free(self, rect: Rect) -> bool:
        """Returns whether a place overlaps no place that is taken."""
        return not (count_shared_px(stack_corners([rect]), self.taken) > 0).any()

    def predict_costs(self, number: int, places: Corners, *, is_detached: bool = False) -> Costs:
        """Computes the cost of other faces that soon move into a place, and of places that leave
        the picture with their face.

        Args:
            number: The face that the places belong to.
            places: float64 `(P, 4)` of x0, y0, x1, y1 px.
            is_detached: The places stay on the picture; else they move with their face.

        Returns:
            float64 `(P,)`; 0 without a drift.
        """
        cost = np.zeros(len(places))
        if self._drift is None:
            return cost
        own = self._drift[number]
        boxes, drift = self.boxes, self._drift
        if not is_detached:  # the others move relative to a place that moves with its face
            boxes, drift = np.delete(boxes, number, axis=0), np.delete(drift, number, axis=0) - own
        moves = np.concatenate([drift, drift], axis=1)  # (M, 4)
        soon = boxes + SOON_S[:, None, None] * moves  # (T, M, 4)
        over = count_shared_px(places, soon.reshape(-1, 4))
        hit = over.reshape(len(places), len(SOON_S), -1) > 0  # (P, T, M)
        cost += SOON_COST * hit.any(axis=2).sum(axis=1)
        if not is_detached:
            width, height = self.scene.size_wh
            low = places[:, None, :2] + SOON_S[:, None] * own  # (P, T, 2)
            high = places[:, None, 2:] + SOON_S[:, None] * own
            out = (low < 0).any(axis=2) | (high > (width, height)).any(axis=2)
            cost += SOON_COST * out.sum(axis=1)
        return cost

    def touches_faces(self, number: int, rect: Rect, *, over_own: bool) -> bool:
        """Returns whether a place of face `number` covers a part of any face's box. With `over_own`
        the face's own box does not count."""
        over = count_shared_px(stack_corners([rect]), self.boxes)[0]
        if over_own:
            over[number] = 0
        return bool(over.any())

    def measure_own_share(self, number: int, rect: Rect) -> float:
        """Returns the share of a place that lies over the box of its own face `number`, 0..1."""
        over = count_shared_px(stack_corners([rect]), self.boxes[number : number + 1])
        return float(over[0, 0]) / max(1, rect.area)


def can_stay(
    scene: Scene, spots: Sequence[tuple[int, Spot]], *, over_own: Sequence[bool]
) -> list[bool]:
    """Decides which places of the frame before are still allowed, as far as faces and the picture's
    borders go. A place may touch the border of a face for a while, but no inner part.

    This is asked about every text of every frame. For the usual few, plain numbers take a tenth of
    the time of arrays.

    Args:
        scene: The picture and its faces.
        spots: K pairs of a face's number and the place that was carried to where it is now.
        over_own: For each, whether its form may cover its own face.

    Returns:
        K answers.
    """
    if not spots:
        return []
    width, height = scene.size_wh
    never = [one.inner.corners for one in scene.faces]
    never += [rect.corners for rect in scene.blocked]
    shrunk = [one.box.shrink(TOUCH_SHARE).corners for one in scene.faces]
    answers = []
    for (number, spot), may_cover in zip(spots, over_own, strict=True):
        rect = spot.rect.corners
        # Over its own face lies only what the picture's border has pushed there.
        own = [] if may_cover else [scene.faces[number].box.corners]
        is_inside = rect[0] >= 0 and rect[1] >= 0 and rect[2] <= width and rect[3] <= height
        answers.append(
            is_inside
            and not overlaps_any(rect, [*own, *shrunk[:number], *shrunk[number + 1 :]])
            and not overlaps_any(rect, never)
            and not (
                spot.slot == DETACHED
                and measure_gap_share(scene, number, spot.rect) > MAX_HELD_DISTANCE
            )
        )
    return answers


def measure_gap_share(scene: Scene, number: int, rect: Rect) -> float:
    """Returns the shortest distance of a place from the box of face `number`, in picture
    diagonals."""
    box, (width, height) = scene.faces[number].box, scene.size_wh
    dx = max(0, rect.x - box.right, box.x - rect.right)
    dy = max(0, rect.y - box.bottom, box.y - rect.bottom)
    return float(np.hypot(dx, dy) / np.hypot(width, height))
