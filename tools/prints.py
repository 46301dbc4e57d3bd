"""Draws photo prints that lie on a table: keyframes, paper with a shadow, and its place in a frame.

Matrices are `(3, 3)` and lead from one plane's pixels to another's. Colours are float32 in 0..1.
Layers are RGBA whose colours are multiplied by their alpha, so that warping and fading them leaves
no fringes.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Layer = NDArray[np.float32]  # (H, W, 4) RGBA, or (H, W, 3) RGB, 0..1
Keys = tuple[tuple[float, ...], ...]  # (time in s, value, ...) in the order of their times

SHADOW_STRENGTH = 0.34


def interpolate_keys(keys: Keys, time_s: float) -> Floats:
    """Computes the values between keyframes on a smooth curve that never overshoots a keyframe.

    The curve consists of cubic Hermite pieces with the harmonic mean of the neighbouring slopes
    (Fritsch and Butland, 1984). It rests at both ends and at each turning point.

    Args:
        keys: The keyframes, two at least.
        time_s: The time; before the first and after the last keyframe, values stay as they are.

    Returns:
        The values, float64 (K,).

    >>> interpolate_keys(((0.0, 0.0), (2.0, 8.0)), 1.0).tolist()
    [4.0]
    """
    table = np.asarray(keys, np.float64)
    times, values = table[:, 0], table[:, 1:]
    spans = np.diff(times)[:, None]
    slopes = np.diff(values, axis=0) / spans
    tangents = np.zeros_like(values)  # at rest at both ends and at each turning point
    product = slopes[:-1] * slopes[1:]
    total = slopes[:-1] + slopes[1:]
    np.divide(2 * product, total, out=tangents[1:-1], where=product > 0)

    piece = int(np.clip(np.searchsorted(times, time_s, side="right") - 1, 0, len(spans) - 1))
    span = float(spans[piece, 0])
    t = min(max((time_s - float(times[piece])) / span, 0.0), 1.0)
    result: Floats = (
        (1 + 2 * t) * (1 - t) ** 2 * values[piece]
        + t * (1 - t) ** 2 * span * tangents[piece]
        + t * t * (3 - 2 * t) * values[piece + 1]
        + t * t * (t - 1) * span * tangents[piece + 1]
    )
    return result


def shift(x: float, y: float) -> Floats:
    """Makes the matrix that moves by `(x, y)`."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def zoom(scale: float) -> Floats:
    """Makes the matrix that enlarges about the origin."""
    return np.diag([scale, scale, 1.0])


def turn(degrees: float) -> Floats:
    """Makes the matrix that turns about the origin, clockwise as seen."""
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], np.float64)


def project(points: Floats, matrix: Floats) -> Floats:
    """Maps points `(N, 2)` px by a matrix.

    >>> project(np.array([[1.0, 2.0]]), zoom(3.0)).tolist()
    [[3.0, 6.0]]
    """
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    result: Floats = mapped[:, :2] / mapped[:, 2:]
    return result


def round_corners(shape: tuple[int, int], inset: int, radius: int) -> NDArray[np.float32]:
    """Computes how much of each pixel of `shape` (H, W) a rectangle with round corners covers,
    0..1. The rectangle lies `inset` px inside."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32) + np.float32(0.5)
    dx = np.abs(x - shape[1] / 2) - (shape[1] / 2 - inset - radius)
    dy = np.abs(y - shape[0] / 2) - (shape[0] / 2 - inset - radius)
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)
    coverage: NDArray[np.float32] = np.clip(radius - outside + 0.5, 0, 1).astype(np.float32)
    return coverage


def cut_out(colour: Layer, paper: NDArray[np.float32], margin_px: int) -> Layer:
    """Cuts a print out of its sheet and gives it a soft shadow.

    Args:
        colour: The sheet, RGB (H, W, 3).
        paper: The cover of the print on it, (H, W) in 0..1.
        margin_px: The space around the print, which the shadow fills.

    Returns:
        The layer, RGBA (H, W, 4).
    """
    fall = np.array(
        [[1, 0, 0], [0, 1, margin_px / 5]], np.float32
    )  # light from above: the shadow lies lower
    shadow = cv2.warpAffine(paper, fall, (paper.shape[1], paper.shape[0]))
    shadow = SHADOW_STRENGTH * cv2.GaussianBlur(shadow, (0, 0), margin_px / 5)
    alpha = paper + shadow * (1 - paper)
    result: Layer = np.dstack([colour * paper[..., None], alpha]).astype(np.float32)
    return result


def paste(canvas: Layer, layer: Layer, matrix: Floats) -> None:
    """Lays a layer onto a canvas, RGB (H, W, 3), in place. `matrix` leads from the layer's pixels
    to those of the canvas, and counts pixel centres at halves."""
    # OpenCV's warp counts pixel centres as whole numbers: hence the shifts.
    warped = cv2.warpPerspective(
        layer,
        shift(-0.5, -0.5) @ matrix @ shift(0.5, 0.5),
        (canvas.shape[1], canvas.shape[0]),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    canvas *= 1 - warped[..., 3:]
    canvas += warped[..., :3]


def reduce_canvas(canvas: Layer, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Averages a canvas down to a frame uint8 (H, W, 3) of `size_wh`: smooth edges."""
    small = cv2.resize(canvas, size_wh, interpolation=cv2.INTER_AREA)
    frame: NDArray[np.uint8] = np.clip(np.rint(small * 255), 0, 255).astype(np.uint8)
    return frame
