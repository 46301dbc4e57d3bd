"""Computes the digests by which checkpoints are known."""

from pathlib import Path

from app.errors import TrainingError
from app.files.hashing import sha256_of_file
from training.base.regular_file import check_regular


def hash_checkpoint(path: Path) -> str:
    """Computes the SHA-256 of a checkpoint file, as 64 hex digits.

    Raises:
        TrainingError: The file cannot be read. The message calls it a teacher.
        DataError: The path is a pipe, a socket or a device.
    """
    check_regular(path)
    try:
        return sha256_of_file(path)
    except OSError as cause:
        raise TrainingError(f"The teacher {path} could not be read: {cause.strerror}.") from cause
