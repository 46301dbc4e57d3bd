"""Pastes pictures of faces into larger frames, to test the way from a frame to a label on faces of
known place, size and expression.

A face's size is the side of the box that the short-range detector would draw around the face. This
box has 0.81 of the side of the aligned square (`app.alignment.FACE_TEMPLATE`); its centre lies a
little below the square's. Both figures are medians over 475 PublicTest faces, which spread by 8 %.
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

BOX_SIDE_SHARE = 0.81  # side of the detector's box over that of the aligned square
BOX_CENTRE = (0.5, 0.56)  # (x, y) in sides of the aligned square
FRAME_WH = (1280, 720)  # px
# The picture's edge is repeated this far, in sides of the picture, and fades out there. Aligned
# crops repeat edges as well, so the fading costs no pixel of the face.
MARGIN_SHARE = 0.2
MAX_PLACING_TRIES = 60  # random places tried for one face before the frame counts as full


@dataclass(frozen=True, slots=True)
class Pose:
    """The appearance of a pasted face: the side `size_px` of its box, its roll `tilt_deg`
    counterclockwise beyond the picture's own roll, and the share `covered` of its box, from one
    side on."""

    size_px: float
    tilt_deg: float = 0.0
    covered: float = 0.0


@dataclass(frozen=True, slots=True)
class Cutout:
    """A face ready to be pasted: `pixels (h, w, 3)` uint8 BGR, `opacity (h, w)` float32 in 0..1,
    the `centre` (x, y) of its box in `pixels`, and the box's side `size_px`."""

    pixels: Picture
    opacity: NDArray[np.float32]
    centre: tuple[float, float]
    size_px: float


@dataclass(frozen=True, slots=True)
class PlacedFace:
    """The place of face `number` in a frame: the centre (x, y) and the side of its box, in frame
    px."""

    number: int
    centre: tuple[float, float]
    size_px: float


def cut_face(
    picture: Picture,
    landmarks: NDArray[np.float32],
    pose: Pose,
    generator: np.random.Generator,
) -> Cutout:
    """Cuts a face out of its picture, in the size, roll and cover of `pose`.

    Args:
        picture: `(h, w, 3)` uint8 BGR.
        landmarks: `(6, 2)` px in the picture, in the subject's order. Without valid landmarks the
            face is taken to fill its frame, as in training.
        pose: Size, roll and covered share.
        generator: The source of the cover's colour and side.

    Returns:
        The face with its surroundings, whose border fades out.

    >>> picture = np.full((48, 48, 3), 128, np.uint8)
    >>> lost = np.full((6, 2), np.nan, np.float32)
    >>> face = cut_face(picture, lost, Pose(size_px=100.0), np.random.default_rng(0))
    >>> face.pixels.shape, face.opacity.shape, face.size_px
    ((175, 175, 3), (175, 175), 100.0)
    """
    height, width = picture.shape[:2]
    try:
        matrix = fit_crop_matrix(landmarks, FACE_TEMPLATE, 1)
    except ValueError:
        matrix = fit_frame_matrix(width, height, 1)
    inverse = np.linalg.inv(matrix[:, :2])
    box_side = BOX_SIDE_SHARE * float(np.sqrt(np.linalg.det(inverse)))  # picture px
    centre = inverse @ (np.array(BOX_CENTRE) - matrix[:, 2])
    margin = round(MARGIN_SHARE * max(width, height))
    padded = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    zoom = pose.size_px / box_side
    wh = (padded.shape[1] * zoom, padded.shape[0] * zoom)
    size_wh = (max(1, round(wh[0])), max(1, round(wh[1])))
    pixels = np.array(Image.fromarray(padded).resize(size_wh, Image.Resampling.BICUBIC))
    x, y = (centre + margin) * (size_wh[0] / padded.shape[1], size_wh[1] / padded.shape[0])
    if pose.covered > 0:
        cover_face(pixels, (float(x), float(y)), pose, generator)
    opacity = _make_fading(size_wh, margin * zoom)
    if pose.tilt_deg:
        pixels, opacity = _rotate(pixels, pose.tilt_deg), _rotate(opacity, pose.tilt_deg)
        angle = np.deg2rad(pose.tilt_deg)
        dx, dy = x - size_wh[0] / 2, y - size_wh[1] / 2
        x = pixels.shape[1] / 2 + dx * np.cos(angle) + dy * np.sin(angle)
        y = pixels.shape[0] / 2 - dx * np.sin(angle) + dy * np.cos(angle)
    return Cutout(pixels, opacity, (float(x), float(y)), pose.size_px)


def cover_face(
    pixels: Picture,
    centre: tuple[float, float],
    pose: Pose,
    generator: np.random.Generator,
) -> None:
    """Paints over the share `pose.covered` of the box at `centre`, and a little outside, in place.
    The paint comes from a random side and has one colour with a little noise, like a hand, a scarf
    or a cup.

    Args:
        pixels: `(h, w, 3)` uint8 BGR, changed in place.
        centre: The box's centre (x, y), px.
        pose: Size and covered share.
        generator: The source of side and colour.

    >>> pixels = np.zeros((100, 100, 3), np.uint8)
    >>> cover_face(pixels, (50.0, 50.0), Pose(60.0, covered=0.5), np.random.default_rng(0))
    >>> 0.2 < float((pixels > 0).any(axis=2).mean()) < 0.6
    True
    """
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
    paint = scenes.draw_colour(generator) + generator.normal(0, 6, part.shape[:2] + (1,))
    part[:] = np.clip(paint, 0, 255).astype(np.uint8)


