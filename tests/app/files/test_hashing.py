"""A file's SHA-256 is that of its bytes."""

import hashlib
from pathlib import Path

import pytest

from app.files.hashing import sha256_of_file


@pytest.mark.parametrize("content", [b"", b"abc", bytes(range(256)) * 4096])
def test_digest_is_that_of_the_bytes(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert sha256_of_file(path) == hashlib.sha256(content).hexdigest()


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sha256_of_file(tmp_path / "none")
