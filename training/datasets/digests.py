"""Computes the digests by which the files of a data set are known."""

from pathlib import Path

from app.errors import DataError
from app.files.hashing import sha256_of_file
from training.base.regular_file import check_regular
from training.datasets.readers import (
    missing_file,
)


def sha256(path: Path) -> str:
    """Raises `DataError` when the file cannot be read."""
    check_regular(path)
    try:
        return sha256_of_file(path)
    except FileNotFoundError as cause:
        raise missing_file(path) from cause
    except OSError as cause:
        raise DataError(f"{path} could not be read: {cause.strerror or cause}.") from cause
