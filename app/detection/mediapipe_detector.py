"""Finds faces in one image with MediaPipe's face detector, and gives them in pixels."""

import time
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from app.defaults import MODELS
from app.detection.direct_calls import Detect, find_direct_detect
from app.errors import ModelError
from app.process.fork_safety import NOT_AT_EXIT, NOT_IN_FORKS, HomeProcess
from app.process.mediapipe_tasks import explain_failed_start, import_vision_task
from app.process.native_stderr import goes_nowhere, quiet_stderr
from app.types import Face, Image

SHORT_RANGE = MODELS / "face_detection_short_range.tflite"
FULL_RANGE = MODELS / "face_detection_full_range_sparse.tflite"
# The first calls write a warning about the alignment of their memory, at random and once each; they
# are made while the error output is off. They take 20 ms of processor time, so none are made where
# that output goes nowhere anyway, as in `run_demo.py`.
WARM_UP_SIDES_PX = (128, 240, 360, 480)


class Detector:
    """MediaPipe Tasks `FaceDetector` on BGR images. A context manager.

    A detector must not be shared by threads, and works only in the process that made it.

    Args:
        model: The network, a `.tflite` file.
        min_score: The detection score, 0 to 1, below which a face is not reported.
        max_faces: The number of faces to keep, the largest ones; None keeps all.

    Attributes:
        inferences: The number of images that MediaPipe has searched so far.
        inference_s: The time in seconds that this took.

    Raises:
        ModelError: The file is missing, or is no face detector.
        DeviceError: MediaPipe does not start here; later, the process is a fork of the one that
            made the detector.
        ValueError: `detect` is called after `close`.
    """

    def __init__(
        self, *, model: Path = SHORT_RANGE, min_score: float = 0.5, max_faces: int | None = None
    ) -> None:
        if not model.is_file():
            raise ModelError(
                f"The face detector {model} is missing. Restore the models folder of the project."
            )
        self._max_faces = max_faces
        self._home = HomeProcess()
        self.inferences, self.inference_s = 0, 0.0
        warm_up_sides_px = () if goes_nowhere() else WARM_UP_SIDES_PX
        with quiet_stderr():
            task = import_vision_task("face_detector")
            self._images = task.images
            self._detector: Any = None  # MediaPipe has no type hints
            with explain_failed_start(model, "face detector"):
                self._detector = task.module.FaceDetector.create_from_options(
                    task.module.FaceDetectorOptions(
                        base_options=task.base_options.BaseOptions(
                            model_asset_buffer=model.read_bytes()
                        ),
                        min_detection_confidence=min_score,
                    )
                )
            NOT_IN_FORKS.add(self._detector)
            self._detect: Detect | None = (
                find_direct_detect(self._detector, task.module.FaceDetectorResult)
                or self._detector.detect
            )
            # At the exit of Python its threads have ended, and its own end prints a traceback.
            NOT_AT_EXIT.add(self._detector)
            for side in warm_up_sides_px:
                self.detect(np.zeros((side, side, 3), np.uint8))

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Finds the faces of one image.

        Args:
            image: uint8 (H, W, 3) BGR. An image without pixels has no faces.

        Returns:
            The faces in px of `image`, the largest first.
        """
        height, width = image.shape[:2]
        if height == 0 or width == 0:
            return ()
        self._home.check()
        if self._detect is None:
            raise ValueError("this detector is closed")
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        began_s = time.perf_counter()
        found = self._detect(
            self._images.Image(image_format=self._images.ImageFormat.SRGB, data=rgb)
        )
        self.inference_s += time.perf_counter() - began_s
        self.inferences += 1
        faces = [
            Face(
                box_xyxy=(
                    float(box.origin_x),
                    float(box.origin_y),
                    float(box.origin_x + box.width),
                    float(box.origin_y + box.height),
                ),
                landmarks=np.array(
                    [(p.x * width, p.y * height) for p in detection.keypoints], np.float32
                ),
                score=float(detection.categories[0].score),
            )
            for detection in found.detections
            for box in (detection.bounding_box,)
            if box.width > 0 and box.height > 0
        ]
        faces.sort(key=lambda face: face.width_px * face.height_px, reverse=True)
        return tuple(faces[: self._max_faces])

    def close(self) -> None:
        """Frees the network. A second call does nothing."""
        if self._detector is not None and not self._home.is_left:
            self._detect = None
            with quiet_stderr():
                self._detector.close()
                self._detector = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
