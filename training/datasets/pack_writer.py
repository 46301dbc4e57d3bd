"""Writes packs, sample by sample.

A pack is one `.npz`: pictures as lossless WebP in one byte string, so that a machine with numpy and
Pillow alone can read them, and the facts of its making as JSON. The byte string is stored
uncompressed, because it would not shrink, so that a large one can be mapped into memory instead of
read. Per sample, some 200 bytes of landmarks, votes and names stay in memory, here and in training.
"""

import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from app.errors import DataError
from app.files.atomic import describe_write_error, discard_partial
from app.files.hidden import build_hidden_path
from training.datasets.pack import PackedSample, PackMeta
from training.datasets.readers import NO_LABEL, SPLITS
from training.datasets.webp import read_webp_size


@dataclass(slots=True)
class _Table:
    """The facts about the samples that have been written."""

    ends: list[int] = field(default_factory=lambda: [0])
    names: list[str] = field(default_factory=list)
    votes_per_sample: int = 0
    split: bytearray = field(default_factory=bytearray)
    votes: bytearray = field(default_factory=bytearray)
    landmarks: bytearray = field(default_factory=bytearray)
    size_wh: bytearray = field(default_factory=bytearray)
    crc: bytearray = field(default_factory=bytearray)
    own: list[int] = field(default_factory=list)

    def add(self, sample: PackedSample) -> None:
        self.ends.append(self.ends[-1] + len(sample.webp))
        self.names.append(sample.name)
        self.votes_per_sample = len(sample.votes)
        self.split.append(SPLITS.index(sample.split))
        self.votes += sample.votes.astype(np.uint8).tobytes()
        self.landmarks += sample.landmarks.astype(np.float32).tobytes()
        self.size_wh += np.array(read_webp_size(sample.webp), np.uint16).tobytes()
        self.crc += np.uint32(zlib.crc32(sample.webp)).tobytes()
        self.own.append(sample.own)

    def arrays(self) -> dict[str, NDArray[Any]]:
        own = np.array(self.own, np.int8)
        return ({"own": own} if (own != NO_LABEL).any() else {}) | {
            "offsets": np.array(self.ends, np.int64),
            "split": np.frombuffer(self.split, np.uint8),
            "votes": np.frombuffer(self.votes, np.uint8).reshape(-1, self.votes_per_sample),
            "landmarks": np.frombuffer(self.landmarks, np.float32).reshape(-1, 6, 2),
            "names": _text(self.names),
            "size_wh": np.frombuffer(self.size_wh, np.uint16).reshape(-1, 2),
            "crc": np.frombuffer(self.crc, np.uint32),
        }


def write_pack(path: Path, meta: PackMeta, samples: Iterable[PackedSample]) -> int:
    """Writes samples as they come to a hidden file beside `path`, and renames the file when it is
    whole.

    Meanwhile the disk holds the pictures twice, because their total length stands before them and
    is known at the end.

    Returns:
        The count of samples.

    Raises:
        DataError: There was no sample, or the file could not be written.
    """
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
        raise DataError(describe_write_error(path, cause)) from cause
    finally:
        discard_partial(partial)
    return len(table.names)


def _member(name: str, compression: int) -> zipfile.ZipInfo:
    """Describes an entry of the archive without a time, so that equal samples make equal files."""
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
