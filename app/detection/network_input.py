"""Makes the inputs of the detector networks: a frame, a tile of it, or one face upright.

The networks read a square of 128 or 192 pixels. How a frame is reduced to that size decides what
they still see: if pixels are averaged over their area, a small face keeps its eyes; if they are
sampled, as in MediaPipe's own resizing, it does not. So every view is made here, and faces found in
a view are mapped back to the frame.
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

# The networks find a face whose contrast is lowered to a twentieth, in which some cell of
# `FLAT_CELLS` a side differs by 4 grey levels from its surroundings (the least of 120 faces).
FLAT_CELLS = 32
FLAT_GREY = 3


@dataclass(frozen=True, slots=True)
class NetworkView:
    """A square view of a frame: `matrix (2, 3)` is the similarity that maps (x, y) in frame pixels
    to pixels of a square of `side_px`."""

    matrix: Matrix
    side_px: int

    @property
    def scale(self) -> float:
        """The length in view pixels of one frame pixel."""
        (a, b, _), (c, d, _) = self.matrix.tolist()
        return math.sqrt(abs(a * d - b * c))

    @property
    def is_straight(self) -> bool:
        """True if the view is not turned and begins inside the frame."""
        (a, b, x), (c, d, y) = self.matrix.tolist()
        return bool(b == c == 0 and a == d and x <= 0 and y <= 0)

    def to_frame(self, points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
        """Maps points (x, y) in view pixels to frame pixels.

        >>> view_part((100.0, 0.0, 300.0, 200.0), 100).to_frame([(0, 0), (50, 100)])
        [(100.0, 0.0), (200.0, 200.0)]
        """
        (a, b, x), (c, d, y) = self.matrix.tolist()
        area = a * d - b * c
        return [
            ((d * (u - x) - b * (v - y)) / area, (a * (v - y) - c * (u - x)) / area)
            for u, v in points
        ]

    def face_to_frame(self, face: Face) -> Face:
        """Maps a face in view pixels to frame pixels. The box keeps its centre and its size, and
        stays parallel to the frame's axes."""
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
        """Maps a face in frame pixels to view pixels, with a box parallel to the view's axes.

        `mirrored` maps to the mirror image of the view; the order of the landmarks stays that of
        the frame.
        """
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
    """Returns the view of a part of a frame, `box_xyxy` px.

    The part lies at the top left of a square of `side_px`, at the largest size that fits.
    """
    x0, y0, x1, y1 = box_xyxy
    scale = side_px / max(x1 - x0, y1 - y0)
    return NetworkView(np.array([[scale, 0.0, -scale * x0], [0.0, scale, -scale * y0]]), side_px)


def view_face(face: Face, margin: float, side_px: int) -> NetworkView:
    """Returns the view of one face, upright in the middle of a square of `side_px`.

    The view shows `margin` times the side of `FACE_TEMPLATE`'s crop. Raises `ValueError` if the
    landmarks coincide.
    """
    matrix = fit_crop_matrix(face.landmarks, FACE_TEMPLATE, 1) / margin
    matrix[:, 2] += 0.5 - 0.5 / margin
    return NetworkView(matrix * side_px, side_px)


def list_tiles(
    width_px: int, height_px: int, tile_px: float, overlap_px: float
) -> Iterator[tuple[float, float, float, float]]:
    """Yields the boxes (x0, y0, x1, y1) px of square tiles that cover a frame, row by row.

    Neighbours share at least `overlap_px`. Where the frame is smaller than a tile, the tile ends at
    the frame's edge.

    >>> list(list_tiles(300, 200, 200.0, 50.0))
    [(0.0, 0.0, 200.0, 200.0), (100.0, 0.0, 300.0, 200.0)]
    """

    def starts(length: int) -> NDArray[np.float64]:
        room = max(0.0, length - tile_px)
        return np.linspace(0.0, room, 1 + int(np.ceil(room / (tile_px - overlap_px))))

    for y in starts(height_px).tolist():
        for x in starts(width_px).tolist():
            yield (x, y, min(x + tile_px, float(width_px)), min(y + tile_px, float(height_px)))


def render_view(image: Image, view: NetworkView, *, quick: bool = False) -> Image:
    """Renders what a view shows of an image.

    Where the view shrinks the image, pixels are averaged over their area first. OpenCV averages two
    by two pixels many times faster than other areas, so a large part is halved before that; the
    last step still averages over four to eight pixels a side.

    Args:
        image: The frame, uint8 (H, W, 3).
        view: The view of it.
        quick: True halves the image, each new pixel the mean of four, until less than a half is
            left to do, and resizes by linear interpolation. OpenCV does this many times faster. It
            is good enough for a first look, and for a look at a face that is known.

    Returns:
        uint8 (side_px, side_px, 3); black outside the image.

    >>> white = np.full((40, 80, 3), 255, np.uint8)
    >>> render_view(white, view_part((0.0, 0.0, 80.0, 40.0), 4))[:, 0, 0].tolist()
    [255, 255, 0, 0]
    """
    side = view.side_px
    height, width = image.shape[:2]
    across, down = zip(*view.to_frame(((0, 0), (side, 0), (0, side), (side, side))), strict=True)
    x0, x1 = max(0, math.floor(min(across)) - 1), min(width, math.ceil(max(across)) + 1)
    y0, y1 = max(0, math.floor(min(down)) - 1), min(height, math.ceil(max(down)) + 1)
    if x0 >= x1 or y0 >= y1:
        return np.zeros((side, side, 3), np.uint8)
    if quick and view.is_straight:
        return _render_straight(image, view)
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
        while scale <= 0.125 and min(part.shape[:2]) > 1:
            part = halve_image(part)
            matrix[:, :2] *= 2
            scale *= 2
        rows, columns = part.shape[:2]
        small = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        part = np.asarray(cv2.resize(part, small, interpolation=cv2.INTER_AREA), np.uint8)
        matrix[:, 0] *= columns / small[0]
        matrix[:, 1] *= rows / small[1]
    # OpenCV counts pixel centres at whole numbers, this project at halves.
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    shown = cv2.warpAffine(part, matrix, (side, side), flags=cv2.INTER_LINEAR)
    return np.asarray(shown, np.uint8)


def is_flat(shown: Image) -> bool:
    """Tells whether a view, uint8 (S, S, 3), shows too little for any face: no part of it differs
    from its surroundings by `FLAT_GREY` grey levels.

    >>> sky = np.repeat(np.linspace(90, 120, 128).astype(np.uint8), 128 * 3).reshape(128, 128, 3)
    >>> is_flat(sky)
    True
    >>> sky[40:60, 50:70] = 160
    >>> is_flat(sky)
    False
    """
    grey = cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY)
    cells = cv2.resize(grey, (FLAT_CELLS, FLAT_CELLS), interpolation=cv2.INTER_AREA)
    around = cv2.blur(cells, (7, 7), borderType=cv2.BORDER_REFLECT)
    return float(cv2.absdiff(cells, around).max()) < FLAT_GREY


def _render_straight(image: Image, view: NetworkView) -> Image:
    """Renders a straight view by halving and resizing, from the frame's pixel in which the view
    begins."""
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
