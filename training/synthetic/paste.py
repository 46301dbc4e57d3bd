"""Puts pictures of faces into larger frames, so that the way from a frame to a label can be tested
on faces whose place, size and expression are known.

A face's size is the side of the box that the short-range detector would draw around it. That box
is 0.81 of the side of the aligned square (`app.alignment.FACE_TEMPLATE`), its middle a little under
the square's: medians over 475 PublicTest faces, which spread by 8 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.alignment import FACE_TEMPLATE, fit_crop_matrix, fit_frame_matrix
from app.types import Image as Picture
from training.synthetic import scenes

BOX_SIDE = 0.81  # of the aligned square's
BOX_CENTRE = (0.5, 0.56)  # in the aligned square
FRAME_WH = (1280, 720)
# The picture's edge is repeated this far, in its sides, and fades within that: aligned crops repeat
# edges as well, so the fading costs no pixel of the face.
MARGIN = 0.2
MAX_TRIES = 60


@dataclass(frozen=True, slots=True)
class Pose:
    """How a face appears: its `size_px` (see above), its roll counterclockwise beyond the picture's
    own, and which share of its box is covered, from one side on."""

    size_px: float
    tilt_deg: float = 0.0
    covered: float = 0.0


@dataclass(frozen=True, slots=True)
class Cutout:
    """A face ready to be pasted: `pixels (h, w, 3)` BGR with `opacity (h, w)` in 0..1; the middle
    of its box in it, px."""

    pixels: Picture
    opacity: NDArray[np.float32]
    centre: tuple[float, float]
    size_px: float


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a face (by its `number`) is in a frame: middle and side of its box, px."""

    number: int
    centre: tuple[float, float]
    size_px: float


def cutout(
    picture: Picture,
    landmarks: NDArray[np.float32],
    pose: Pose,
    generator: np.random.Generator,
) -> Cutout:
    """`picture (h, w, 3)` BGR, `landmarks (6, 2)` px in it; one without them is taken for a face
    that fills its frame, as in training."""
    height, width = picture.shape[:2]
    try:
        matrix = fit_crop_matrix(landmarks, FACE_TEMPLATE, 1)
    except ValueError:
        matrix = fit_frame_matrix(width, height, 1)
    inverse = np.linalg.inv(matrix[:, :2])
    box_side = BOX_SIDE * float(np.sqrt(np.linalg.det(inverse)))  # picture px
    centre = inverse @ (np.array(BOX_CENTRE) - matrix[:, 2])
    margin = round(MARGIN * max(width, height))
    padded = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    zoom = pose.size_px / box_side
    wh = (padded.shape[1] * zoom, padded.shape[0] * zoom)
    size_wh = (max(1, round(wh[0])), max(1, round(wh[1])))
    pixels = np.array(Image.fromarray(padded).resize(size_wh, Image.Resampling.BICUBIC))
    x, y = (centre + margin) * (size_wh[0] / padded.shape[1], size_wh[1] / padded.shape[0])
    if pose.covered > 0:
        cover(pixels, (float(x), float(y)), pose, generator)
    opacity = _fading(size_wh, margin * zoom)
    if pose.tilt_deg:
        pixels, opacity = _rotated(pixels, pose.tilt_deg), _rotated(opacity, pose.tilt_deg)
        angle = np.deg2rad(pose.tilt_deg)
        dx, dy = x - size_wh[0] / 2, y - size_wh[1] / 2
        x = pixels.shape[1] / 2 + dx * np.cos(angle) + dy * np.sin(angle)
        y = pixels.shape[0] / 2 - dx * np.sin(angle) + dy * np.cos(angle)
    return Cutout(pixels, opacity, (float(x), float(y)), pose.size_px)


