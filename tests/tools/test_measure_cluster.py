"""The table of two commands is computed from runs, and a tree of processes is watched whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.measure_cluster import ClusterRun, format_table
from tools.process_tree import TreeWatch, list_tree

BURN = """
import time
b = bytearray(60_000_000)
for i in range(0, len(b), 999):
    b[i] = 1
until = time.process_time() + 0.8
while time.process_time() < until:
    pass
"""
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}])"


def made_run(whole_s: float, processor_s: float) -> ClusterRun:
    return ClusterRun(1000, 2.0, whole_s, 1.0, processor_s, 300.0, 310.0)


def test_the_table_has_medians_and_the_ratios_those_of_pairs() -> None:
    table = format_table(
        {
            "jobs": [made_run(8.0, 10.0), made_run(13.0, 10.0), made_run(8.0, 10.0)],
            "cluster": [made_run(10.0, 11.0), made_run(13.0, 11.0), made_run(8.0, 12.0)],
        }
    ).splitlines()
    assert table[2] == (
        "| jobs | 125.0 (76.9 to 125.0) | 200.0 | 10.00 ms | 2.0 s | 1.0 s | 300 MB | 310 MB |"
    )
    assert table[-1] == (
        "ratios: frames/s 1.000, between begin and end 1.000, processor time a frame 1.100"
    )


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads /proc")
def test_children_count() -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT])
    with process, TreeWatch(process.pid, looks_a_memory=1) as watch:
        process.wait()
    assert 0.2 < watch.processor_s < 3
    assert 60 < max(watch.memory_mb) < 300
    assert list_tree(os.getpid())[0] == os.getpid()
