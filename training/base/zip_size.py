"""Limits how far a zip file may unpack, by the sizes in its directory.

Checkpoints and prepared data are zip files, and a few megabytes may unpack to gigabytes.
"""

import zipfile
from pathlib import Path

# Of prepared data only the tables beside the pictures are compressed, to a third or so.
MAX_GROWTH_FACTOR = 8  # unpacked bytes per byte of the file
MIN_LIMIT_BYTES = 64 << 20  # small packs may unpack to this


def measure_unpacked_bytes(path: Path) -> int:
    """Sums the sizes of all entries of a zip file, from its directory; 0 for a file of another
    kind.

    Raises `OSError`, and `zipfile.BadZipFile` or `ValueError` for a damaged directory.
    """
    if not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def check_stored(path: Path) -> None:
    """Raises `ValueError` for a zip file that holds more bytes than it has.

    `torch.save` compresses nothing. Entries that are compressed, or that lie over one another, hold
    more.
    """
    _check(path, path.stat().st_size)


def check_packed(path: Path) -> None:
    """Raises `ValueError` for a zip file that unpacks to much more than prepared data does."""
    _check(path, max(MIN_LIMIT_BYTES, MAX_GROWTH_FACTOR * path.stat().st_size))


def _check(path: Path, limit_bytes: int) -> None:
    size = measure_unpacked_bytes(path)
    if size > limit_bytes:
        raise ValueError(f"it unpacks to {size:,} bytes")
