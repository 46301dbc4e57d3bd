"""The portable file between preparation and training: source pixels, landmarks and votes.

One `.npz`: pictures as lossless WebP in one byte string, so that a machine with numpy and Pillow
alone can read it, and everything that made it as JSON. Nothing in it is resampled; alignment and
augmentation compose into one resampling when a batch is made.

The byte string is stored, not deflated (it would not shrink), so that a large one can be mapped
into memory instead of read. Samples are written as they come: what grows with their number is some
200 bytes each, of landmarks, votes and names, here and in training.
"""

import hashlib
import io
import json
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.alignment import ColourMode
from app.contract import check_label
from app.errors import DataError
from app.files.hidden import build_hidden_path
from training.base.regular_file import check_regular
from training.base.zip_size import check_packed
from training.datasets.readers import SPLITS, Split

PACK_FORMAT = 1
MAP_OVER_BYTES = 1 << 28  # pictures of more bytes than this are mapped, not read
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

    def __post_init__(self) -> None:
        try:
            for label in self.labels:
                check_label(label)
        except ValueError as error:
            raise DataError(f"The labels of {self.dataset} do not suit a model: {error}.") from None

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
    # Older packs lack these two. Width and height are 0 where the picture does not decode.
    size_wh: NDArray[np.uint16] | None = None  # (N, 2)
    crc: NDArray[np.uint32] | None = None  # (N,) CRC-32 of each picture's bytes

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, split: Split) -> NDArray[np.int64]:
        return np.flatnonzero(self.split == SPLITS.index(split))

    def sizes(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """`(n, 2)` width and height, without decoding. Raises `DataError` where there are none."""
        if self.size_wh is not None:
            found = self.size_wh[rows].astype(np.int32)
        else:
            found = np.array([read_webp_size(self._webp(row)) for row in rows], np.int32).reshape(
                -1, 2
            )
        for row in rows[(found == 0).any(axis=1)].tolist():
            raise self._undecodable(row)
        return found

    def decode(self, row: int, colour: ColourMode) -> NDArray[np.uint8]:
        """`(C, H, W)`, C = 1 grey, 3 RGB. Raises `DataError` for a damaged picture."""
        webp = self._webp(row)
        try:
            if self.crc is not None and zlib.crc32(webp) != self.crc[row]:
                raise OSError("its checksum is another")
            with Image.open(io.BytesIO(webp)) as picture:
                pixels = np.asarray(picture.convert("L" if colour == "grey" else "RGB"))
        except OSError as cause:
            raise self._undecodable(row) from cause
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)

    def decode_into(
        self, canvas: NDArray[np.uint8], rows: NDArray[np.int64], colour: ColourMode
    ) -> None:
        """Each picture to the top left of its part of `canvas (n, C, P, P)`, which holds zeros."""
        for part, row in zip(canvas, rows.tolist(), strict=True):
            planes = self.decode(row, colour)
            part[:, : planes.shape[1], : planes.shape[2]] = planes

    def pictures(
        self, rows: NDArray[np.int64], colour: ColourMode
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Decoded pictures `(n, C, P, P)` uint8 (C = 1 grey, 3 RGB), each at the top left of its
        canvas, and their sizes `(n, 2)` (width, height); P is the longest side among them."""
        sizes = self.sizes(rows)
        canvas = make_canvas(len(rows), colour, int(sizes.max(initial=1)))
        self.decode_into(canvas, rows, colour)
        return canvas, sizes

    def _undecodable(self, row: int) -> DataError:
        return DataError(
            f"Picture {self.names[row]} of the pack does not decode. Prepare it again."
        )

    def _webp(self, row: int) -> bytes:
        return self.blob[self.offsets[row] : self.offsets[row + 1]].tobytes()


def make_canvas(count: int, colour: ColourMode, side_px: int) -> NDArray[np.uint8]:
    return np.zeros((count, 1 if colour == "grey" else 3, side_px, side_px), np.uint8)


def encode_webp(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    # Method 4: 1 % larger than the slowest setting at a fortieth of its time.
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=100, method=4)
    return buffer.getvalue()


def read_webp_size(webp: bytes) -> tuple[int, int]:
    """(width, height) from a picture's header; (0, 0) where there is none."""
    if webp[12:16] == b"VP8L":  # lossless and no more: 14 bits each after length and signature
        bits = int.from_bytes(webp[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    try:
        with Image.open(io.BytesIO(webp)) as picture:
            return picture.size
    except OSError:
        return 0, 0


@dataclass(slots=True)
class _Table:
    """What is kept of the samples that have been written."""

    ends: list[int] = field(default_factory=lambda: [0])
    names: list[str] = field(default_factory=list)
    votes_per_sample: int = 0
    split: bytearray = field(default_factory=bytearray)
    votes: bytearray = field(default_factory=bytearray)
    landmarks: bytearray = field(default_factory=bytearray)
    size_wh: bytearray = field(default_factory=bytearray)
    crc: bytearray = field(default_factory=bytearray)

    def add(self, sample: PackedSample) -> None:
        self.ends.append(self.ends[-1] + len(sample.webp))
        self.names.append(sample.name)
        self.votes_per_sample = len(sample.votes)
        self.split.append(SPLITS.index(sample.split))
        self.votes += sample.votes.astype(np.uint8).tobytes()
        self.landmarks += sample.landmarks.astype(np.float32).tobytes()
        self.size_wh += np.array(read_webp_size(sample.webp), np.uint16).tobytes()
        self.crc += np.uint32(zlib.crc32(sample.webp)).tobytes()

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "offsets": np.array(self.ends, np.int64),
            "split": np.frombuffer(self.split, np.uint8),
            "votes": np.frombuffer(self.votes, np.uint8).reshape(-1, self.votes_per_sample),
            "landmarks": np.frombuffer(self.landmarks, np.float32).reshape(-1, 6, 2),
            "names": _text(self.names),
            "size_wh": np.frombuffer(self.size_wh, np.uint16).reshape(-1, 2),
            "crc": np.frombuffer(self.crc, np.uint32),
        }


def write_pack(path: Path, meta: PackMeta, samples: Iterable[PackedSample]) -> int:
    """Writes the samples as they come, beside `path`, and renames when complete. Returns their
    number. While it works it takes twice the room on the disk: the length of the byte string, which
    stands before it, is known at its end."""
    partial = build_hidden_path(path, ".partial")
    table = _Table()
    try:
        with tempfile.TemporaryFile(dir=path.parent) as pictures:
            for sample in samples:
                pictures.write(sample.webp)
                table.add(sample)
            if not table.names:
                raise DataError("Nothing to pack: no sample was left.")
            pictures.seek(0)
            with zipfile.ZipFile(partial, "w") as archive:
                _store_bytes(archive, "blob", pictures, table.ends[-1])
                for name, array in (table.arrays() | {"meta": _text(asdict(meta))}).items():
                    with archive.open(_member(name, zipfile.ZIP_DEFLATED), "w") as member:
                        np.lib.format.write_array(member, array, allow_pickle=False)
        os.replace(partial, path)
    except OSError as cause:
        raise DataError(f"{path} could not be written: {cause.strerror or cause}.") from cause
    finally:
        partial.unlink(missing_ok=True)
    return len(table.names)


def _member(name: str, compression: int) -> zipfile.ZipInfo:
    """Without the hour: equal samples make equal files."""
    info = zipfile.ZipInfo(f"{name}.npy")
    info.compress_type = compression
    return info


def _store_bytes(archive: zipfile.ZipFile, name: str, source: IO[bytes], length: int) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (length,)}
    with archive.open(_member(name, zipfile.ZIP_STORED), "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, header)
        shutil.copyfileobj(source, member, 1 << 20)


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
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_meta(path: Path) -> PackMeta:
    """Only the facts of a pack, without its pictures. Raises `DataError`."""
    check_regular(path)
    try:
        check_packed(path)
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


def read_pack(path: Path, *, map_over_bytes: int = MAP_OVER_BYTES) -> Pack:
    """Pictures of more than `map_over_bytes` bytes are mapped: their damage is noticed when they
    are decoded, that of others here. Raises `DataError` when the file is missing, damaged or of
    another format."""
    meta = read_meta(path)
    try:
        blob = _mapped(path, "blob", map_over_bytes)
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return Pack(
                meta=meta,
                blob=archive["blob"] if blob is None else blob,
                offsets=archive["offsets"],
                split=archive["split"],
                votes=archive["votes"],
                landmarks=archive["landmarks"],
                names=tuple(json.loads(archive["names"].tobytes())),
                size_wh=archive.get("size_wh"),
                crc=archive.get("crc"),
            )
    except _UNREADABLE as cause:
        raise DataError(f"{path} is damaged. Prepare it again.") from cause


def _mapped(path: Path, name: str, over_bytes: int) -> NDArray[np.uint8] | None:
    """The bytes of a stored array in place; None where they are few, or deflated as in older
    packs."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size <= over_bytes:
        return None
    with open(path, "rb") as file:
        file.seek(info.header_offset + 26)  # the lengths of the name and of the extra field
        file.seek(sum(struct.unpack("<HH", file.read(4))), os.SEEK_CUR)
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("an array of another version")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype != np.uint8 or len(shape) != 1:
            raise ValueError("not a byte string")
        return np.memmap(path, np.uint8, "r", file.tell(), shape).view(np.ndarray)
