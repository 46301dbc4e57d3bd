"""A named pipe in a file's place is refused at once, wherever training opens a file by name."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import DataError
from training.checkpoint import load
from training.checkpoint_digest import file_digest
from training.digests import sha256
from training.init import read_weights
from training.label_files import is_label_file
from training.pack import read_meta
from training.picture_folder import open_folder
from training.rafdb import list_rafdb
from training.readers import csv_rows

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")


def rafdb(list_file: Path) -> None:
    list_rafdb(list_file.parent.parent, images="aligned", validation_share=0.1)


@pytest.mark.parametrize(
    "opens",
    [
        load,
        read_weights,
        read_meta,
        sha256,
        file_digest,
        lambda path: list(csv_rows(path, ("a",))),
        rafdb,
    ],
    ids=["checkpoint", "weights", "pack", "hash", "teacher", "table", "RAF-DB's list"],
)
def test_pipe_is_refused(opens: Callable[[Path], object], tmp_path: Path) -> None:
    pipe = tmp_path / "EmoLabel/list_patition_label.txt"
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    with pytest.raises(DataError, match=r"label\.txt is a pipe or a device, not a file"):
        opens(pipe)


def test_pipe_beside_pictures_is_no_list(tmp_path: Path) -> None:
    for name in ("labels.csv", "a.json", "a.xml"):
        os.mkfifo(tmp_path / name)
        assert not is_label_file(tmp_path / name)
    with pytest.raises(DataError, match="has 0 label folders"):
        open_folder(tmp_path)
