"""Makes the portable training file: finds each face once and keeps its landmarks.

python -m training.prepare ferplus --fer2013 fer2013.csv --ferplus fer2013new.csv -o ferplus.npz
python -m training.prepare rafdb RAF-DB/basic -o raf.npz
python -m training.prepare affectnet AffectNet --classes 8 -o affectnet.npz
python -m training.prepare folder PICTURES -o mine.npz
"""

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.alignment import FACE_TEMPLATE, crop_matrix
from app.detector import SHORT_RANGE, Detector
from app.one_line_parser import OneLineParser
from app.types import DataError, Face, readable
from training.affectnet import list_affectnet
from training.cli import run
from training.digests import sha256
from training.listed import (
    MAX_UNREADABLE,
    VALIDATION_SEED,
    VALIDATION_SHARE,
    ListedSet,
    files_digest,
    read_samples,
    stop_if_too_many,
)
from training.option_types import inner_share, share
from training.pack import PackedSample, PackMeta, encode_webp, read_meta, write_pack
from training.picture_folder import open_folder
from training.progress import progress
from training.rafdb import list_rafdb
from training.readers import (
    FERPLUS_LABELS,
    FERPLUS_VOTES,
    Sample,
    read_ferplus,
    read_picture,
)
from training.wording import counted

# The detector looks for faces of some size in a frame; FER2013's 48 px are enlarged for it.
MIN_DETECTION_SIDE_PX = 192
MIN_SCORE = 0.3  # face pictures show a face: better one badly lit than none
# What is kept around a face of a photo, in sides of the aligned crop: room for augmentation.
REGION = 1.6
MAX_REGION_SIDE_PX = 224
MAX_SKIPPED_LINES = 20
NOT_FOUND = np.full((6, 2), np.nan, np.float32)


def settings() -> dict[str, Any]:
    """Everything but the pictures that decides what a pack holds."""
    import mediapipe

    return {
        "detector": sha256(SHORT_RANGE),
        "mediapipe": mediapipe.__version__,
        "min_detection_side_px": MIN_DETECTION_SIDE_PX,
        "min_score": MIN_SCORE,
        "region": REGION,
        "max_region_side_px": MAX_REGION_SIDE_PX,
        "template": [list(point) for point in FACE_TEMPLATE.points],
    }


