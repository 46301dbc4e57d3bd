"""Holds the folder of a retraining: its settings, and one process in it at a time."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.errors import RecogniserError, TrainingError
from app.recognition.classifier import Classifier
from training.base.files import write_text_file
from training.datasets.pack_reader import read_meta
from training.run.run_folder import LOCK, lock_folder, make_unusable_error

# Files of the run's folder.
SETTINGS = "retrain.json"
TABLE = "pictures.csv"  # what became of each picture
PACK = "data.npz"  # the prepared pictures
REPORT = "report.html"
TRAINING = "training"  # the folder of checkpoints and log

RUN_OPTION = "--run"  # names the folder on the command line


@dataclass(frozen=True, slots=True)
class RetrainSettings:
    """The settings that decide the result of a retraining; they are saved in the run's folder."""

    data: str
    weights: str  # a path, or "none"
    weights_sha256: str | None
    dataset: str
    valid_share: float
    seed: int
    group_by: str
    epochs: int | None
    learning_rate: float | None
    batch_size: int | None
    patience: int | None

    def list_differences(self, saved: dict[str, Any]) -> list[str]:
        """Describes in words each setting that differs from the saved ones."""
        return [
            f"{name}: {saved.get(name)} then, {value} now"
            for name, value in asdict(self).items()
            if saved.get(name) != value
        ]


@contextmanager
def hold_run_folder(
    folder: Path, settings: RetrainSettings, *, resume: bool, overwrite: bool
) -> Iterator[None]:
    """Makes the run's folder, or checks that an existing folder is of the same run, and keeps other
    processes out of the folder. A context manager. Raises `TrainingError`."""
    if resume:
        _check_same_run(folder, settings)
    else:
        _make_folder(folder, overwrite=overwrite)
    lock = lock_folder(folder, RUN_OPTION, "at work")
    try:
        if not resume:
            _clear_folder(folder)
            write_text_file(folder / SETTINGS, json.dumps(asdict(settings), indent=1) + "\n")
        yield
    finally:
        lock.release()


def _check_same_run(folder: Path, settings: RetrainSettings) -> None:
    try:
        saved = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        others = settings.list_differences(saved)
    except (OSError, ValueError, AttributeError) as cause:
        raise TrainingError(f"{folder} holds no run to go on from. Leave --resume out.") from cause
    if others:
        raise TrainingError(
            f"The run in {folder} was begun otherwise ({'; '.join(others)}). Resume it with the "
            "same options, or begin anew with --overwrite."
        )


def _make_folder(folder: Path, *, overwrite: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in folder.iterdir()}
    except OSError as cause:
        raise make_unusable_error(folder, cause, RUN_OPTION) from cause
    # A run that was stopped before its training began, as by a wrong path, has nothing to lose.
    if {SETTINGS, TRAINING} <= there and not overwrite:
        raise TrainingError(
            f"{folder} holds a run. Go on with it by --resume, begin it anew by --overwrite, or "
            "choose another --run."
        )
    # A folder without settings is never emptied, because it may hold anything.
    if SETTINGS not in there and not there <= {LOCK}:
        raise TrainingError(f"{folder} is not empty and holds no run. Choose another --run.")


def _clear_folder(folder: Path) -> None:
    try:
        for name in (PACK, TABLE, REPORT):
            (folder / name).unlink(missing_ok=True)
        if (folder / TRAINING).exists():
            shutil.rmtree(folder / TRAINING)
    except OSError as cause:
        raise make_unusable_error(folder, cause, RUN_OPTION) from cause


def is_made_here(model: Path, folder: Path) -> bool:
    """Tells whether a model was made from the pictures of the run in `folder`. A run that is
    stopped after its export leaves such a model."""
    try:
        key = Classifier(model, device="cpu").contract.training_data.key
        return key == read_meta(folder / PACK).key
    except RecogniserError:
        return False
