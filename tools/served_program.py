"""Runs `run_demo.py --serve` as its user does, in another process, and looks at it from outside.

Memory and processor time are read from /proc, so only Linux tells them.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.defaults import ROOT
from app.errors import DataError

START_S = 90.0  # in which the page is there on a busy machine
END_S = 60.0  # in which it has ended after Ctrl-C
ANSWER_S = 10.0  # for a question about its health
ADDRESS = re.compile(r"The page is at (http://\S+)")


class ServedProgram:
    """A program that serves its page.

    Attributes:
        address: The address of the page, with a slash at its end.
        pid: The number of the process.
        said: The lines of its standard error output so far.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.pid = process.pid
        self.address = ""
        self.said: list[str] = []
        self._is_there = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line.rstrip())
            found = ADDRESS.search(line)
            if found is not None:
                self.address = found.group(1)
                self._is_there.set()
        self._is_there.set()

    def wait_for_page(self) -> None:
        """Waits until the page is served. Raises `DataError` where it is not."""
        self._is_there.wait(START_S)
        if not self.address:
            raise DataError(f"The page does not come: {' '.join(self.said[-1:])}")

    @property
    def sockets(self) -> str:
        """The address of the sockets, with a slash at its end."""
        return "ws" + self.address.removeprefix("http")

    def count_frames(self) -> int:
        """Counts the frames of the server's source so far."""
        with urllib.request.urlopen(f"{self.address}health", timeout=ANSWER_S) as answer:
            return int(json.load(answer)["frames"] or 0)

    def measure_processor_s(self) -> float:
        """Measures the processor seconds of the program so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def measure_memory_mb(self) -> float:
        """Measures the resident memory of the program, in MB of 2**20 bytes."""
        return int(self._read_status("VmRSS")) / 1024

    def count_threads(self) -> int:
        """Counts the threads of the program."""
        return int(self._read_status("Threads"))

    def _read_status(self, name: str) -> str:
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(line.split()[1] for line in file if line.startswith(f"{name}:"))

    def interrupt(self) -> int:
        """Ends the program as Ctrl-C does, and returns its exit code. A second call does nothing
        more."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(END_S)
        finally:
            self._process.kill()
        self._listener.join(END_S)
        return code


@contextmanager
def serve_program(*options: str, port: int = 0) -> Iterator[ServedProgram]:
    """Serves until the end of the context.

    Args:
        options: Options of `run_demo.py` besides `--serve`.
        port: The port; 0 lets the system choose.

    Raises:
        DataError: The page does not come.
    """
    words: Sequence[str] = [sys.executable, "run_demo.py", "--serve", str(port), *options]
    with subprocess.Popen(
        words,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            program = ServedProgram(process)
            program.wait_for_page()
            yield program
            program.interrupt()
        finally:
            process.kill()