def cover(
    pixels: Picture,
    centre: tuple[float, float],
    pose: Pose,
    generator: np.random.Generator,
) -> None:
    """Paints over a share of the box at `centre`, and a little outside, from a random side on, in
    place: a hand, a scarf, a cup, of one colour with a little noise."""
    half, reach = pose.size_px / 2, 0.15 * pose.size_px
    low = np.array(centre) - half - reach
    high = np.array(centre) + half + reach
    axis, far = int(generator.integers(2)), bool(generator.integers(2))
    if far:
        low[axis] = centre[axis] + half - pose.covered * pose.size_px
    else:
        high[axis] = centre[axis] - half + pose.covered * pose.size_px
    x0, y0 = (max(0, round(float(v))) for v in low)
    x1, y1 = (max(0, round(float(v))) for v in high)
    part = pixels[y0:y1, x0:x1]
    paint = scenes.colour(generator) + generator.normal(0, 6, part.shape[:2] + (1,))
    part[:] = np.clip(paint, 0, 255).astype(np.uint8)


class Grounds:
    """Frames to paste onto, uint8 (720, 1280, 3): a few made rooms, each seen from any side."""

    def __init__(self, generator: np.random.Generator, count: int = 24) -> None:
        self._rooms = [scenes.room(generator, FRAME_WH) for _ in range(count)]

    def draw(self, generator: np.random.Generator) -> Picture:
        """One of them, or a mirror image of one, to be painted on."""
        room = self._rooms[generator.integers(len(self._rooms))]
        steps = generator.choice((-1, 1), 2)
        return np.array(room[:: steps[0], :: steps[1]])


def arrange(
    cutouts: Sequence[Cutout],
    ground: Picture,
    generator: np.random.Generator,
    first: int = 0,
) -> tuple[Picture, tuple[Placed, ...]]:
    """A frame like `ground (720, 1280, 3)` with as many of the first cutouts as find room without
    touching, at least one: their boxes lie wholly in it, their surroundings may not. They are
    numbered from `first`."""
    frame = ground.copy()
    taken: list[tuple[float, float, float, float]] = []
    placed = []
    for number, face in enumerate(cutouts, start=first):
        place = _free_place(face, taken, generator)
        if place is None:
            break
        x0, y0 = place
        _blend(frame, face, x0, y0)
        height, width = face.opacity.shape
        taken.append((x0, y0, x0 + width, y0 + height))
        placed.append(Placed(number, (x0 + face.centre[0], y0 + face.centre[1]), face.size_px))
    return frame, tuple(placed)


def _free_place(
    face: Cutout,
    taken: Sequence[tuple[float, float, float, float]],
    generator: np.random.Generator,
) -> tuple[int, int] | None:
    """The top left of a cutout, px; None where nothing was found."""
    half = face.size_px / 2
    height, width = face.opacity.shape
    for _ in range(MAX_TRIES):
        centre = [
            generator.uniform(min(half, side / 2), max(side - half, side / 2)) for side in FRAME_WH
        ]
        x0, y0 = (round(c - own) for c, own in zip(centre, face.centre, strict=True))
        if not any(
            x0 < right and x0 + width > left and y0 < bottom and y0 + height > top
            for left, top, right, bottom in taken
        ):
            return x0, y0
    return None


def _blend(frame: Picture, face: Cutout, x0: int, y0: int) -> None:
    height, width = face.opacity.shape
    top, left = max(0, y0), max(0, x0)
    bottom, right = min(frame.shape[0], y0 + height), min(frame.shape[1], x0 + width)
    inside = slice(top - y0, bottom - y0), slice(left - x0, right - x0)
    part = frame[top:bottom, left:right]
    share = face.opacity[inside][..., None]
    part[:] = (part + share * (face.pixels[inside].astype(np.float32) - part) + 0.5).astype(
        np.uint8
    )


def _fading(size_wh: tuple[int, int], width_px: float) -> NDArray[np.float32]:
    """`(h, w)`: 0 at the border, 1 from `width_px` on, smooth between."""
    ramps = [
        np.clip((np.minimum(t, side - t)) / max(width_px, 1e-6), 0, 1)
        for side in size_wh
        for t in (np.arange(side) + 0.5,)
    ]
    ramp = np.minimum(ramps[0][None, :], ramps[1][:, None])
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


def _rotated(pixels: NDArray[Any], angle_deg: float) -> NDArray[Any]:
    """Counterclockwise about the middle, the canvas grown to hold it all."""
    picture = Image.fromarray(pixels)
    turned = picture.rotate(angle_deg, resample=Image.Resampling.BICUBIC, expand=True)
    values = np.array(turned)
    return np.clip(values, 0, 1) if values.dtype == np.float32 else values
