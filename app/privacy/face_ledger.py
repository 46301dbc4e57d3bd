"""Gives a second opinion on lost faces, independent of the follower on purpose, so that a face that
the follower has lost is still covered.

The ledger decides whether a face seen earlier may still be in the picture undetected. A face is
accounted for if it is seen again, has left by an edge of the picture, or belongs to a scene that is
over. Otherwise it may be anywhere, and the whole picture must be covered. The ledger matches faces
by the detector's boxes and compares scenes by itself; it must never ask `app.detection.follower` or
`app.tracking` which face is which.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from app.types import Face, Image

IfLost = Literal["whole", "stop"]  # cover the whole frame, or stop the run
# A thorough search of the whole picture takes one second (`app.detection.follower`), so a face may
# have been there for that long before it is found.
LOOK_BACK_S = 1.25
AHEAD_S = 0.5  # a lost face whose way leads out of the picture within this time has left
REACH_SHARE = 0.5  # of a box's side: how far from its last place a face may be found again
REACH_SHARE_PER_S = 1.0  # more than that for each second unseen
MAX_SIDE_RATIO = 2.0  # of two boxes of the same face
THUMB_WH = (64, 36)  # the size of the small grey pictures by which scenes are compared
# Two scenes differ in their pattern and in their brightness.
MIN_CORRELATION = 0.5  # of the grey levels of two pictures of one scene
MIN_DIFFERENCE = 12.0  # mean difference of grey levels, of 255, of two pictures of two scenes
FADED_S = 2.0  # after this time a scene that faded slowly into another one is over
MAX_FACES = 200  # the oldest are forgotten first
VELOCITY_EASE_S = 0.25  # velocities are averaged over this time, because boxes tremble

LOST = "a face that was seen before is not found"
DAMAGED = "the frame could not be read whole"
NOT_SEARCHED = "faces could not be looked for"
BEFORE = "a face is found only later"

Box = tuple[float, float, float, float]
Thumb = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Doubt:
    """The reason why a frame must be covered as a whole, and the time (`Frame.time_s`) from which
    on earlier frames must be, too. `why` None: the frame itself is fine, the earlier ones are not.
    """

    why: str | None
    since_s: float


@dataclass(frozen=True, slots=True)
class _Known:
    """A face at its last place. `velocity_xy` is px/s. `thumb` is the picture of then, in small.
    `is_here`: the face is in the current frame."""

    box_xyxy: Box
    seen_s: float
    velocity_xy: tuple[float, float]
    thumb: Thumb
    is_here: bool = True

    @property
    def side_px(self) -> float:
        x0, y0, x1, y1 = self.box_xyxy
        return max(1.0, x1 - x0, y1 - y0)

    def distance(self, box: Box, time_s: float) -> float:
        """Returns the distance of the face from a box, px, from middle to middle; infinite where
        this face cannot be that far away or that large."""
        side = max(1.0, box[2] - box[0], box[3] - box[1])
        if not 1 / MAX_SIDE_RATIO <= side / self.side_px <= MAX_SIDE_RATIO:
            return math.inf
        (x, y), (to_x, to_y) = _middle(self.box_xyxy), _middle(box)
        apart = math.hypot(to_x - x, to_y - y)
        reach_share = REACH_SHARE + REACH_SHARE_PER_S * (time_s - self.seen_s)
        reach = max(side, self.side_px) * reach_share
        return apart if apart <= reach else math.inf

    def has_left(self, size_wh: tuple[int, int]) -> bool:
        """Returns whether the face's way led over an edge of the picture."""
        at = _middle(self.box_xyxy)
        ahead = [x + AHEAD_S * speed for x, speed in zip(at, self.velocity_xy, strict=True)]
        return not all(0 <= x < side for x, side in zip(ahead, size_wh, strict=True))


