"""Paints a class activation map over a face."""

import cv2
import numpy as np

from app.types import FaceMap, Image

STRENGTH = 0.6  # how much of the picture the strongest place hides
FINE_PX = 96  # the map's side on its way to the picture, so that its few cells do not show


def paint_map(canvas: Image, shown: FaceMap) -> None:
    """Lays the map over the face, in place: bright where the evidence for the class is strongest on
    this face, nothing where there is none or evidence against it."""
    peak = float(shown.weights.max())
    if not peak > 0:
        return
    weights = np.maximum(shown.weights / peak, 0).astype(np.float32)  # (h, w) in 0..1
    fine = cv2.resize(weights, (FINE_PX, FINE_PX), interpolation=cv2.INTER_CUBIC)
    edge = np.minimum(1.0, 6 * (0.5 - np.abs((np.arange(FINE_PX) + 0.5) / FINE_PX - 0.5)))
    fine = np.clip(fine, 0, 1) * np.outer(edge, edge).astype(np.float32)
    # From the picture to the fine map, both counted from pixels' corners.
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
    # OpenCV counts pixel centres at whole numbers, this project at halves.
    linear = back[:2, :2]
    shift = linear @ (0.5, 0.5) + back[:2, 2] - 0.5 - (x0, y0)
    here = cv2.warpAffine(fine, np.column_stack([linear, shift]), (x1 - x0, y1 - y0))  # (h, w)
    part = canvas[y0:y1, x0:x1]
    colours = cv2.applyColorMap(
        cv2.convertScaleAbs(here, alpha=255.0), cv2.COLORMAP_INFERNO
    )  # (h, w, 3)
    share = cv2.merge([STRENGTH * np.sqrt(here)] * 3)
    blended = part + share * (colours.astype(np.float32) - part)
    canvas[y0:y1, x0:x1] = np.clip(np.rint(blended), 0, 255).astype(np.uint8)
