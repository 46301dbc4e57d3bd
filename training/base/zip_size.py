"""What a zip file says of its own size, before anything of it is unpacked: checkpoints and prepared
data are such files, and a few megabytes may unpack to gigabytes."""

import zipfile
from pathlib import Path

# Of prepared data only the tables beside the pictures are packed, to a third or so.
MOST_GROWTH, LEAST_LIMIT_BYTES = 8, 64 << 20


def measure_unpacked_bytes(path: Path) -> int:
    """The size of all that is in a zip file, by its directory; 0 for what is no zip file. Raises
    `OSError`, and `zipfile.BadZipFile` or `ValueError` for a damaged directory."""
    if not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def check_stored(path: Path) -> None:
    """Raises `ValueError` for a zip file that holds more than it has bytes. `torch.save` packs
    nothing; entries that are packed, or that lie over one another, hold more."""
    _check(path, path.stat().st_size)


def check_packed(path: Path) -> None:
    """Raises `ValueError` for a zip file that unpacks to much more than prepared data does."""
    _check(path, max(LEAST_LIMIT_BYTES, MOST_GROWTH * path.stat().st_size))


def _check(path: Path, limit_bytes: int) -> None:
    size = measure_unpacked_bytes(path)
    if size > limit_bytes:
        raise ValueError(f"it unpacks to {size:,} bytes")
