"""Watches the memory and the processor time of a process and of all processes below it (Linux)."""

import os
import re
import threading
from itertools import count
from pathlib import Path
from typing import Self

SAMPLE_S = 0.5  # between two looks at processor times
LOOKS_A_MEMORY = 20  # at processor times; a look at memory halts the processes meanwhile


def list_tree(root: int) -> list[int]:
    """Lists a process and all processes below it."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            above = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(above, []).append(int(place.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def measure_memory_mb(pids: list[int]) -> float:
    """Adds up the proportional set sizes of processes, in MB: a page that n processes share counts
    as one n-th in each."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
        total += int(found[1]) if found else 0
    return total * 1.024 / 1000


def measure_processor_s(pid: int) -> float:
    """Gives the processor time of a process in seconds, user and system; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class TreeWatch:
    """Samples a process and all below it, as long as the block lasts.

    `memory_mb` has a value each `looks_a_memory` times `SAMPLE_S`. `processor_s` is the time of all
    of them together; of each process, what it took after its last sample is missing.
    """

    def __init__(self, root: int, *, looks_a_memory: int = LOOKS_A_MEMORY) -> None:
        self._root = root
        self._looks_a_memory = looks_a_memory
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._times_s: dict[int, float] = {}
        self.memory_mb: list[float] = []

    @property
    def processor_s(self) -> float:
        return sum(self._times_s.values())

    def _sample(self) -> None:
        for look in count():
            if self._is_over.wait(SAMPLE_S):
                return
            pids = list_tree(self._root)
            if look % self._looks_a_memory == 0:
                self.memory_mb.append(measure_memory_mb(pids))
            for pid in pids:
                seen_s = self._times_s.get(pid, 0.0)
                self._times_s[pid] = max(seen_s, measure_processor_s(pid))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
