"""Finds faces with MediaPipe and gives them in pixels."""

import time
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from app.defaults import MODELS
from app.errors import DeviceError, ModelError
from app.process.fork_safety import NOT_AT_EXIT, NOT_IN_FORKS, HomeProcess
from app.process.memory_room import format_memory_line, has_room, lacks_memory
from app.process.native_stderr import quiet_stderr
from app.process.telemetry_off import import_mediapipe
from app.types import Face, Image

SHORT_RANGE = MODELS / "face_detection_short_range.tflite"
FULL_RANGE = MODELS / "face_detection_full_range_sparse.tflite"
# The first calls complain, once, of how their memory lies, which is a matter of luck.
WARM_UP_SIDES_PX = (128, 240, 360, 480)
LEAST_ROOM_BYTES = 128 << 20  # of address space; where there is less, no model is to blame


class Detector:
    """MediaPipe Tasks `FaceDetector` on BGR images.

    `min_score` is the detection score (0..1) under which a face is not reported;
    `max_faces` keeps the largest faces. `inferences` and `inference_s` count what was asked of
    MediaPipe and the seconds that it took. A context manager; not for use from several threads.
    Raises `ModelError` and `DeviceError`, the latter also in a fork of its process.
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
        with quiet_stderr():
            # Imported here: it takes most of a second and only a detector needs it.
            mp = import_mediapipe()
            from mediapipe.tasks.python import vision
            from mediapipe.tasks.python.core.base_options import BaseOptions

            self._mp: Any = mp
            try:
                self._detector: Any = vision.FaceDetector.create_from_options(
                    vision.FaceDetectorOptions(
                        base_options=BaseOptions(model_asset_buffer=model.read_bytes()),
                        min_detection_confidence=min_score,
                    )
                )
            except OSError as cause:
                if lacks_memory(cause) or not has_room(LEAST_ROOM_BYTES):
                    raise DeviceError(format_memory_line("for MediaPipe")) from cause
                raise DeviceError(
                    f"MediaPipe does not start here: {cause}. See run_demo.py --doctor."
                ) from cause
            except (RuntimeError, ValueError) as cause:
                if lacks_memory(cause):
                    raise DeviceError(format_memory_line("for MediaPipe")) from cause
                raise ModelError(
                    f"{model} is not a face detector that MediaPipe can use. Restore the models "
                    "folder of the project."
                ) from cause
            NOT_IN_FORKS.add(self._detector)
            # Its own end fails with a traceback then, for its threads have ended before.
            NOT_AT_EXIT.add(self._detector)
            for side in WARM_UP_SIDES_PX:
                self.detect(np.zeros((side, side, 3), np.uint8))

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Faces of `image (H, W, 3)` uint8 BGR, largest first. An image without pixels has none."""
        height, width = image.shape[:2]
        if height == 0 or width == 0:
            return ()
        self._home.check()
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        began_s = time.perf_counter()
        found = self._detector.detect(
            self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=rgb)
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
        if self._detector is not None and not self._home.left:
            with quiet_stderr():
                self._detector.close()
                self._detector = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
