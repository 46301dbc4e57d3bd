"""Makes `app/assets/demo.mp4`, the clip that lets anybody see the recogniser work without a camera.

Everything in it is drawn here from one public-domain picture, NASA's portrait of the astronaut
Eileen Collins as scikit-image ships it, and a synthesised tune. A photo print drifts, turns, comes
close, leaves the picture, returns, and is joined by a smaller, mirrored print. `TIMELINE` says how
many faces each frame shows, so that tests judge a recogniser against what was drawn.

Run it as `python -m tools.make_demo_clip` (scikit-image is a development dependency). Two runs
give the same frames: nothing is random, and the encoder works on a single thread.
"""

import argparse
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from app.defaults import DEMO_CLIP

WIDTH_PX, HEIGHT_PX, FPS, FRAMES = 640, 480, 25, 240
MAX_BYTES = 400_000
SAMPLE_RATE_HZ = 44_100

# Where things are in the 512 x 512 portrait, as (x0, y0, x1, y1).
PRINT_XYXY = (120, 0, 330, 262)  # what the print shows: the head, with the collar under it
FACE_XYXY = (168, 62, 283, 190)  # forehead to chin, ear to ear: what must be in view to count
FACE_WIDTH_PX = 95.0  # the width a face detector reports; keyframes are written in this measure

PRINT_BORDER_PX, PRINT_RADIUS_PX, SHADOW_MARGIN_PX = 6, 16, 40
TEXTURE_SCALE = 3  # the print is prepared at three times its size, the largest close-up
CANVAS_SCALE = 2  # each frame is drawn at twice its size and averaged down: smooth edges
FOCAL_PX = 700.0  # of the imagined camera; smaller means stronger perspective

Floats = NDArray[np.float64]
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
        (Pose(*(float(v) for v in _along(FIRST_PRINT, time_s))), False),
        (Pose(*(float(v) for v in _along(SECOND_PRINT, time_s))), True),
    )


def _along(keys: tuple[tuple[float, ...], ...], time_s: float) -> Floats:
    """The values between keyframes on a smooth curve that never overshoots a keyframe: cubic
    Hermite pieces with the harmonic mean of the neighbouring slopes (Fritsch and Butland, 1984).
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
    place: Floats = _shift(pose.x_px, pose.y_px) @ turn @ _shift(-(x0 + x1) / 2, -(y0 + y1) / 2)
    return place


def face_corners(pose: Pose, *, mirrored: bool) -> Floats:
    """`(4, 2)` px: the corners of the face in the frame."""
    x0, y0, x1, y1 = FACE_XYXY
    if mirrored:  # the print is mirrored about its own middle
        x0, x1 = PRINT_XYXY[0] + PRINT_XYXY[2] - x1, PRINT_XYXY[0] + PRINT_XYXY[2] - x0
    corners = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]], np.float64)
    projected = corners @ homography(pose).T
    result: Floats = projected[:, :2] / projected[:, 2:]
    return result


def draw_frame(index: int) -> Bytes:
    """Frame `index` as `(480, 640, 3)` uint8 RGB."""
    return draw_prints(poses(index))


def draw_prints(prints: Iterable[tuple[Pose, bool]]) -> Bytes:
    """Draws prints, each with whether it is mirrored, in their order: `(480, 640, 3)` uint8 RGB."""
    canvas = _background().copy()
    size = (WIDTH_PX * CANVAS_SCALE, HEIGHT_PX * CANVAS_SCALE)
    for pose, mirrored in prints:
        # Pixel centres lie at halves, OpenCV's warp counts them as whole: hence the shifts.
        x0, y0 = PRINT_XYXY[0] - SHADOW_MARGIN_PX, PRINT_XYXY[1] - SHADOW_MARGIN_PX
        from_texture = _shift(x0, y0) @ _zoom(1 / TEXTURE_SCALE) @ _shift(0.5, 0.5)
        to_canvas = _shift(-0.5, -0.5) @ _zoom(CANVAS_SCALE)
        layer = cv2.warpPerspective(
            _texture(mirrored),
            to_canvas @ homography(pose) @ from_texture,
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
        )
        canvas *= 1 - layer[..., 3:]
        canvas += layer[..., :3]
    small = cv2.resize(canvas, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    frame: Bytes = np.clip(np.rint(small * 255), 0, 255).astype(np.uint8)
    return frame


@cache
def _texture(mirrored: bool) -> NDArray[np.float32]:
    """The print with its white border and soft shadow: RGBA in 0..1, colours multiplied by alpha
    so that blurring and warping leave no fringes."""
    from skimage import data  # here, so that reading the timeline does not need it

    whole: Bytes = np.asarray(cast(Any, data).astronaut())
    x0, y0, x1, y1 = PRINT_XYXY
    portrait = whole[y0:y1, x0:x1].astype(np.float32) / 255
    if mirrored:
        portrait = portrait[:, ::-1]
    width, height = (x1 - x0) * TEXTURE_SCALE, (y1 - y0) * TEXTURE_SCALE
    picture = np.clip(cv2.resize(portrait, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)

    margin = SHADOW_MARGIN_PX * TEXTURE_SCALE
    border = PRINT_BORDER_PX * TEXTURE_SCALE
    radius = PRINT_RADIUS_PX * TEXTURE_SCALE
    shape = (height + 2 * margin, width + 2 * margin)
    paper = _rounded(shape, margin - border, radius + border)
    hole = _rounded(shape, margin, radius)[..., None]
    colour = np.full((*shape, 3), 0.985, np.float32)
    colour[margin : margin + height, margin : margin + width] = picture
    colour = colour * hole + np.float32(0.985) * (1 - hole)

    fall = np.array(
        [[1, 0, 0], [0, 1, margin / 5]], np.float32
    )  # light from above: the shadow lies lower
    shadow = cv2.warpAffine(paper, fall, (shape[1], shape[0]))
    shadow = 0.34 * cv2.GaussianBlur(shadow, (0, 0), margin / 5)
    alpha = paper + shadow * (1 - paper)
    result: NDArray[np.float32] = np.dstack([colour * paper[..., None], alpha]).astype(np.float32)
    return result


def _rounded(shape: tuple[int, int], inset: int, radius: int) -> NDArray[np.float32]:
    """Coverage 0..1 of a rounded rectangle `inset` px inside `shape` (H, W)."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32) + np.float32(0.5)
    dx = np.abs(x - shape[1] / 2) - (shape[1] / 2 - inset - radius)
    dy = np.abs(y - shape[0] / 2) - (shape[0] / 2 - inset - radius)
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)
    coverage: NDArray[np.float32] = np.clip(radius - outside + 0.5, 0, 1).astype(np.float32)
    return coverage


