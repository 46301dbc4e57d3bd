"""Makes `app/assets/portrait.mp4`: a face that smiles, at places that are known.

The benchmark, the doctor, the tests and all figures that name the portrait clip read it. Everything
in it is drawn here from one public-domain picture, NASA's portrait of the astronaut Eileen Collins
as scikit-image ships it, and a synthesised tune. A photo print drifts, turns, comes close, leaves
the picture, returns, and is joined by a smaller, mirrored print. `TIMELINE` says how many faces
each frame shows, so that tests judge a recogniser against what was drawn.

Run it as `python -m tools.make_portrait_clip --overwrite` (scikit-image is a development
dependency). Two runs give the same frames.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from app.defaults import DEMO_CLIP, PORTRAIT_CLIP
from app.errors import DataError
from app.process.console import DONE, run_command
from tools.clip_film import SAMPLE_RATE_HZ, FilmFormat, parse_clip_options, pluck_notes, write_film
from tools.prints import (
    Floats,
    Layer,
    cut_out,
    interpolate_keys,
    paste,
    project,
    reduce_canvas,
    round_corners,
    shift,
    zoom,
)

WIDTH_PX, HEIGHT_PX, FPS, FRAMES = 640, 480, 25, 240
MAX_BYTES = 400_000
CRF = 25.0

# Where things are in the 512 x 512 portrait, as (x0, y0, x1, y1).
PRINT_XYXY = (120, 0, 330, 262)  # what the print shows: the head, with the collar under it
FACE_XYXY = (168, 62, 283, 190)  # forehead to chin, ear to ear: what must be in view to count
FACE_WIDTH_PX = 95.0  # the width a face detector reports; keyframes are written in this measure

PRINT_BORDER_PX, PRINT_RADIUS_PX, SHADOW_MARGIN_PX = 6, 16, 40
TEXTURE_SCALE = 3  # the print is prepared at three times its size, the largest close-up
CANVAS_SCALE = 2  # each frame is drawn at twice its size and averaged down: smooth edges
FOCAL_PX = 700.0  # of the imagined camera; smaller means stronger perspective
PAPER = np.float32(0.985)
NOTES = (0, 7, 12, 16, 19, 16, 14, 7, -3, 4, 9, 12, 16, 12, 9, 7, -7, 0, 4, 9, 7, 12, 16)

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames `first <= index < stop` show `faces` whole faces; `None` while one passes an edge."""

    first: int
    stop: int
    faces: int | None


TIMELINE: tuple[Segment, ...] = (
    Segment(0, 124, 1),
    Segment(124, 131, None),  # it leaves to the left
    Segment(131, 161, 0),
    Segment(161, 169, None),  # and comes back
    Segment(169, 183, 1),
    Segment(183, 187, None),  # the second one rises from below
    Segment(187, FRAMES, 2),
)

# Each print's way: (second, centre x px, centre y px, face width px, roll degrees, yaw degrees).
FIRST_PRINT = (
    (0.0, 262, 240, 124, -4, 0),
    (1.0, 205, 236, 134, -16, 12),
    (2.3, 418, 244, 150, 17, -20),
    (3.2, 352, 248, 205, 5, 4),
    (4.0, 318, 256, 276, -4, -8),
    (4.7, 326, 252, 284, 3, 6),
    (5.4, -260, 250, 190, -12, 14),
    (5.9, -260, 232, 140, -14, 16),
    (7.1, 176, 246, 128, 4, 6),
    (8.4, 166, 232, 120, 5, -12),
    (9.6, 168, 244, 124, -4, 8),
)
SECOND_PRINT = (
    (0.0, 492, 760, 106, 10, 0),
    (6.9, 492, 760, 106, 10, 0),
    (7.8, 490, 250, 106, -4, -8),
    (8.7, 488, 240, 114, 4, 10),
    (9.6, 490, 246, 108, -3, -6),
)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a print is: its centre and the face's width in px, its turns in degrees."""

    x_px: float
    y_px: float
    face_px: float
    roll_deg: float
    yaw_deg: float


def expected_faces(index: int) -> int | None:
    """How many whole faces frame `index` shows, or `None` while one passes the picture's edge."""
    for segment in TIMELINE:
        if segment.first <= index < segment.stop:
            return segment.faces
    raise IndexError(f"The clip has frames 0 to {FRAMES - 1}, not {index}.")


def drawn_faces(index: int) -> int | None:
    """What `TIMELINE` should say of frame `index`, from the geometry it is drawn with."""
    count = 0
    for pose, mirrored in poses(index):
        corners = face_corners(pose, mirrored=mirrored)  # (4, 2)
        low, high = corners.min(axis=0), corners.max(axis=0)
        if (low >= 0).all() and (high <= (WIDTH_PX, HEIGHT_PX)).all():
            count += 1
        elif (high > 0).all() and (low < (WIDTH_PX, HEIGHT_PX)).all():
            return None
    return count


def poses(index: int) -> tuple[tuple[Pose, bool], ...]:
    """The prints of frame `index` with whether each is mirrored, in drawing order."""
    time_s = index / FPS
    return (
        (Pose(*(float(v) for v in interpolate_keys(FIRST_PRINT, time_s))), False),
        (Pose(*(float(v) for v in interpolate_keys(SECOND_PRINT, time_s))), True),
    )


