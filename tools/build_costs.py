"""Measures what the processes of two builds cost, in turn."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
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
    """The cost of one process and of all that it waited for. `figures` are further values that the
    process itself has told, by name."""

    wall_s: float
    processor_s: float
    peak_mb: float
    figures: Mapping[str, float] = field(default_factory=dict)


def make_environment(checkout: Path) -> dict[str, str]:
    """Makes the environment in which Python takes `app` from a checkout."""
    return os.environ | {"PYTHONPATH": str(checkout)}


def measure_process(words: Sequence[str], checkout: Path) -> Cost:
    """Runs Python with `words` in a checkout and waits for its end.

    A last line of its output that is a JSON object of numbers becomes the `figures`.

    Raises:
        DataError: It fails.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as printed:
        began_s = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=checkout,
            env=make_environment(checkout),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall_s = time.perf_counter() - began_s
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        printed.seek(0)
        if process.returncode != 0:
            last = " ".join(said.read().decode(errors="replace").strip().splitlines()[-1:])
            raise DataError(
                f"{' '.join(words)} failed in {checkout} with exit code {process.returncode}: "
                f"{last[-MAX_ERROR_LETTERS:]}"
            )
        figures = read_figures(printed.read().decode(errors="replace"))
    peak_mb = usage.ru_maxrss / KIB_PER_MB
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, peak_mb, figures)


def read_figures(printed: str) -> dict[str, float]:
    """Reads the JSON object in the last line of what a command printed; an empty one where there is
    none.

    >>> read_figures('two lines\\n{"frames": 3, "latency_ms": [1.5]}')
    {'frames': 3.0}
    """
    last = printed.strip().rpartition("\n")[2]
    try:
        found = json.loads(last)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: float(v) for name, v in found.items() if isinstance(v, int | float)}


def measure_in_turn(
    measure: Sequence[Callable[[Path], Cost]], runs: int, place: Path
) -> list[tuple[Cost, ...]]:
    """Calls the functions of `measure`, `runs` times each, each with a new folder for outputs. In
    every other round they take turns in the opposite order, so that a busy moment meets all."""
    measured = []
    for turn in range(runs):
        costs: dict[int, Cost] = {}
        order = range(len(measure))
        for number in order if turn % 2 == 0 else reversed(order):
            out = Path(tempfile.mkdtemp(dir=place))
            try:
                costs[number] = measure[number](out)
            finally:
                shutil.rmtree(out)
        measured.append(tuple(costs[number] for number in order))
    return measured
