"""A run's folder belongs to one process, and a run that is killed goes on as if it had not been."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from filelock import FileLock

from app.defaults import ROOT
from app.errors import TrainingError
from tests.support.shapes import MACHINE, RECIPE, train_shapes
from training import train
from training.checkpoints.checkpoint import load_checkpoint
from training.making.retrain_folder import RetrainSettings, hold_run_folder
from training.run.run_folder import BEFORE_FIRST_CHECKPOINT, RunFolder, read_code_state, read_log


def test_new_folder_is_made_and_held(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "a" / "run", resume=False) as folder:
        assert (folder.state, folder.begun_recipe, folder.lines) == (None, None, [])
        with pytest.raises(TrainingError, match="Another process is training"):
            RunFolder(tmp_path / "a" / "run", resume=False)
        with pytest.raises(TrainingError, match="Wait for it, or choose another --runs"):
            RunFolder(tmp_path / "a" / "run", resume=True, option="--runs")
    with RunFolder(tmp_path / "a" / "run", resume=False):
        pass


def test_folder_may_have_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xfcn"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this system takes UTF-8 names alone")
    with RunFolder(folder, resume=False) as kept:
        kept.add_line({"epoch": 1, "step": 3, "loss": 0.5})
    assert [path.name for path in folder.iterdir() if path.name[0] != "."] == ["log.jsonl"]


def test_folder_with_something_in_it_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="is not empty"):
        RunFolder(tmp_path, resume=False)
    with pytest.raises(TrainingError, match="holds no checkpoint"):
        RunFolder(tmp_path, resume=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_file_in_the_folders_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="Choose another -o"):
        RunFolder(tmp_path / "file", resume=False)


def test_lines_after_the_last_checkpoint_are_dropped(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps({"step": step}) + "\n" for step in (10, 20, 30)))
    assert [line["step"] for line in read_log(log, 20)] == [10, 20]
    assert read_log(tmp_path / "none", 20) == []
    log.write_text('{"step": 1}\n{"ste')
    with pytest.raises(TrainingError, match="is damaged"):
        read_log(log, 20)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--init", "none.pt"], "none.pt"),
        (["--teacher", "none.pt"], "none.pt"),
        (["--resume"], "no checkpoint to go on from"),
    ],
)
def test_a_refused_run_leaves_no_folder(
    shapes_npz: Path, tmp_path: Path, words: list[str], reason: str
) -> None:
    with pytest.raises(TrainingError, match=reason):
        train.main([str(shapes_npz), "-o", str(tmp_path / "new" / "run"), *MACHINE, *words])
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    with pytest.raises(TrainingError, match=reason):
        train.main([str(shapes_npz), "-o", str(tmp_path / "mine"), *MACHINE, *words])
    assert (tmp_path / "mine").is_dir()  # it was the user's own


def test_a_folder_that_cannot_be_looked_at_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="could not be used: File name too long"):
        RunFolder(tmp_path / ("r" * 300), resume=False)


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_on_a_read_only_disk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(FileLock, "acquire", refuse)
    (tmp_path / "there").mkdir()
    for folder in (tmp_path / "there", tmp_path / "new" / "run"):
        with pytest.raises(TrainingError) as caught:
            RunFolder(folder, resume=resume)
        said = f"{folder} could not be used: Read-only file system. Choose another -o."
        assert str(caught.value) == said
    assert [path.name for path in tmp_path.iterdir()] == ["there"]  # what was made is gone again
    settings = RetrainSettings("d", "none", None, "mine", 0.2, 0, "person", *[None] * 4)
    with (
        pytest.raises(TrainingError, match=r"Read-only file system\. Choose another --run\.$"),
        hold_run_folder(tmp_path / "there", settings, resume=False, overwrite=False),
    ):
        raise AssertionError


def test_run_says_how_it_came_about(trained: Path) -> None:
    facts = json.loads((trained / "run.json").read_text())
    assert facts["config"]["model"]["width"] == 8
    assert facts["data"]["dataset"] == "shapes"
    assert facts["versions"]["torch"] == torch.__version__
    assert facts["begun"][0].startswith("20")
    assert set(facts["code"]) == {"commit", "changed"}
    assert set(read_code_state()) == {"commit", "changed"}


def test_tensorboard_can_read_the_curves(trained: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained / "tensorboard"))
    events.Reload()
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    curve = events.Scalars("valid_accuracy")
    assert [point.step for point in curve] == [line["step"] for line in lines]
    assert curve[-1].value == pytest.approx(lines[-1]["valid_accuracy"], abs=1e-6)


def begin(data: Path, folder: Path) -> "subprocess.Popen[str]":
    """A run with a checkpoint after every step, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "training.train", str(data), "-o", str(folder), *MACHINE, *RECIPE]
        + ["--checkpoint-minutes", "0"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def kill_when(run: "subprocess.Popen[str]", there: Path, after_s: float = 0.0) -> None:
    deadline = time.monotonic() + 60
    while not there.exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(after_s)
    run.send_signal(signal.SIGKILL)
    run.wait(30)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_killed_run_goes_on_exactly(shapes_npz: Path, trained: Path, tmp_path: Path) -> None:
    """Killed in the middle, where files are being written all the time: weights, centres, momentum
    and log are those of the run that was not killed."""
    folder = tmp_path / "run"
    kill_when(begin(shapes_npz, folder), folder / "log.jsonl", after_s=0.05)
    step = load_checkpoint(folder / "last.pt")["step"]
    assert 0 < step < 72
    assert train.main([str(shapes_npz), "-o", str(folder), "--resume", *MACHINE]) == 0
    whole, resumed = load_checkpoint(trained / "last.pt"), load_checkpoint(folder / "last.pt")
    for part in ("net", "averaged", "centres"):
        for name, value in whole[part].items():
            assert torch.equal(value, resumed[part][name]), (part, name)
    assert whole["step"] == resumed["step"]
    momenta = [state["optimizer"]["state"] for state in (whole, resumed)]
    for index, state in momenta[0].items():
        assert torch.equal(state["momentum_buffer"], momenta[1][index]["momentum_buffer"])
    assert (folder / "log.jsonl").read_text() == (trained / "log.jsonl").read_text()
    assert len(json.loads((folder / "run.json").read_text())["begun"]) == 2


def test_run_killed_before_its_first_checkpoint_keeps_its_recipe(
    shapes_npz: Path, trained: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    train_shapes(shapes_npz, folder, "--epochs", "1")
    for path in folder.iterdir():
        if path.name not in BEFORE_FIRST_CHECKPOINT:
            path.unlink()
    assert train.main([str(shapes_npz), "-o", str(folder), "--resume", *MACHINE]) == 0
    assert load_checkpoint(folder / "last.pt")["config"]["train"]["epochs"] == 1
