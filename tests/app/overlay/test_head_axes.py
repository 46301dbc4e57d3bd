"""The axes of a head on the picture."""

from dataclasses import replace

import numpy as np
import pytest

from app.actions.head_pose import HeadPose
from app.actions.values import make_actions
from app.overlay.drawing import draw_result, plan_drawing
from app.overlay.head_axes import locate_axes
from app.types import Face, FaceActions, Frame, FrameResult, TrackedFace

SHARES = np.array([0.9, 0.1], np.float32)
POINTS = np.array([[80, 80], [120, 80], [100, 100], [100, 115], [60, 85], [140, 85]], np.float32)


def actions(yaw: float = 0, pitch: float = 0, roll: float = 0) -> FaceActions:
    return make_actions(HeadPose(yaw, pitch, roll), np.zeros(51))


def face(shown: FaceActions | None) -> TrackedFace:
    return TrackedFace(Face((50, 50, 150, 150), POINTS, 0.9), 1, "a", SHARES, SHARES, actions=shown)


@pytest.mark.parametrize(
    ("pose", "nose_xy"),
    [
        (HeadPose(0, 0, 0), (100, 100)),
        (HeadPose(90, 0, 0), (155, 100)),  # to the picture's right
        (HeadPose(0, 90, 0), (100, 155)),  # down
        (HeadPose(-90, 0, 0), (45, 100)),
    ],
)
def test_the_dot_is_where_the_nose_points(pose: HeadPose, nose_xy: tuple[int, int]) -> None:
    one = face(None)
    start, ends = locate_axes(one, make_actions(pose, np.zeros(51)), None)
    assert start == (100, 100)
    assert ends[2] == nose_xy


def test_roll_turns_the_long_line_counterclockwise_and_a_mirror_turns_it_back() -> None:
    one = face(None)
    up = locate_axes(one, actions(roll=30), None)[1][1]
    mirrored = locate_axes(one, actions(roll=30), 300)[1][1]
    assert up == (80, 65)
    assert mirrored == (300 - 80, 65)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(("mode", "has_axes"), [("full", True), ("boxes", True), ("off", False)])
def test_axes_are_drawn_within_what_the_plan_names(mode, has_axes, mirror) -> None:
    frame = Frame(np.full((200, 300, 3), 90, np.uint8), 0, 0.0, "grey")
    plain = FrameResult(frame, (face(None),), ("a", "b"))
    added = replace(plain, faces=(face(actions(40, 20, 10)),))
    before = draw_result(plain, mode, mirror=mirror)
    after = draw_result(added, mode, mirror=mirror)
    changed = np.argwhere((before != after).any(2))
    assert (len(changed) > 0) is has_axes
    if has_axes and not mirror:
        more = set(plan_drawing(added, mode).touched or ()) - set(
            plan_drawing(plain, mode).touched or ()
        )
        (rect,) = more
        (top, left), (bottom, right) = changed.min(0), changed.max(0)
        assert rect.x <= left
        assert right < rect.right
        assert rect.y <= top
        assert bottom < rect.bottom
