"""Computes the digests by which the files of a data set are known."""

from pathlib import Path

from app.errors import DataError
from app.files.hashing import sha256_of_file
from training.base.regular_file import check_regular
from training.datasets.readers import build_missing_error


def hash_data_file(path: Path) -> str:
    """Computes the SHA-256 of a file, as 64 hex digits.

    Raises `DataError` for a file that is missing or cannot be read, and for a pipe, a socket or a
    device.
    """
    check_regular(path)
    try:
        return sha256_of_file(path)
    except FileNotFoundError as cause:
        raise build_missing_error(path) from cause
    except OSError as cause:
        raise DataError(f"{path} could not be read: {cause.strerror or cause}.") from cause
