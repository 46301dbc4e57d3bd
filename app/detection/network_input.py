"""What a face detector is shown: a frame, a tile of it, or one face upright, at the network's size.

The detector networks read a square of 128 or 192 pixels. How a frame comes down to that decides
what they still see: averaged over the area (and not sampled, as MediaPipe does it) a small face
keeps its eyes. So every view is made here, and what is found in it is brought back to the frame.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.alignment import FACE_TEMPLATE, Matrix, fit_crop_matrix
from app.crops import halve_image
from app.types import Face, Image


@dataclass(frozen=True, slots=True)
class NetworkView:
    """`matrix (2, 3)`: a similarity from frame pixels to those of a square of `side_px`."""

    matrix: Matrix
    side_px: int

    @property
    def scale(self) -> float:
        """View pixels a frame pixel."""
        (a, b, _), (c, d, _) = self.matrix.tolist()
        return math.sqrt(abs(a * d - b * c))

    @property
    def is_straight(self) -> bool:
        """Whether it shows a part of the frame that begins in it and is not turned."""
        (a, b, x), (c, d, y) = self.matrix.tolist()
        return bool(b == c == 0 and a == d and x <= 0 and y <= 0)

    def to_frame(self, points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
        """P (x, y) in view pixels -> frame pixels."""
        (a, b, x), (c, d, y) = self.matrix.tolist()
        area = a * d - b * c
        return [
            ((d * (u - x) - b * (v - y)) / area, (a * (v - y) - c * (u - x)) / area)
            for u, v in points
        ]

    def face_to_frame(self, face: Face) -> Face:
        """The box stays a square to the frame's axes, about the same centre and as large."""
        x0, y0, x1, y1 = face.box_xyxy
        (centre,) = self.to_frame([((x0 + x1) / 2, (y0 + y1) / 2)])
        twice = 2 * self.scale
        half_w, half_h = (x1 - x0) / twice, (y1 - y0) / twice
        return Face(
            box_xyxy=(
                centre[0] - half_w,
                centre[1] - half_h,
                centre[0] + half_w,
                centre[1] + half_h,
            ),
            landmarks=np.array(self.to_frame(face.landmarks.tolist()), np.float32),
            score=face.score,
        )

    def face_from_frame(self, face: Face, *, mirrored: bool) -> Face:
        """A frame's face in view pixels, its box square to the axes; `mirrored`: in the view's
        mirror image, landmarks still in the subject's order as seen in the frame."""
        x0, y0, x1, y1 = face.box_xyxy
        middle = self.matrix[:, :2] @ ((x0 + x1) / 2, (y0 + y1) / 2) + self.matrix[:, 2]
        points = face.landmarks @ self.matrix[:, :2].T + self.matrix[:, 2]
        x, y = float(middle[0]), float(middle[1])
        if mirrored:
            x, points = self.side_px - x, points * (-1, 1) + (self.side_px, 0)
        half_w, half_h = self.scale * (x1 - x0) / 2, self.scale * (y1 - y0) / 2
        box = (x - half_w, y - half_h, x + half_w, y + half_h)
        return Face(box, points.astype(np.float32), face.score)


def view_part(box_xyxy: tuple[float, float, float, float], side_px: int) -> NetworkView:
    """The part of a frame in a box, as large as it fits, at the top left of the view."""
    x0, y0, x1, y1 = box_xyxy
    scale = side_px / max(x1 - x0, y1 - y0)
    return NetworkView(np.array([[scale, 0.0, -scale * x0], [0.0, scale, -scale * y0]]), side_px)


def view_face(face: Face, margin: float, side_px: int) -> NetworkView:
    """One face upright, as in the classifier's crop with `margin` times its side. Raises
    `ValueError` when the landmarks coincide."""
    matrix = fit_crop_matrix(face.landmarks, FACE_TEMPLATE, 1) / margin
    matrix[:, 2] += 0.5 - 0.5 / margin
    return NetworkView(matrix * side_px, side_px)


def list_tiles(
    width_px: int, height_px: int, tile_px: float, overlap_px: float
) -> Iterator[tuple[float, float, float, float]]:
    """Boxes xyxy of squares that cover a frame, row by row, neighbours sharing at least
    `overlap_px`. A frame smaller than a tile is one of them whole."""

    def starts(length: int) -> NDArray[np.float64]:
        room = max(0.0, length - tile_px)
        return np.linspace(0.0, room, 1 + int(np.ceil(room / (tile_px - overlap_px))))

    for y in starts(height_px).tolist():
        for x in starts(width_px).tolist():
            yield (x, y, min(x + tile_px, float(width_px)), min(y + tile_px, float(height_px)))


def render_view(image: Image, view: NetworkView, *, quick: bool = False) -> Image:
    """`(side_px, side_px, 3)`: what the view shows of `image (H, W, 3)`; black outside it. Where it
    shrinks, pixels are averaged over their area first, and only in the part that is seen. `quick`
    halves them, each pixel the mean of four, until less than a half is left to do, which OpenCV
    does many times faster: good enough to raise a suspicion, or to see a face that is known."""
    side = view.side_px
    height, width = image.shape[:2]
    across, down = zip(*view.to_frame(((0, 0), (side, 0), (0, side), (side, side))), strict=True)
    x0, x1 = max(0, math.floor(min(across)) - 1), min(width, math.ceil(max(across)) + 1)
    y0, y1 = max(0, math.floor(min(down)) - 1), min(height, math.ceil(max(down)) + 1)
    if x0 >= x1 or y0 >= y1:
        return np.zeros((side, side, 3), np.uint8)
    if quick and view.is_straight:
        return _shrunk(image, view)
    part = image[y0:y1, x0:x1]
    matrix = view.matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ (x0, y0)
    scale = view.scale
    if quick:
        while scale <= 0.5 and min(part.shape[:2]) > 1:
            part = halve_image(part)
            matrix[:, :2] *= 2
            scale *= 2
    elif scale < 1:
        small = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
        part = np.asarray(cv2.resize(part, small, interpolation=cv2.INTER_AREA), np.uint8)
        matrix[:, 0] *= (x1 - x0) / small[0]
        matrix[:, 1] *= (y1 - y0) / small[1]
    # OpenCV counts pixel centres at whole numbers, this project at halves.
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    shown = cv2.warpAffine(part, matrix, (side, side), flags=cv2.INTER_LINEAR)
    return np.asarray(shown, np.uint8)


def _shrunk(image: Image, view: NetworkView) -> Image:
    """A straight view, halved and then resized, from the frame's pixel in which it begins."""
    side = view.side_px
    (x0, y0), (x1, y1) = view.to_frame(((0, 0), (side, side)))
    part, scale = image[int(y0) : math.ceil(y1), int(x0) : math.ceil(x1)], view.scale
    while scale <= 0.5 and min(part.shape[:2]) > 1:
        part = halve_image(part)
        scale *= 2
    height, width = (min(side, max(1, round(length * scale))) for length in part.shape[:2])
    shown = np.zeros((side, side, 3), np.uint8)
    shown[:height, :width] = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
    return shown
