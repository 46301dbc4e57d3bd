"""Draws the pose of a head as three axes at the tip of its nose.

The line that ends in a dot is where the nose points, the long one goes up through the head, the
short one to the subject's left.
"""

from functools import partial

import cv2
import numpy as np

from app.actions.head_pose import HeadPose, make_turn
from app.overlay.palette import ORANGE, SKY_BLUE, YELLOW
from app.overlay.text import BLACK, Colour
from app.placement.rects import Rect
from app.types import LANDMARKS, FaceActions, Image, TrackedFace

NOSE_SHARE = 0.55  # of the box's width: the nose's line where it is seen from the side
UP_SHARE = 0.4
ASIDE_SHARE = 0.25
THICK_SHARE = 0.02  # of the box's width: how thick a line is

Point = tuple[int, int]


def locate_axes(
    face: TrackedFace, actions: FaceActions, mirror_width: int | None
) -> tuple[Point, tuple[Point, Point, Point]]:
    """Locates the axes of a head on the canvas, px: where they begin, and where the lines to the
    side, up and along the nose end.

    Args:
        face: The face.
        actions: Its facial actions.
        mirror_width: The width of a mirrored canvas, px; None: the canvas is not mirrored.

    >>> from app.types import Face
    >>> seen = Face((0, 0, 100, 100), np.full((6, 2), 50, np.float32), 0.9)
    >>> shares = np.ones(2, np.float32)
    >>> face = TrackedFace(seen, 1, "neutral", shares, shares)
    >>> looking_up = FaceActions(0.0, -90.0, 0.0, 0.0, 0.0, 0.0, {})
    >>> locate_axes(face, looking_up, None)
    ((50, 50), ((75, 50), (50, 50), (50, -5)))
    """
    turn = make_turn(HeadPose(actions.head_yaw_deg, actions.head_pitch_deg, actions.head_roll_deg))
    start = face.face.landmarks[LANDMARKS.index("nose_tip")].astype(np.float64)
    width = face.face.width_px
    ends = [
        start + width * share * turn[:2, axis] * (1, -1)  # y points down on the canvas
        for axis, share in enumerate((ASIDE_SHARE, UP_SHARE, NOSE_SHARE))
    ]

    def to_canvas(x: float, y: float) -> Point:
        return round(x if mirror_width is None else mirror_width - x), round(y)

    aside, up, nose = (to_canvas(*end.tolist()) for end in ends)
    return to_canvas(*start.tolist()), (aside, up, nose)


def plan_head_axes(
    face: TrackedFace, actions: FaceActions, mirror_width: int | None
) -> tuple[partial[None], Rect]:
    """Plans the axes of a head. Returns what draws them on a canvas, and the part of it that they
    touch."""
    start, ends = locate_axes(face, actions, mirror_width)
    thickness = max(1, round(THICK_SHARE * face.face.width_px))
    across, down = zip(start, *ends, strict=True)
    rect = Rect(
        min(across), min(down), max(across) - min(across) + 1, max(down) - min(down) + 1
    ).enlarge(3 * thickness + 3)
    return partial(_draw_axes, start=start, ends=ends, thickness=thickness), rect


def _draw_axes(canvas: Image, start: Point, ends: tuple[Point, ...], thickness: int) -> None:
    colours: tuple[Colour, ...] = (ORANGE, YELLOW, SKY_BLUE)
    for end, colour in zip(ends, colours, strict=True):
        cv2.line(canvas, start, end, BLACK, thickness + 2, cv2.LINE_AA)
        cv2.line(canvas, start, end, colour, thickness, cv2.LINE_AA)
    cv2.circle(canvas, ends[-1], 2 * thickness + 1, BLACK, -1, cv2.LINE_AA)
    cv2.circle(canvas, ends[-1], 2 * thickness, colours[-1], -1, cv2.LINE_AA)
