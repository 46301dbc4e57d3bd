"""A run's folder: one process in it at a time, and a record of how its result came about.

`last.pt` and `best.pt` (training.checkpoints.checkpoint), `log.jsonl` (a line an epoch),
`run.json` (recipe, versions, data, state of the code), `teachers.pt` where there are teachers whose
view is cached, `tensorboard/` where TensorBoard is installed.
"""

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
from training.config.run_config import RunConfig
from training.datasets.pack import Pack

LAST, LOG, FACTS, LOCK, EVENTS = "last.pt", "log.jsonl", "run.json", ".lock", "tensorboard"
TAUGHT = "teachers.pt"  # what teachers said of each face (training.run.teachers)
BEGIN = "begin.pt"  # a network that was widened to begin with (training.make)
# What a run may leave that was killed before it had written its facts, or its first checkpoint.
BEFORE_FACTS = {LOCK, *(f"{dot}" for name in (TAUGHT, BEGIN) for dot in (name, f".{name}.partial"))}
BEFORE_FIRST_CHECKPOINT = BEFORE_FACTS | {FACTS, EVENTS, f".{LAST}.partial", f".{FACTS}.partial"}


class RunFolder:
    """Holds the folder of a run, made if missing, against other processes. A context manager.

    A folder with something in it is not written into unless `resume`. `state` is the checkpoint to
    go on from, None for a new run; `begun` the recipe of a run that was stopped before it had one.
    Raises `TrainingError`.
    """

    def __init__(self, folder: Path, *, resume: bool) -> None:
        self.folder = folder
        self.lines: list[dict[str, Any]] = []
        self.state: dict[str, Any] | None = None
        self.begun: RunConfig | None = None
        self._events: Any = None
        try:
            there = {path.name for path in folder.iterdir()} if folder.exists() else set()
            folder.mkdir(parents=True, exist_ok=True)
        except NotADirectoryError as cause:
            raise TrainingError(f"{folder} is not a folder. Choose another -o.") from cause
        except OSError as cause:
            raise TrainingError(
                f"{folder} could not be used: {cause.strerror}. Choose another -o."
            ) from cause
        if not resume and not there <= BEFORE_FACTS:
            raise TrainingError(
                f"{folder} is not empty. Choose another -o, or go on with that run by --resume."
            )
        self._lock = FileLock(folder / LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as cause:
            raise TrainingError(
                f"Another process is training in {folder}. Wait for it, or choose another -o."
            ) from cause
        try:
            if resume:
                self._resume(there)
        except BaseException:
            self._lock.release()
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
            self.begun = RunConfig.from_dict(facts["config"])
        except (OSError, ValueError, KeyError, TypeError) as cause:
            raise TrainingError(
                f"{self.folder / FACTS} is damaged. Begin the run again in another folder."
            ) from cause

    def teachers(self) -> tuple[Path, ...]:
        """Where the files of the run's teachers were when it was begun or last resumed."""
        try:
            facts = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
            return tuple(Path(name) for name in facts.get("teachers", ()))
        except (OSError, ValueError, AttributeError, TypeError):
            return ()

    def write_facts(
        self, config: RunConfig, pack: Pack, machine: str, teachers: Sequence[Path] = ()
    ) -> None:
        """`run.json`; a resumed run adds the time at which it went on."""
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
            "code": code_state(),
        }
        write_text_file(path, json.dumps(facts, indent=1) + "\n")

    def add(self, line: dict[str, Any]) -> None:
        """An epoch's line, into the log and into TensorBoard's events."""
        self.lines.append(line)
        text = "".join(json.dumps(each) + "\n" for each in self.lines)
        write_text_file(self.folder / LOG, text)
        for name, value in line.items():
            if name not in ("epoch", "step"):
                self._scalar(name, value, line["step"])

    def _scalar(self, name: str, value: float, step: int) -> None:
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
        if self._events:
            self._events.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_log(path: Path, last_step: int) -> list[dict[str, Any]]:
    """The lines of a log up to a step: what came after the last checkpoint is done again."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["step"] <= last_step]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise TrainingError(f"{path} is damaged. Move it away, then resume.") from cause


def code_state() -> dict[str, Any]:
    """The commit that this code is of and whether it was changed since; nulls outside git."""

    def git(arguments: Iterable[str]) -> str | None:
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

    status = git(["status", "--porcelain", "--untracked-files=no", "--", "."])
    return {
        "commit": git(["rev-parse", "HEAD"]),
        "changed": None if status is None else bool(status),
    }
