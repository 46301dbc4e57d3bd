"""Defines the values that pass from stage to stage.

Every image is `uint8 (H, W, 3)` in OpenCV's BGR order, upright, with the origin at the top left.
Coordinates are pixels in the continuous convention: the pixel in row r and column c covers
[c, c + 1) x [r, r + 1), so an image spans (0, 0) to (W, H) and pixel centres lie at halves.
Values are frozen; a stage never changes what it was given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]
# A value that JSON can hold, and a JSON object.
JsonValue: TypeAlias = (
    "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
Json: TypeAlias = dict[str, JsonValue]
# The label that is shown where the model is in doubt, and the reasons for it
# (`TrackedFace.reason`): a fault of the picture that `app.recognition.quality` finds, else that the
# model is not confident.
UNSURE = "unsure"
Reason = Literal["too small", "turned away", "dark", "blurred", "not confident"]
TOO_SMALL: Reason = "too small"
TURNED_AWAY: Reason = "turned away"
TOO_DARK: Reason = "dark"
TOO_BLURRED: Reason = "blurred"
NOT_CONFIDENT: Reason = "not confident"
REASONS = (TOO_SMALL, TURNED_AWAY, TOO_DARK, TOO_BLURRED, NOT_CONFIDENT)
Landmark = Literal["right_eye", "left_eye", "nose_tip", "mouth_centre", "right_ear", "left_ear"]

# The order of `Face.landmarks`: MediaPipe's six keypoints, named from the subject's point of view.
LANDMARKS: tuple[Landmark, ...] = (
    "right_eye",
    "left_eye",
    "nose_tip",
    "mouth_centre",
    "right_ear",
    "left_ear",
)


class Mode(Enum):
    """The kind of frames that a run reads. The kind decides what is remembered from one frame to
    the next, and whether the work on a frame has a time limit.

    >>> Mode.PICTURES.is_stream, Mode.FILE.is_stream, Mode.LIVE.is_stream
    (False, True, True)
    """

    PICTURES = "pictures"  # each frame stands for itself
    FILE = "file"  # a recording's frames in order; each waits until the one before is done
    LIVE = "live"  # frames as they are filmed: the work on each is bounded, and some come late

    @property
    def is_stream(self) -> bool:
        """True where frames follow each other in time, so that people keep their numbers."""
        return self is not Mode.PICTURES

    @property
    def is_live(self) -> bool:
        """True where frames are read while they are filmed."""
        return self is Mode.LIVE

    @property
    def is_recording(self) -> bool:
        """True for a stream that can wait: results may be held back, and the speed is chosen."""
        return self is Mode.FILE


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source.

    `index` counts the frames that the source delivered, from 0 without gaps. Where only a selection
    of a video is read, `index` counts the frames of the file. `time_s` is the presentation time in
    seconds: a file's own timestamp, or the seconds since a camera was opened.
    """

    image: Image
    index: int
    time_s: float
    source: str
    captured_s: float | None = None  # time.monotonic() at capture; None for files
    damaged: bool = False  # a part of the frame, or of the data it is decoded from, is unreadable

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the picture in px, for which `image` need not be converted."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def image_bytes(self) -> int:
        """The bytes of `image`, for which it need not be converted."""
        width, height = self.size_wh
        return 3 * width * height

    @property
    def rough_grey(self) -> NDArray[np.uint8]:
        """Grey levels (H, W) of the picture, for which `image` need not be converted: a view, which
        must not be written into. They may be the luma or one colour, so only those of frames of one
        stream can be compared."""
        return self.image[..., 1]


@dataclass(frozen=True, slots=True)
class Silence:
    """A sign of life from a live source that has no frame to give. It comes several times a second.

    `why` names the trouble in one line, or is None while the next frame may just be slow. `seconds`
    is the time since the last frame.
    """

    why: str | None
    seconds: float


def _restore_fields(value: Any, state: Sequence[object]) -> None:  # Any: of several classes
    """Restores a pickled value. Fields that are younger than the pickle get their defaults."""
    for place, item in enumerate(fields(value)):
        kept = state[place] if place < len(state) else item.default
        object.__setattr__(value, item.name, kept)


