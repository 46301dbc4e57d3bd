"""Computes the digests by which files are known."""

import hashlib
from pathlib import Path


def sha256_of_file(path: Path) -> str:
    """Computes the SHA-256 of a file's bytes, as 64 hex digits, without holding the file in memory.
    Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
