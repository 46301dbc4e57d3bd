"""Holds the folder of a run: one process at a time, and a record of how the result came about.

The folder holds `last.pt` and `best.pt` (training.checkpoints.checkpoint), `log.jsonl` (a line an
epoch), `run.json` (recipe, versions, data, state of the code), `teachers.pt` where there are
teachers whose view is cached, and `tensorboard/` where TensorBoard is installed.
"""

import contextlib
import datetime
import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import PIL
import torch
from filelock import FileLock, Timeout

from app.errors import TrainingError
from app.wording import escape_surrogates
from training.base.files import write_text_file
from training.checkpoints.checkpoint import load_checkpoint
from training.checkpoints.origins import WeightOrigin, read_origins, write_origins
from training.config.run_config import RunConfig
from training.datasets.pack import Pack

LAST = "last.pt"  # the newest checkpoint
LOG = "log.jsonl"
FACTS = "run.json"
LOCK = ".lock"
EVENTS = "tensorboard"
TAUGHT = "teachers.pt"  # the teachers' probabilities of each face (training.run.teaching)
BEGIN = "begin.pt"  # a network that was widened to begin with (training.make)
# Files that a run may leave when it is killed before it has written its facts, or its first
# checkpoint.
BEFORE_FACTS = {LOCK, *(f"{dot}" for name in (TAUGHT, BEGIN) for dot in (name, f".{name}.partial"))}
BEFORE_FIRST_CHECKPOINT = BEFORE_FACTS | {FACTS, EVENTS, f".{LAST}.partial", f".{FACTS}.partial"}


