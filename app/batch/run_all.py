"""Annotates videos, one or a thousand, and tells the user what became of each."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from app.batch.annotate import FileOutcome
from app.batch.counts import format_blurred_whole, format_counts, format_seen
from app.batch.progress import Bars
from app.batch.run_here import BatchListener, run_here
from app.errors import DeviceError, SinkError
from app.files.atomic import make_write_error
from app.process.console import CUT_SHORT, DONE, FAILED, INTERRUPTED
from app.runs.check_plan import check_plan, is_plan_finished
from app.runs.plan import BatchPlan, RunPlan
from app.sources.video_container import open_video
from app.wording import escape_controls, format_count

MAX_NAMED = 5  # of the videos that were not read
GO_ON = "The same command with --resume goes on."


class WorkersLostError(DeviceError):
    """Workers elsewhere cannot be reached any more. What they have finished stays."""


class Workers(Protocol):
    """Carries out plans elsewhere, as `app.batch.workers.run_apart` does in processes."""

    def __call__(
        self,
        plans: Sequence[RunPlan],
        *,
        workers: int,
        stop: Callable[[], bool],
        listener: BatchListener,
    ) -> None: ...


class ProgressDisplay(Protocol):
    """Shows how far the videos are, and prints lines above that."""

    def say(self, line: str) -> None:
        """Prints a line to stderr."""

    def show_reached(self, number: int, frames: int) -> None:
        """Shows that a run went through `frames` frames of the video with this number."""

    def end(self, number: int, *, was_read: bool = True) -> None:
        """Shows that the video with this number is over. `was_read` False: it was finished before,
        or it failed."""

    def close(self) -> None:
        """Takes everything off the terminal."""


def annotate_all(
    batch: BatchPlan,
    *,
    stop: Callable[[], bool],
    elsewhere: Workers | None = None,
    display: Callable[[Sequence[RunPlan]], ProgressDisplay] = Bars,
) -> int:
    """Carries out every plan of a batch.

    A line to the user says what became of each file, and the others go on.

    Args:
        batch: The plans.
        stop: Tells whether the user has ended the run.
        elsewhere: Carries out the plans; None takes this process, or processes of this machine.
        display: Shows the progress of the plans.

    Returns:
        The exit code: 1 where a file failed, was cut short or had wrong times, 2 where all failed,
            130 after a stop.

    Raises:
        RecogniserError: Something concerns all of the files, or outputs cannot be; the latter
            before anything is loaded.
    """
    plans, workers = batch.runs, batch.workers
    with _make_folders(batch.folders, keep=batch.shares_folders):
        for plan in plans:
            check_plan(plan)
        if len(plans) == 1:
            _check_input(plans[0])
        with closing(display(plans)) as bars:
            news = _News(plans, bars)
            if all(map(is_plan_finished, plans)):
                elsewhere = None  # there is little to do
                workers = workers if len(plans) == 1 else 1
            if elsewhere is not None:
                try:
                    elsewhere(plans, workers=workers, stop=stop, listener=news)
                except WorkersLostError as error:
                    news.hear_lost(str(error))
            elif len(plans) == 1 and workers == 1:
                run_here(plans, stop=stop, listener=news)
            else:
                # In a process of its own even for one at a time: a crash then is that of one file.
                # Imported here, because it brings Python's module of processes.
                from app.batch.workers import run_apart

                run_apart(plans, workers=workers, stop=stop, listener=news)
        return news.sum_up(stopped=stop())


def _check_input(plan: RunPlan) -> None:
    """Opens the only video of a run for a moment. Raises `SourceError`."""
    path, address = plan.video.path, plan.video.address
    if address is None and not is_plan_finished(plan):
        open_video(path, str(path)).close()


class _News:
    """Tells the user what became of each file when it is over, and counts."""

    def __init__(self, plans: Sequence[RunPlan], bars: ProgressDisplay) -> None:
        self._plans = plans
        self._bars = bars
        self._several = len(plans) > 1
        self._began_s = time.monotonic()
        self._ready = False
        self._outcomes: list[FileOutcome] = []
        self._failed = 0
        self._open = set(range(len(plans)))  # plans of which nothing was heard
        self._is_lost = False

    def hear_ready(self, text: str) -> None:
        if not self._ready:  # every worker says so
            self._ready = True
            self._say(text)

    def hear_reached(self, number: int, frames: int) -> None:
        self._bars.show_reached(number, frames)

    def hear_done(self, number: int, outcome: FileOutcome) -> None:
        self._bars.end(number, was_read=not outcome.finished_before)
        self._open.discard(number)
        self._outcomes.append(outcome)
        for line in describe_outcome(self._plans[number], outcome, named=self._several):
            self._say(line)

    def hear_note(self, text: str) -> None:
        self._say(f"note: {text}")

    def hear_failed(self, number: int, why: str) -> None:
        self._bars.end(number, was_read=False)
        self._open.discard(number)
        self._failed += 1
        self._say(f"error: {why}")

    def hear_lost(self, why: str) -> None:
        """Hears that nothing more will be heard."""
        self._is_lost = True
        self._say(f"error: {why}")

    def sum_up(self, *, stopped: bool) -> int:
        """Tells the user what became of all. Returns the exit code."""
        interrupted = stopped or any(one.interrupted for one in self._outcomes)
        if self._several:
            self._say(self._summary())
            if interrupted:
                self._say(f"Interrupted. {GO_ON}")
        elif interrupted and not self._outcomes:  # while the networks were loaded
            self._say("Interrupted.")
        if interrupted:
            return INTERRUPTED
        if self._is_lost and self._open:
            names = [self._plans[number].name for number in sorted(self._open)[:MAX_NAMED]]
            more = len(self._open) - len(names)
            named = ", ".join(names) + (f" and {more} more" if more else "")
            self._say(f"Not read to the end: {named}. {GO_ON}")
            return CUT_SHORT if self._outcomes else FAILED
        if self._failed:
            return FAILED if self._failed == len(self._plans) else CUT_SHORT
        return CUT_SHORT if any(one.cut_short or one.mended for one in self._outcomes) else DONE

    def _say(self, line: str) -> None:
        self._bars.say(escape_controls(line))

    def _summary(self) -> str:
        before = sum(one.finished_before for one in self._outcomes)
        stopped = sum(one.interrupted for one in self._outcomes)
        done = len(self._outcomes) - before - stopped
        cut_short = sum(one.cut_short is not None for one in self._outcomes)
        mended = sum(one.mended is not None and not one.cut_short for one in self._outcomes)
        left = len(self._plans) - len(self._outcomes) - self._failed
        remarks = [f"{cut_short} of them with a part missing"] if cut_short else []
        remarks += [f"{mended} of them whole, with mended times"] if mended else []
        parts = [f"{done} done" + (f" ({'; '.join(remarks)})" if remarks else "")]
        parts += [
            f"{count} {what}"
            for count, what in (
                (before, "finished before"),
                (self._failed, "failed"),
                (stopped, "interrupted"),
                (left, "not read to the end" if self._is_lost else "not begun"),
            )
            if count
        ]
        seconds = time.monotonic() - self._began_s
        return f"{format_count(len(self._plans), 'video')}: {', '.join(parts)}, in {seconds:.1f} s."


def describe_outcome(plan: RunPlan, outcome: FileOutcome, *, named: bool) -> list[str]:
    """Describes in lines what became of a file that did not fail. `named` puts its name first,
    because the file is one of several."""
    name = plan.name
    if outcome.finished_before:
        return [f"{name}: finished before."]
    line = format_counts(outcome.frames, outcome.faces, outcome.seconds)
    if outcome.from_frame:
        here = f"{outcome.seconds:.1f} s from frame {outcome.from_frame} on"
        line = f"{format_seen(outcome.frames, outcome.faces)}, {here}"
    line += format_blurred_whole(outcome.blurred_whole)
    if outcome.frames and (not outcome.interrupted or plan.keeps_partial_results):
        line += f" -> {', '.join(map(str, plan.outputs.all))}"
    lines = [f"{name}: {line}" if named else line]
    lines += [f"note: {text}" for text in outcome.remarks]
    lines += [f"warning: {text}" for text in (outcome.cut_short, outcome.mended) if text]
    if outcome.interrupted and not named:
        keeps = plan.keeps_partial_results
        kept = "Interrupted; what was finished is complete." if keeps else "Interrupted."
        lines.append(f"{kept} {GO_ON}" if outcome.frames else "Interrupted.")
    return lines


@contextmanager
def _make_folders(folders: Iterable[Path], *, keep: bool) -> Iterator[None]:
    """Makes folders that are missing. Unless `keep` is set, those of them that are still empty in
    the end are removed. Raises `SinkError`."""
    new: list[Path] = []
    try:
        for folder in folders:
            if not folder.exists():
                _make_folder(folder)
                if not keep:
                    new.append(folder)
        yield
    finally:
        for folder in new:
            with suppress(OSError):  # not empty
                folder.rmdir()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)  # another share may have made it just now
    except OSError as error:
        if not folder.parent.exists():
            raise SinkError(
                f"The folder {folder.parent} does not exist. Make it, or choose another one."
            ) from error
        raise make_write_error(folder, error) from error