@dataclass(frozen=True, slots=True)
class Face:
    """A face that was found in a frame.

    Attributes:
        box_xyxy: The corners (x0, y0, x1, y1) in px. The box may reach outside the image.
        landmarks: `(6, 2)` float32 px (x, y), in the order of `LANDMARKS`.
        score: The detector's score, 0 to 1.
        seen: False if the detector did not run on this face in this frame. The box and the
            landmarks are then interpolated between the looks before and after it (files), or
            extrapolated from its last velocity.
        key: A number that the same face has in successive frames of a stream, for as long as it is
            followed without a break; None where faces are not followed, as in pictures.
    """

    box_xyxy: tuple[float, float, float, float]
    landmarks: Floats
    score: float
    seen: bool = True
    key: int | None = None

    __setstate__ = _restore_fields  # results of earlier versions have no `key`

    @property
    def width_px(self) -> float:
        """The width of the box."""
        return self.box_xyxy[2] - self.box_xyxy[0]

    @property
    def height_px(self) -> float:
        """The height of the box."""
        return self.box_xyxy[3] - self.box_xyxy[1]


@dataclass(frozen=True, slots=True)
class FaceMap:
    """The evidence for the shown class over a face.

    `weights (h, w)` cover the aligned crop, and their mean is the class's logit. `matrix (2, 3)`
    leads from the picture's pixels to fractions of the crop's side.
    """

    weights: Floats
    matrix: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """The visibility of a face in its frame, as `app.recognition.quality` measures it.

    Attributes:
        size_px: The geometric mean of the box's sides.
        roll_deg: The angle of the line through the eyes, positive clockwise as seen.
        yaw_deg: The turn to the picture's right, estimated from six points.
        sharpness: The variance of the Laplacian over the variance of grey levels in the face at
            48 px; low where the face is blurred. None where nothing of the face lies in the picture
            or all of it has one grey level.
        brightness: The mean grey level of the same, 0 to 1. None where nothing of the face lies in
            the picture.
    """

    size_px: float
    roll_deg: float
    yaw_deg: float
    sharpness: float | None
    brightness: float | None


@dataclass(frozen=True, slots=True)
class FaceActions:
    """The facial actions of a face, smoothed where the source is a stream (`app.actions`).

    Angles are right-handed, as `app.actions.head_pose` defines them, in degrees towards the axis of
    the frame's camera. Coefficients are those of a rig, not validated units of FACS.

    Attributes:
        head_yaw_deg: Positive where the nose points to the picture's right.
        head_pitch_deg: Positive where the nose points down.
        head_roll_deg: Positive where the head is turned counterclockwise as seen.
        blink: The closure of both eyes, 0 to 1.
        look_x: The direction of the eyes in the head, -1 to 1, positive to the picture's right.
        look_y: The same, positive up.
        coefficients: 51 shares, 0 to 1, by the names `app.actions.names.COEFFICIENTS`.
    """

    head_yaw_deg: float
    head_pitch_deg: float
    head_roll_deg: float
    blink: float
    look_x: float
    look_y: float
    coefficients: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face with the number of its person and the reading of its expression.

    `probabilities (K,)` are shown; they are smoothed where the source is a stream of frames.
    `raw_probabilities (K,)` are those of this frame alone. Both sum to 1, in the order of
    `FrameResult.labels`. `label` is a class or `UNSURE`. In a stream, the class may have just been
    overtaken by another (`app.tracking.smoothing`). `reason` (one of `REASONS`) goes with `UNSURE`,
    and is None for a class. `map` is None unless maps were asked for. `quality` is None unless it
    was asked for or the label is `UNSURE`. `actions` is None unless facial actions were asked for
    and could be read. `embedding (d,)` is the deep feature of this frame's reading, None unless
    it was asked for and the face was read in this frame (`app.recognition.embeddings`).
    `taught` is True where a profile corrected the reading before it was smoothed.
    """

    face: Face
    face_id: int
    label: str
    probabilities: Floats
    raw_probabilities: Floats
    reason: Reason | None = None
    map: FaceMap | None = None
    quality: FaceQuality | None = None
    actions: FaceActions | None = None
    embedding: Floats | None = None
    taught: bool = False

    # Results of earlier versions lack some of the last fields, such as `quality` and `actions`.
    __setstate__ = _restore_fields


@dataclass(frozen=True, slots=True)
class FrameResult:
    """The pipeline's answer for one frame.

    `labels` are the K class names of the model. `stage_ms` maps the name of each stage to its
    milliseconds. `blurred` is the picture with unrecognisable faces, or None unless blurring was
    asked for. `doubt` is the reason for which the whole picture is blurred, or None where only the
    faces are. `unread` are faces that were found but cannot be read.
    """

    frame: Frame
    faces: tuple[TrackedFace, ...]
    labels: tuple[str, ...]
    stage_ms: dict[str, float] = field(default_factory=dict)
    blurred: Image | None = None
    doubt: str | None = None
    unread: tuple[Face, ...] = ()

    @property
    def picture(self) -> Image:
        """The picture that may be shown and stored. Stages read and measure `frame.image`."""
        return self.frame.image if self.blurred is None else self.blurred
