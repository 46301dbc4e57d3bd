"""The places at a face that labels and panels can take, and how far each is from the best one."""

from typing import Any

import numpy as np

from app.placement.rects import Corners, Rect
from app.placement.values import Form, Scene

# Slots of a label beside a box, and what each costs. Worth is 1 for the fullest form.
LABEL_COSTS = np.array(
    [
        *(0.0, 0.02, 0.03),  # above: left edges in line, right edges in line, centred
        *(0.05, 0.07, 0.08),  # below
        *(0.12, 0.14, 0.16, 0.18),  # right and left of the top, right and left of the bottom
        *(0.22, 0.24, 0.26, 0.28),  # in the box: top left, top right, bottom left, bottom right
    ]
)
# Slots of a panel: around the box (10), around the box with its label (10), in the box (6).
_AROUND = (0.0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.10, 0.12, 0.14, 0.16)
PANEL_COSTS = np.array([*_AROUND, *(cost + 0.005 for cost in _AROUND), *([0.2] * 6)])


def list_label_places(boxes: Corners, sizes: Corners, scene: Scene) -> Corners:
    """Returns the slots `(n, S, 4)` of labels of `sizes (n, 2)` at `boxes (n, 4)`, moved into the
    picture, in the order of `LABEL_COSTS`."""
    gap = scene.gap_px
    x0, y0, x1, y1 = boxes.T
    w, h = sizes.T
    above, below = y0 - gap - h, y1 + gap
    middle = np.floor((x0 + x1 - w) / 2)
    in_left, in_right, in_top, in_bottom = x0 + gap, x1 - gap - w, y0 + gap, y1 - gap - h
    right, left = x1 + gap, x0 - gap - w
    x = [x0, x1 - w, middle, x0, x1 - w, middle, right, left, right, left]
    y = [above] * 3 + [below] * 3 + [y0, y0, y1 - h, y1 - h]
    x += [in_left, in_right, in_left, in_right]
    y += [in_top, in_top, in_bottom, in_bottom]
    return _into(np.stack(x, axis=1), np.stack(y, axis=1), w[:, None], h[:, None], scene)


def list_panel_places(box: Rect, around: Rect, shape: Form, scene: Scene) -> Corners:
    """Returns the slots `(S, 4)` of a panel at `box`, and at the box with its label, moved into the
    picture, in the order of `PANEL_COSTS`."""
    w, h, gap = shape.width, shape.height, scene.gap_px
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
    return _into(np.array(x), np.array(y), w, h, scene)


def _into(x: Any, y: Any, w: Any, h: Any, scene: Scene) -> Corners:
    width, height = scene.size_wh
    x = np.maximum(0, np.minimum(x, width - w))
    y = np.maximum(0, np.minimum(y, height - h))
    return np.stack([x, y, x + w, y + h], axis=-1).astype(np.float64)


def to_rect(place: Corners) -> Rect:
    x0, y0, x1, y1 = (int(v) for v in place)
    return Rect(x0, y0, x1 - x0, y1 - y0)
