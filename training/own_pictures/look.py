"""Opens a user's own pictures and finds the face in each."""

import hashlib
import math
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from app.alignment import FACE_TEMPLATE
from app.detection.face_check import FaceCheck
from app.detection.mediapipe_detector import FULL_RANGE, Detector
from app.detection.search import NO_FACE
from app.errors import DataError
from app.types import Face
from training.datasets.crops import warp_batch
from training.datasets.examples import fit_picture_matrices
from training.datasets.landmarks import MIN_SCORE, NOT_FOUND, cut_face_region, find_faces
from training.datasets.readers import read_grey_or_rgb
from training.datasets.webp import encode_webp
from training.own_pictures.groups import THUMBNAIL

# A picture whose shorter side is at most this counts as a face crop if no face is found.
MAX_CROP_SIDE_PX = 256
# A smaller picture shows no expression, whatever the detector finds once it is enlarged.
MIN_SIDE_PX = 12
# A second face needs this score, because detections with less may be patterns.
SURE_SCORE = 0.5

Status = Literal["face", "several faces", "whole frame", "no face", "unreadable"]


class PictureFaceFinder:
    """Finds faces by the program's detector, and in photos without one by the detector for
    distant faces. Faces that the program's check rules out are dropped. A context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._near = self._stack.enter_context(Detector(min_score=MIN_SCORE))
        self._far: Detector | None = None
        self._check = FaceCheck()

    def find(self, pixels: NDArray[np.uint8]) -> list[Face]:
        """Finds the faces in `pixels`, uint8 (H, W) grey or (H, W, 3) RGB; the most important comes
        first.

        Further faces count only where the detector is sure and their centre lies outside the first,
        because a detection within a face is a part of that face.
        """
        faces = self._believed(find_faces(self._near, pixels), pixels)
        if not faces and not is_small(pixels):
            if self._far is None:
                far = Detector(model=FULL_RANGE, min_score=SURE_SCORE)
                self._far = self._stack.enter_context(far)
            faces = self._believed(find_faces(self._far, pixels), pixels)
        sure = [face for face in faces[1:] if face.score >= SURE_SCORE]
        return [*faces[:1], *(face for face in sure if not is_within(face, faces[0]))]

    def _believed(self, faces: list[Face], pixels: NDArray[np.uint8]) -> list[Face]:
        bgr = np.ascontiguousarray(np.atleast_3d(pixels)[..., ::-1])
        if bgr.shape[2] == 1:
            bgr = np.repeat(bgr, 3, axis=2)
        return [face for face in faces if self._check.estimate_probability(bgr, face) >= NO_FACE]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def is_within(face: Face, other: Face) -> bool:
    """Tells whether the centre of `face` lies in the box of `other`."""
    x0, y0, x1, y1 = face.box_xyxy
    left, top, right, bottom = other.box_xyxy
    return left <= (x0 + x1) / 2 <= right and top <= (y0 + y1) / 2 <= bottom


def is_small(pixels: NDArray[np.uint8]) -> bool:
    """Tells whether a picture, (H, W) or (H, W, 3), is small enough to be a face crop.

    >>> is_small(np.zeros((256, 900), np.uint8)), is_small(np.zeros((257, 900), np.uint8))
    (True, False)
    """
    return bool(min(pixels.shape[:2]) <= MAX_CROP_SIDE_PX)


@dataclass(frozen=True, slots=True)
class UsablePicture:
    """A picture that can be packed.

    `webp` and `landmarks (6, 2)` are those of the pack; `pixel_key` is equal for equal pixels. Both
    thumbnails are (24, 27), grey. That of the aligned face is the same in a photo and in a part of
    the photo; that of the whole frame does not depend on the exact place of the face.
    """

    status: Status
    reason: str
    pixel_key: str
    webp: bytes
    landmarks: NDArray[np.float32]
    face_thumbnail: NDArray[np.float32]
    frame_thumbnail: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class UnusablePicture:
    """A picture that cannot be packed, with the reason."""

    status: Status
    reason: str


def inspect_picture(finder: PictureFaceFinder, path: Path) -> UsablePicture | UnusablePicture:
    """Opens one file and finds its face."""
    try:
        pixels = read_grey_or_rgb(path)
    except DataError as error:
        return UnusablePicture("unreadable", str(error))
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE_PX:
        return UnusablePicture("no face", f"{width} x {height} px are too few for a face")
    faces = finder.find(pixels)
    status: Status = "face"
    reason = ""
    if len(faces) > 1:
        status, reason = "several faces", f"{len(faces)} faces; the largest, most central one taken"
    elif not faces and is_small(pixels):
        status, reason = "whole frame", "no face found; small, so taken for a face crop"
    elif not faces:
        return UnusablePicture("no face", f"no face found in {width} x {height} px")
    region, landmarks = cut_face_region(pixels, faces[0].landmarks if faces else NOT_FOUND)
    return UsablePicture(
        status=status,
        reason=reason,
        pixel_key=hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest(),
        webp=encode_webp(region),
        landmarks=landmarks,
        face_thumbnail=make_face_thumbnail(region, landmarks),
        frame_thumbnail=make_frame_thumbnail(pixels),
    )


def make_frame_thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Averages the whole picture into a grey thumbnail.

    Args:
        pixels: uint8, (H, W) grey or (H, W, 3) RGB.

    Returns:
        `(24, 27)` float32 of 0..255.

    >>> float(make_frame_thumbnail(np.full((48, 54), 7, np.uint8)).mean())
    7.0
    """
    rows, columns = THUMBNAIL
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((columns, rows), Image.Resampling.BOX), np.float32)


def make_face_thumbnail(
    region: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Averages the aligned face into a grey thumbnail.

    Args:
        region: uint8, (H, W) grey or (H, W, 3) RGB.
        landmarks: `(6, 2)` px of the region; NaN takes the whole region.

    Returns:
        `(24, 27)` float32 of 0..255.

    >>> float(make_face_thumbnail(np.full((48, 48), 7, np.uint8), NOT_FOUND).mean())
    7.0
    """
    grey = np.array(Image.fromarray(region).convert("L"))
    size = np.array([[grey.shape[1], grey.shape[0]]], np.int32)
    rows, columns = THUMBNAIL
    side = math.lcm(rows, columns)
    matrix = fit_picture_matrices(landmarks[None], size, FACE_TEMPLATE, side)
    picture = torch.from_numpy(grey)[None, None]  # (1, 1, H, W)
    crop = warp_batch(picture, torch.from_numpy(size), torch.from_numpy(matrix), side)
    means = functional.avg_pool2d(crop, (side // rows, side // columns))  # (1, 1, 24, 27)
    return np.asarray(means[0, 0].numpy())