class Grounds:
    """A set of backgrounds to paste onto, `(720, 1280, 3)` uint8: a few made rooms, which are also
    shown mirrored."""

    def __init__(self, generator: np.random.Generator, count: int = 24) -> None:
        self._rooms = [scenes.make_room(generator, FRAME_WH) for _ in range(count)]

    def draw(self, generator: np.random.Generator) -> Picture:
        """Copies a random room, mirrored or not along each axis."""
        room = self._rooms[generator.integers(len(self._rooms))]
        steps = generator.choice((-1, 1), 2)
        return np.array(room[:: steps[0], :: steps[1]])


def arrange_faces(
    cutouts: Sequence[Cutout],
    ground: Picture,
    generator: np.random.Generator,
    first: int = 0,
) -> tuple[Picture, tuple[PlacedFace, ...]]:
    """Pastes cutouts at random free places of a background.

    The faces' boxes lie wholly inside the frame and their cutouts do not overlap; parts of the
    cutouts around the boxes may reach outside. The first cutout always finds a place. Pasting ends
    at the first cutout that finds none.

    Args:
        cutouts: The faces, pasted in this order.
        ground: `(720, 1280, 3)` uint8 BGR; it is not changed.
        generator: The source of the places.
        first: The number of the first face.

    Returns:
        (frame, the places of the pasted faces).

    >>> generator = np.random.default_rng(0)
    >>> white, solid = np.full((40, 40, 3), 255, np.uint8), np.ones((40, 40), np.float32)
    >>> ground = np.zeros((720, 1280, 3), np.uint8)
    >>> face = Cutout(white, solid, (20, 20), 30)
    >>> frame, placed = arrange_faces([face], ground, generator, first=5)
    >>> placed[0].number, int((frame > 0).all(axis=2).sum()) <= 1600
    (5, True)
    """
    frame = ground.copy()
    taken: list[tuple[float, float, float, float]] = []
    placed = []
    for number, face in enumerate(cutouts, start=first):
        place = _find_free_place(face, taken, generator)
        if place is None:
            break
        x0, y0 = place
        _blend(frame, face, x0, y0)
        height, width = face.opacity.shape
        taken.append((x0, y0, x0 + width, y0 + height))
        placed.append(PlacedFace(number, (x0 + face.centre[0], y0 + face.centre[1]), face.size_px))
    return frame, tuple(placed)


def place_face(frame: Picture, face: Cutout, centre_xy: tuple[float, float]) -> PlacedFace:
    """Pastes a cutout so that the centre of its box lies at `centre_xy`, to whole pixels.

    Args:
        frame: `(H, W, 3)` uint8 BGR, changed in place.
        face: The cutout, which may reach outside of the frame.
        centre_xy: The place of the centre of its box, px.

    Returns:
        The face's place, with the number 0.

    >>> white, solid = np.full((4, 4, 3), 255, np.uint8), np.ones((4, 4), np.float32)
    >>> frame = np.zeros((8, 8, 3), np.uint8)
    >>> place_face(frame, Cutout(white, solid, (2.0, 2.0), 3.0), (7.2, 4.0)).centre
    (7.0, 4.0)
    >>> int((frame > 0).all(axis=2).sum())
    12
    """
    x0, y0 = (round(at - own) for at, own in zip(centre_xy, face.centre, strict=True))
    _blend(frame, face, x0, y0)
    return PlacedFace(0, (x0 + face.centre[0], y0 + face.centre[1]), face.size_px)


def _find_free_place(
    face: Cutout,
    taken: Sequence[tuple[float, float, float, float]],
    generator: np.random.Generator,
) -> tuple[int, int] | None:
    """Finds a top left corner, in px, at which a cutout touches none of the `taken` rectangles;
    None after `MAX_PLACING_TRIES`."""
    half = face.size_px / 2
    height, width = face.opacity.shape
    for _ in range(MAX_PLACING_TRIES):
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


def _make_fading(size_wh: tuple[int, int], width_px: float) -> NDArray[np.float32]:
    """Makes an opacity `(h, w)`: 0 at the border, 1 from `width_px` on, smooth between."""
    ramps = [
        np.clip((np.minimum(t, side - t)) / max(width_px, 1e-6), 0, 1)
        for side in size_wh
        for t in (np.arange(side) + 0.5,)
    ]
    ramp = np.minimum(ramps[0][None, :], ramps[1][:, None])
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


def _rotate(pixels: NDArray[Any], angle_deg: float) -> NDArray[Any]:
    """Rotates `pixels` counterclockwise about their middle; the canvas grows to hold them."""
    picture = Image.fromarray(pixels)
    turned = picture.rotate(angle_deg, resample=Image.Resampling.BICUBIC, expand=True)
    values = np.array(turned)
    return np.clip(values, 0, 1) if values.dtype == np.float32 else values
