"""Paints a class activation map over a face."""

import cv2
import numpy as np

from app.types import FaceMap, Image

MAX_OPACITY = 0.6  # of the map, where its evidence is strongest
FINE_PX = 96  # side to which the map is enlarged first, so that its few cells do not show
EDGE_SLOPE = 6  # the map fades out over one sixth of its side, at each border


def paint_map(canvas: Image, shown: FaceMap) -> None:
    """Paints a class activation map over its face, in place. The map is brightest where the
    evidence for the class is strongest on this face. Where there is none, or evidence against the
    class, the picture stays as it is.

    Args:
        canvas: uint8 `(H, W, 3)` BGR; not mirrored.
        shown: The map, and its place on the picture.

    >>> canvas = np.zeros((32, 32, 3), np.uint8)
    >>> to_crop = np.array([[1 / 16, 0, -0.5], [0, 1 / 16, -0.5]])  # the crop: px 8 to 24
    >>> paint_map(canvas, FaceMap(np.ones((2, 2), np.float32), to_crop))
    >>> bool(canvas[16, 16].any()), bool(canvas[:8].any())
    (True, False)
    """
    peak = float(shown.weights.max())
    if not peak > 0:
        return
    weights = np.maximum(shown.weights / peak, 0).astype(np.float32)  # (h, w) in 0..1
    fine = cv2.resize(weights, (FINE_PX, FINE_PX), interpolation=cv2.INTER_CUBIC)
    edge = np.minimum(1.0, EDGE_SLOPE * (0.5 - np.abs((np.arange(FINE_PX) + 0.5) / FINE_PX - 0.5)))
    fine = np.clip(fine, 0, 1) * np.outer(edge, edge).astype(np.float32)
    # From the picture to the fine map. In both, (0, 0) is the corner of the first pixel.
    to_fine = np.vstack([shown.matrix * FINE_PX, (0.0, 0.0, 1.0)])
    try:
        back = np.linalg.inv(to_fine)
    except np.linalg.LinAlgError:
        return
    corners = np.array([(0, 0), (FINE_PX, 0), (0, FINE_PX), (FINE_PX, FINE_PX)], np.float64)
    reached = corners @ back[:2, :2].T + back[:2, 2]
    height, width = canvas.shape[:2]
    x0, y0 = (int(v) for v in np.clip(np.floor(reached.min(axis=0)), 0, (width, height)))
    x1, y1 = (int(v) for v in np.clip(np.ceil(reached.max(axis=0)), 0, (width, height)))
    if x1 <= x0 or y1 <= y0:
        return
    # In OpenCV pixel centres lie at whole numbers, in this project at halves.
    linear = back[:2, :2]
    shift = linear @ (0.5, 0.5) + back[:2, 2] - 0.5 - (x0, y0)
    here = cv2.warpAffine(fine, np.column_stack([linear, shift]), (x1 - x0, y1 - y0))  # (h, w)
    part = canvas[y0:y1, x0:x1]
    colours = cv2.applyColorMap(
        cv2.convertScaleAbs(here, alpha=255.0), cv2.COLORMAP_INFERNO
    )  # (h, w, 3)
    share = cv2.merge([MAX_OPACITY * np.sqrt(here)] * 3)
    blended = part + share * (colours.astype(np.float32) - part)
    canvas[y0:y1, x0:x1] = np.clip(np.rint(blended), 0, 255).astype(np.uint8)
