"""Feeds damaged videos and pictures to the program's sources and counts how that ends.

python -m tests.support.fuzz --cases 5000

Every case has to end in frames, in frames with a warning, or in one of the program's own errors.
Cases are read in another process with limited memory and time, so that a crash in native code, a
hang and a memory blow-up are outcomes like any other. Exit code 1 when there was one.
"""

import argparse
import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.defaults import ROOT
from tests.support.fuzz_cases import make_case, whole_files

ADDRESS_SPACE_BYTES = 4 << 30
RESIDENT_MB = 1500  # an 8K video's reference frames and a picture of 100 million pixels need half
GOOD = ("read whole", "recovered", "refused")
BAD = ("other error", "crash", "hang", "memory")


@dataclass(frozen=True, slots=True)
class Ending:
    number: int
    outcome: str
    damage: str
    detail: str


def read(path: Path, *, as_video: bool) -> tuple[str, str]:
    """(outcome, detail) of reading every frame of `path`."""
    from app.errors import RecogniserError
    from app.sources.images import ImageSource
    from app.sources.video import VideoSource

    frames = 0
    try:
        with VideoSource(path) if as_video else ImageSource([path]) as source:
            for frame in source:
                assert frame.image.ndim == 3
                assert frame.image.dtype.name == "uint8"
                frames += 1
    except RecogniserError as error:
        said = str(error)
        if "\n" in said or path.name not in said:
            return "other error", f"unclear: {said!r}"
        return ("recovered", said) if frames else ("refused", said)
    except MemoryError as error:
        return "memory", repr(error)
    except Exception as error:  # whatever comes through is what is looked for
        return "other error", repr(error)
    return ("recovered", source.warning) if source.warning else ("read whole", "")


def work(seed: int, folder: Path) -> None:
    """The worker: numbers come by stdin, a line for each goes to stdout."""
    from app.process.native_stderr import redirect_native_stderr

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    whole = {path.suffix: path.read_bytes() for path in sorted(folder.glob("whole.*"))}
    with redirect_native_stderr():
        for line in sys.stdin:
            number = int(line)
            damage, as_video, suffix, content = make_case(whole, seed, number)
            path = folder / f"case{suffix}"
            path.write_bytes(content)
            with contextlib.suppress(OSError):
                Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
            outcome, detail = read(path, as_video=as_video)
            if peak_mb() > RESIDENT_MB:
                outcome, detail = "memory", f"{peak_mb()} MB"
            print(f"{number}\t{outcome}\t{damage}{suffix}\t{detail!r}", flush=True)


def peak_mb() -> int:
    with contextlib.suppress(OSError), open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class Worker:
    """Started anew when a case has brought it down."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._line = [sys.executable, "-m", "tests.support.fuzz", "--worker", str(folder)]
        self._line += ["--seed", str(seed)]
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, number: int, timeout_s: float) -> Ending:
        if self._process is None:
            self._process = subprocess.Popen(
                self._line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, bufsize=0
            )
            timeout_s += 30  # its start
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        answer = b""
        deadline = time.monotonic() + timeout_s
        try:
            process.stdin.write(b"%d\n" % number)
            while not answer.endswith(b"\n"):
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not select.select([process.stdout], [], [], left_s)[0]:
                    self.stop()
                    return Ending(number, "hang", "?", f"longer than {timeout_s:g} s")
                part = os.read(process.stdout.fileno(), 65_536)
                if not part:
                    raise BrokenPipeError
                answer += part
        except BrokenPipeError:
            code = process.wait()
            self.stop()
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return Ending(number, "crash", "?", name)
        _, outcome, damage, detail = answer.decode().rstrip("\n").split("\t", 3)
        return Ending(number, outcome, damage, detail)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None


def run(
    cases: Sequence[int], seed: int, timeout_s: float, keep: Path | None = None
) -> Iterator[Ending]:
    """Every case's ending, in order. Files of those that ended badly are kept in `keep`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = whole_files(folder)
        for suffix, content in whole.items():
            (folder / f"whole{suffix}").write_bytes(content)
        worker = Worker(seed, folder)
        try:
            for number in cases:
                ending = worker.ask(number, timeout_s)
                if ending.damage == "?":
                    damage, _, suffix, _ = make_case(whole, seed, number)
                    ending = Ending(number, ending.outcome, damage + suffix, ending.detail)
                if keep is not None and ending.outcome in BAD:
                    keep.mkdir(parents=True, exist_ok=True)
                    _, _, suffix, content = make_case(whole, seed, number)
                    (keep / f"{number}{suffix}").write_bytes(content)
                yield ending
        finally:
            worker.stop()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000, metavar="N", help="how many (5000)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all random choices")
    parser.add_argument(
        "--timeout", type=float, default=20, metavar="S", help="seconds a case may take (20)"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep files that ended badly here")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.worker is not None:
        work(options.seed, options.worker)
        return 0
    began_s = time.monotonic()
    counts: Counter[str] = Counter()
    numbers = range(options.first, options.first + options.cases)
    for ending in run(numbers, options.seed, options.timeout, options.keep):
        counts[ending.outcome] += 1
        if ending.outcome in BAD:
            print(
                f"{ending.number}: {ending.outcome}, {ending.damage}: {ending.detail}", flush=True
            )
    for outcome in (*GOOD, *BAD):
        print(f"{outcome:<12} {counts[outcome]:>6}")
    print(f"{counts.total()} cases in {time.monotonic() - began_s:.0f} s")
    return 1 if any(counts[outcome] for outcome in BAD) else 0


if __name__ == "__main__":
    raise SystemExit(main())
