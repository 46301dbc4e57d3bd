"""One's own pictures: what a look at each file gives."""

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
from training.datasets.pack import encode_webp
from training.datasets.readers import read_grey_or_rgb
from training.own_pictures.groups import THUMBNAIL

# A picture this small in which no face is found is taken for a face crop and used whole.
MAX_CROP_SIDE_PX = 256
# A smaller one shows no expression, whatever the detector sees in it once it is enlarged.
MIN_SIDE_PX = 12
# A second face counts from this score on; what is found with less may be a pattern.
SURE_SCORE = 0.5

Status = Literal["face", "several faces", "whole frame", "no face", "unreadable"]


class PictureFaceFinder:
    """Faces by the program's detector, and in photos by the one for distant faces where it sees
    none; what the program's check of faces rules out is none. A context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._near = self._stack.enter_context(Detector(min_score=MIN_SCORE))
        self._far: Detector | None = None
        self._check = FaceCheck()

    def faces(self, pixels: NDArray[np.uint8]) -> list[Face]:
        """The one that matters most first; further ones only where they are sure, and beside it:
        what is found within a face is part of it."""
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
    """Whether a face's centre lies in another's box."""
    x0, y0, x1, y1 = face.box_xyxy
    left, top, right, bottom = other.box_xyxy
    return left <= (x0 + x1) / 2 <= right and top <= (y0 + y1) / 2 <= bottom


def is_small(pixels: NDArray[np.uint8]) -> bool:
    return bool(min(pixels.shape[:2]) <= MAX_CROP_SIDE_PX)


@dataclass(frozen=True, slots=True)
class UsablePicture:
    """A picture that can be used. `webp` and `landmarks (6, 2)` as in a pack; `pixel_key` is equal
    for equal pixels. Two thumbnails (24, 27), grey: the aligned face is the same in a photo and in
    a part of it, the whole frame does not hang on where exactly a face was found."""

    status: Status
    reason: str
    pixel_key: str
    webp: bytes
    landmarks: NDArray[np.float32]
    face_thumbnail: NDArray[np.float32]
    frame_thumbnail: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class UnusablePicture:
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
    faces = finder.faces(pixels)
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
    """`(24, 27)` grey means over the whole picture."""
    rows, columns = THUMBNAIL
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((columns, rows), Image.Resampling.BOX), np.float32)


def make_face_thumbnail(
    region: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> NDArray[np.float32]:
    """`(24, 27)` grey means over the aligned face."""
    grey = np.array(Image.fromarray(region).convert("L"))
    size = np.array([[grey.shape[1], grey.shape[0]]], np.int32)
    rows, columns = THUMBNAIL
    side = math.lcm(rows, columns)
    matrix = fit_picture_matrices(landmarks[None], size, FACE_TEMPLATE, side)
    picture = torch.from_numpy(grey)[None, None]  # (1, 1, H, W)
    crop = warp_batch(picture, torch.from_numpy(size), torch.from_numpy(matrix), side)
    means = functional.avg_pool2d(crop, (side // rows, side // columns))  # (1, 1, 24, 27)
    return np.asarray(means[0, 0].numpy())
