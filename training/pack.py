"""The portable file between preparation and training: source pixels, landmarks and votes.

One `.npz`: pictures as lossless WebP in one byte string, so that a machine with numpy and Pillow
alone can read it, and everything that made it as JSON. Nothing in it is resampled; alignment and
augmentation compose into one resampling when a batch is made.
"""

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.alignment import ColourMode
from app.types import DataError
from training.readers import SPLITS, Split

PACK_FORMAT = 1
Protocol = Literal["ferplus", "single"]


@dataclass(frozen=True, slots=True)
class PackMeta:
    """What a pack is and what made it. `made_from` holds the hashes of the source files and of the
    detector, and every setting: two packs with equal `key` hold the same samples."""

    dataset: str
    protocol: Protocol  # "ferplus": ten votes a picture; "single": one label a picture
    labels: tuple[str, ...]
    vote_names: tuple[str, ...]
    made_from: dict[str, Any]
    format: int = PACK_FORMAT

    @property
    def key(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PackedSample:
    """`webp`: lossless bytes; `landmarks (6, 2)` px of that picture, NaN where there is no face."""

    webp: bytes
    split: Split
    votes: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    name: str


@dataclass(frozen=True, slots=True)
class Pack:
    """All samples, pictures still compressed. Arrays share their first axis (N)."""

    meta: PackMeta
    blob: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # (N + 1,)
    split: NDArray[np.uint8]  # (N,) index into SPLITS
    votes: NDArray[np.uint8]  # (N, V)
    landmarks: NDArray[np.float32]  # (N, 6, 2)
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, split: Split) -> NDArray[np.int64]:
        return np.flatnonzero(self.split == SPLITS.index(split))

    def pictures(
        self, rows: NDArray[np.int64], colour: ColourMode
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Decoded pictures `(n, C, P, P)` uint8 (C = 1 grey, 3 RGB), each at the top left of its
        canvas, and their sizes `(n, 2)` (width, height); P is the longest side among them."""
        decoded: list[NDArray[np.uint8]] = []
        for row in rows:
            webp = self.blob[self.offsets[row] : self.offsets[row + 1]].tobytes()
            try:
                with Image.open(io.BytesIO(webp)) as picture:
                    pixels = np.asarray(picture.convert("L" if colour == "grey" else "RGB"))
            except OSError as cause:
                raise DataError(
                    f"Picture {self.names[row]} of the pack does not decode. Prepare it again."
                ) from cause
            decoded.append(pixels)
        sizes = np.array([(p.shape[1], p.shape[0]) for p in decoded], np.int32).reshape(-1, 2)
        side = int(sizes.max(initial=1))
        canvas = np.zeros((len(decoded), 1 if colour == "grey" else 3, side, side), np.uint8)
        for canvas_row, pixels in zip(canvas, decoded, strict=True):
            planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
            canvas_row[:, : planes.shape[1], : planes.shape[2]] = planes
        return canvas, sizes


def encode_webp(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    # Method 4: 1 % larger than the slowest setting at a fortieth of its time.
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=100, method=4)
    return buffer.getvalue()


def write_pack(path: Path, meta: PackMeta, samples: Iterable[PackedSample]) -> int:
    """Writes beside `path` and renames when complete. Returns the number of samples."""
    kept = list(samples)
    if not kept:
        raise DataError("Nothing to pack: no sample was left.")
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "wb") as file:
            np.savez_compressed(
                file,
                blob=np.frombuffer(b"".join(s.webp for s in kept), np.uint8),
                offsets=np.cumsum([0, *(len(s.webp) for s in kept)], dtype=np.int64),
                split=np.array([SPLITS.index(s.split) for s in kept], np.uint8),
                votes=np.stack([s.votes for s in kept]),
                landmarks=np.stack([s.landmarks for s in kept]).astype(np.float32),
                names=_text([s.name for s in kept]),
                meta=_text(asdict(meta)),
            )
        os.replace(partial, path)
    except OSError as cause:
        raise DataError(f"{path} could not be written: {cause.strerror or cause}.") from cause
    finally:
        partial.unlink(missing_ok=True)
    return len(kept)


def _text(value: Sequence[str] | dict[str, Any]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value, ensure_ascii=False).encode(), np.uint8)


# What numpy, zipfile and json raise on a file that is none of ours, or no longer whole.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_meta(path: Path) -> PackMeta:
    """Only the facts of a pack, without its pictures. Raises `DataError`."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            facts = json.loads(archive["meta"].tobytes())
        found = facts["format"]
        if found != PACK_FORMAT:
            raise DataError(
                f"{path} has format {found}, this program reads {PACK_FORMAT}. Prepare it again."
            )
        return PackMeta(
            dataset=facts["dataset"],
            protocol=facts["protocol"],
            labels=tuple(facts["labels"]),
            vote_names=tuple(facts["vote_names"]),
            made_from=facts["made_from"],
        )
    except FileNotFoundError as cause:
        raise DataError(
            f"{path} is missing. Make it with `python -m training.prepare` (see --help)."
        ) from cause
    except _UNREADABLE as cause:
        raise DataError(f"{path} is not a prepared data file. Prepare it again.") from cause


def read_pack(path: Path) -> Pack:
    """Raises `DataError` when the file is missing, damaged or of another format."""
    meta = read_meta(path)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return Pack(
                meta=meta,
                blob=archive["blob"],
                offsets=archive["offsets"],
                split=archive["split"],
                votes=archive["votes"],
                landmarks=archive["landmarks"],
                names=tuple(json.loads(archive["names"].tobytes())),
            )
    except _UNREADABLE as cause:
        raise DataError(f"{path} is damaged. Prepare it again.") from cause
