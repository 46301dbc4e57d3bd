"""Times model files in turn, so that a busy moment of the machine slows all of them alike.

A turn begins with a pause, in which the threads of the other models stop looking for work. Runs
that are not timed then bring the model's weights back into the caches and wake its own threads. The
last run is timed. The model that begins changes from round to round, and ratios are taken within a
round.
"""

import math
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.contract import make_probe_crops
from app.process.telemetry_off import import_onnx_runtime
from app.recognition.classifier import Classifier

THREADS = 2  # of ONNX Runtime on the CPU, while models are timed
WARM_UP_RUNS = 10  # of each work before the first round
MIN_ROUNDS = 5  # however short the time
PAUSE_S = 0.005  # ONNX Runtime's threads spin for some milliseconds after a run
MIN_UNTIMED_S = 0.004  # the runs before the timed one take at least this long
CPUINFO = Path("/proc/cpuinfo")
# Names of the processor instructions that multiply and add 8-bit numbers in one go.
INT8_FLAGS = ("avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm")

Milliseconds = NDArray[np.float64]  # (R,), one value a round


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some measurements, and the limits of their middle eight tenths."""

    median: float
    low: float  # 10th percentile
    high: float  # 90th percentile

    @classmethod
    def from_values(cls, values: Sequence[float] | NDArray[np.float64]) -> Self:
        """Measures the spread of at least one value."""
        low, median, high = np.percentile(np.asarray(values, np.float64), (10, 50, 90))
        return cls(float(median), float(low), float(high))

    def format(self, digits: int = 2) -> str:
        """Formats median and limits.

        >>> Spread.from_values([1.0, 2.0, 3.0]).format()
        '2.00 (1.20–2.80)'
        """
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}–{self.high:.{digits}f})"


def make_face_work(classifier: Classifier, count: int = 1) -> Callable[[], object]:
    """Makes the work that is timed: `count` uint8 crops to calibrated probabilities, as the app
    computes them."""
    crops = make_probe_crops(classifier.contract.size_px, count)
    return lambda: classifier.predict(crops)


def take_turns(
    works: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    at_most_s: float = math.inf,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> dict[str, Milliseconds]:
    """Times all works in turn.

    Args:
        works: The works by name.
        rounds: Turns of each work.
        at_most_s: No new round begins after this many seconds, but at least `MIN_ROUNDS` are taken.
        clock: A clock in seconds.
        sleep: Waits a number of seconds.

    Returns:
        For each work its time in every round, `(R,)` ms.
    """
    names = list(works)
    times: dict[str, list[float]] = {name: [] for name in names}
    for work in works.values():
        for _ in range(min(WARM_UP_RUNS, rounds)):
            work()
    began_s = clock()
    for number in range(rounds):
        if number >= MIN_ROUNDS and clock() - began_s > at_most_s:
            break
        first = number % len(names)
        for name in names[first:] + names[:first]:
            sleep(PAUSE_S)
            turn_s = clock()
            works[name]()
            while clock() - turn_s < MIN_UNTIMED_S:
                works[name]()
            start_s = clock()
            works[name]()
            times[name].append(1000 * (clock() - start_s))
    return {name: np.array(values) for name, values in times.items()}


def compute_ratio(own: Milliseconds, other: Milliseconds) -> Spread:
    """Computes the spread of `own / other`, round by round, of two arrays `(R,)` of times.

    >>> compute_ratio(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    Spread(median=2.0, low=2.0, high=2.0)
    """
    return Spread.from_values(own / other)


@dataclass(frozen=True, slots=True)
class CpuFacts:
    """The processor's name, its cores, and those of `INT8_FLAGS` that it has."""

    model: str
    cores: int
    int8: tuple[str, ...]  # of INT8_FLAGS

    @classmethod
    def read(cls, cpuinfo: Path = CPUINFO) -> Self:
        """Reads what Linux knows of the processor; elsewhere only its name is known."""
        found: dict[str, str] = {}
        try:
            text = cpuinfo.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        for line in text.splitlines():
            name, colon, value = line.partition(":")
            if colon:
                found.setdefault(name.strip().lower(), value.strip())
        flags = found.get("flags", found.get("features", "")).split()
        return cls(
            model=found.get("model name") or platform.processor() or platform.machine(),
            cores=os.cpu_count() or 1,
            int8=tuple(flag for flag in INT8_FLAGS if flag in flags),
        )


def describe_timing_machine(threads: int) -> str:
    """Describes in a sentence the machine that figures belong to, and how busy it is."""
    onnxruntime = import_onnx_runtime()
    cpu = CpuFacts.read()
    dot = ", ".join(cpu.int8) or "none known"
    line = (
        f"{cpu.model}, {cpu.cores} cores, int8 instructions: {dot}; ONNX Runtime "
        f"{onnxruntime.__version__}, CPU, {threads} threads"
    )
    if hasattr(os, "getloadavg"):
        line += f"; load average {os.getloadavg()[0]:.1f} at the end"
    return line + "."


def measure_latency_ms(model: Path, runs: int = 300) -> tuple[float, float]:
    """Times one face through an exported file, uint8 crop to probabilities, on the CPU with
    `THREADS` threads. Returns (median, 95th percentile) in ms."""
    works = {model.name: make_face_work(Classifier(model, device="cpu", threads=THREADS))}
    times = take_turns(works, runs)[model.name]
    return float(np.median(times)), float(np.percentile(times, 95))
