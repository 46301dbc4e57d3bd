"""Times the start of the program, in a process of its own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.defaults import ROOT
from app.errors import DeviceError

START_TIMEOUT_S = 120.0  # for a slow disk


class StoppedError(Exception):
    """The user stopped the benchmark."""


def measure_start_s(clip: Path, model: Path, device: str, stop: Callable[[], bool]) -> float:
    """Measures the seconds from the start of a new process to its first drawn canvas.

    Args:
        clip: The video whose first frame is drawn.
        model: The classifier's file.
        device: "auto", "cpu" or "cuda".
        stop: True ends the benchmark.

    Raises:
        DeviceError: The process drew nothing.
        StoppedError: `stop` ended the benchmark.
    """
    command = [sys.executable, "-m", "app.diagnostics.first_frame", str(clip), str(model), device]
    answer = None
    began_s = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        timer = threading.Timer(START_TIMEOUT_S, process.kill)
        timer.start()
        try:
            answer = process.stdout.readline().strip()
            took_s = time.perf_counter() - began_s
        finally:
            timer.cancel()
            process.terminate()
    if stop():
        raise StoppedError
    if answer != "drawn":
        raise DeviceError(answer or f"{os.path.basename(sys.executable)} drew no first frame.")
    return took_s
