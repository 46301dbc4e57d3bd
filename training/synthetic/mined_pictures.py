"""Makes the pictures from which detections are mined for the face check: faces in hard poses, one a
frame, and patterns without a face."""

import numpy as np
from numpy.typing import NDArray

from app.types import Image as Picture
from training.datasets.pack import Pack
from training.datasets.readers import Split
from training.synthetic.detections import (
    MAX_COVERED_SHARE,
    MAX_TILT_DEG,
    Photos,
    find_non_faces,
    list_face_rows,
)
from training.synthetic.non_face_pictures import PICTURE_SIZES_WH, cut_piece
from training.synthetic.paste import Grounds, PlacedFace, Pose, cut_face, place_face
from training.synthetic.scenes import MAKERS, scramble_face

# A frame for one face: large enough for some surroundings, small enough to be searched with two
# first looks.
POSE_FRAME_PX = 480
POSE_SIZES_PX = (60.0, 300.0)  # sides of the face's box, drawn evenly in their logarithm
POSE_ROOMS = 8  # made rooms for a chunk of frames
# A face counts as hard where its nose is this far from between its eyes, along the line from eye to
# eye, in eye distances: a tenth of FER2013's faces, among them all profiles with landmarks.
MIN_TURN = 0.2
# Or where its mouth is this far below its eyes, in eye distances: a foreshortened line of the eyes,
# or a head that is bent back. It is 1.05 in the median.
MIN_MOUTH_DROP = 1.25
HARD_TIMES = 3  # times that a hard face is shown where an ordinary one is shown once
COVERED_FRAMES_SHARE = 0.25
SCRAMBLED_SHARE = 0.5  # of the patterns: no others are taken for a face as often
PHOTO_SHARE = 0.25  # of the patterns, where photos are given
# The kinds of `MAKERS` in which the detector's networks see something now and then.
PATTERN_KINDS = ("noise", "texture", "shapes", "patch")


def is_hard_pose(landmarks: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tells which faces are in hard poses: turned away, bent back, or without landmarks, because
    the detector does not find them in their own pictures.

    Args:
        landmarks: `(n, 6, 2)` px, in the subject's order; NaN without a face.

    Returns:
        `(n,)` bool.

    >>> frontal = [[40, 40], [60, 40], [50, 52], [50, 61], [30, 42], [70, 42]]
    >>> profile = [[40, 40], [60, 40], [38, 52], [44, 61], [39, 42], [90, 42]]
    >>> is_hard_pose(np.array([frontal, profile, np.full((6, 2), np.nan)], np.float32)).tolist()
    [False, True, True]
    """
    right_eye, left_eye, nose, mouth = (landmarks[:, n].astype(np.float64) for n in range(4))
    across = left_eye - right_eye
    down = np.stack([-across[:, 1], across[:, 0]], axis=1)
    middle = (right_eye + left_eye) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        square = (across**2).sum(axis=1)
        turn = np.abs(((nose - middle) * across).sum(axis=1)) / square
        drop = ((mouth - middle) * down).sum(axis=1) / square
    is_ordinary = (turn <= MIN_TURN) & (drop <= MIN_MOUTH_DROP)  # False where they are NaN
    return np.asarray(~is_ordinary, np.bool_)


class PoseFrames:
    """Draws frames of `POSE_FRAME_PX` that show one face of a split each: first the hard poses,
    `HARD_TIMES` each, then the other faces.

    The order of the faces depends on `seed` alone, so that chunks that are made apart show
    different faces.
    """

    def __init__(
        self,
        pack: Pack,
        split: Split,
        photos: Photos | None,
        generator: np.random.Generator,
        *,
        seed: int,
    ) -> None:
        self._pack, self._generator, self._photos = pack, generator, photos
        self._grounds = Grounds(generator, POSE_ROOMS)
        rows = np.random.default_rng(seed).permutation(_list_rows(pack, split))
        hard = is_hard_pose(pack.landmarks[rows])
        self._rows = np.concatenate([np.tile(rows[hard], HARD_TIMES), rows[~hard]])

    def draw(self, number: int) -> tuple[Picture, tuple[PlacedFace, ...]]:
        """Draws frame `number`, `(480, 480, 3)` uint8 BGR, and where its face is."""
        generator = self._generator
        row = int(self._rows[number % len(self._rows)])
        size = float(np.exp(generator.uniform(*np.log(POSE_SIZES_PX))))
        tilt = generator.uniform(-MAX_TILT_DEG, MAX_TILT_DEG)
        is_covered = generator.random() < COVERED_FRAMES_SHARE
        covered = generator.uniform(0, MAX_COVERED_SHARE) if is_covered else 0.0
        picture = self._pack.decode(row, "rgb")[::-1].transpose(1, 2, 0)
        pose = Pose(size, tilt, covered)
        face = cut_face(picture, self._pack.landmarks[row], pose, generator)
        use = self._photos if generator.random() < 0.5 else None
        side = POSE_FRAME_PX
        if use is None:
            ground = self._grounds.draw(generator)
            y, x = (int(generator.integers(length - side + 1)) for length in ground.shape[:2])
            frame = np.ascontiguousarray(ground[y : y + side, x : x + side])
        else:
            frame = use.draw(generator, (side, side))
        half = size / 2
        at_xy = generator.uniform(half, side - half, 2)
        return frame, (place_face(frame, face, (float(at_xy[0]), float(at_xy[1]))),)


def _list_rows(pack: Pack, split: Split) -> NDArray[np.int64]:
    """Lists the rows of a split that nobody called no face, also those without landmarks."""
    rows = pack.find_rows(split)
    return rows[~find_non_faces(pack, rows)]


class Patterns:
    """Draws pictures without a face that the detector's networks may take for one: shuffled faces
    of one split, pieces of photos, noise, textures, shapes and pieces of rooms."""

    def __init__(
        self, pack: Pack, split: Split, photos: Photos | None, generator: np.random.Generator
    ) -> None:
        self._pack, self._photos, self._generator = pack, photos, generator
        self._rows = list_face_rows(pack, split)

    def draw(self) -> Picture:
        """Draws a picture, `(H, W, 3)` uint8 BGR."""
        generator = self._generator
        size_wh = PICTURE_SIZES_WH[int(generator.integers(len(PICTURE_SIZES_WH)))]
        kind = generator.random()
        if kind < SCRAMBLED_SHARE:
            row = int(generator.choice(self._rows))
            face = self._pack.decode(row, "rgb")[::-1].transpose(1, 2, 0)
            return scramble_face(generator, face, size_wh)
        if kind < SCRAMBLED_SHARE + PHOTO_SHARE and self._photos is not None:
            return cut_piece(generator, self._photos.draw(generator))
        name = PATTERN_KINDS[int(generator.integers(len(PATTERN_KINDS)))]
        return MAKERS[name](generator, size_wh)
