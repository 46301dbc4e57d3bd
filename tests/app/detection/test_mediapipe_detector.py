"""Faces are found where the portrait clip shows them, in pixels and in the subject's own order."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.detection.mediapipe_detector import MODELS, SHORT_RANGE, Detector
from app.errors import DeviceError, ModelError
from app.process.mediapipe_tasks import import_vision_task
from app.types import Image
from tools.make_portrait_clip import face_corners, poses

WEIGHTS = {
    "face_detection_short_range.tflite": (
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
    ),
    "face_detection_full_range_sparse.tflite": (
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1"
    ),
}


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    with Detector() as detector:
        yield detector


def drawn(index: int) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """(low corner, high corner, width that a detector reports) of the faces that the clip's script
    drew into a frame, largest first."""
    faces = []
    for pose, mirrored in poses(index):
        corners = face_corners(pose, mirrored=mirrored)
        low, high = corners.min(axis=0), corners.max(axis=0)
        if (low >= 0).all() and (high <= (640, 480)).all():
            faces.append((low, high, pose.face_px))
    return sorted(faces, key=lambda face: -face[2])


@pytest.mark.parametrize(("index", "count"), [(0, 1), (60, 1), (110, 1), (145, 0), (239, 2)])
def test_faces_are_where_they_were_drawn(
    detector: Detector, clip_frames: dict[int, Image], index: int, count: int
) -> None:
    faces = detector.detect(clip_frames[index])
    places = drawn(index)
    assert len(faces) == len(places) == count
    for face, (low, high, width_px) in zip(faces, places, strict=True):
        x0, y0, x1, y1 = face.box_xyxy
        assert face.width_px == pytest.approx(width_px, rel=0.15)
        assert [(x0 + x1) / 2, (y0 + y1) / 2] == pytest.approx((low + high) / 2, abs=0.2 * width_px)
        assert 0.5 <= face.score <= 1
        points = face.landmarks
        assert (points.shape, points.dtype) == ((6, 2), np.float32)
        assert (points[:4] > low).all()
        assert (points[:4] < high).all()


def test_landmarks_lie_as_in_a_face(detector: Detector, clip_frames: dict[int, Image]) -> None:
    for index in (0, 60, 110, 239):
        for face in detector.detect(clip_frames[index]):
            right_eye, left_eye, nose, mouth, right_ear, left_ear = face.landmarks
            # The subject's right is the picture's left.
            assert right_ear[0] < right_eye[0] < left_eye[0] < left_ear[0]
            assert max(right_eye[1], left_eye[1]) < nose[1] < mouth[1]
            assert 0.25 < np.hypot(*(left_eye - right_eye)) / face.width_px < 0.7


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((0, 20, 3), np.uint8),
        np.zeros((20, 0, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((240, 320, 3), np.uint8),
        np.full((480, 640, 3), 255, np.uint8),
    ],
    ids=lambda image: f"{image.shape[1]}x{image.shape[0]}",
)
def test_empty_frame_yields_no_faces(detector: Detector, image: Image) -> None:
    assert detector.detect(image) == ()


def test_largest_faces_are_kept(clip_frames: dict[int, Image]) -> None:
    frame = clip_frames[239]
    both, none = Detector(), Detector(max_faces=0)
    one = Detector(max_faces=1)
    with both, one, none:
        first, second = both.detect(frame)
        assert first.width_px * first.height_px > second.width_px * second.height_px
        assert [face.box_xyxy for face in one.detect(frame)] == [first.box_xyxy]
        assert none.detect(frame) == ()


def test_a_view_of_a_frame_is_read_and_left_as_it_was(
    detector: Detector, clip_frames: dict[int, Image]
) -> None:
    frame = clip_frames[110].copy()
    before = frame.copy()
    (whole,) = detector.detect(frame)
    (half,) = detector.detect(frame[::2, ::2])
    np.testing.assert_array_equal(frame, before)
    np.testing.assert_allclose(half.landmarks[:4] * 2, whole.landmarks[:4], atol=12)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing"),
        (b"", "is not a face detector"),
        (b"no weights", "is not a face detector"),
    ],
    ids=["missing", "empty", "text"],
)
def test_unusable_weights_are_named_in_one_line(
    tmp_path: Path, content: bytes | None, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "faces.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        Detector(model=path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_googles_own(name: str) -> None:
    assert hashlib.sha256((MODELS / name).read_bytes()).hexdigest() == WEIGHTS[name]
    assert SHORT_RANGE.name in WEIGHTS


def test_detector_closes_twice() -> None:
    detector = Detector()
    detector.close()
    detector.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("libX.so.2: cannot open shared object file"), "does not start here: libX.so.2"),
        (OSError("libX.so.2: failed to map segment from shared object"), "too little memory here"),
        (RuntimeError("std::bad_alloc"), "too little memory here for MediaPipe. Close other"),
    ],
)
def test_what_the_machine_lacks_is_not_blamed_on_the_weights(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(options: object) -> None:
        raise error

    network = import_vision_task("face_detector").module.FaceDetector
    monkeypatch.setattr(network, "create_from_options", fail)
    with pytest.raises(DeviceError, match=said):
        Detector()
