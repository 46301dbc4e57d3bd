"""Annotates videos, one or a thousand: says how it goes, what failed, and what it came to."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from app.batch.annotate import FileOutcome
from app.batch.counts import counts_line, seen_line, whole_frames
from app.batch.job import Job, check
from app.batch.progress import Bars
from app.batch.workers import Recognition, run_apart, run_here
from app.errors import SinkError
from app.files.atomic import make_write_error
from app.process.console import CUT_SHORT, DONE, FAILED, INTERRUPTED
from app.sources.video_container import open_video
from app.wording import escape_controls, format_count

GO_ON = "The same command with --resume goes on."


def annotate_all(
    jobs: Sequence[Job], recognition: Recognition, *, workers: int, stop: Callable[[], bool]
) -> int:
    """The exit code: 1 where a file failed or was cut short, 2 where all failed, 130 after a stop.
    What concerns one file is said in a line and the others go on. Raises `RecogniserError` for what
    concerns all of them, and for outputs that cannot be, before anything is loaded."""
    for job in jobs:
        check(job)
    if len(jobs) == 1:
        _check_input(jobs[0])
    with closing(Bars(jobs)) as bars:
        news = _News(jobs, bars)
        if all(job.finished for job in jobs) and len(jobs) > 1:
            workers = 1  # there is little to do
        if len(jobs) == 1 and workers == 1:
            run_here(jobs, recognition, stop=stop, report=news)
        else:
            # In a process of its own even for one at a time: a crash then is that of one file.
            run_apart(jobs, recognition, workers=workers, stop=stop, report=news)
    return news.end(stopped=stop())


def _check_input(job: Job) -> None:
    """Opens the only video of a run for a moment. Raises `SourceError`."""
    if job.address is None and not job.finished:
        open_video(job.video, str(job.video)).close()


class _News:
    """Says what there is to say of each file when it is over, and counts."""

    def __init__(self, jobs: Sequence[Job], bars: Bars) -> None:
        self._jobs = jobs
        self._bars = bars
        self._several = len(jobs) > 1
        self._began_s = time.monotonic()
        self._ready = False
        self._outcomes: list[FileOutcome] = []
        self._failed = 0

    def ready(self, text: str) -> None:
        if not self._ready:  # every worker says so
            self._ready = True
            _say(text)

    def reached(self, number: int, frames: int) -> None:
        self._bars.reached(number, frames)

    def done(self, number: int, outcome: FileOutcome) -> None:
        self._bars.over(number)
        self._outcomes.append(outcome)
        for line in lines_of(self._jobs[number], outcome, named=self._several):
            _say(line)

    def failed(self, number: int, why: str) -> None:
        self._bars.over(number)
        self._failed += 1
        _say(f"error: {why}")

    def end(self, *, stopped: bool) -> int:
        interrupted = stopped or any(one.interrupted for one in self._outcomes)
        if self._several:
            _say(self._summary())
            if interrupted:
                _say(f"Interrupted. {GO_ON}")
        if interrupted:
            return INTERRUPTED
        if self._failed:
            return FAILED if self._failed == len(self._jobs) else CUT_SHORT
        return CUT_SHORT if any(one.cut_short for one in self._outcomes) else DONE

    def _summary(self) -> str:
        before = sum(one.finished_before for one in self._outcomes)
        stopped = sum(one.interrupted for one in self._outcomes)
        done = len(self._outcomes) - before - stopped
        cut_short = sum(one.cut_short is not None for one in self._outcomes)
        left = len(self._jobs) - len(self._outcomes) - self._failed
        parts = [f"{done} done" + (f" ({cut_short} of them cut short)" if cut_short else "")]
        parts += [
            f"{count} {what}"
            for count, what in (
                (before, "finished before"),
                (self._failed, "failed"),
                (stopped, "interrupted"),
                (left, "not begun"),
            )
            if count
        ]
        seconds = time.monotonic() - self._began_s
        return f"{format_count(len(self._jobs), 'video')}: {', '.join(parts)}, in {seconds:.1f} s."


def lines_of(job: Job, outcome: FileOutcome, *, named: bool) -> list[str]:
    """What is said of a file that did not fail; `named`: it is one of several."""
    name = job.video.name
    if outcome.finished_before:
        return [f"{name}: finished before."]
    line = counts_line(outcome.frames, outcome.faces, outcome.seconds)
    if outcome.from_frame:
        here = f"{outcome.seconds:.1f} s from frame {outcome.from_frame} on"
        line = f"{seen_line(outcome.frames, outcome.faces)}, {here}"
    line += whole_frames(outcome.blurred_whole)
    if outcome.frames and (not outcome.interrupted or job.keep_early):
        line += f" -> {', '.join(map(str, job.outputs.all))}"
    lines = [f"{name}: {line}" if named else line]
    lines += [f"note: {text}" for text in outcome.remarks]
    if outcome.cut_short:
        lines.append(f"warning: {outcome.cut_short}")
    if outcome.interrupted and not named:
        kept = "Interrupted; what was finished is complete." if job.keep_early else "Interrupted."
        lines.append(f"{kept} {GO_ON}" if outcome.frames else "Interrupted.")
    return lines


@contextmanager
def made(folders: Iterable[Path]) -> Iterator[None]:
    """Makes those that are missing; what is still empty in the end goes again. Raises
    `SinkError`."""
    new: list[Path] = []
    try:
        for folder in folders:
            if not folder.exists():
                _make(folder)
                new.append(folder)
        yield
    finally:
        for folder in new:
            with suppress(OSError):  # not empty
                folder.rmdir()


def _make(folder: Path) -> None:
    try:
        folder.mkdir()
    except FileNotFoundError as error:
        raise SinkError(
            f"The folder {folder.parent} does not exist. Make it, or choose another one."
        ) from error
    except OSError as error:
        raise make_write_error(folder, error) from error


def _say(line: str) -> None:
    from tqdm import tqdm

    tqdm.write(escape_controls(line), file=sys.stderr)  # above the bars, where there are some
    sys.stderr.flush()
