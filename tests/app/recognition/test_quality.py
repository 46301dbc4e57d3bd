"""Figures of how well a face can be seen, on faces of known size, pose and sharpness."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recognition.quality import (
    PATCH_PX,
    add_quality,
    estimate_pose_deg,
    find_reading_problem,
    measure_quality,
)
from app.types import Face, FaceQuality, Frame, FrameResult
from tests.support.faces import turn_landmarks
from tests.support.synthetic import LABELS, tracked_face


def face_at(landmarks: np.ndarray, size_px: float = 160.0) -> Face:
    x, y = landmarks.mean(axis=0).tolist()
    half = size_px / 2
    return Face((x - half, y - half, x + half, y + half), landmarks, 0.9)


@given(st.floats(-60, 60), st.floats(-170, 170), st.floats(5, 500))
def test_pose_is_found_again(yaw_deg: float, roll_deg: float, scale: float) -> None:
    landmarks = turn_landmarks(yaw_deg, roll_deg, scale)
    assert estimate_pose_deg(landmarks) == pytest.approx((roll_deg, yaw_deg), abs=0.2)


@given(st.floats(-50, 50), st.floats(-60, 60))
def test_mirrored_face_has_mirrored_pose(yaw_deg: float, roll_deg: float) -> None:
    landmarks = turn_landmarks(yaw_deg, roll_deg)
    mirrored = (landmarks * (-1, 1) + (600, 0))[[1, 0, 2, 3, 5, 4]].astype(np.float32)
    assert estimate_pose_deg(mirrored) == pytest.approx((-roll_deg, -yaw_deg), abs=0.2)


def test_nose_towards_the_right_of_the_picture_is_a_positive_yaw() -> None:
    landmarks = turn_landmarks(25, 0)
    assert landmarks[2, 0] > landmarks[:2, 0].mean()
    assert estimate_pose_deg(landmarks)[1] == pytest.approx(25, abs=0.1)


def test_points_that_coincide_have_no_yaw() -> None:
    assert estimate_pose_deg(np.full((6, 2), 7.0, np.float32)) == (0.0, 0.0)


@pytest.mark.parametrize(("box", "size_px"), [((0, 0, 40, 90), 60.0), ((5, 5, 4, 9), 0.0)])
def test_size_is_the_mean_side_of_the_box(box: tuple[int, ...], size_px: float) -> None:
    image = np.zeros((600, 600, 3), np.uint8)
    assert measure_quality(image, Face(box, turn_landmarks(0, 0), 0.9)).size_px == pytest.approx(
        size_px
    )


@pytest.mark.parametrize("scale", [15, 60, 200])
def test_blur_lowers_sharpness_at_every_size(scale: float) -> None:
    # Noise as coarse as the pixels that the network would see.
    pixel = round(scale / 0.346 / PATCH_PX) or 1
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (600 // pixel + 1,) * 2 + (1,), np.uint8).repeat(3, axis=2)
    sharp = cv2.resize(small, None, fx=pixel, fy=pixel, interpolation=cv2.INTER_NEAREST)
    found = [
        measure_quality(cv2.GaussianBlur(sharp, (0, 0), sigma * pixel) if sigma else sharp, face)
        for face in [face_at(turn_landmarks(0, 0, scale))]
        for sigma in (0, 1, 2, 4)
    ]
    sharpness = [one.sharpness or 0.0 for one in found]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] > 10 * sharpness[2]


@pytest.mark.parametrize("gain", [0.3, 0.8])
def test_light_and_contrast_do_not_count_as_sharpness(gain: float) -> None:
    image = np.random.default_rng(0).integers(0, 200, (600, 600, 3), np.uint8)
    face = face_at(turn_landmarks(0, 0))
    plain, dim = (
        measure_quality(image, face),
        measure_quality((image * gain).astype(np.uint8), face),
    )
    assert plain.sharpness is not None
    assert dim.sharpness == pytest.approx(plain.sharpness, rel=0.1)
    assert plain.brightness is not None
    assert dim.brightness == pytest.approx(gain * plain.brightness, abs=0.01)


@pytest.mark.parametrize(("level", "brightness"), [(0, 0.0), (51, 0.2), (255, 1.0)])
def test_even_face_has_brightness_and_no_sharpness(level: int, brightness: float) -> None:
    image = np.full((600, 600, 3), level, np.uint8)
    found = measure_quality(image, face_at(turn_landmarks(10, -20)))
    assert found == FaceQuality(
        size_px=pytest.approx(160, abs=0.01),
        roll_deg=pytest.approx(-20, abs=0.01),
        yaw_deg=pytest.approx(10, abs=0.01),
        sharpness=None,
        brightness=pytest.approx(brightness, abs=0.003),
    )


def test_face_outside_the_picture_has_only_size_and_pose() -> None:
    image = np.full((100, 100, 3), 128, np.uint8)
    found = measure_quality(image, face_at(turn_landmarks(0, 0) + 1000))
    assert (found.sharpness, found.brightness) == (None, None)


def test_figures_of_the_portrait_clip_are_those_of_a_clear_frontal_face(clip_frames) -> None:
    from app.detection.mediapipe_detector import Detector

    with Detector() as detector:
        found = measure_quality(clip_frames[0], detector.detect(clip_frames[0])[0])
    assert abs(found.yaw_deg) < 25
    assert abs(found.roll_deg) < 20
    assert found.sharpness is not None
    assert found.sharpness > 0.05
    assert found.brightness is not None
    assert 0.3 < found.brightness < 0.8


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"size_px": 29.0, "yaw_deg": 40.0, "brightness": 0.05}, "too small"),
        ({"yaw_deg": -31.0, "sharpness": 0.01}, "turned away"),
        ({"yaw_deg": 31.0}, "turned away"),
        ({"brightness": 0.1, "sharpness": 0.01}, "dark"),
        ({"sharpness": 0.04}, "blurred"),
        ({"sharpness": None, "brightness": None}, None),
    ],
)
def test_most_telling_trouble_is_named(changes: dict[str, float | None], reason: str) -> None:
    good = FaceQuality(size_px=100.0, roll_deg=0.0, yaw_deg=5.0, sharpness=0.3, brightness=0.5)
    assert find_reading_problem(replace(good, **changes)) == reason


def test_only_faces_without_figures_are_measured() -> None:
    grey = np.full((600, 600, 3), 102, np.uint8)
    known = FaceQuality(1.0, 2.0, 3.0, None, None)
    faces = [
        replace(tracked_face(number), face=face_at(turn_landmarks(0, 0)), quality=quality)
        for number, quality in ((1, None), (2, known))
    ]
    result = FrameResult(Frame(grey, 0, 0.0, "grey"), tuple(faces), LABELS)
    measured, kept = add_quality(result).faces
    assert measured.quality == measure_quality(grey, faces[0].face)
    assert kept.quality is known
