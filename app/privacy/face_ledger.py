"""Whether every face that a stream has shown is accounted for, so that blurring can fail closed.

A face that was seen must be seen again, must have left by an edge of the picture, or must belong to
a scene that is over. Until then it may be in the picture where nobody knows, and only a picture
that is covered as a whole hides it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from app.types import Face, Image

IfLost = Literal["whole", "stop"]
LOOK_BACK_S = (
    1.25  # a thorough search of the whole picture takes one second (`app.detection.follower`)
)
AHEAD_S = 0.5  # whose way leads out of the picture so soon has left when not seen any more
REACH, REACH_PER_S = 0.5, 1.0  # of a box's side: how far from where it was a face may come back
ALIKE = 2.0  # largest ratio of the sides of two boxes of one face
THUMB_WH = (64, 36)
# Pictures of two scenes, by grey levels of thumbs: another pattern and another brightness.
LEAST_CORRELATION, LEAST_DIFFERENCE = 0.5, 12.0
FADED_S = 2.0  # before a scene that went over softly is taken to be over
MOST_FACES = 200

LOST = "a face that was seen before is not found"
DAMAGED = "the frame could not be read whole"
NOT_SEARCHED = "faces could not be looked for"
BEFORE = "a face is found only later"

Box = tuple[float, float, float, float]
Thumb = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is wrong with a frame, and from when on (`Frame.time_s`) frames before it share that."""

    why: str | None
    since_s: float


@dataclass(frozen=True, slots=True)
class _Known:
    """A face where it was last seen; `velocity_xy` px/s; `thumb` of the picture then."""

    box_xyxy: Box
    seen_s: float
    velocity_xy: tuple[float, float]
    thumb: Thumb
    here: bool = True  # in the frame in hand, whatever its time

    @property
    def side_px(self) -> float:
        x0, y0, x1, y1 = self.box_xyxy
        return max(1.0, x1 - x0, y1 - y0)

    def distance(self, box: Box, time_s: float) -> float:
        """Between the middles; infinite where this face cannot be that far or that large."""
        side = max(1.0, box[2] - box[0], box[3] - box[1])
        if not 1 / ALIKE <= side / self.side_px <= ALIKE:
            return math.inf
        (x, y), (to_x, to_y) = _middle(self.box_xyxy), _middle(box)
        apart = math.hypot(to_x - x, to_y - y)
        reach = max(side, self.side_px) * (REACH + REACH_PER_S * (time_s - self.seen_s))
        return apart if apart <= reach else math.inf

    def left(self, size_wh: tuple[int, int]) -> bool:
        """Whether its way led over an edge of the picture."""
        at = _middle(self.box_xyxy)
        ahead = [x + AHEAD_S * speed for x, speed in zip(at, self.velocity_xy, strict=True)]
        return not all(0 <= x < side for x, side in zip(ahead, size_wh, strict=True))


class FaceLedger:
    """To be told of every frame of a stream. A time that runs backwards, or a picture of another
    size, begins anew."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._known: list[_Known] = []
        self._size_wh = (0, 0)
        self._now_s = -math.inf
        self._scene_s = -math.inf  # when this scene began, as far as frames were seen
        self._thumb: Thumb | None = None

    def check_frame(self, faces: Sequence[Face], image: Image, time_s: float) -> Doubt | None:
        """None where every face is accounted for, now and in the frames before. `why` None: now
        they are, but a face was just found that may have been there unseen since then."""
        size_wh = (image.shape[1], image.shape[0])
        if time_s < self._now_s or size_wh != self._size_wh:
            self.reset()
        before, self._thumb = self._thumb, _thumb(image)
        self._now_s, self._size_wh = time_s, size_wh
        if before is None or shows_another_scene(before, self._thumb):
            self._scene_s, self._known = time_s, []
        self._known = [replace(one, here=False) for one in self._known]
        new = self._find_again([face.box_xyxy for face in faces], time_s)
        self._known = [one for one in self._known if not self._over(one)][-MOST_FACES:]
        lost = any(not one.here for one in self._known)
        since_s = max(self._scene_s, time_s - LOOK_BACK_S) if new else time_s
        if not lost and since_s >= time_s:
            return None
        return Doubt(LOST if lost else None, since_s)

    def _find_again(self, boxes: Sequence[Box], time_s: float) -> bool:
        """Whether one of them was not there before. Each face is found again once, the nearest
        first, those that were there in the last frame before those that were lost."""
        assert self._thumb is not None
        pairs = sorted(
            (-one.seen_s, one.distance(box, time_s), number, place)
            for number, one in enumerate(self._known)
            for place, box in enumerate(boxes)
        )
        again: dict[int, int] = {}
        for _, apart, number, place in pairs:
            if apart < math.inf and number not in again and place not in again.values():
                again[number] = place
        for number, place in again.items():
            one, box = self._known[number], boxes[place]
            velocity = _velocity(one, box, time_s)
            self._known[number] = replace(
                one, box_xyxy=box, seen_s=time_s, velocity_xy=velocity, thumb=self._thumb, here=True
            )
        fresh = [box for place, box in enumerate(boxes) if place not in again.values()]
        self._known += [_Known(box, time_s, (0.0, 0.0), self._thumb) for box in fresh]
        return bool(fresh)

    def _over(self, one: _Known) -> bool:
        if one.here:
            return False
        assert self._thumb is not None
        faded = self._now_s - one.seen_s > FADED_S and shows_another_scene(one.thumb, self._thumb)
        return faded or one.left(self._size_wh)


def shows_another_scene(before: Thumb, now: Thumb) -> bool:
    """Whether two pictures are so different that they show different things altogether."""
    if np.abs(before - now).mean() < LEAST_DIFFERENCE:
        return False
    a, b = before - before.mean(), now - now.mean()
    power = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return power < 1e-6 or float((a * b).sum()) / power < LEAST_CORRELATION


def _thumb(image: Image) -> Thumb:
    small = cv2.resize(image, THUMB_WH, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _velocity(before: _Known, box: Box, time_s: float) -> tuple[float, float]:
    """Eased over a quarter of a second, because boxes tremble."""
    step_s = time_s - before.seen_s
    if step_s <= 0:
        return before.velocity_xy
    share = 1 - math.exp(-step_s / 0.25)
    old, now = _middle(before.box_xyxy), _middle(box)
    x, y = (
        speed + share * ((to - at) / step_s - speed)
        for speed, at, to in zip(before.velocity_xy, old, now, strict=True)
    )
    return x, y