def find_faces(detector: Detector, pixels: NDArray[np.uint8]) -> list[Face]:
    """The faces of a picture, in its pixels; first the one that matters most (large and central).
    `pixels`: (H, W) grey or (H, W, 3) RGB uint8."""
    height, width = pixels.shape[:2]
    enlarge = max(1, -(-MIN_DETECTION_SIDE_PX // min(height, width)))
    picture = Image.fromarray(pixels).convert("RGB")
    if enlarge > 1:
        picture = picture.resize((width * enlarge, height * enlarge), Image.Resampling.BICUBIC)
    faces = detector.detect(np.asarray(picture)[..., ::-1])

    def weight(face: Face) -> float:
        x, y = face.landmarks[:4].mean(axis=0) / (width * enlarge, height * enlarge)
        off_centre = float(np.hypot(x - 0.5, y - 0.5))
        return face.width_px * (1.0 - min(0.9, off_centre))

    def shrunk(face: Face) -> Face:
        x0, y0, x1, y1 = (value / enlarge for value in face.box_xyxy)
        landmarks = np.asarray(face.landmarks / enlarge, np.float32)
        return replace(face, box_xyxy=(x0, y0, x1, y1), landmarks=landmarks)

    return [shrunk(face) for face in sorted(faces, key=weight, reverse=True)]


def find_landmarks(detector: Detector, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`(6, 2)` landmarks, in pixels of the picture, of the face that matters most in it, or NaN
    when there is none. `pixels`: (H, W) grey or (H, W, 3) RGB uint8."""
    faces = find_faces(detector, pixels)
    return faces[0].landmarks if faces else NOT_FOUND


def face_region(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The part of a photo around its face, no side over `MAX_REGION_SIDE_PX`, and the landmarks in
    it. Without a face, the whole picture."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = 0, 0, width, height
    if np.isfinite(landmarks).all():
        to_unit = crop_matrix(landmarks, FACE_TEMPLATE, 1)
        linear = np.linalg.inv(to_unit[:, :2])
        centre = linear @ (np.array([0.5, 0.5]) - to_unit[:, 2])
        corners = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) / 2 @ linear.T
        reach = float(np.abs(corners).max()) * REGION
        x0, y0 = (max(0, int(v)) for v in np.floor(centre - reach))
        x1, y1 = np.ceil(centre + reach).astype(int).clip(1, (width, height)).tolist()
        if x1 <= x0 or y1 <= y0:  # a face wholly outside the picture: keep the picture
            x0, y0, x1, y1 = 0, 0, width, height
    region = pixels[y0:y1, x0:x1]
    moved = landmarks - np.array([x0, y0], np.float32)
    shrink = max(region.shape[:2]) / MAX_REGION_SIDE_PX
    if shrink > 1:
        size = (
            max(1, round(region.shape[1] / shrink)),
            max(1, round(region.shape[0] / shrink)),
        )
        scale = np.array([size[0] / region.shape[1], size[1] / region.shape[0]], np.float32)
        region = np.asarray(Image.fromarray(region).resize(size, Image.Resampling.LANCZOS))
        moved = moved * scale
    return region, moved.astype(np.float32)


def pack_sample(detector: Detector, sample: Sample) -> PackedSample:
    landmarks = find_landmarks(detector, sample.image)
    region, landmarks = face_region(sample.image, landmarks)
    return PackedSample(
        webp=encode_webp(region),
        split=sample.split,
        votes=sample.votes,
        landmarks=landmarks,
        name=sample.name,
    )


def ferplus_meta(fer2013_csv: Path, ferplus_csv: Path) -> PackMeta:
    return PackMeta(
        dataset="FER+",
        protocol="ferplus",
        labels=FERPLUS_LABELS,
        vote_names=FERPLUS_VOTES,
        made_from=settings() | {"fer2013": sha256(fer2013_csv), "ferplus": sha256(ferplus_csv)},
    )


def folder_samples(
    root: Path, *, max_unreadable: float, skipped: list[str]
) -> tuple[PackMeta, int, Iterator[Sample]]:
    """(what the pack will be, how many pictures, the samples as they are read). A picture that does
    not decode becomes a line of `skipped`; raises `DataError` as soon as more than the share
    `max_unreadable` has."""
    opened = open_folder(root)
    labels, files = opened.labels, opened.files
    if not opened.given:
        raise DataError(
            f"{root} has no folder of validation pictures. Expected train/<label>/… and "
            "valid/<label>/… in it; python -m training.retrain splits a folder by itself."
        )
    digest = hashlib.sha256()
    for file in files:
        key = sha256(file.path) if file.path.is_file() else "-"
        digest.update(f"{opened.name(file)}\0{key}\n".encode())
    meta = PackMeta(
        dataset=readable(root.resolve().name),
        protocol="single",
        labels=labels,
        vote_names=labels,
        made_from=settings() | {"pictures": digest.hexdigest(), "count": len(files)},
    )

    def samples() -> Iterator[Sample]:
        for file in files:
            try:
                image = read_picture(file.path)
            except DataError as error:
                skipped.append(str(error))
                stop_if_too_many(len(skipped), len(files), max_unreadable, str(error))
                continue
            votes = np.zeros(len(labels), np.uint8)
            votes[file.label] = 1
            yield Sample(image, file.split, votes, opened.name(file))

    return meta, len(files), samples()


def listed_meta(listed: ListedSet, validation_share: float) -> PackMeta:
    hashes = {name: sha256(path) for name, path in listed.lists.items()}
    split = {"validation_share": validation_share, "validation_seed": VALIDATION_SEED}
    files = {"pictures": files_digest(listed), "count": len(listed.pictures)}
    return PackMeta(
        dataset=listed.dataset,
        protocol="single",
        labels=listed.labels,
        vote_names=listed.labels,
        made_from=settings() | hashes | listed.choices | split | files,
    )


def up_to_date(path: Path, meta: PackMeta) -> bool:
    if not path.exists():
        return False
    try:
        return read_meta(path).key == meta.key
    except DataError:
        return False


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="python -m training.prepare",
        description="Find the faces of a data set once and write one portable training file.",
    )
    kinds = top.add_subparsers(dest="kind", required=True, metavar="ferplus|rafdb|affectnet|folder")
    fer = kinds.add_parser("ferplus", help="Kaggle's fer2013.csv with FER+'s votes")
    fer.add_argument("--fer2013", type=Path, required=True, help="Kaggle's fer2013.csv")
    fer.add_argument("--ferplus", type=Path, required=True, help="FER+'s fer2013new.csv")
    raf = kinds.add_parser("rafdb", help="RAF-DB's basic set, seven labels")
    raf.add_argument("root", type=Path, help="the folder that holds EmoLabel/ and Image/")
    raf.add_argument(
        "--images",
        choices=("aligned", "original"),
        default="aligned",
        help="Image/aligned, the authors' face crops, or Image/original, whole photos, of which "
        "the largest, most central face is taken (default: aligned)",
    )
    affect = kinds.add_parser("affectnet", help="AffectNet's manually annotated pictures")
    affect.add_argument(
        "root",
        type=Path,
        help="the folder that holds training.csv, validation.csv (the test split here, as papers "
        "report on it) and Manually_Annotated_Images/",
    )
    affect.add_argument(
        "--classes",
        type=int,
        choices=(7, 8),
        required=True,
        help="8 with contempt, 7 without; none, uncertain and no-face are always left out",
    )
    for kind in (raf, affect):
        kind.add_argument(
            "--validation-share",
            type=inner_share,
            default=VALIDATION_SHARE,
            metavar="X",
            help="share of each label's training pictures that becomes the validation split, drawn "
            f"by a fixed seed (default: {VALIDATION_SHARE})",
        )
    folder = kinds.add_parser("folder", help="pictures in train/<label>/… and valid/<label>/…")
    folder.add_argument("root", type=Path, help="the folder that holds train/ and valid/")
    for kind in (raf, affect, folder):
        kind.add_argument(
            "--max-unreadable",
            type=share,
            default=MAX_UNREADABLE,
            metavar="X",
            help="share of pictures that may be missing or unreadable and is skipped; with more "
            f"the run stops (default: {MAX_UNREADABLE})",
        )
    for kind in (fer, raf, affect, folder):
        kind.add_argument("-o", "--output", type=Path, required=True, help="the .npz to write")
    return top


def open_set(
    options: argparse.Namespace, skipped: list[str]
) -> tuple[PackMeta, int | None, Iterator[Sample], tuple[str, ...]]:
    """(what the pack will be, pictures if known, the samples, what to tell the user)."""
    if options.kind == "ferplus":
        meta = ferplus_meta(options.fer2013, options.ferplus)
        return meta, None, read_ferplus(options.fer2013, options.ferplus), ()
    if options.kind == "folder":
        unreadable = options.max_unreadable
        return (*folder_samples(options.root, max_unreadable=unreadable, skipped=skipped), ())
    aside = options.validation_share
    if options.kind == "rafdb":
        listed = list_rafdb(options.root, images=options.images, validation_share=aside)
    else:
        listed = list_affectnet(options.root, classes=options.classes, validation_share=aside)
    samples = read_samples(listed, max_unreadable=options.max_unreadable, skipped=skipped)
    return listed_meta(listed, aside), len(listed.pictures), samples, listed.notes


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    output: Path = options.output
    if output.suffix != ".npz":
        raise DataError(f"{output}: the output must end in .npz.")
    if not output.parent.is_dir():
        raise DataError(f"{output.parent} is not a folder. Make it first.")
    skipped: list[str] = []
    meta, total, samples, notes = open_set(options, skipped)
    if up_to_date(output, meta):
        print(f"{output} is up to date.")
        return 0
    found = 0

    def packed(detector: Detector) -> Iterator[PackedSample]:
        nonlocal found
        for sample in progress(samples, total=total, desc="faces", unit="picture"):
            done = pack_sample(detector, sample)
            found += bool(np.isfinite(done.landmarks).all())
            yield done

    with Detector(min_score=MIN_SCORE) as detector:
        count = write_pack(output, meta, packed(detector))
    print(
        f"{output}: {counted(count, 'picture')}, a face found in {found} "
        f"({100 * found / count:.1f} %), {output.stat().st_size / 1e6:.1f} MB."
    )
    for line in notes:
        print(line)
    for line in skipped[:MAX_SKIPPED_LINES]:
        print(f"Skipped: {line}")
    if len(skipped) > MAX_SKIPPED_LINES:
        print(f"Skipped: {len(skipped) - MAX_SKIPPED_LINES} more, {len(skipped)} in all.")
    return 1 if skipped else 0


if __name__ == "__main__":
    raise SystemExit(run(main))