def homography(pose: Pose) -> Floats:
    """`(3, 3)`: pixels of the portrait to pixels of the frame. The print turns about its upright
    axis (yaw), then in the picture's plane (roll), and is seen in perspective."""
    x0, y0, x1, y1 = PRINT_XYXY
    scale = pose.face_px / FACE_WIDTH_PX
    roll, yaw = np.radians(pose.roll_deg), np.radians(pose.yaw_deg)
    turn = np.array(
        [
            [scale * np.cos(yaw) * np.cos(roll), -scale * np.sin(roll), 0.0],
            [scale * np.cos(yaw) * np.sin(roll), scale * np.cos(roll), 0.0],
            [scale * np.sin(yaw) / FOCAL_PX, 0.0, 1.0],
        ]
    )
    place: Floats = shift(pose.x_px, pose.y_px) @ turn @ shift(-(x0 + x1) / 2, -(y0 + y1) / 2)
    return place


def face_corners(pose: Pose, *, mirrored: bool) -> Floats:
    """`(4, 2)` px: the corners of the face in the frame."""
    x0, y0, x1, y1 = FACE_XYXY
    if mirrored:  # the print is mirrored about its own middle
        x0, x1 = PRINT_XYXY[0] + PRINT_XYXY[2] - x1, PRINT_XYXY[0] + PRINT_XYXY[2] - x0
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)
    return project(corners, homography(pose))


def draw_frame(index: int) -> Bytes:
    """Frame `index` as `(480, 640, 3)` uint8 RGB."""
    return draw_prints(poses(index))


def draw_prints(prints: Iterable[tuple[Pose, bool]]) -> Bytes:
    """Draws prints, each with whether it is mirrored, in their order: `(480, 640, 3)` uint8 RGB."""
    canvas = _background().copy()
    x0, y0 = PRINT_XYXY[0] - SHADOW_MARGIN_PX, PRINT_XYXY[1] - SHADOW_MARGIN_PX
    from_texture = shift(x0, y0) @ zoom(1 / TEXTURE_SCALE)
    for pose, mirrored in prints:
        paste(canvas, _texture(mirrored), zoom(CANVAS_SCALE) @ homography(pose) @ from_texture)
    return reduce_canvas(canvas, (WIDTH_PX, HEIGHT_PX))


def read_portrait() -> Layer:
    """Reads NASA's portrait of Eileen Collins, RGB (512, 512, 3). Raises `DataError`."""
    try:
        from skimage import data  # here, so that reading the timeline does not need it

        whole: Bytes = np.asarray(cast(Any, data).astronaut())
    except (ImportError, OSError) as error:
        raise DataError(
            "NASA's portrait is a picture of scikit-image, which cannot be read here: "
            f"{error}. Get it by pip install -e '.[dev]'."
        ) from error
    return whole.astype(np.float32) / np.float32(255)


@cache
def _texture(mirrored: bool) -> Layer:
    """The print with its white border and soft shadow."""
    x0, y0, x1, y1 = PRINT_XYXY
    portrait = read_portrait()[y0:y1, x0:x1]
    if mirrored:
        portrait = portrait[:, ::-1]
    width, height = (x1 - x0) * TEXTURE_SCALE, (y1 - y0) * TEXTURE_SCALE
    picture = np.clip(cv2.resize(portrait, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)

    margin = SHADOW_MARGIN_PX * TEXTURE_SCALE
    border = PRINT_BORDER_PX * TEXTURE_SCALE
    radius = PRINT_RADIUS_PX * TEXTURE_SCALE
    shape = (height + 2 * margin, width + 2 * margin)
    paper = round_corners(shape, margin - border, radius + border)
    hole = round_corners(shape, margin, radius)[..., None]
    colour = np.full((*shape, 3), PAPER, np.float32)
    colour[margin : margin + height, margin : margin + width] = picture
    colour = colour * hole + PAPER * (1 - hole)
    return cut_out(colour, paper, margin)


@cache
def _background() -> Layer:
    """A soft slope from warm light at the upper left to a cool shade at the lower right."""
    height, width = HEIGHT_PX * CANVAS_SCALE, WIDTH_PX * CANVAS_SCALE
    y, x = np.mgrid[:height, :width].astype(np.float32)
    t = np.clip(0.45 * x / width + 0.55 * y / height, 0, 1)[..., None]
    stops = np.array([[0.96, 0.91, 0.85], [0.73, 0.82, 0.86], [0.40, 0.52, 0.62]], np.float32)
    near, far = stops[0] * (1 - t) + stops[1] * t, stops[1] * (1 - t) + stops[2] * t
    slope: Layer = (near * (1 - t) + far * t).astype(np.float32)
    return slope


def write_clip(path: Path, *, overwrite: bool) -> int:
    """Writes the clip to `path`. Returns its size in bytes. Raises `SinkError`, and `DataError`
    where the portrait is missing."""
    return write_film(
        path,
        map(draw_frame, range(FRAMES)),
        pluck_notes(NOTES, FRAMES * SAMPLE_RATE_HZ // FPS),
        FilmFormat((WIDTH_PX, HEIGHT_PX), FPS, CRF, tune="animation"),
        max_bytes=MAX_BYTES,
        overwrite=overwrite,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Makes the clip. Returns the exit code."""

    def make() -> int:
        options = parse_clip_options(
            "python -m tools.make_portrait_clip",
            "Makes the portrait clip from NASA's portrait.",
            PORTRAIT_CLIP,
            [DEMO_CLIP],
            argv,
        )
        for index in range(FRAMES):
            if drawn_faces(index) != expected_faces(index):
                raise DataError(
                    f"Frame {index} shows {drawn_faces(index)} faces, TIMELINE says "
                    f"{expected_faces(index)}. Correct TIMELINE."
                )
        size = write_clip(options.output, overwrite=options.overwrite)
        print(f"{options.output}: {FRAMES} frames, {FRAMES / FPS:.1f} s, {size:,} bytes")
        return DONE

    return run_command(make)


if __name__ == "__main__":
    raise SystemExit(main())
