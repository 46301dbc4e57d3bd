"""A read-only disk is named in one line, and cleaning up hides no error before it."""

import ast
import datetime
import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import numpy as np
import pytest

from app.errors import RecogniserError
from app.files.atomic import discard_partial
from training.base.files import write_text_file
from training.checkpoints.checkpoint import save_checkpoint
from training.checkpoints.wider import write_wide
from training.datasets.pack import PackedSample, PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.webp import encode_webp
from training.exporting.int8 import Int8Settings
from training.exporting.int8_file import write_int8_file
from training.exporting.onnx_file import export_model
from training.exporting.renewal import renew_file
from training.judge.ledger import enter_in_ledger

SAID = "could not be written: Read-only file system. Choose another disk."
Writer = Callable[[Path], object]


def refuse(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that has become read-only under an open file: nothing is renamed, and no partial file
    is removed."""
    unlink = Path.unlink

    def keep_partial(path: Path, missing_ok: bool = False) -> None:
        if ".partial" in path.name:
            refuse()
        unlink(path, missing_ok)

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(Path, "unlink", keep_partial)


def write_tiny_pack(path: Path) -> int:
    sample = PackedSample(
        encode_webp(np.zeros((8, 8), np.uint8)),
        "train",
        np.array([1, 0], np.uint8),
        np.full((6, 2), np.nan, np.float32),
        "one",
    )
    return write_pack(path, PackMeta("mine", "single", ("a", "b"), ("a", "b"), {}), [sample])


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.pt", lambda path: save_checkpoint(path, {"step": 1})),
        ("a.json", lambda path: write_text_file(path, "{}")),
        ("a.npz", write_tiny_pack),
    ],
)
@pytest.mark.usefixtures("read_only")
def test_a_read_only_disk_is_named(tmp_path: Path, name: str, write: Writer) -> None:
    with pytest.raises(RecogniserError) as caught:
        write(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name} {SAID}"


@pytest.mark.usefixtures("read_only")
def test_a_ledger_on_a_read_only_disk_is_named(tmp_path: Path) -> None:
    majority = SimpleNamespace(
        count=1, accuracy=1.0, standard_error=0.0, mean_class_recall=1.0, macro_f1=1.0, ece=0.0
    )
    report = SimpleNamespace(model="m", sha256="0a", dataset="mine", majority=majority)
    with pytest.raises(RecogniserError, match=r"Read-only file system.*Give another --ledg"):
        enter_in_ledger(cast(Any, report), tmp_path / "ledger.md", datetime.date(2026, 1, 1))


@pytest.mark.usefixtures("read_only")
def test_a_figure_on_a_read_only_disk_gives_the_systems_error(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib import pyplot as plt

    from training.figures.style import save_figure

    with pytest.raises(OSError, match="Read-only") as caught:
        save_figure(plt.figure(), tmp_path / "a.png")
    assert caught.value.__context__ is None  # the rename's own error, not that of cleaning up
    assert plt.get_fignums() == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wide", "exported", "renewed", "int8"])
def test_a_model_on_a_read_only_disk_is_named(
    kind: str,
    shapes_npz: Path,
    trained: Path,
    exported: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    pack, output = read_pack(shapes_npz), tmp_path / f"{kind}.onnx"
    settings = Int8Settings(faces=8)
    writers: dict[str, Callable[[], object]] = {
        "wide": lambda: write_wide(trained / "best.pt", output, 16, 0),
        "exported": lambda: export_model(pack, trained / "best.pt", output, "none"),
        "renewed": lambda: renew_file(pack, exported, output),
        "int8": lambda: write_int8_file(pack, exported, output, settings, anyway=True, rounds=1),
    }
    request.getfixturevalue("read_only")  # only now, since the other fixtures write files
    with pytest.raises(RecogniserError) as caught:
        writers[kind]()
    assert str(caught.value) == f"{output} {SAID}"


def test_a_partial_file_is_removed_where_it_can_be(tmp_path: Path) -> None:
    partial = tmp_path / ".a.partial"
    partial.touch()
    for _ in range(2):  # a second time, nothing is there
        discard_partial(partial)
        assert list(tmp_path.iterdir()) == []


def test_no_cleaning_up_removes_files_by_itself() -> None:
    """`Path.unlink` in a `finally` would hide the error before it: `discard_partial` does not."""
    training = Path(__file__).parents[3] / "training"
    found = [
        f"{path.relative_to(training)}:{node.lineno}"
        for path in sorted(training.rglob("*.py"))
        for block in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(block, ast.Try)
        for last in block.finalbody
        for node in ast.walk(last)
        if isinstance(node, ast.Attribute) and node.attr == "unlink"
    ]
    assert found == []
