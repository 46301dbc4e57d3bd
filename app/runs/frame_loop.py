"""Takes every frame of a source through the stages and the guard, and each result to the outputs.

The loop is the same for a camera in a window and for a file in a worker. Each kind of run adds its
own at the seams, which `LoopHooks` names: keys and pauses there, checkpoints here.

A run over a file may write its results in a thread, while the next frames are read. Every result
then takes the same way as in one thread, in the same order, only later.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from app.errors import SourceError
from app.outputs.sink import RunSink
from app.privacy.blur_guard import BlurGuard, SteppingPipeline
from app.process.bounded_queue import MAX_WAITING
from app.process.work_behind import WorkBehind
from app.sources.base import Source
from app.types import Frame, FrameResult, Image, Silence
from app.wording import join_warnings


class LoopHooks(Protocol):
    """Adds at the seams of a `FrameLoop` what a kind of run has of its own.

    Where a method returns a boolean, False ends the loop, and frames that are held back are then
    left out. In a loop that writes behind, `prepare` and `after_result` are called in the thread
    that writes, and all others in the thread that reads.
    """

    def is_stopped(self) -> bool:
        """Tells before every frame whether the user has ended the run."""

    def on_silence(self, silence: Silence) -> bool:
        """Reacts to a live source that has no frame."""

    def before_frame(self, frame: Frame) -> None:
        """Prepares the stages for a frame that comes next."""

    def prepare(self, judged: FrameResult) -> tuple[FrameResult, Image]:
        """Covers and draws a result: returns the result to write, and its canvas."""

    def after_result(self, result: FrameResult, canvas: Image) -> bool:
        """Shows a result that every output has."""

    def after_frame(self) -> None:
        """Comes after a frame, when all results that were due have been written."""

    def after_last_frame(self) -> None:
        """Comes when the source gives no more frames, before what is held back is written."""


class FrameLoop:
    """Reads one source once, to its end or until a hook ends the run.

    Counts `frames`, `faces` and `blurred_whole`, the frames whose faces could not be accounted for.
    `failing` is the sink that is being written to, and stays set where it fails. `size_wh` in px is
    that of the last frame that was read; pictures of another size begin a stream anew.

    With `writes_behind`, results are drawn and written in a thread of their own, for which
    `max_waiting` of them may wait, or less, as `BoundedQueue` says. The thread is gone when `run`
    returns or raises. Counts and `failing` are complete then.
    """

    def __init__(
        self,
        source: Source,
        pipeline: SteppingPipeline,
        guard: BlurGuard,
        sinks: Sequence[RunSink],
        hooks: LoopHooks,
        *,
        size_wh: tuple[int, int] | None = None,
        writes_behind: bool = False,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self.frames = self.faces = self.blurred_whole = 0
        self.failing: RunSink | None = None
        self.size_wh = size_wh
        self._source = source
        self._pipeline = pipeline
        self._guard = guard
        self._sinks = sinks
        self._hooks = hooks
        self._writes_behind, self._max_waiting = writes_behind, max_waiting
        self._behind: WorkBehind | None = None
        self._is_ended = False  # by a hook
        self._cut_short: str | None = None

    def run(self) -> bool:
        """Reads the source.

        Returns:
            True if the source was read to its end, or to where it broke off after some frames.
            False if a hook ended the run before.

        Raises:
            SourceError: The source failed, or the run had to stop, before any frame was written.
            SinkError: An output failed; `failing` says which one.
        """
        if not self._writes_behind:
            return self._run()
        self._behind = behind = WorkBehind("write results", max_waiting=self._max_waiting)
        try:
            return self._run()
        except Exception as error:
            behind.abandon()
            # What fails in writing is of an earlier frame than what fails in reading.
            first = behind.failure
            if first is None or first is error:
                raise
            raise first from None
        finally:
            behind.abandon()  # also after Ctrl-C; does nothing after the last result
            self._behind = None

    def _run(self) -> bool:
        is_whole, broke_off = False, None
        try:
            is_whole = self._read()
        except SourceError as error:
            self._pass_on(self._guard.release())
            broke_off = error
        if self._behind is not None:
            self._behind.finish()
        if broke_off is None:
            return is_whole and not self._is_ended
        if not self.frames:
            raise broke_off
        self._cut_short = str(broke_off)
        return True

    @property
    def is_settled(self) -> bool:
        """True if every frame that was read has given its result. Only then can what the stages
        remember be kept for another run: results that are still to come would be lost."""
        return not self._guard.holds_results

    def do_after_results(self, task: Callable[[], object]) -> None:
        """Carries a task out when all results so far are written; in the thread that writes."""
        if self._behind is None:
            task()
        else:
            self._behind.do(task)

    @property
    def warning(self) -> str | None:
        """One line on what is missing from the results, None if nothing is."""
        return join_warnings(
            self._cut_short,
            self._source.warning,
            self._guard.warning,
            *(sink.warning for sink in self._sinks),
        )

    def _read(self) -> bool:
        hooks, guard = self._hooks, self._guard
        for frame in self._source:
            if hooks.is_stopped():
                return False
            if isinstance(frame, Silence):
                if not hooks.on_silence(frame):
                    return False
                continue
            hooks.before_frame(frame)
            if not (self._begin_anew_if_resized(frame) and self._pass_on(guard.step(frame))):
                return False
            hooks.after_frame()
        hooks.after_last_frame()
        return self._pass_on(guard.release())

    def _begin_anew_if_resized(self, frame: Frame) -> bool:
        """Begins a stream anew at a frame of another size. Returns False if a hook ended the run at
        the frames before."""
        goes_on = True
        if self.size_wh not in (None, frame.size_wh) and self._source.mode.is_stream:
            goes_on = self._pass_on(self._guard.read_waiting())
            self._pipeline.reset()
        self.size_wh = frame.size_wh
        return goes_on

    def _pass_on(self, results: Iterable[FrameResult]) -> bool:
        """Writes results to every output, now or soon. Returns False if a hook ended the run."""
        for judged in results:
            if self._behind is None:
                self._write(judged)
            else:
                self._behind.do(partial(self._write, judged), judged.frame.image_bytes)
            if self._is_ended:
                return False
        return True

    def _write(self, judged: FrameResult) -> None:
        if self._is_ended:
            return
        result, canvas = self._hooks.prepare(judged)
        for sink in self._sinks:
            self.failing = sink
            sink.write(result, canvas)
        self.failing = None
        self.frames += 1
        self.faces += len(result.faces)
        self.blurred_whole += result.doubt is not None
        self._is_ended = not self._hooks.after_result(result, canvas)
