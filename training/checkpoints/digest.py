"""Computes the digests by which checkpoints and weights to begin with are known."""

import hashlib
from pathlib import Path

from app.errors import TrainingError
from app.files.hashing import sha256_of_file
from training.base.regular_file import check_regular
from training.network.dlib_file import find_weight_files


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


def hash_weights(path: Path) -> str:
    """Computes the SHA-256 by which `WeightOrigin` knows a file of weights. For a manifest it is
    that of the numbers beside it, so that one file and its shards are the same weights.

    Raises:
        TrainingError: A file cannot be read.
        DataError: A path is a pipe, a socket or a device.
    """
    digest = hashlib.sha256()
    try:
        for file in find_weight_files(path):
            check_regular(file)
            with file.open("rb") as content:
                while piece := content.read(1 << 20):
                    digest.update(piece)
    except OSError as cause:
        raise TrainingError(f"The weights {path} could not be read: {cause.strerror}.") from cause
    except (ValueError, LookupError, TypeError, RecursionError) as cause:
        raise TrainingError(f"{path} is no manifest of dlib's network.") from cause
    return digest.hexdigest()
