"""The slots of labels and panels: fixed places around a face, and the cost of each.

A cost is subtracted from the worth of what is shown there (`app.placement.values.Form`, at most 1).
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from app.placement.rects import Corners, Rect
from app.placement.values import Form, Scene

# Of a label. The place above the box, with left edges in line, is the best one.
LABEL_COSTS = np.array(
    [
        *(0.0, 0.02, 0.03),  # above: left edges in line, right edges in line, centred
        *(0.05, 0.07, 0.08),  # below, in the same order
        *(0.12, 0.14, 0.16, 0.18),  # right and left of the top, right and left of the bottom
        *(0.22, 0.24, 0.26, 0.28),  # in the box: top left, top right, bottom left, bottom right
    ]
)
# Of a panel: 10 slots around the box, the same 10 around the box with its label, 6 in the box.
_AROUND_COSTS = (0.0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.10, 0.12, 0.14, 0.16)
_WITH_LABEL_COST = 0.005  # more than the same slot around the box alone
_IN_BOX_COST = 0.2
PANEL_COSTS = np.array(
    [*_AROUND_COSTS, *(cost + _WITH_LABEL_COST for cost in _AROUND_COSTS), *([_IN_BOX_COST] * 6)]
)

_Numbers = NDArray[np.float64] | NDArray[np.int64]
_Number = TypeVar("_Number", int, NDArray[np.float64])


def list_label_places(boxes: Corners, sizes: Corners, scene: Scene) -> Corners:
    """Lists the place of a label in each slot, moved into the picture.

    Args:
        boxes: float64 `(n, 4)`: x0, y0, x1, y1 px of n faces.
        sizes: float64 `(n, 2)`: width and height px of the label of each.
        scene: Gives the picture's size and the gap between a box and its label.

    Returns:
        float64 `(n, S, 4)`: x0, y0, x1, y1 px, the slots in the order of `LABEL_COSTS`.

    >>> box, size = np.array([[100.0, 100, 200, 200]]), np.array([[60.0, 20]])
    >>> places = list_label_places(box, size, Scene((640, 480), ()))
    >>> places.shape, places[0, 0].tolist()  # the first slot is above the box
    ((1, 14, 4), [100.0, 76.0, 160.0, 96.0])
    """
    (x0, y0, x1, y1), (w, h) = boxes.T, sizes.T
    x, y = _list_label_corners(x0, y0, x1, y1, w, h, scene.gap_px)
    return _move_inside(np.stack(x, axis=1), np.stack(y, axis=1), w[:, None], h[:, None], scene)


def find_label_place(box: Rect, form: Form, slot: int, scene: Scene) -> Rect:
    """Finds the place of one label in one slot. Takes what `list_label_places` takes, for one face.

    >>> find_label_place(Rect(100, 100, 100, 100), Form(60, 20, 1.0), 0, Scene((640, 480), ()))
    Rect(x=100, y=76, width=60, height=20)
    """
    w, h = form.width, form.height
    x, y = _list_label_corners(*box.corners, w, h, scene.gap_px)
    return Rect(x[slot], y[slot], w, h).move_inside(*scene.size_wh)


def _list_label_corners(
    x0: _Number, y0: _Number, x1: _Number, y1: _Number, w: _Number, h: _Number, gap: int
) -> tuple[list[_Number], list[_Number]]:
    """Lists x and y of a label's top left corner in each slot, from the face's box and the label's
    size: those of one face, or arrays of many."""
    above, below = y0 - gap - h, y1 + gap
    middle = (x0 + x1 - w) // 2
    in_left, in_right, in_top, in_bottom = x0 + gap, x1 - gap - w, y0 + gap, y1 - gap - h
    right, left = x1 + gap, x0 - gap - w
    x = [x0, x1 - w, middle, x0, x1 - w, middle, right, left, right, left]
    y = [above] * 3 + [below] * 3 + [y0, y0, y1 - h, y1 - h]
    x += [in_left, in_right, in_left, in_right]
    y += [in_top, in_top, in_bottom, in_bottom]
    return x, y


def list_panel_places(box: Rect, around: Rect, form: Form, scene: Scene) -> Corners:
    """Lists the place of a panel in each slot, moved into the picture.

    Args:
        box: The face's box.
        around: The smallest rectangle around the box and its label; `box` where it has none.
        form: Gives the panel's size.
        scene: Gives the picture's size and the gap between a box and its panel.

    Returns:
        float64 `(S, 4)`: x0, y0, x1, y1 px, in the order of `PANEL_COSTS`.

    >>> box = Rect(100, 100, 80, 80)
    >>> places = list_panel_places(box, box, Form(50, 60, 1.0), Scene((640, 480), ()))
    >>> places.shape, places[0].tolist()  # the first slot is at the right, tops in line
    ((26, 4), [184.0, 100.0, 234.0, 160.0])
    """
    x, y = _list_panel_corners(box, around, form, scene.gap_px)
    return _move_inside(np.array(x), np.array(y), form.width, form.height, scene)


def find_panel_place(box: Rect, around: Rect, form: Form, slot: int, scene: Scene) -> Rect:
    """Finds the place of a panel in one slot. Takes what `list_panel_places` takes.

    >>> box = Rect(100, 100, 80, 80)
    >>> find_panel_place(box, box, Form(50, 60, 1.0), 0, Scene((640, 480), ()))
    Rect(x=184, y=100, width=50, height=60)
    """
    x, y = _list_panel_corners(box, around, form, scene.gap_px)
    return Rect(x[slot], y[slot], form.width, form.height).move_inside(*scene.size_wh)


def _list_panel_corners(
    box: Rect, around: Rect, form: Form, gap: int
) -> tuple[list[int], list[int]]:
    """Lists x and y of a panel's top left corner in each slot."""
    w, h = form.width, form.height
    x: list[int] = []
    y: list[int] = []
    for one in (box, around):
        right, left = one.right + gap, one.x - gap - w
        top, bottom = box.y, box.bottom - h
        x += [right, left, right, left]
        y += [top, top, bottom, bottom]
        middle = (box.x + box.right - w) // 2
        x += [box.x, box.right - w, middle] * 2
        y += [one.bottom + gap] * 3 + [one.y - gap - h] * 3
    in_x = [box.x + gap, box.right - gap - w]
    x += [*in_x, *in_x, (box.x + box.right - w) // 2, (box.x + box.right - w) // 2]
    top, bottom = box.y + gap, box.bottom - gap - h
    y += [bottom, bottom, top, top, bottom, top]
    return x, y


def _move_inside(
    x: _Numbers, y: _Numbers, w: Corners | int, h: Corners | int, scene: Scene
) -> Corners:
    """Moves rectangles with the top left corners `x`, `y` into the picture."""
    width, height = scene.size_wh
    x = np.maximum(0, np.minimum(x, width - w))
    y = np.maximum(0, np.minimum(y, height - h))
    return np.stack([x, y, x + w, y + h], axis=-1).astype(np.float64)


def to_rect(place: Corners) -> Rect:
    """Makes a rectangle of whole pixels.

    Args:
        place: float64 `(4,)` of x0, y0, x1, y1 px.

    >>> to_rect(np.array([10.0, 20.0, 40.0, 60.0]))
    Rect(x=10, y=20, width=30, height=40)
    """
    x0, y0, x1, y1 = (int(v) for v in place)
    return Rect(x0, y0, x1 - x0, y1 - y0)
