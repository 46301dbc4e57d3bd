"""Runs MediaPipe's FaceLandmarker on pictures of single faces.

It runs in its mode for single images. In its mode for videos it follows a face by itself, so that
the answer depends on the frames before and the same picture settles elsewhere by up to 0.45 of a
coefficient; smoothing is `app.actions.smoothing`'s work.
"""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from app.actions.direct_landmarks import ReadMesh, find_direct_read, read_publicly
from app.actions.names import COEFFICIENTS
from app.defaults import MODELS
from app.errors import ModelError
from app.process.fork_safety import NOT_AT_EXIT, NOT_IN_FORKS, HomeProcess
from app.process.mediapipe_tasks import explain_failed_start, import_vision_task
from app.process.native_stderr import quiet_stderr
from app.types import Image

FACE_LANDMARKER = MODELS / "face_landmarker.task"
POINTS = 478  # landmarks of a face
# The place of each coefficient in MediaPipe's list, which begins with `_neutral`.
FIRST_COEFFICIENT = 1
WARM_UP_SIDE_PX = 256  # of the picture with which the network is started


@dataclass(frozen=True, slots=True)
class FaceMesh:
    """The answer of the network about one face: `points (478, 2)` in px of its picture, and
    `coefficients (51,)`, 0 to 1, in the order of `COEFFICIENTS`."""

    points: NDArray[np.float64]
    coefficients: NDArray[np.float64]


class Landmarker:
    """MediaPipe Tasks `FaceLandmarker` on BGR images. A context manager.

    A landmarker must not be shared by threads, and works only in the process that made it.

    Args:
        model: The bundle of networks, a `.task` file.

    Attributes:
        inferences: The number of images that were read so far.
        inference_s: The time in seconds that this took.

    Raises:
        ModelError: The file is missing, or is no face landmarker.
        DeviceError: MediaPipe does not start here; later, the process is a fork of the one that
            made the landmarker.
        ValueError: `read` is called after `close`.
    """

    def __init__(self, model: Path = FACE_LANDMARKER) -> None:
        try:
            content = model.read_bytes()
        except OSError as cause:
            raise ModelError(
                f"The network for --actions, {model}, cannot be read ({cause.strerror}). Restore "
                "the models folder of the project."
            ) from cause
        self._home = HomeProcess()
        self.inferences, self.inference_s = 0, 0.0
        with quiet_stderr():
            task = import_vision_task("face_landmarker")
            self._images = task.images
            self._landmarker: Any = None  # MediaPipe has no type hints
            with explain_failed_start(model, "face landmarker"):
                self._landmarker = task.module.FaceLandmarker.create_from_options(
                    task.module.FaceLandmarkerOptions(
                        base_options=task.base_options.BaseOptions(model_asset_buffer=content),
                        num_faces=1,
                        output_face_blendshapes=True,
                    )
                )
                self._read: ReadMesh = find_direct_read(self._landmarker) or partial(
                    read_publicly, self._landmarker
                )
                # Some damage shows only when the networks run.
                self.read(np.zeros((WARM_UP_SIDE_PX, WARM_UP_SIDE_PX, 3), np.uint8))
            NOT_IN_FORKS.add(self._landmarker)
            NOT_AT_EXIT.add(self._landmarker)

    def read(self, image: Image) -> FaceMesh | None:
        """Reads the face in a picture of one face, about half as wide as the picture.

        Args:
            image: uint8 (H, W, 3) BGR, upright.

        Returns:
            The points and coefficients; None where the network finds no face.
        """
        self._home.check()
        if self._landmarker is None:  # the direct call would read freed memory
            raise ValueError("this landmarker is closed")
        height, width = image.shape[:2]
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        began_s = time.perf_counter()
        found = self._read(self._images.Image(image_format=self._images.ImageFormat.SRGB, data=rgb))
        self.inference_s += time.perf_counter() - began_s
        self.inferences += 1
        if found is None:
            return None
        points, scores = found
        mesh = FaceMesh(points * (width, height), scores[FIRST_COEFFICIENT:])
        if mesh.points.shape != (POINTS, 2) or mesh.coefficients.shape != (len(COEFFICIENTS),):
            raise ValueError(
                f"a face has {POINTS} points and {len(COEFFICIENTS)} coefficients, got "
                f"{len(points)} and {len(mesh.coefficients)}"
            )
        return mesh

    def close(self) -> None:
        """Frees the networks. A second call does nothing."""
        if self._landmarker is not None and not self._home.is_left:
            with quiet_stderr():
                self._landmarker.close()
                self._landmarker = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
