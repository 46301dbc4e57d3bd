"""A named pipe in a file's place is refused at once, wherever training opens a file by name."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import DataError
from training.checkpoints.checkpoint import load_checkpoint
from training.checkpoints.digest import hash_checkpoint
from training.checkpoints.initial_weights import read_weights
from training.datasets.digests import hash_data_file
from training.datasets.pack_reader import read_meta
from training.datasets.rafdb import list_rafdb
from training.datasets.readers import read_csv_rows
from training.own_pictures.label_files import is_label_file
from training.own_pictures.picture_folder import open_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")


def rafdb(list_file: Path) -> None:
    list_rafdb(list_file.parent.parent, images="aligned", validation_share=0.1)


@pytest.mark.parametrize(
    "opens",
    [
        load_checkpoint,
        read_weights,
        read_meta,
        hash_data_file,
        hash_checkpoint,
        lambda path: list(read_csv_rows(path, ("a",))),
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