class FaceLedger:
    """Keeps account of the faces of one stream. Every frame is checked, in order. After a time that
    runs backwards, and in a picture of another size, all faces are forgotten."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets all faces, before a stream that has nothing to do with the one so far."""
        self._known: list[_Known] = []
        self._size_wh = (0, 0)
        self._now_s = -math.inf
        self._scene_s = -math.inf  # when this scene began, as far as frames were seen
        self._thumb: Thumb | None = None

    def check_frame(self, faces: Sequence[Face], image: Image, time_s: float) -> Doubt | None:
        """Checks whether every face of the stream so far is accounted for.

        Args:
            faces: All faces found in the frame.
            image: Its picture, uint8 `(H, W, 3)` BGR.
            time_s: Its time.

        Returns:
            None where every face is accounted for, in this frame and in the frames before. Else the
            doubt: a lost face (`why` is `LOST`), or a new face that may have been there unseen
            since `since_s`.

        >>> ledger, picture = FaceLedger(), np.zeros((240, 320, 3), np.uint8)
        >>> face = Face((100.0, 80.0, 160.0, 140.0), np.zeros((6, 2), np.float32), 0.9)
        >>> ledger.check_frame([face], picture, 0.0)
        >>> ledger.check_frame([], picture, 0.1).why
        'a face that was seen before is not found'
        """
        size_wh = (image.shape[1], image.shape[0])
        if time_s < self._now_s or size_wh != self._size_wh:
            self.reset()
        before, self._thumb = self._thumb, _thumb(image)
        self._now_s, self._size_wh = time_s, size_wh
        if before is None or show_two_scenes(before, self._thumb):
            self._scene_s, self._known = time_s, []
        self._known = [replace(one, is_here=False) for one in self._known]
        has_new = self._find_again([face.box_xyxy for face in faces], time_s)
        self._known = [one for one in self._known if not self._is_over(one)][-MAX_FACES:]
        lost = any(not one.is_here for one in self._known)
        since_s = max(self._scene_s, time_s - LOOK_BACK_S) if has_new else time_s
        if not lost and since_s >= time_s:
            return None
        return Doubt(LOST if lost else None, since_s)

    def _find_again(self, boxes: Sequence[Box], time_s: float) -> bool:
        """Matches boxes with the known faces, and adds the others as new faces. Faces that were
        seen later match first, of these the nearest pairs. Returns whether there is a new face."""
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
                one,
                box_xyxy=box,
                seen_s=time_s,
                velocity_xy=velocity,
                thumb=self._thumb,
                is_here=True,
            )
        fresh = [box for place, box in enumerate(boxes) if place not in again.values()]
        self._known += [_Known(box, time_s, (0.0, 0.0), self._thumb) for box in fresh]
        return bool(fresh)

    def _is_over(self, one: _Known) -> bool:
        """Returns whether a face is accounted for without being seen."""
        if one.is_here:
            return False
        assert self._thumb is not None
        faded = self._now_s - one.seen_s > FADED_S and show_two_scenes(one.thumb, self._thumb)
        return faded or one.has_left(self._size_wh)


def show_two_scenes(before: Thumb, now: Thumb) -> bool:
    """Returns whether two pictures are so different that they show two scenes.

    Args:
        before: float32 `(h, w)`: grey levels of the first picture in small, 0..255.
        now: The same of the second one.

    >>> rising = np.linspace(0, 200, 12, dtype=np.float32).reshape(3, 4)
    >>> show_two_scenes(rising, rising + 40), show_two_scenes(rising, rising[::-1])
    (False, True)
    """
    if np.abs(before - now).mean() < MIN_DIFFERENCE:
        return False
    a, b = before - before.mean(), now - now.mean()
    power = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return power < 1e-6 or float((a * b).sum()) / power < MIN_CORRELATION


def _thumb(image: Image) -> Thumb:
    small = cv2.resize(image, THUMB_WH, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _velocity(before: _Known, box: Box, time_s: float) -> tuple[float, float]:
    """Returns the face's new velocity px/s, averaged over `VELOCITY_EASE_S`."""
    step_s = time_s - before.seen_s
    if step_s <= 0:
        return before.velocity_xy
    share = 1 - math.exp(-step_s / VELOCITY_EASE_S)
    old, now = _middle(before.box_xyxy), _middle(box)
    x, y = (
        speed + share * ((to - at) / step_s - speed)
        for speed, at, to in zip(before.velocity_xy, old, now, strict=True)
    )
    return x, y
