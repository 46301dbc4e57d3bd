"""Made frames of faces at known places, and what the detector takes for faces in them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.detection.boxes import is_same_look
from app.detection.network_input import render_view, view_face
from app.detection.networks import FIRST_MARGIN, NetworkLooks, list_glances
from app.errors import DataError
from app.pictures.header import read_header
from app.types import Face
from app.types import Image as Picture
from training.datasets.landmarks import NOT_FOUND
from training.datasets.pack import Pack, PackedSample, encode_webp
from training.datasets.readers import PICTURES, Split, read_grey_or_rgb
from training.synthetic.non_face_pictures import piece
from training.synthetic.paste import FRAME_WH, Cutout, Grounds, Placed, Pose, arrange, cutout
from training.synthetic.scenes import MAKERS, scrambled

LABELS = ("face", "none")
# A picture shows this many crops of `app.alignment.FACE_TEMPLATE`, so large.
MARGIN, SIDE_PX = 1.4, 72
SIZES_PX = (36.0, 500.0)
MAX_TILT_DEG, MAX_COVERED = 40.0, 0.3
PER_FRAME, PIECES = 4, 3
PHOTO_PX, LEAST_PHOTO_PX = 1920, 240
# Middles nearer than this, in sides of the face, and sides within this factor: it is the face.
RIGHT_PLACE, RIGHT_SIZE = 0.2, 1.35
# Further off than this, or larger or smaller by this factor, it is none.
WRONG_PLACE, WRONG_SIZE = 0.9, 2.2
MISPLACED = 0.1


class Photos:
    """Pictures without a face, no side over `PHOTO_PX`. Raises `DataError`."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._photos = [_photo(path) for path in files]

    def draw(self, generator: np.random.Generator) -> Picture:
        """A part of one, `(720, 1280, 3)` BGR, of any size."""
        photo = self._photos[int(generator.integers(len(self._photos)))]
        width, height = photo.size
        w = min(width, height * FRAME_WH[0] / FRAME_WH[1])
        w *= float(np.exp(generator.uniform(np.log(0.15), 0)))
        h = w * FRAME_WH[1] / FRAME_WH[0]
        x, y = generator.uniform(0, width - w), generator.uniform(0, height - h)
        part = photo.resize(FRAME_WH, Image.Resampling.BILINEAR, box=(x, y, x + w, y + h))
        frame = np.asarray(part, np.uint8)[..., ::-1]
        return np.ascontiguousarray(frame[:, :: -1 if generator.random() < 0.5 else 1])


def _photo(path: Path) -> Image.Image:
    photo = Image.fromarray(read_grey_or_rgb(path)).convert("RGB")
    photo.thumbnail((PHOTO_PX, PHOTO_PX), Image.Resampling.BOX)
    return photo


