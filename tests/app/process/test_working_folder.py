"""A folder that is gone is one line."""

import contextlib
from pathlib import Path

import pytest

from app.process.console import run_command as run_app
from run_demo import main
from training.base.cli import run_entry_point as run_training


@pytest.fixture
def nowhere(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with contextlib.chdir(gone):
        gone.rmdir()
        yield


def relative() -> int:
    return len(str(Path("here").absolute()))


@pytest.mark.parametrize("run", [run_app, run_training])
def test_a_command_started_in_a_folder_that_is_gone_says_so(nowhere, run, capsys) -> None:
    assert run(relative) == 2
    assert capsys.readouterr().err == (
        "error: The folder in which this was started does not exist any more. Change to another "
        "one, or give whole paths.\n"
    )


def test_the_program_says_so_too(nowhere, capsys) -> None:
    assert main(["--video", "clip.mp4", "--no-window", "--records", "out.jsonl"]) == 2
    assert capsys.readouterr().err.startswith("error: The folder in which this was started")


def test_other_missing_files_are_not_blamed_on_it() -> None:
    def fails() -> int:
        raise FileNotFoundError("x")

    with pytest.raises(FileNotFoundError, match="x"):
        run_app(fails)
