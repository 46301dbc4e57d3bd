"""Computes the digests by which checkpoints are known."""

import hashlib
from pathlib import Path

from app.errors import TrainingError
from training.base.regular_file import check_regular


def file_digest(path: Path) -> str:
    """Its sha256. Raises `TrainingError`, `DataError` for a pipe."""
    check_regular(path)
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as cause:
        raise TrainingError(f"The teacher {path} could not be read: {cause.strerror}.") from cause