@cache
def _background() -> NDArray[np.float32]:
    """A soft slope from warm light at the upper left to a cool shade at the lower right."""
    height, width = HEIGHT_PX * CANVAS_SCALE, WIDTH_PX * CANVAS_SCALE
    y, x = np.mgrid[:height, :width].astype(np.float32)
    t = np.clip(0.45 * x / width + 0.55 * y / height, 0, 1)[..., None]
    stops = np.array([[0.96, 0.91, 0.85], [0.73, 0.82, 0.86], [0.40, 0.52, 0.62]], np.float32)
    near, far = stops[0] * (1 - t) + stops[1] * t, stops[1] * (1 - t) + stops[2] * t
    slope: NDArray[np.float32] = (near * (1 - t) + far * t).astype(np.float32)
    return slope


def _shift(x: float, y: float) -> Floats:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def _zoom(scale: float) -> Floats:
    return np.diag([scale, scale, 1.0])


def tune() -> NDArray[np.float32]:
    """`(samples,)` float32 mono in -1..1: slow plucked notes of a pentatonic scale, quiet."""
    length = FRAMES * SAMPLE_RATE_HZ // FPS
    beat_s = 0.4
    notes = (0, 7, 12, 16, 19, 16, 14, 7, -3, 4, 9, 12, 16, 12, 9, 7, -7, 0, 4, 9, 7, 12, 16)
    sound = np.zeros(length)
    for beat, semitones in enumerate(notes):
        start = round(beat * beat_s * SAMPLE_RATE_HZ)
        t = np.arange(length - start) / SAMPLE_RATE_HZ
        pitch_hz = 220.0 * 2 ** (semitones / 12)
        attack = 1 - np.exp(-t / 0.012)
        for harmonic, loudness in ((1, 1.0), (2, 0.28), (3, 0.08)):
            decay = np.exp(-t * (1.6 + 0.9 * harmonic))
            sound[start:] += loudness * attack * decay * np.sin(2 * np.pi * harmonic * pitch_hz * t)
    seconds = np.arange(length) / SAMPLE_RATE_HZ
    sound *= np.clip((length / SAMPLE_RATE_HZ - seconds) / 0.8, 0, 1)  # fades out at the end
    quiet: NDArray[np.float32] = (0.16 * sound / np.abs(sound).max()).astype(np.float32)
    return quiet


def write_clip(path: Path, *, crf: float = 25.0) -> None:
    """Writes the clip to `path` in H.264 and AAC. `crf` is x264's quality; lower is better."""
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(part), "w", format="mp4", options=options) as container:
        video = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        # More than one encoding thread would cut frames differently from machine to machine.
        video.options = {
            "crf": str(crf),
            "preset": "veryslow",
            "tune": "animation",
            "threads": "1",
            "x264-params": "threads=1:keyint=100:aq-mode=3:aq-strength=1.1",
            "flags": "+bitexact",
        }
        audio = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
        audio.bit_rate = 48_000
        for index in range(FRAMES):
            picture = av.VideoFrame.from_ndarray(draw_frame(index), format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        for sound in _audio_frames():
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    os.replace(part, path)


def _audio_frames() -> Iterator[Any]:
    samples = tune()
    block = 1024  # AAC's own frame length
    for start in range(0, len(samples), block):
        frame = av.AudioFrame.from_ndarray(
            samples[None, start : start + block], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, start
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        yield frame


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.make_demo_clip",
        description="Make the demo clip from NASA's portrait.",
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=DEMO_CLIP, help=f"default: {DEMO_CLIP.name}"
    )
    output: Path = parser.parse_args().output
    for index in range(FRAMES):
        if drawn_faces(index) != expected_faces(index):
            raise SystemExit(
                f"Frame {index} shows {drawn_faces(index)} faces, TIMELINE says "
                f"{expected_faces(index)}. Correct TIMELINE."
            )
    write_clip(output)
    size = output.stat().st_size
    print(f"{output}: {FRAMES} frames, {FRAMES / FPS:.1f} s, {size:,} bytes")
    if size > MAX_BYTES:
        raise SystemExit(f"That is over {MAX_BYTES:,} bytes. Raise crf in write_clip.")


if __name__ == "__main__":
    main()