def photos_in(folders: Sequence[Path]) -> tuple[Path, ...]:
    """All of them, once each where they lie several times under links. Raises `DataError`."""
    found = []
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder of photos.")
        here = (p for p in folder.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
        found += [p for p in here if not p.is_symlink() and _large(p)]
    return tuple(sorted(found))


def _large(path: Path) -> bool:
    try:
        header = read_header(path.read_bytes())
    except OSError:
        return False
    return header is not None and min(header.size_wh) >= LEAST_PHOTO_PX


def faces_of(pack: Pack, split: Split) -> NDArray[np.int64]:
    """Rows with landmarks, which nobody called no face."""
    rows = pack.rows(split)
    known = np.isfinite(pack.landmarks[rows]).all(axis=(1, 2))
    names = list(pack.meta.vote_names)
    if "NF" in names:
        known &= pack.votes[rows][:, names.index("NF")] == 0
    return rows[known]


def truth(face: Face, placed: Sequence[Placed]) -> str | None:
    """What a detection shows; None where it is neither right nor clearly wrong."""
    doubtful = False
    for one in placed:
        x0, y0, x1, y1 = face.box_xyxy
        offset = np.hypot((x0 + x1) / 2 - one.centre[0], (y0 + y1) / 2 - one.centre[1])
        away, ratio = float(offset) / one.size_px, face.width_px / one.size_px
        size = max(ratio, 1 / max(ratio, 1e-6))
        if away < RIGHT_PLACE and size < RIGHT_SIZE:
            return "face"
        doubtful |= away < WRONG_PLACE * max(1.0, ratio) and size < WRONG_SIZE
    return None if doubtful else "none"


def misplaced(face: Face, generator: np.random.Generator) -> Face:
    """The same landmarks beside, larger, smaller or upside down."""
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


def taken_for_faces(looks: NetworkLooks, frame: Picture) -> Iterator[tuple[Face, ...]]:
    """Every detection that a first look leaves, as that and, where there is one, a second look
    place it; one of several at a place."""
    height, width = frame.shape[:2]
    hints = looks.find_hints(frame, list_glances(width, height, far_faces=False))
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
    """Made of the faces of one split."""

    def __init__(
        self, pack: Pack, split: Split, photos: Photos | None, generator: np.random.Generator
    ) -> None:
        self._pack, self._generator, self._photos = pack, generator, photos
        self._rows = generator.permutation(faces_of(pack, split))
        self._grounds = Grounds(generator)
        self._next = 0

    def draw(self) -> tuple[Picture, tuple[Placed, ...]]:
        generator = self._generator
        use = self._photos if generator.random() < 0.5 else None
        ground = self._grounds.draw(generator) if use is None else use.draw(generator)
        frame, _ = arrange(
            [self._strange() for _ in range(int(generator.integers(PIECES + 1)))],
            ground,
            generator,
        )
        faces = [self._face() for _ in range(int(generator.integers(PER_FRAME + 1)))]
        if not faces:
            return frame, ()
        return arrange(faces, frame, generator)

    def _pose(self) -> Pose:
        generator = self._generator
        size = float(np.exp(generator.uniform(*np.log(SIZES_PX))))
        tilt = generator.uniform(-MAX_TILT_DEG, MAX_TILT_DEG)
        covered = generator.uniform(0, MAX_COVERED) if generator.random() < 0.25 else 0.0
        return Pose(size, tilt, covered)

    def _picture(self, row: int) -> Picture:
        return self._pack.decode(row, "rgb")[::-1].transpose(1, 2, 0)

    def _face(self) -> Cutout:
        row = int(self._rows[self._next % len(self._rows)])
        self._next += 1
        landmarks = self._pack.landmarks[row]
        return cutout(self._picture(row), landmarks, self._pose(), self._generator)

    def _strange(self) -> Cutout:
        """What is set into a frame as faces are, and is none."""
        generator = self._generator
        kind = int(generator.integers(3))
        if kind == 0:
            face = self._picture(int(generator.choice(self._rows)))
            picture = scrambled(generator, face, (96, 96))
        elif kind == 1 and self._photos is not None:
            picture = piece(generator, self._photos.draw(generator))
        else:
            maker = list(MAKERS.values())[int(generator.integers(len(MAKERS)))]
            picture = maker(generator, (96, 96))
        return cutout(picture, NOT_FOUND, self._pose(), generator)


def packed(frame: Picture, face: Face, label: str, split: Split, name: str) -> PackedSample | None:
    """None where the landmarks coincide."""
    try:
        view = view_face(face, MARGIN, SIDE_PX)
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
    """Of as many frames as there are `numbers`, which name them."""
    for number in numbers:
        frame, placed = frames.draw()
        for seen in taken_for_faces(looks, frame):
            shown = [(face, label) for face in seen if (label := truth(face, placed)) is not None]
            if not shown:
                continue
            face, label = shown[-1]
            if label == "face" and generator.random() < MISPLACED:
                shown.append((misplaced(face, generator), "none"))
            for one, is_what in shown:
                sample = packed(frame, one, is_what, split, f"{split} frame {number}")
                if sample is not None:
                    yield sample
