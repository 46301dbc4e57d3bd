"""How long model files take, in turn: a busy moment of the machine hits all of them alike.

A turn is a pause, in which the other models' threads stop looking out for work; runs that are not
timed, which bring a model's weights back into the caches and its own threads awake; and one that is
timed. Who begins changes from round to round. Ratios are taken within a round.
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

THREADS = 2
WARM_UP = 10  # runs of each before the first round
LEAST_ROUNDS = 5
PAUSE_S = 0.005  # ONNX Runtime's threads spin for some milliseconds after a run
UNTIMED_S = 0.004  # the least that runs before the timed one take, and one run at least
CPUINFO = Path("/proc/cpuinfo")
# What a processor calls the instructions that multiply and add 8-bit numbers in one go.
INT8_FLAGS = ("avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm")

Milliseconds = NDArray[np.float64]  # (R,), one value a round


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some measurements and where the middle eight tenths of them lie."""

    median: float
    low: float  # 10th percentile
    high: float  # 90th percentile

    @classmethod
    def of(cls, values: Sequence[float] | NDArray[np.float64]) -> Self:
        """`values`: at least one."""
        low, median, high = np.percentile(np.asarray(values, np.float64), (10, 50, 90))
        return cls(float(median), float(low), float(high))

    def says(self, digits: int = 2) -> str:
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}–{self.high:.{digits}f})"


def face_work(classifier: Classifier, count: int = 1) -> Callable[[], object]:
    """What is timed: `count` uint8 crops to calibrated probabilities, as the app does it."""
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
    """Milliseconds of every work in every round. After `at_most_s` seconds no round begins, once
    there are `LEAST_ROUNDS`."""
    names = list(works)
    times: dict[str, list[float]] = {name: [] for name in names}
    for work in works.values():
        for _ in range(min(WARM_UP, rounds)):
            work()
    began_s = clock()
    for number in range(rounds):
        if number >= LEAST_ROUNDS and clock() - began_s > at_most_s:
            break
        first = number % len(names)
        for name in names[first:] + names[:first]:
            sleep(PAUSE_S)
            turn_s = clock()
            works[name]()
            while clock() - turn_s < UNTIMED_S:
                works[name]()
            start_s = clock()
            works[name]()
            times[name].append(1000 * (clock() - start_s))
    return {name: np.array(values) for name, values in times.items()}


def ratio(own: Milliseconds, other: Milliseconds) -> Spread:
    """`own / other`, round by round."""
    return Spread.of(own / other)


@dataclass(frozen=True, slots=True)
class CpuFacts:
    model: str
    cores: int
    int8: tuple[str, ...]  # of INT8_FLAGS

    @classmethod
    def read(cls, cpuinfo: Path = CPUINFO) -> Self:
        """What Linux says of the processor; elsewhere its name is all there is."""
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


def machine_line(threads: int) -> str:
    """The machine that figures belong to, in one sentence, and how busy it was."""
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


def latency_ms(model: Path, runs: int = 300) -> tuple[float, float]:
    """(median, 95th percentile) of one face through an exported file: uint8 crop to probabilities,
    on the CPU with two threads, after a warm-up."""
    works = {model.name: face_work(Classifier(model, device="cpu", threads=THREADS))}
    times = take_turns(works, runs)[model.name]
    return float(np.median(times)), float(np.percentile(times, 95))
