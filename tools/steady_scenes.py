"""Frames of a made camera for measuring how steady readings are: faces that hold still and faces
that change their expression, with sensor noise, jitter and JPEG as a webcam has them.

Each frame of 1280 x 720 holds up to six faces at fixed places. What moves is the jitter: a slow
sway of camera and head, and a shake from frame to frame.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.types import Image
from tools.made_frames import HEIGHT_PX, WIDTH_PX, FacePicture, paste
from training.synthetic import scenes

COLUMNS, ROWS = 3, 2
PLACES = tuple(
    (WIDTH_PX * (column + 0.5) / COLUMNS, HEIGHT_PX * (row + 0.5) / ROWS)
    for row in range(ROWS)
    for column in range(COLUMNS)
)
SIDES_PX = (90.0, 210.0)  # of the detector's boxes
NOISE_REACH_PX = 512


@dataclass(frozen=True, slots=True)
class Camera:
    """`noise`: standard deviation in grey levels. `sway_px`, `shake_px`: of the slow and of the
    frame-to-frame jitter in x and in y; roll and size follow the sway. `jpeg`: quality."""

    fps: float = 30.0
    noise: float = 4.0
    sway_px: float = 3.0
    sway_deg: float = 1.0
    sway_size: float = 0.01
    sway_s: float = 0.5
    shake_px: float = 0.7
    jpeg: int = 75


@dataclass(frozen=True, slots=True)
class Shown:
    """From `begin_s` on, over `fade_s`, the picture of number `source`."""

    begin_s: float
    fade_s: float
    source: int


class Stage:
    """`frames(pictures, plays, seconds)`: each play is what one place shows, the first from 0 s on.
    The same generator gives the same frames."""

    def __init__(self, rng: np.random.Generator, camera: Camera) -> None:
        self._rng = rng
        self._camera = camera
        self._ground = scenes.make_room(rng, (WIDTH_PX, HEIGHT_PX))
        # Far larger than a frame: each frame gets a part of it, at a place of its own.
        size = (HEIGHT_PX + NOISE_REACH_PX, WIDTH_PX + NOISE_REACH_PX, 3)
        self._noise = rng.normal(0, camera.noise, size).round().astype(np.int16)
        low, high = np.log(SIDES_PX).tolist()
        self.sides_px = np.exp(rng.uniform(low, high, len(PLACES)))

    def frames(
        self, pictures: Sequence[FacePicture], plays: Sequence[Sequence[Shown]], seconds: float
    ) -> Iterator[tuple[float, Image]]:
        """(time in s, frame) at the camera's rate."""
        camera = self._camera
        keep = math.exp(-1 / (camera.fps * camera.sway_s))
        sway = self._rng.normal(0, 1, (len(plays), 4))
        for index in range(round(seconds * camera.fps)):
            time_s = index / camera.fps
            push = self._rng.normal(0, 1, sway.shape)
            sway = keep * sway + math.sqrt(1 - keep**2) * push
            shake = camera.shake_px * self._rng.normal(0, 1, (len(plays), 2))
            frame = self._ground.copy()
            for place, play in enumerate(plays):
                self._show(frame, pictures, play, place, time_s, sway[place], shake[place])
            yield time_s, self._through(frame)

    def _show(
        self,
        frame: Image,
        pictures: Sequence[FacePicture],
        play: Sequence[Shown],
        place: int,
        time_s: float,
        sway: NDArray[np.float64],
        shake: NDArray[np.float64],
    ) -> None:
        camera = self._camera
        x, y = np.array(PLACES[place]) + camera.sway_px * sway[:2] + shake
        side = self.sides_px[place] * math.exp(camera.sway_size * sway[2])
        roll = camera.sway_deg * float(sway[3])
        now = max(n for n, shown in enumerate(play) if shown.begin_s <= time_s + 1e-9)
        # The frame at `begin_s` is the first with a part of the new picture in it.
        passed_s = time_s - play[now].begin_s + 1 / camera.fps
        share = 1.0 if now == 0 else min(1.0, passed_s / max(play[now].fade_s, 1e-9))
        before = None
        if share < 1:
            before = frame.copy()
            paste(
                before,
                pictures[play[now - 1].source],
                centre_xy=(float(x), float(y)),
                side_px=float(side),
                roll=roll,
            )
        paste(
            frame,
            pictures[play[now].source],
            centre_xy=(float(x), float(y)),
            side_px=float(side),
            roll=roll,
        )
        if before is not None:
            cv2.addWeighted(frame, share, before, 1 - share, 0, dst=frame)

    def _through(self, frame: Image) -> Image:
        """As the camera delivers it."""
        y, x = self._rng.integers(NOISE_REACH_PX, size=2).tolist()
        noise = self._noise[y : y + HEIGHT_PX, x : x + WIDTH_PX]
        noisy = cv2.add(frame, noise, dtype=cv2.CV_8U)
        done, packed = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, self._camera.jpeg])
        assert done
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
