"""Takes every frame of a source through the stages and the guard, and each result to the outputs.

The loop is the same for a camera in a window and for a file in a worker. Each kind of run adds its
own at the seams, which `LoopHooks` names: keys and pauses there, checkpoints here.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from app.errors import SourceError
from app.outputs.sink import RunSink
from app.privacy.blur_guard import BlurGuard, SteppingPipeline
from app.sources.base import Source
from app.types import Frame, FrameResult, Image, Silence
from app.wording import join_warnings


class LoopHooks(Protocol):
    """Adds at the seams of a `FrameLoop` what a kind of run has of its own.

    Where a method returns a boolean, False ends the loop, and frames that are held back are then
    left out.
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
    that of the last frame; pictures of another size begin a stream anew.
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
    ) -> None:
        self.frames = self.faces = self.blurred_whole = 0
        self.failing: RunSink | None = None
        self.size_wh = size_wh
        self._source = source
        self._pipeline = pipeline
        self._guard = guard
        self._sinks = sinks
        self._hooks = hooks
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
        try:
            return self._read()
        except SourceError as error:
            self._pass_on(self._guard.release())
            if not self.frames:
                raise
            self._cut_short = str(error)
            return True

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
            self._begin_anew_if_resized(frame)
            if not self._pass_on(guard.step(frame)):
                return False
            hooks.after_frame()
        hooks.after_last_frame()
        return self._pass_on(guard.release())

    def _begin_anew_if_resized(self, frame: Frame) -> None:
        height, width = frame.image.shape[:2]
        if self.size_wh not in (None, (width, height)) and self._source.mode.is_stream:
            self._pipeline.reset()
        self.size_wh = (width, height)

    def _pass_on(self, results: Iterable[FrameResult]) -> bool:
        """Writes results to every output. Returns False if a hook ended the run."""
        for judged in results:
            result, canvas = self._hooks.prepare(judged)
            for sink in self._sinks:
                self.failing = sink
                sink.write(result, canvas)
            self.failing = None
            self.frames += 1
            self.faces += len(result.faces)
            self.blurred_whole += result.doubt is not None
            if not self._hooks.after_result(result, canvas):
                return False
        return True
