"""Runs one source in this process: live or not, in a window or without one, to any outputs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from app.errors import RecogniserError, SourceError
from app.live.keys import Action
from app.live.live_pipeline import LivePipeline
from app.live.pacing import EasedFigure, Pacer, RateMeter
from app.live.remote import Remote
from app.live.teacher import FaceTeacher
from app.live.view import LiveView
from app.outputs.run_metadata import RunNotes
from app.outputs.sink import RunSink, check_sinks, close_all
from app.privacy.blur_guard import BlurGuard
from app.runs.frame_loop import FrameLoop
from app.runs.plan import ViewSettings
from app.sources.base import Source
from app.types import Frame, FrameResult, Image, Silence

PAUSED_POLL_MS = 30  # between two looks at the keyboard while the picture stands still
NO_FRAME = Frame(np.zeros((1, 1, 3), np.uint8), 0, 0.0, "")  # before the first one
LONGEST_POLL_MS = 50  # so that Ctrl-C is heard soon


class Screen(Protocol):
    """Shows canvases and hears keys, as `app.live.window.Window` does."""

    def show(self, canvas: Image) -> None:
        """Shows a canvas, uint8 (H, W, 3) BGR. Raises `SinkError` if no window opens."""

    def poll(self, wait_ms: int) -> Action | None:
        """Waits up to `wait_ms` for a key. Returns its action, or None."""


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """The outcome of a session.

    `seconds` is the time from the first frame to the last output. `cut_short` is one line on what
    is missing, None if nothing is, and `mended` one on times that were mended. `blurred_whole`
    counts frames whose faces could not be accounted for. `remarks` are lines that a user of the
    results must know.
    """

    frames: int
    faces: int
    seconds: float
    cut_short: str | None = None
    interrupted: bool = False
    blurred_whole: int = 0
    remarks: Sequence[str] = ()
    mended: str | None = None


class Session:
    """Runs one source once, and fills the hooks of the loop with the screen and its keys.

    Args:
        source: The open source.
        pipeline: Reads the frames; keys turn its switches.
        sinks: The open outputs, in the order in which they are written.
        screen: The window; None for a run without one. With a screen and nothing to write, a file
            is shown at the speed at which it was filmed.
        provider: The name of the device that runs the model.
        settings: The settings with which the view begins.
        stop: Tells before every frame whether the user has ended the run, as Ctrl-C does.
        say: Shows a line to the user.
        on_frame: Is called after each frame that was written.
        remote: Turns the switches from elsewhere than the screen; None: nobody does.
        teacher: Holds lessons; None: nothing can be taught.
        draws: False for a run in which nobody looks at canvases. Each canvas is then the picture
            itself, and must not be changed.
        clock: Gives the time in seconds.

    Raises:
        TypeError: One of `sinks` is no output.
    """

    def __init__(
        self,
        source: Source,
        pipeline: LivePipeline,
        *,
        sinks: Sequence[RunSink],
        screen: Screen | None,
        provider: str,
        settings: ViewSettings,
        stop: Callable[[], bool],
        say: Callable[[str], None],
        on_frame: Callable[[], object] = lambda: None,
        remote: Remote | None = None,
        teacher: FaceTeacher | None = None,
        draws: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_sinks(sinks)
        self._source = source
        self._pipeline = pipeline
        self._sinks = sinks
        self._screen = screen
        self._stop = stop
        self._say = say
        self._on_frame = on_frame
        self._remote = remote
        self._draws = draws
        self._clock = clock
        self._view = LiveView(
            pipeline,
            settings,
            provider=provider,
            mode=source.mode,
            say=say,
            on_screen=screen is not None,
            on_message=None if remote is None else remote.show_message,
            teacher=teacher,
            clock=clock,
        )
        self._guard = BlurGuard(
            pipeline,
            wanted=lambda: self._view.blurs,
            mode=source.mode,
            if_lost=settings.if_lost,
        )
        self._loop = FrameLoop(source, pipeline, self._guard, sinks, self)
        self._rate = RateMeter(clock=clock)
        self._pacer = Pacer(clock=clock)
        self._latency_ms = EasedFigure()
        self._last: FrameResult | None = None
        self._before_s: float | None = None  # `time_s` of the last frame that was looked at
        self._trouble: Silence | None = None  # until a frame comes
        self._notice: str | None = None  # that the screen shows about it

    def run(self) -> SessionOutcome:
        """Runs to the end of the source, to "quit", or to Ctrl-C.

        Outputs are completed or, when no frame came or one of them failed, left without a trace.

        Returns:
            The outcome.

        Raises:
            SourceError: No frame came.
            SinkError: An output failed. What the other outputs have is whole up to there and stays.
        """
        began_s = self._clock()
        loop = self._loop
        failures: list[RecogniserError] = []
        try:
            self._read()
            if loop.frames:  # the notes, which are written early, say how the video ended
                failures = close_all(reversed(self._sinks))
                for sink in self._sinks:
                    if isinstance(sink, RunNotes):
                        sink.follow_records(failures)
            self._say_all(failures[1:])
            self._finish_recording()
            if failures:
                raise failures[0]
        finally:
            self._abort_all()
            # The session and its loop know each other, and so live on until Python looks for such
            # circles. A page's server would have the last picture of many visitors by then.
            self._last = None
        return SessionOutcome(
            frames=loop.frames,
            faces=loop.faces,
            seconds=self._clock() - began_s,
            cut_short=loop.warning,
            interrupted=self._stop(),
            blurred_whole=loop.blurred_whole,
            remarks=self._source.remarks,
            mended=self._source.mended,
        )

    def _read(self) -> None:
        """Runs the loop. Where it fails, what the outputs have is completed, but for the output
        that failed."""
        loop = self._loop
        try:
            try:
                is_ended = loop.run()
            finally:
                self._view.end_lesson()
        except SourceError:
            raise
        except RecogniserError:
            self._say_all(close_all(sink for sink in self._sinks if sink is not loop.failing))
            self._finish_recording()
            raise
        if not loop.frames and is_ended and not self._stop():
            raise SourceError(self._source.explain_no_frames())

    def _say_all(self, errors: Sequence[RecogniserError]) -> None:
        for error in errors:
            self._say(str(error))

    def _abort_all(self) -> None:
        """Removes what was not completed; completed outputs are not touched."""
        for sink in self._sinks:
            sink.abort()
        self._view.recorder.abort()

    def _finish_recording(self) -> None:
        for line in self._view.recorder.finish():
            self._say(line)

    # The hooks of the loop

    def is_stopped(self) -> bool:
        """Tells whether the user has ended the run."""
        return self._stop()

    def on_silence(self, silence: Silence) -> bool:
        """Says why no frame comes, once, and shows it on the screen as long as it lasts. "quit"
        ends the session at once."""
        if silence.why is not None:
            if self._trouble is None:
                self._say(f"{silence.why} Waiting for the next picture.")
            self._trouble = silence
        self._obey_remote(self._last)
        screen, view, notice = self._screen, self._view, None
        if screen is None:
            return True
        if self._trouble is not None and self._last is not None:
            notice = f"No picture for {silence.seconds:.0f} s. Trying again."
            if notice != self._notice:  # the text changes once a second, and drawing is not free
                self._notice = notice
                # What was read there is not true any more.
                self._last = replace(self._last, faces=(), unread=())
                view.set_figures(None, None)
                screen.show(view.draw_screen(view.draw(self._last), notice=notice))
        action = screen.poll(1)
        if action == "quit":
            return False
        if action is not None and self._last is not None:
            changed = view.obey(action, self._last, view.draw(self._last))
            if changed is not None:
                self._last = changed
                screen.show(view.draw_screen(view.draw(changed), notice=notice))
        return True

    def before_frame(self, frame: Frame) -> None:
        """Begins a stream anew after a gap: what came before has nothing to do with the frame."""
        self._obey_remote(FrameResult(frame, (), ()) if self._last is None else self._last)
        before_s, self._before_s = self._before_s, frame.time_s
        if self._trouble is None:
            return
        self._trouble = self._notice = None
        if before_s is not None:
            self._pipeline.reset()
            self._guard.reset()
            self._say(f"{self._source.name} is back after {frame.time_s - before_s:.1f} s.")
        self._rate.reset()

    def prepare(self, judged: FrameResult) -> tuple[FrameResult, Image]:
        """Covers and draws a result, and measures the rate and the delay of the view."""
        result = self._last = self._view.add(judged)
        fps = self._rate.tick()
        captured_s = result.frame.captured_s
        self._latency_ms.add(
            1000 * (self._clock() - captured_s)
            if captured_s is not None
            else sum(result.stage_ms.values())
        )
        self._view.set_figures(fps if self._source.mode.is_stream else None, self._latency_ms.value)
        return result, self._view.draw(result) if self._draws else result.picture

    def after_result(self, result: FrameResult, canvas: Image) -> bool:
        """Records and shows a result. Returns False if the user ends the session."""
        self._view.recorder.write(result, canvas)
        self._on_frame()
        if self._remote is not None:
            self._remote.show_state(self._view.state)
        if self._screen is not None and not self._show(self._screen, result, canvas):
            return False
        return not self._stop()

    def _obey_remote(self, last: FrameResult | None) -> None:
        """Does what the remote asks for; `last` is the last result. Before there is a frame, the
        switches turn all the same, so that blurring begins with the first one."""
        if self._remote is None:
            return
        for action in self._remote.take_actions():
            if last is None:
                last = FrameResult(NO_FRAME, (), ())
            last = self._view.obey(action, last, last.picture) or last
            if self._last is not None:
                self._last = last
        self._remote.show_state(self._view.state)

    def after_frame(self) -> None:
        """Does nothing."""

    def after_last_frame(self) -> None:
        """Does nothing."""

    def _show(self, screen: Screen, result: FrameResult, canvas: Image) -> bool:
        """Shows a frame until the next one is due and obeys the keys. False ends the session."""
        view = self._view
        screen.show(view.draw_screen(canvas))
        wait_s = 0.0
        if self._source.mode.is_recording and not self._sinks:
            wait_s = self._pacer.wait_s(result.frame.time_s)
        due_s = self._clock() + wait_s
        stay = not self._source.mode.is_stream
        while True:
            left_ms = 1000 * (due_s - self._clock())
            idle = view.paused or stay
            wait_ms = max(1, min(LONGEST_POLL_MS, int(left_ms)))
            action = screen.poll(PAUSED_POLL_MS if idle else wait_ms)
            if self._stop() or action == "quit":
                return False
            if action == "pause" and stay:
                return True
            if action is not None:
                changed = view.obey(action, result, canvas)
                if changed is not None:
                    result = self._last = changed
                    canvas = view.draw(result)
                    screen.show(view.draw_screen(canvas))
            if action == "pause":
                self._pacer.reset()
                self._rate.reset()
                due_s = self._clock()
            if idle and view.is_stale():
                screen.show(view.draw_screen(canvas))
            if not idle and not view.paused and self._clock() >= due_s:
                return True
