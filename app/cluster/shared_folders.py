"""Finds out whether workers on other machines see the folders that results go into.

The process that hands out the work leaves a file with a random name in each folder, and every
worker looks for it. Only a folder that both see has it. A process that is killed leaves its files;
the next run on the same machine removes them.
"""

import hashlib
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.errors import SinkError
from app.files.atomic import make_write_error
from app.runs.plan import RunPlan

MAX_MARKED = 20  # folders; the rest of a thousand is hardly elsewhere
TRIES = 10  # a disk in the network may show a new file late
TRY_S = 0.5  # between two tries


@dataclass(frozen=True, slots=True)
class FolderMarks:
    """The files by which workers know folders again."""

    paths: tuple[Path, ...]

    def find_unseen(self, *, tries: int = TRIES, try_s: float = TRY_S) -> Path | None:
        """Finds, on this machine, a folder without its mark; None if all are seen."""
        for number in range(tries):
            unseen = [path.parent for path in self.paths if not path.exists()]
            if not unseen:
                return None
            if number < tries - 1:
                time.sleep(try_s)
        return unseen[0]


def list_result_folders(plans: Iterable[RunPlan]) -> list[Path]:
    """Lists the folders that the results of the plans go into, each once."""
    return list(dict.fromkeys(path.parent for plan in plans for path in plan.outputs.all))


def name_process_space() -> str:
    """Names, in 8 letters, the machine or the container in which the number of a process means that
    process."""
    try:
        space = str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:  # not on Linux
        space = ""
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


def remove_left_marks(folders: Sequence[Path]) -> None:
    """Removes the marks of processes of this machine that were killed. Those of other machines
    stay, because nobody here knows whether their process lives."""
    if sys.platform == "win32":  # a look at a process would end it there
        return
    form = re.compile(rf"\.seen-{name_process_space()}-(?P<process>[0-9]{{1,9}})-[0-9a-f]{{16}}")
    for folder in folders[:MAX_MARKED]:
        with suppress(OSError):  # a folder that is not there yet
            for path in folder.iterdir():
                found = form.fullmatch(path.name)
                if found is not None and not _is_alive(int(found["process"])):
                    path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


@contextmanager
def mark_folders(folders: Sequence[Path]) -> Iterator[FolderMarks]:
    """Leaves a mark in each of the first folders, for as long as the block lasts. Raises
    `SinkError`."""
    name = f".seen-{name_process_space()}-{os.getpid()}-{secrets.token_hex(8)}"
    marks = tuple(folder / name for folder in folders[:MAX_MARKED])
    try:
        for mark in marks:
            try:
                os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            except OSError as error:
                raise make_write_error(mark, error) from error
        yield FolderMarks(marks)
    finally:
        for mark in marks:
            with suppress(OSError):
                mark.unlink(missing_ok=True)


def make_unseen_error(folder: Path, node: str) -> SinkError:
    """Makes the error for a folder that a machine does not see."""
    return SinkError(
        f"The machine {node} does not see the folder {folder}. Name a folder on a disk that all "
        "machines of the cluster have under the same name."
    )
