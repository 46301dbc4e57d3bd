"""Computes the digests by which checkpoints are known."""

from pathlib import Path

from app.errors import TrainingError
from app.files.hashing import sha256_of_file
from training.base.regular_file import check_regular


def file_digest(path: Path) -> str:
    """Its sha256. Raises `TrainingError`, `DataError` for a pipe."""
    check_regular(path)
    try:
        return sha256_of_file(path)
    except OSError as cause:
        raise TrainingError(f"The teacher {path} could not be read: {cause.strerror}.") from cause
