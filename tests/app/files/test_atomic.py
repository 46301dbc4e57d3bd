"""A name that cannot be written is refused before any work is done; a file is replaced whole."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from app.errors import SinkError
from app.files.atomic import describe_write_error, replace_durably, reserve


def test_reserve_gives_a_name_in_the_same_folder_and_leaves_nothing(tmp_path):
    partial = reserve(tmp_path / "out.mp4", overwrite=False)
    assert partial == tmp_path / ".out.mp4.partial"
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_refused_in_one_line(tmp_path):
    there = tmp_path / "there.mp4"
    there.write_text("mine")
    link = tmp_path / "link.mp4"
    link.symlink_to(there)
    cases = [
        (there, False, (), "there.mp4 exists already. Add --overwrite, or choose another name."),
        (tmp_path, True, (), "is a folder"),
        (tmp_path / "none" / "out.mp4", True, (), "none does not exist. Make it"),
        (there / "out.mp4", True, (), "there.mp4"),
        (there, True, (there,), "is the input itself"),
        (link, True, (there,), "is the input itself"),
        (tmp_path / ("x" * 300), True, (), "name too long"),
    ]
    for path, overwrite, inputs, message in cases:
        with pytest.raises(SinkError) as caught:
            reserve(path, overwrite=overwrite, inputs=inputs)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
    assert there.read_text() == "mine"
    assert reserve(there, overwrite=True, inputs=(tmp_path / "other",)).parent == tmp_path


def test_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "open", read_only)
    said = r"out\.mp4 could not be written: Read-only file system\. Choose another disk\."
    with pytest.raises(SinkError, match=said):
        reserve(tmp_path / "out.mp4", overwrite=False)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free some there, or choose another disk."),
        (errno.EDQUOT, "Remove some of your files there, or choose another disk."),
        (errno.EACCES, "Choose a folder in which you may write."),
        (errno.ENOENT, "No file can be made there. Choose another folder."),
    ],
)
def test_an_error_of_the_system_has_its_remedy(number: int, remedy: str) -> None:
    said = describe_write_error(Path("a.csv"), OSError(number, os.strerror(number)))
    assert said == f"a.csv could not be written: {os.strerror(number)}. {remedy}"


def test_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path, partial = tmp_path / "file", tmp_path / "new"
    for content in (b"first", b"second"):
        replace_durably(path, content, partial=partial)
        assert path.read_bytes() == content
        assert not partial.exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(descriptor: int) -> NoReturn:
        raise error

    path, partial = tmp_path / "file", tmp_path / "new"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)) as raised:
        replace_durably(path, b"new", partial=partial)
    assert raised.value is error
    assert path.read_bytes() == b"old"
    assert not partial.exists()
