"""Makes frames with faces at known places, and labels what the detector takes for faces in them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.detection.boxes import is_same_look
from app.detection.network_input import render_view, view_face
from app.detection.networks import FIRST_MARGIN, Glance, NetworkLooks, list_glances
from app.errors import DataError
from app.pictures.header import read_header
from app.types import Face
from app.types import Image as Picture
from training.datasets.landmarks import NOT_FOUND
from training.datasets.pack import Pack, PackedSample
from training.datasets.readers import PICTURES, Split, read_grey_or_rgb
from training.datasets.webp import encode_webp
from training.synthetic.non_face_pictures import cut_piece
from training.synthetic.paste import (
    FRAME_WH,
    Cutout,
    Grounds,
    PlacedFace,
    Pose,
    arrange_faces,
    cut_face,
)
from training.synthetic.scenes import MAKERS, scramble_face

LABELS = ("face", "none")
PICTURE_MARGIN = 1.4  # sides of the crop of `app.alignment.FACE_TEMPLATE` that a picture shows
PICTURE_SIDE_PX = 72
FACE_SIZES_PX = (36.0, 500.0)  # sides of a pasted face's box, drawn evenly in their logarithm
MAX_TILT_DEG = 40.0
MAX_COVERED_SHARE = 0.3  # of a face's box
MAX_FACES_PER_FRAME = 4
MAX_PIECES_PER_FRAME = 3  # that show no face
MAX_PHOTO_SIDE_PX = 1920  # larger photos are shrunk, as all of them stay in memory
MIN_PHOTO_SIDE_PX = 240  # smaller photos would be enlarged too far
# A detection is right where its box's centre and its side are at most this far from a face's.
MAX_RIGHT_OFFSET = 0.3  # sides of the face; profiles are placed no better
MAX_RIGHT_SIZE_RATIO = 1.5  # either way
# A detection is wrong where it is at least this far from every face. Between both limits it gets no
# label.
MIN_WRONG_OFFSET = 0.9  # sides of the face
MIN_WRONG_SIZE_RATIO = 2.2  # either way
MISPLACED_SHARE = 0.1  # of the right detections that are shown once more, at a wrong place


class Photos:
    """A set of photos without a face, none with a side over `MAX_PHOTO_SIDE_PX`. Raises `DataError`
    for a file that cannot be read."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._photos = [_read_photo(path) for path in files]

    def draw(self, generator: np.random.Generator, size_wh: tuple[int, int] = FRAME_WH) -> Picture:
        """Cuts a random part out of a random photo: `(H, W, 3)` uint8 BGR of `size_wh`, mirrored in
        half of the cases. The part is between 15 % and all of the largest part of that shape."""
        photo = self._photos[int(generator.integers(len(self._photos)))]
        width, height = photo.size
        w = min(width, height * size_wh[0] / size_wh[1])
        w *= float(np.exp(generator.uniform(np.log(0.15), 0)))
        h = w * size_wh[1] / size_wh[0]
        x, y = generator.uniform(0, width - w), generator.uniform(0, height - h)
        part = photo.resize(size_wh, Image.Resampling.BILINEAR, box=(x, y, x + w, y + h))
        frame = np.asarray(part, np.uint8)[..., ::-1]
        return np.ascontiguousarray(frame[:, :: -1 if generator.random() < 0.5 else 1])


def _read_photo(path: Path) -> Image.Image:
    photo = Image.fromarray(read_grey_or_rgb(path)).convert("RGB")
    photo.thumbnail((MAX_PHOTO_SIDE_PX, MAX_PHOTO_SIDE_PX), Image.Resampling.BOX)
    return photo


