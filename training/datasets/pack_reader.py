"""Reads packs that `training.datasets.pack_writer` has written."""

import json
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.errors import DataError
from training.base.regular_file import check_regular
from training.base.zip_size import check_packed
from training.datasets.pack import PACK_FORMAT, Pack, PackMeta

MAP_OVER_BYTES = 1 << 28  # pictures of more bytes than this are mapped, not read

# The errors of numpy, zipfile and json for a file that is no pack, or no longer whole.
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
    """Reads a pack's description alone. Raises `DataError`."""
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
    """Reads a pack.

    Args:
        path: The file.
        map_over_bytes: More bytes of pictures than this are mapped into memory; damage to them is
            found when they are decoded, other damage here.

    Raises:
        DataError: The file is missing, damaged or of another format.
    """
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
                own=archive.get("own"),
            )
    except _UNREADABLE as cause:
        raise DataError(f"{path} is damaged. Prepare it again.") from cause


def _mapped(path: Path, name: str, over_bytes: int) -> NDArray[np.uint8] | None:
    """Maps the bytes of a stored array; None where they are few, or compressed as in older
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
