"""Shipped models go by short names."""

from pathlib import Path

import pytest

from app.cli.options import parser
from app.defaults import DEFAULT_MODEL, find_model, list_shipped_models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("dacl.onnx", "dacl_small.onnx", "dacl_small_int8.onnx", "other.onnx", "dacl.pt"):
        (tmp_path / name).touch()
    return tmp_path


def test_names_are_what_follows_dacl(folder: Path) -> None:
    assert {name: path.name for name, path in list_shipped_models(folder).items()} == {
        "default": "dacl.onnx",
        "small": "dacl_small.onnx",
        "small_int8": "dacl_small_int8.onnx",
    }


@pytest.mark.parametrize(
    ("text", "name"), [("small", "dacl_small.onnx"), ("mine.onnx", None), ("tiny", None)]
)
def test_name_or_path_is_meant(folder: Path, text: str, name: str | None) -> None:
    assert find_model(text, folder) == (Path(text) if name is None else folder / name)


def test_file_of_that_name_goes_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small").touch()
    assert find_model("small", folder) == Path("small")


def test_command_line_takes_names() -> None:
    assert parser().parse_args(["--model", "default"]).model == DEFAULT_MODEL
    assert "default" in parser().format_help()