def find_photos(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Lists the photos in `folders` and their sub-folders, sorted, without links and without photos
    that have a side below `MIN_PHOTO_SIDE_PX`. Raises `DataError` for a path that is no folder."""
    found = []
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder of photos.")
        here = (p for p in folder.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
        found += [p for p in here if not p.is_symlink() and _is_large(p)]
    return tuple(sorted(found))


def _is_large(path: Path) -> bool:
    try:
        header = read_header(path.read_bytes())
    except OSError:
        return False
    return header is not None and min(header.size_wh) >= MIN_PHOTO_SIDE_PX


def list_face_rows(pack: Pack, split: Split) -> NDArray[np.int64]:
    """Lists the rows of a split that have landmarks and that no annotator called no face: `(n,)`
    int64."""
    rows = pack.find_rows(split)
    known = np.isfinite(pack.landmarks[rows]).all(axis=(1, 2))
    return rows[known & ~find_non_faces(pack, rows)]


def find_non_faces(pack: Pack, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tells which pictures an annotator called no face, where the set knows such a vote.

    Args:
        pack: The pictures.
        rows: `(n,)` row numbers.

    Returns:
        `(n,)` bool.

    >>> from training.datasets.pack import PackMeta
    >>> meta = PackMeta("faces", "ferplus", ("a", "b"), ("a", "b", "NF"), {})
    >>> votes, none = np.array([[9, 1, 0], [8, 0, 2]], np.uint8), np.zeros(0, np.uint8)
    >>> offsets, places = np.zeros(3, np.int64), np.zeros((2, 6, 2), np.float32)
    >>> pack = Pack(meta, none, offsets, np.zeros(2, np.uint8), votes, places, ("", ""))
    >>> find_non_faces(pack, np.array([0, 1])).tolist()
    [False, True]
    """
    names = list(pack.meta.vote_names)
    if "NF" not in names:
        return np.zeros(len(rows), np.bool_)
    return np.asarray(pack.votes[rows][:, names.index("NF")] > 0)


def label_detection(face: Face, placed: Sequence[PlacedFace]) -> str | None:
    """Labels a detection by the faces that were placed in the frame.

    Args:
        face: A detection, in frame px.
        placed: The faces that the frame really shows, in frame px.

    Returns:
        "face" where the detection matches one, "none" where it is far from all of them in place or
            size, and None in between.

    >>> landmarks = np.zeros((6, 2), np.float32)
    >>> found = [Face((x, 0.0, x + 100.0, 100.0), landmarks, 0.9) for x in (10.0, 60.0, 300.0)]
    >>> [label_detection(face, [PlacedFace(0, (50.0, 50.0), 100.0)]) for face in found]
    ['face', None, 'none']
    """
    doubtful = False
    for one in placed:
        x0, y0, x1, y1 = face.box_xyxy
        offset = np.hypot((x0 + x1) / 2 - one.centre[0], (y0 + y1) / 2 - one.centre[1])
        away, ratio = float(offset) / one.size_px, face.width_px / one.size_px
        size = max(ratio, 1 / max(ratio, 1e-6))
        if away < MAX_RIGHT_OFFSET and size < MAX_RIGHT_SIZE_RATIO:
            return "face"
        doubtful |= away < MIN_WRONG_OFFSET * max(1.0, ratio) and size < MIN_WRONG_SIZE_RATIO
    return None if doubtful else "none"


def label_detections(
    detections: Sequence[Face], placed: Sequence[PlacedFace]
) -> list[tuple[Face, str]]:
    """Labels several detections by the faces that were placed in the frame.

    Args:
        detections: Detections, in frame px.
        placed: The faces that the frame really shows, in frame px.

    Returns:
        The detections with their labels, less those in between.

    >>> landmarks = np.zeros((6, 2), np.float32)
    >>> found = [Face((x, 0.0, x + 100.0, 100.0), landmarks, 0.9) for x in (10.0, 60.0, 300.0)]
    >>> [label for _, label in label_detections(found, [PlacedFace(0, (50.0, 50.0), 100.0)])]
    ['face', 'none']
    """
    labelled = [(face, label_detection(face, placed)) for face in detections]
    return [(face, label) for face, label in labelled if label is not None]


def misplace(face: Face, generator: np.random.Generator) -> Face:
    """Moves, enlarges, shrinks or turns the landmarks of a face until they are clearly wrong. The
    box and the score stay."""
    middle = face.landmarks[:4].mean(axis=0)
    kind = int(generator.integers(4))
    turn, zoom, shift = 0.0, 1.0, np.zeros(2)
    if kind == 0:
        angle = generator.uniform(0, 2 * np.pi)
        shift = generator.uniform(0.5, 1.1) * np.array([np.cos(angle), np.sin(angle)])
    elif kind == 1:
        zoom = generator.uniform(1.9, 3.0)
    elif kind == 2:
        zoom = generator.uniform(0.25, 0.5)
    else:
        turn = generator.choice((-1, 1)) * generator.uniform(np.pi / 2, np.pi)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = (face.landmarks - middle) @ spin.T * zoom + middle + shift * face.width_px
    return replace(face, landmarks=points.astype(np.float32))


def find_detections(
    looks: NetworkLooks, frame: Picture, plan: Sequence[Glance] | None = None
) -> Iterator[tuple[Face, ...]]:
    """Finds the faces that the detector's first look leaves in a frame.

    Args:
        looks: The networks of the detector.
        frame: `(H, W, 3)` uint8 BGR.
        plan: The first looks; None: those of a full search.

    Yields:
        One tuple for each place, in frame px: the first look's face and, where there is one, the
            second look's.
    """
    height, width = frame.shape[:2]
    hints = looks.find_hints(frame, plan or list_glances(width, height, far_faces=False))
    looked_at: list[Face] = []
    found: list[Face] = []
    for hint in hints:
        if any(is_same_look(hint, other) for other in looked_at):
            continue
        looked_at.append(hint)
        first = looks.look_again(frame, hint, margin=FIRST_MARGIN, quick=False)
        if first is None:
            continue
        second = looks.look_again(frame, first, quick=False)
        face = second or first
        if not any(is_same_look(face, other) for other in found):
            found.append(face)
            yield (first,) if second is None else (first, second)


class Frames:
    """Draws frames that show faces of one split, at most `MAX_FACES_PER_FRAME` each."""

    def __init__(
        self, pack: Pack, split: Split, photos: Photos | None, generator: np.random.Generator
    ) -> None:
        self._pack, self._generator, self._photos = pack, generator, photos
        self._rows = generator.permutation(list_face_rows(pack, split))
        self._grounds = Grounds(generator)
        self._next = 0

    def draw(self) -> tuple[Picture, tuple[PlacedFace, ...]]:
        """Draws a frame `(720, 1280, 3)` uint8 BGR, and where its faces are. Other pieces are
        pasted in the same way, so that pasting alone does not give a face away."""
        generator = self._generator
        use = self._photos if generator.random() < 0.5 else None
        ground = self._grounds.draw(generator) if use is None else use.draw(generator)
        frame, _ = arrange_faces(
            [self._cut_piece() for _ in range(int(generator.integers(MAX_PIECES_PER_FRAME + 1)))],
            ground,
            generator,
        )
        faces = [self._cut_face() for _ in range(int(generator.integers(MAX_FACES_PER_FRAME + 1)))]
        if not faces:
            return frame, ()
        return arrange_faces(faces, frame, generator)

    def _draw_pose(self) -> Pose:
        generator = self._generator
        size = float(np.exp(generator.uniform(*np.log(FACE_SIZES_PX))))
        tilt = generator.uniform(-MAX_TILT_DEG, MAX_TILT_DEG)
        covered = generator.uniform(0, MAX_COVERED_SHARE) if generator.random() < 0.25 else 0.0
        return Pose(size, tilt, covered)

    def _decode_picture(self, row: int) -> Picture:
        return self._pack.decode(row, "rgb")[::-1].transpose(1, 2, 0)

    def _cut_face(self) -> Cutout:
        row = int(self._rows[self._next % len(self._rows)])
        self._next += 1
        landmarks = self._pack.landmarks[row]
        return cut_face(self._decode_picture(row), landmarks, self._draw_pose(), self._generator)

    def _cut_piece(self) -> Cutout:
        """Cuts out something that is pasted as faces are, and shows none."""
        generator = self._generator
        kind = int(generator.integers(3))
        if kind == 0:
            face = self._decode_picture(int(generator.choice(self._rows)))
            picture = scramble_face(generator, face, (96, 96))
        elif kind == 1 and self._photos is not None:
            picture = cut_piece(generator, self._photos.draw(generator))
        else:
            maker = list(MAKERS.values())[int(generator.integers(len(MAKERS)))]
            picture = maker(generator, (96, 96))
        return cut_face(picture, NOT_FOUND, self._draw_pose(), generator)


def pack_detection(
    frame: Picture, face: Face, label: str, split: Split, name: str
) -> PackedSample | None:
    """Cuts the picture that a detection shows, upright about its landmarks, and packs it.

    Args:
        frame: `(H, W, 3)` uint8 BGR.
        face: The detection, in frame px.
        label: One of `LABELS`.
        split: The split that the picture belongs to.
        name: The picture's name.

    Returns:
        The sample, grey, `PICTURE_SIDE_PX` wide, with the landmarks in its own px; None where the
            landmarks coincide.

    >>> points = np.array([[40, 40], [60, 40], [50, 52], [50, 62], [30, 42], [70, 42]], np.float32)
    >>> face = Face((25.0, 20.0, 75.0, 70.0), points, 0.9)
    >>> sample = pack_detection(np.zeros((100, 100, 3), np.uint8), face, "none", "train", "a")
    >>> sample.votes.tolist(), sample.landmarks.mean(axis=0).round().tolist()
    ([0, 1], [36.0, 36.0])
    """
    try:
        view = view_face(face, PICTURE_MARGIN, PICTURE_SIDE_PX)
    except ValueError:
        return None
    shown = render_view(frame, view)[..., ::-1]
    grey = np.asarray(Image.fromarray(np.ascontiguousarray(shown)).convert("L"))
    return PackedSample(
        webp=encode_webp(grey),
        split=split,
        votes=np.array([label == one for one in LABELS], np.uint8),
        landmarks=view.face_from_frame(face, mirrored=False).landmarks,
        name=name,
    )


def make_samples(
    looks: NetworkLooks,
    frames: Frames,
    split: Split,
    numbers: range,
    generator: np.random.Generator,
) -> Iterator[PackedSample]:
    """Makes the samples of as many frames as there are `numbers`; the numbers name the frames. A
    share `MISPLACED_SHARE` of the right detections is shown a second time at a wrong place,
    labelled "none"."""
    for number in numbers:
        frame, placed = frames.draw()
        for detections in find_detections(looks, frame):
            shown = label_detections(detections, placed)
            if not shown:
                continue
            face, label = shown[-1]
            if label == "face" and generator.random() < MISPLACED_SHARE:
                shown.append((misplace(face, generator), "none"))
            for one, is_what in shown:
                sample = pack_detection(frame, one, is_what, split, f"{split} frame {number}")
                if sample is not None:
                    yield sample
