"""A file of a run is replaced whole, or stays as it was."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from app.files.atomic import replace_durably


def test_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path, partial = tmp_path / "file", tmp_path / "new"
    for content in (b"first", b"second"):
        replace_durably(path, content, partial=partial)
        assert path.read_bytes() == content
        assert not partial.exists()


def test_failure_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> NoReturn:
        raise OSError(28, "No space left on device")

    path, partial = tmp_path / "file", tmp_path / "new"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        replace_durably(path, b"new", partial=partial)
    assert path.read_bytes() == b"old"
    assert not partial.exists()
