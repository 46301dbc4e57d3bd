"""The loop: every frame of a source through the recogniser, to the window and the sinks."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.errors import RecogniserError, SourceError
from app.live.keys import Action
from app.live.pacing import Eased, Pacer, RateMeter
from app.live.view import Look, Stage, View
from app.outputs.sink import RunSink
from app.privacy.blur_guard import BlurGuard
from app.sources.base import Source
from app.types import Frame, FrameResult, Image, Silence
from app.wording import join_warnings

PAUSED_POLL_MS = 30


class Screen(Protocol):
    def show(self, canvas: Image) -> None: ...

    def poll(self, wait_ms: int) -> Action | None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a session did. `cut_short` says in one line what is missing, None when nothing is;
    `remarks` are lines on what whoever uses the results must know."""

    frames: int
    faces: int
    seconds: float
    cut_short: str | None = None
    interrupted: bool = False
    blurred_whole: int = 0  # frames whose faces could not be accounted for
    remarks: Sequence[str] = ()


class Session:
    """One run over one source.

    `stop` is asked before every frame; it says True after Ctrl-C. `say` shows a line to the user.
    With a screen and nothing to write, a file is shown at the speed it was filmed. `look` is how
    the view begins.
    """

    def __init__(
        self,
        source: Source,
        recogniser: Stage,
        *,
        sinks: Sequence[RunSink],
        screen: Screen | None,
        provider: str,
        look: Look,
        stop: Callable[[], bool],
        say: Callable[[str], None],
        on_frame: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._recogniser = recogniser
        self._sinks = sinks
        self._screen = screen
        self._stop = stop
        self._say = say
        self._on_frame = on_frame
        self._clock = clock
        self._view = View(
            recogniser,
            look,
            provider=provider,
            mode=source.mode,
            say=say,
            on_screen=screen is not None,
            clock=clock,
        )
        self._guard = BlurGuard(
            recogniser,
            wanted=lambda: self._view.blurs,
            if_lost=look.if_lost,
            mode=source.mode,
        )
        self._rate = RateMeter(clock=clock)
        self._pacer = Pacer(clock=clock)
        self._latency_ms = Eased()
        self._fps: float | None = None
        self._last: FrameResult | None = None
        self._before: Frame | None = None  # the last one that was looked at
        self._trouble: Silence | None = None  # until a frame comes
        self._frames = self._faces = self._blurred_whole = 0
        self._failing: RunSink | None = None  # the one that is written to

    def run(self) -> Outcome:
        """Runs to the end of the source, to "quit", or to `stop`. Sinks are completed or, when
        nothing came or one of them failed, left without a trace. Raises `SourceError` when no frame
        came and `SinkError` when an output failed."""
        cut_short: str | None = None
        began_s = self._clock()
        try:
            try:
                quit_early = not self._go()
            except SourceError as error:
                for judged in self._guard.release():
                    if not self._pass_on(judged):
                        break
                if not self._frames:
                    raise
                cut_short, quit_early = str(error), False
            if not self._frames and not quit_early and not self._stop():
                raise SourceError(self._source.explain_no_frames())
            if self._frames:
                for sink in reversed(self._sinks):  # the notes say how the video ended
                    self._failing = sink
                    sink.close()
                self._failing = None
            self._finish_recording()
        except SourceError:
            raise
        except RecogniserError:
            # What the other outputs have is whole up to here and stays.
            self._settle()
            self._finish_recording()
            raise
        finally:
            self._abort_all()
        return Outcome(
            frames=self._frames,
            faces=self._faces,
            seconds=self._clock() - began_s,
            cut_short=join_warnings(
                cut_short,
                self._source.warning,
                self._guard.warning,
                *(sink.warning for sink in self._sinks),
            ),
            interrupted=self._stop(),
            blurred_whole=self._blurred_whole,
            remarks=self._source.remarks,
        )

    def _go(self) -> bool:
        """To the end of the source. False where "quit" or `stop` ended it before; what is held back
        then was not looked back upon, and is not shown."""
        for frame in self._source:
            if self._stop():
                return False
            if isinstance(frame, Silence):
                if not self._bear(frame):
                    return False
                continue
            self._resume(frame)
            for judged in self._guard.step(frame):
                if not self._pass_on(judged):
                    return False
        return all(self._pass_on(judged) for judged in self._guard.release())

    def _pass_on(self, judged: FrameResult) -> bool:
        """A result to the outputs and to the screen. False ends the session."""
        result = self._last = self._view.take(judged)
        self._fps = self._rate.tick()
        canvas = self._draw(result)
        for sink in self._sinks:
            self._failing = sink
            sink.write(result, canvas)
        self._failing = None
        self._view.recorder.write(result, canvas)
        self._frames += 1
        self._faces += len(result.faces)
        self._blurred_whole += result.doubt is not None
        self._on_frame()
        if self._screen is not None and not self._watch(result, canvas):
            return False
        return not self._stop()

    def _bear(self, silence: Silence) -> bool:
        """No frame has come: says why, once, and on the screen as long as it lasts. False ends the
        session, which "quit" does at once."""
        if silence.why is not None:
            if self._trouble is None:
                self._say(f"{silence.why} Waiting for the next picture.")
            self._trouble = silence
        screen, view, notice = self._screen, self._view, None
        if screen is None:
            return True
        if self._trouble is not None and self._last is not None:
            notice = f"No picture for {silence.seconds:.0f} s. Trying again."
            # What was read there is not true any more.
            self._last = replace(self._last, faces=(), unread=())
            view.measured(None, None)
            canvas = view.canvas(self._last)
            screen.show(view.screen(canvas, notice=notice))
        action = screen.poll(1)
        if action == "quit":
            return False
        if action is not None and self._last is not None:
            changed = view.obey(action, self._last, view.canvas(self._last))
            if changed is not None:
                self._last = changed
                screen.show(view.screen(view.canvas(changed), notice=notice))
        return True

    def _resume(self, frame: Frame) -> None:
        """Before a frame: what came before a gap, or in another size, has nothing to do with it."""
        before, self._before = self._before, frame
        resized = before is not None and before.image.shape != frame.image.shape
        if before is not None and (
            self._trouble is not None or (resized and self._source.mode.is_stream)
        ):
            self._recogniser.reset()
        if before is not None and self._trouble is not None:
            self._guard.reset()
        if self._trouble is not None:
            if before is not None:
                gap_s = frame.time_s - before.time_s
                self._say(f"{self._source.name} is back after {gap_s:.1f} s.")
            self._trouble = None
            self._rate.reset()

    def _settle(self) -> None:
        for sink in self._sinks:
            if sink is not self._failing:
                try:
                    sink.close()
                except RecogniserError as error:
                    self._say(str(error))

    def _abort_all(self) -> None:
        """Removes what was not completed; completed outputs are not touched."""
        for sink in self._sinks:
            sink.abort()
        self._view.recorder.abort()

    def _finish_recording(self) -> None:
        for line in self._view.recorder.finish():
            self._say(line)

    def _draw(self, result: FrameResult) -> Image:
        captured_s = result.frame.captured_s
        self._latency_ms.take(
            1000 * (self._clock() - captured_s)
            if captured_s is not None
            else sum(result.stage_ms.values())
        )
        fps = self._fps if self._source.mode.is_stream else None
        self._view.measured(fps, self._latency_ms.value)
        return self._view.canvas(result)

    def _watch(self, result: FrameResult, canvas: Image) -> bool:
        """Shows a frame until the next one is due and obeys the keys. False ends the session."""
        screen, view = self._screen, self._view
        assert screen is not None
        screen.show(view.screen(canvas))
        wait_s = 0.0
        if self._source.mode.is_recording and not self._sinks:
            wait_s = self._pacer.wait_s(result.frame.time_s)
        due_s = self._clock() + wait_s
        stay = not self._source.mode.is_stream
        while True:
            left_ms = 1000 * (due_s - self._clock())
            idle = view.paused or stay
            action = screen.poll(PAUSED_POLL_MS if idle else max(1, min(50, int(left_ms))))
            if self._stop() or action == "quit":
                return False
            if action == "pause" and stay:
                return True
            if action is not None:
                changed = view.obey(action, result, canvas)
                if changed is not None:
                    result = self._last = changed
                    canvas = view.canvas(result)
                    screen.show(view.screen(canvas))
            if action == "pause":
                self._pacer.reset()
                self._rate.reset()
                due_s = self._clock()
            if idle and view.stale():
                screen.show(view.screen(canvas))
            if not idle and not view.paused and self._clock() >= due_s:
                return True