class RunFolder:
    """Holds the folder of a run against other processes; makes the folder where it is missing. A
    context manager.

    A folder that holds anything else is written into only with `resume`. `lines` are the log's
    lines so far, `state` the checkpoint to go on from (None for a new run), `begun_recipe` the
    recipe of a run that was stopped before its first checkpoint, and `begun_with` the weights that
    it began with (None where they are not known). `option` is the one of the command that names
    the folder, for errors. Raises `TrainingError`.
    """

    def __init__(self, folder: Path, *, resume: bool, option: str = "-o") -> None:
        self.folder = folder
        self.lines: list[dict[str, Any]] = []
        self.state: dict[str, Any] | None = None
        self.begun_recipe: RunConfig | None = None
        self.begun_with: tuple[WeightOrigin, ...] | None = None
        self._events: Any = None
        self._made: list[Path] = []
        try:
            self._made = [path for path in (folder, *folder.parents) if not path.exists()]
            there = {path.name for path in folder.iterdir()} if folder.exists() else set()
            folder.mkdir(parents=True, exist_ok=True)
        except NotADirectoryError as cause:
            raise TrainingError(f"{folder} is not a folder. Choose another {option}.") from cause
        except OSError as cause:
            raise make_unusable_error(folder, cause, option) from cause
        if not resume and not there <= BEFORE_FACTS:
            raise TrainingError(
                f"{folder} is not empty. Choose another {option}, or go on with that run by "
                "--resume."
            )
        try:
            self._lock = lock_folder(folder, option)
        except TrainingError:
            self._remove_made()
            raise
        try:
            if resume:
                self._resume(there)
        except BaseException:
            self.close()
            raise

    def _resume(self, there: set[str]) -> None:
        if LAST in there:
            self.state = load_checkpoint(self.folder / LAST)
            self.lines = read_log(self.folder / LOG, self.state["step"])
            return
        if FACTS not in there or not there <= BEFORE_FIRST_CHECKPOINT:
            raise TrainingError(
                f"{self.folder} holds no checkpoint to go on from. Begin that run without --resume."
            )
        try:
            facts = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
            self.begun_recipe = RunConfig.from_dict(facts["config"])
            if "began_with" in facts:
                self.begun_with = read_origins({"origins": facts["began_with"]})
        except (OSError, ValueError, KeyError, TypeError) as cause:
            raise TrainingError(
                f"{self.folder / FACTS} is damaged. Begin the run again in another folder."
            ) from cause

    def read_teachers(self) -> tuple[Path, ...]:
        """Reads where the files of the run's teachers were when the run was begun or last resumed;
        empty where `run.json` does not name them."""
        try:
            facts = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
            return tuple(Path(name) for name in facts.get("teachers", ()))
        except (OSError, ValueError, AttributeError, TypeError):
            return ()

    def read_init(self) -> Path | None:
        """Reads where the file of weights was that the run began with; None where it began with
        none, or `run.json` does not name it."""
        try:
            facts = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
            return None if facts.get("init") is None else Path(facts["init"])
        except (OSError, ValueError, AttributeError, TypeError):
            return None

    def write_facts(
        self,
        config: RunConfig,
        pack: Pack,
        machine: str,
        teachers: Sequence[Path] = (),
        *,
        init: Path | None = None,
        origins: Sequence[WeightOrigin] = (),
    ) -> None:
        """Writes `run.json`: the recipe, the data, the teachers, and the file `init` of weights to
        begin with, whose `origins` it names. A resumed run adds the time at which it went on."""
        path = self.folder / FACTS
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        begun: list[str] = []
        if self.state is not None and path.exists():
            try:
                begun = list(json.loads(path.read_text(encoding="utf-8"))["begun"])
            except (OSError, ValueError, KeyError, TypeError):
                begun = []
        facts = {
            "command": sys.argv,
            "begun": [*begun, now],
            "config": asdict(config),
            "teachers": [str(path.resolve()) for path in teachers],
            "init": None if init is None else str(init.resolve()),
            "began_with": write_origins(origins),
            "data": {
                "dataset": pack.meta.dataset,
                "key": pack.meta.key,
                "labels": pack.meta.labels,
                "made_from": pack.meta.made_from,
            },
            "machine": machine,
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
                "pillow": PIL.__version__,
            },
            "code": read_code_state(),
        }
        write_text_file(path, json.dumps(facts, indent=1) + "\n")

    def add_line(self, line: dict[str, Any]) -> None:
        """Adds an epoch's line to the log and to TensorBoard's events."""
        self.lines.append(line)
        text = "".join(json.dumps(each) + "\n" for each in self.lines)
        write_text_file(self.folder / LOG, text)
        for name, value in line.items():
            if name not in ("epoch", "step"):
                self._write_scalar(name, value, line["step"])

    def _write_scalar(self, name: str, value: float, step: int) -> None:
        events = str(self.folder / EVENTS)
        if events != escape_surrogates(events):  # TensorBoard takes names in UTF-8 alone
            self._events = False
        if self._events is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                self._events = False
            else:
                self._events = SummaryWriter(events, purge_step=step)
        if self._events:
            self._events.add_scalar(name, value, step)
            self._events.flush()

    def close(self) -> None:
        """Closes TensorBoard's events and lets other processes use the folder. Removes the folder
        and the parents that it made, if nothing was written into the folder."""
        if self._events:
            self._events.close()
        with contextlib.suppress(OSError):  # Windows removes no file that is open
            if self._made and [path.name for path in self.folder.iterdir()] == [LOCK]:
                (self.folder / LOCK).unlink()
                self._remove_made()
        self._lock.release()

    def _remove_made(self) -> None:
        """Removes the folder and the parents that were made for the run, where they are empty."""
        with contextlib.suppress(OSError):
            for folder in self._made:
                folder.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def lock_folder(folder: Path, option: str, deed: str = "training") -> FileLock:
    """Keeps other processes out of a folder until the lock is released.

    Args:
        folder: The folder, which exists.
        option: The option of the command that names the folder, for errors.
        deed: What the commands do that use such a folder, for errors.

    Raises:
        TrainingError: Another process has the folder, or nothing can be written there.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as cause:
        raise TrainingError(
            f"Another process is {deed} in {folder}. Wait for it, or choose another {option}."
        ) from cause
    except OSError as cause:
        raise make_unusable_error(folder, cause, option) from cause
    return lock


def make_unusable_error(folder: Path, cause: OSError, option: str) -> TrainingError:
    """Makes the error for a folder of a run in which the system refused something."""
    return TrainingError(
        f"{folder} could not be used: {cause.strerror or cause}. Choose another {option}."
    )


def read_log(path: Path, last_step: int) -> list[dict[str, Any]]:
    """Reads the lines of a log up to a step; the steps after the last checkpoint are made again.
    Raises `TrainingError` for a damaged log."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["step"] <= last_step]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise TrainingError(f"{path} is damaged. Move it away, then resume.") from cause


def read_code_state() -> dict[str, Any]:
    """Reads the commit of this code and whether tracked files were changed since; both are None
    outside git."""

    def run_git(arguments: Iterable[str]) -> str | None:
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=Path(__file__).resolve().parents[1],
                capture_output=True,
                text=True,
                timeout=10,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    status = run_git(["status", "--porcelain", "--untracked-files=no", "--", "."])
    return {
        "commit": run_git(["rev-parse", "HEAD"]),
        "changed": None if status is None else bool(status),
    }
