"""The pose of a head: its signs, and its truth on projected points."""

import numpy as np
import pytest

from app.actions.head_pose import FOCAL_SHARE, HeadPose, make_turn, measure_head_pose, split_turn
from app.actions.rigid_points import RIGID_FACE_CM, RIGID_POINTS
from tools.rendered_face import project_points, read_mean_face

SIZE = (1280, 720)
POSES = [
    HeadPose(0, 0, 0),
    HeadPose(35, 0, 0),
    HeadPose(-50, 10, 5),
    HeadPose(0, 30, 0),
    HeadPose(20, -25, -40),
    HeadPose(5, 5, 150),
]


def project(pose: HeadPose, place_cm: tuple[float, float, float], size_wh=SIZE):
    return project_points(RIGID_FACE_CM, pose, place_cm, size_wh)


def test_the_rigid_points_are_those_of_the_mean_face() -> None:
    vertices, triangles = read_mean_face()
    assert vertices.shape == (468, 3)
    assert triangles.shape == (898, 3)
    assert np.allclose(RIGID_FACE_CM, vertices[list(RIGID_POINTS)], rtol=0, atol=6e-4)


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("place_cm", [(0, 0, 60), (-25, 8, 60), (40, -10, 120)])
def test_a_head_that_moves_sideways_keeps_its_pose(pose, place_cm) -> None:
    assert measure_head_pose(project(pose, place_cm), SIZE) == pytest.approx(pose, abs=0.05)


@pytest.mark.parametrize("size_wh", [(640, 480), (480, 640), (1920, 1080), (1081, 1921)])
def test_the_size_of_the_frame_changes_nothing(size_wh) -> None:
    pose = HeadPose(20, 10, -15)
    points = project(pose, (5, -3, 70), size_wh)
    assert measure_head_pose(points, size_wh) == pytest.approx(pose, abs=0.05)


def test_the_same_pixels_elsewhere_are_another_pose() -> None:
    """They are seen 18 degrees beside the axis, so the head that shows them is turned there."""
    points = project(HeadPose(0, 0, 0), (0, 0, 100))
    moved = measure_head_pose(points + (360, 0), SIZE)
    assert moved is not None
    assert moved.yaw_deg == pytest.approx(-18, abs=1.5)


def turn_camera(points: np.ndarray, degrees: float) -> np.ndarray:
    """Shows points as a camera in the same place sees them that is turned to the left."""
    focal_px, middle = FOCAL_SHARE * SIZE[0], np.divide(SIZE, 2)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rays = np.column_stack([(points - middle) / focal_px, np.ones(len(points))])
    rays = rays @ [[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]
    return np.asarray(rays[:, :2] / rays[:, 2:] * focal_px + middle)


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize(("degrees", "tolerance"), [(0, 0.1), (25, 0.5)])
def test_a_face_with_the_perspective_of_twice_its_distance_keeps_its_pose(
    pose, degrees, tolerance
) -> None:
    """The face is drawn as from 100 cm, and magnified to the size that it has from 50 cm."""
    place_cm, middle = np.array([0.0, 0.0, 100.0]), np.divide(SIZE, 2)
    for _ in range(5):  # until the face is in the middle of the picture
        far = project(pose, place_cm) - middle
        beside_px = (far.min(0) + far.max(0)) / 2
        place_cm[:2] -= beside_px * (1, -1) * 100 / (FOCAL_SHARE * SIZE[0])
    points = turn_camera(2 * far + middle, degrees)
    turned = make_turn(HeadPose(-degrees, 0, 0)) @ make_turn(pose)
    found = measure_head_pose(points, SIZE, distance_factor=2)
    assert found is not None
    away = (np.trace(make_turn(found).T @ turned) - 1) / 2  # the cosine of the turn between both
    assert np.degrees(np.arccos(min(1.0, away))) < tolerance


@pytest.mark.parametrize("distance_factor", [1, 1.5])
@pytest.mark.parametrize("away_cm", [500, 3000])
def test_a_face_of_a_few_pixels_has_a_pose(away_cm, distance_factor) -> None:
    pose, size_wh = HeadPose(20, 5, -10), (3840, 2160)
    points = project(pose, (0, 0, away_cm), size_wh)  # 105 and 18 px wide
    found = measure_head_pose(points, size_wh, distance_factor=distance_factor)
    assert found == pytest.approx(pose, abs=0.5)


def test_signs_are_as_stated() -> None:
    nose = RIGID_POINTS.index(4)
    eyes = RIGID_POINTS.index(33), RIGID_POINTS.index(263)  # the subject's right and left

    def find_nose_offset(pose: HeadPose) -> np.ndarray:
        points = project(pose, (0, 0, 60))
        return points[nose] - points[list(eyes)].mean(0)

    straight = find_nose_offset(HeadPose(0, 0, 0))
    assert find_nose_offset(HeadPose(20, 0, 0))[0] > straight[0] + 10  # to the picture's right
    assert find_nose_offset(HeadPose(0, 20, 0))[1] > straight[1] + 10  # down
    rolled = project(HeadPose(0, 0, 20), (0, 0, 60))
    assert rolled[eyes[0], 1] > rolled[eyes[1], 1]  # counterclockwise: the right side goes up


@pytest.mark.parametrize("pose", POSES)
def test_a_turn_is_a_rotation_that_splits_into_its_angles(pose) -> None:
    turn = make_turn(pose)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert turn @ turn.T == pytest.approx(np.eye(3))
    assert split_turn(turn) == pytest.approx(pose)


def test_a_turned_picture_changes_roll_alone() -> None:
    pose = HeadPose(25, -10, 0)
    turned = project(pose, (0, 0, 60)) - np.array(SIZE) / 2
    cos, sin = np.cos(np.radians(30)), np.sin(np.radians(30))
    turned = turned @ [[cos, -sin], [sin, cos]] + np.array(SIZE) / 2  # counterclockwise as seen
    found = measure_head_pose(turned, SIZE)
    assert found == pytest.approx(pose._replace(roll_deg=30), abs=0.05)


@pytest.mark.parametrize("points", [np.zeros((33, 2)), np.full((33, 2), np.nan)])
def test_points_of_no_face_have_no_pose(points) -> None:
    assert measure_head_pose(points, SIZE) is None
