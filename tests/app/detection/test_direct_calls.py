"""Calls in the caller's thread give what MediaPipe's own give, or are not used at all."""

import ctypes
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.detection.direct_calls import find_direct_detect
from app.detection.mediapipe_detector import Detector
from app.process.mediapipe_tasks import import_vision_task
from app.types import Image


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    with Detector() as detector:
        yield detector


def as_mediapipe_image(picture: Image) -> Any:
    images = import_vision_task("face_detector").images
    data = np.ascontiguousarray(picture[..., ::-1])
    return images.Image(image_format=images.ImageFormat.SRGB, data=data)


def find(detector: Any) -> Any:
    return find_direct_detect(
        detector, import_vision_task("face_detector").module.FaceDetectorResult
    )


def test_direct_calls_find_what_public_calls_find(
    detector: Detector, clip_frames: dict[int, Image]
) -> None:
    direct = find(detector._detector)
    assert direct is not None
    for index in (0, 145, 239):
        image = as_mediapipe_image(clip_frames[index])
        assert direct(image) == detector._detector.detect(image)


def test_direct_calls_are_handed_to_no_thread(
    detector: Detector, clip_frames: dict[int, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("handed to another thread")

    monkeypatch.setattr(detector._detector._lib._executor, "submit", fail)
    assert len(detector.detect(clip_frames[0])) == 1


def test_a_call_that_fails_is_made_again_in_public(
    detector: Detector, clip_frames: dict[int, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = detector._detector._lib._lib
    real = library.MpFaceDetectorDetectImage

    class Failing:
        argtypes, restype = real.argtypes, real.restype

        def __call__(self, *_: object) -> int:
            return 13

    monkeypatch.setattr(library, "MpFaceDetectorDetectImage", Failing())
    direct = find(detector._detector)
    image = as_mediapipe_image(clip_frames[0])
    assert len(direct(image).detections) == 1


@pytest.mark.parametrize(
    "strange",
    [
        SimpleNamespace(),
        SimpleNamespace(_lib=SimpleNamespace(), _handle=None),
        SimpleNamespace(
            _lib=SimpleNamespace(
                _lib=SimpleNamespace(
                    MpFaceDetectorDetectImage=SimpleNamespace(argtypes=[ctypes.c_void_p]),
                    MpFaceDetectorCloseResult=None,
                )
            ),
            _handle=ctypes.c_void_p(),
        ),
    ],
)
def test_another_version_of_mediapipe_gets_no_direct_calls(strange: Any) -> None:
    assert find(strange) is None


def test_other_arguments_are_not_called(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = detector._detector._lib._lib.MpFaceDetectorDetectImage
    monkeypatch.setattr(function, "argtypes", [*function.argtypes, ctypes.c_int])
    assert find(detector._detector) is None


def test_a_closed_detector_is_not_called() -> None:
    detector = Detector()
    detector.close()
    with pytest.raises(ValueError, match="closed"):
        detector.detect(np.zeros((20, 20, 3), np.uint8))
