"""Lets no frame pass whose faces cannot be accounted for: it is to be covered as a whole, or the
run stops. Of a file that goes for frames before a face was found, too: they are held back as long
as it takes to search a picture."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from app.errors import RecogniserError, SourceError
from app.privacy.face_ledger import (
    BEFORE,
    DAMAGED,
    LOOK_BACK_S,
    NOT_SEARCHED,
    Doubt,
    FaceLedger,
    IfLost,
)
from app.types import Frame, FrameResult, Mode
from app.wording import format_count

MAX_HELD_BYTES = 512 << 20  # 1.4 s of 1080p at 60 frames/s, 0.3 s of 4K at that rate


class Stepper(Protocol):
    """What `app.pipeline.Pipeline` does of it."""

    def step(self, frame: Frame) -> FrameResult: ...
    def reset(self) -> None: ...


class BlurGuard:
    """Between the recogniser and the view. It does nothing while `wanted` says no, which is asked
    at every frame.

    Results of a recording come up to `LOOK_BACK_S` later (less where pictures are so large that
    `max_bytes` would not do). `failures` counts frames in which looking for faces failed, `failure`
    says how first.
    """

    def __init__(
        self,
        stage: Stepper,
        *,
        wanted: Callable[[], bool],
        mode: Mode,
        if_lost: IfLost = "whole",
        max_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        self._stage = stage
        self._wanted = wanted
        self._if_lost = if_lost
        self._mode = mode
        self._max_bytes = max_bytes
        self._ledger = FaceLedger()
        self._held: deque[FrameResult] = deque()
        self._bytes = 0
        self._labels: tuple[str, ...] = ()
        self.failures = 0
        self.failure: str | None = None

    def step(self, frame: Frame) -> list[FrameResult]:
        """The results that are due, in order; `doubt` says which are to be covered as a whole.
        Raises `SourceError` where the run is to stop; what `rest` gives then may pass."""
        if not self._wanted():
            self._ledger.reset()
            return [*self.release(), self._stage.step(frame)]
        result, doubt = self._judged(frame)
        if doubt is not None:
            self._mark(doubt.since_s)
            # Frames that were shown already cannot be stopped any more.
            if self._if_lost == "stop" and (doubt.why is not None or self._mode.is_recording):
                raise self._stopped(frame, doubt)
            result = replace(result, doubt=doubt.why)
        if not self._mode.is_recording:
            return [result]
        self._held.append(result)
        self._bytes += frame.image.nbytes
        return self._due(frame.time_s)

    def reset(self) -> None:
        """What comes next has nothing to do with what was."""
        self._ledger.reset()

    def release(self) -> list[FrameResult]:
        """What is held back. Nothing comes after it."""
        held, self._held, self._bytes = list(self._held), deque(), 0
        return held

    @property
    def warning(self) -> str | None:
        if not self.failures:
            return None
        frames = format_count(self.failures, "frame")
        return (
            f"In {frames} faces could not be looked for ({self.failure}); nothing was read there."
        )

    def _judged(self, frame: Frame) -> tuple[FrameResult, Doubt | None]:
        try:
            result = self._stage.step(frame)
        except RecogniserError:
            raise
        except Exception as error:  # whatever it is, the frame's faces are not known
            self.failures += 1
            self.failure = self.failure or f"{type(error).__name__}: {error}".split("\n")[0]
            self._stage.reset()
            return FrameResult(frame, (), self._labels), Doubt(NOT_SEARCHED, frame.time_s)
        self._labels = result.labels
        doubt = None
        if self._mode.is_stream:
            faces = [*(one.face for one in result.faces), *result.unread]
            doubt = self._ledger.check_frame(faces, frame.image, frame.time_s)
        if frame.damaged:
            doubt = Doubt(DAMAGED, frame.time_s if doubt is None else doubt.since_s)
        return result, doubt

    def _mark(self, since_s: float) -> None:
        """What is held back from then on is in doubt, too; where that is to stop the run, it is
        left out."""
        if self._if_lost == "stop":
            while self._held and self._held[-1].frame.time_s >= since_s:
                self._bytes -= self._held.pop().frame.image.nbytes
            return
        for place, one in enumerate(self._held):
            if one.frame.time_s >= since_s and one.doubt is None:
                self._held[place] = replace(one, doubt=BEFORE)

    def _stopped(self, frame: Frame, doubt: Doubt) -> SourceError:
        why = doubt.why or BEFORE
        at_s = frame.time_s if doubt.why else max(0.0, doubt.since_s)
        return SourceError(
            f"{frame.source}: stopped at {at_s:.2f} s: {why}. Without --if-lost stop such "
            "frames are blurred as a whole."
        )

    def _due(self, now_s: float) -> list[FrameResult]:
        due = []
        while self._held and (
            now_s - self._held[0].frame.time_s > LOOK_BACK_S or self._bytes > self._max_bytes
        ):
            due.append(self._held.popleft())
            self._bytes -= due[-1].frame.image.nbytes
        return due
