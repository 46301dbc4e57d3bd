"""Measures what the processes of two builds cost, in turn."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import DataError

KIB_PER_MB = 1000.0 / 1.024  # `ru_maxrss` is in KiB
MAX_ERROR_LETTERS = 300  # of what a failed command said
TIMEOUT_S = 3600.0  # of one command


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one process and of all that it waited for; `figures` are further values."""

    wall_s: float
    processor_s: float
    peak_mb: float
    figures: Mapping[str, float] = field(default_factory=dict)


def make_environment(checkout: Path) -> dict[str, str]:
    """Makes the environment in which Python takes `app` from a checkout."""
    return os.environ | {"PYTHONPATH": str(checkout)}


def measure_process(words: Sequence[str], checkout: Path, timeout_s: float = TIMEOUT_S) -> Cost:
    """Runs Python with `words` in a checkout and waits for its end.

    Raises:
        DataError: It fails, or does not end in time.
    """
    with tempfile.TemporaryFile() as said:
        began_s = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=checkout,
            env=make_environment(checkout),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        killer = threading.Timer(timeout_s, process.kill)
        killer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            killer.cancel()
        wall_s = time.perf_counter() - began_s
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            last = " ".join(said.read().decode(errors="replace").strip().splitlines()[-1:])
            raise DataError(
                f"{' '.join(words)} failed in {checkout} with exit code {process.returncode}: "
                f"{last[-MAX_ERROR_LETTERS:]}"
            )
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KIB_PER_MB)


def measure_in_turn(
    measure: tuple[Callable[[Path], Cost], Callable[[Path], Cost]], runs: int, place: Path
) -> list[tuple[Cost, Cost]]:
    """Measures `runs` pairs (base, head), each run with a new folder for outputs. Every other pair
    begins with the head, so that a busy moment of the machine meets both."""
    measured = []
    for turn in range(runs):
        costs: dict[int, Cost] = {}
        for number in (0, 1) if turn % 2 == 0 else (1, 0):
            out = Path(tempfile.mkdtemp(dir=place))
            try:
                costs[number] = measure[number](out)
            finally:
                shutil.rmtree(out)
        measured.append((costs[0], costs[1]))
    return measured
