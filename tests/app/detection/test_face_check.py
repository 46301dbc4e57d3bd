"""The shipped check tells a face from what is none, and from a face at a wrong place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.defaults import DEFAULT_MODEL
from app.detection.face_check import FACE_CHECK, FaceCheck
from app.detection.mediapipe_detector import Detector
from app.detection.search import NO_FACE, SURE_FACE
from app.errors import ModelError
from app.types import Face, Image


@pytest.fixture(scope="module")
def check() -> FaceCheck:
    return FaceCheck()


@pytest.fixture(scope="module")
def seen(clip_frames: dict[int, Image]) -> tuple[Image, Face]:
    image = clip_frames[0]
    with Detector() as detector:
        return image, detector.detect(image)[0]


def test_a_face_is_one(check: FaceCheck, seen: tuple[Image, Face]) -> None:
    assert check.estimate_probability(*seen) > SURE_FACE


@pytest.mark.parametrize(
    ("turn_deg", "zoom", "shift"),
    [(180, 1, 0), (0, 3.5, 0), (0, 0.25, 0), (0, 1, 1.2)],
    ids=["upside down", "too large", "too small", "beside"],
)
def test_at_a_wrong_place_it_is_none(
    turn_deg: float, zoom: float, shift: float, check: FaceCheck, seen: tuple[Image, Face]
) -> None:
    image, face = seen
    turn = np.radians(turn_deg)
    spin = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = face.landmarks.mean(axis=0)
    points = (face.landmarks - middle) @ spin.T + middle + (shift * face.width_px, 0)
    wrong = replace(face, landmarks=points.astype(np.float32))
    assert check.estimate_probability(image, wrong) < NO_FACE


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_nothing_is_no_face(grey: int, check: FaceCheck, seen: tuple[Image, Face]) -> None:
    image, face = seen
    assert check.estimate_probability(np.full_like(image, grey), face) < NO_FACE


def test_landmarks_at_one_place_are_no_face(check: FaceCheck, seen: tuple[Image, Face]) -> None:
    image, face = seen
    asked = check.inferences
    assert (
        check.estimate_probability(image, replace(face, landmarks=np.full((6, 2), 9, np.float32)))
        == 0
    )
    assert check.inferences == asked


def test_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"face_check\.onnx is missing\. Restore the models"):
        FaceCheck(tmp_path / FACE_CHECK.name)


def test_a_model_of_expressions_is_no_check() -> None:
    with pytest.raises(ModelError, match=r"dacl\.onnx does not tell faces"):
        FaceCheck(DEFAULT_MODEL)
