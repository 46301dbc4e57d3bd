"""Makes blurring fail closed: a frame in which a face may be missing is covered as a whole, or the
run stops.

The frames of a recording are held back for as long as a search of the whole picture takes. So a
face that is found late also covers the frames before, in which it was not found.
"""

from collections import deque
from collections.abc import Callable, Iterable
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


class SteppingPipeline(Protocol):
    """The part of `app.pipeline.Pipeline` that the guard needs. While `looks_at_all` is True, every
    frame is looked at."""

    looks_at_all: bool

    def feed(self, frame: Frame) -> list[FrameResult]:
        """Takes the next frame. Returns the results that are ready."""

    def flush(self) -> list[FrameResult]:
        """Returns the results that are still to come, at the end of a stream."""

    @property
    def has_pending(self) -> bool:
        """True while results of frames that were taken are still to come."""

    def drop_pending(self) -> None:
        """Forgets the frames whose results are still to come."""

    def reset(self) -> None:
        """Forgets all people."""


class BlurGuard:
    """Stands between the pipeline and the view, and marks the frames to cover as a whole.

    Args:
        pipeline: Reads the frames.
        wanted: Returns whether faces are blurred now; asked at every frame. While it returns False,
            the guard passes all results on as they are.
        mode: The mode of the run. The results of a recording come up to `LOOK_BACK_S` later; single
            pictures have no faces that were seen earlier.
        if_lost: "whole" marks frames in doubt, "stop" raises `SourceError` at the first one.
        max_bytes: The room for pictures that are held back; with large pictures, results come
            earlier than after `LOOK_BACK_S`.

    Attributes:
        failures: The number of frames in which the search for faces failed.
        failure: The first of these failures, in one line.
    """

    def __init__(
        self,
        pipeline: SteppingPipeline,
        *,
        wanted: Callable[[], bool],
        mode: Mode,
        if_lost: IfLost = "whole",
        max_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        self._pipeline = pipeline
        self._wanted = wanted
        self._if_lost = if_lost
        self._mode = mode
        self._max_bytes = max_bytes
        self._ledger = FaceLedger()
        self._held: deque[FrameResult] = deque()
        self._bytes = 0
        self._labels: tuple[str, ...] = ()
        self._fed: list[Frame] = []  # that the pipeline has taken, without their results so far
        self.failures = 0
        self.failure: str | None = None

    def step(self, frame: Frame) -> list[FrameResult]:
        """Reads a frame and returns the results that are due, in order. Those with a `doubt` must
        be covered as a whole.

        Raises:
            SourceError: The run must stop here. The results that `release` returns then are fine.
        """
        if not self._ask():
            self._ledger.reset()
            self._fed.clear()
            return [*self._release_held(), *self._pipeline.feed(frame)]
        self._fed.append(frame)
        return self._accept(self._read(lambda: self._pipeline.feed(frame)))

    def reset(self) -> None:
        """Forgets all faces, before frames that have nothing to do with those so far."""
        self._ledger.reset()

    def read_waiting(self) -> list[FrameResult]:
        """Reads the frames that the pipeline has taken and not read yet, before it is reset.
        Returns and raises what `step` does."""
        if not self._ask():
            return [*self._release_held(), *self._pipeline.flush()]
        return self._accept(self._read(self._pipeline.flush))

    def release(self) -> list[FrameResult]:
        """Reads the frames that the pipeline has taken and not read yet. Returns all results that
        are held back, at the end of the run. Raises what `step` raises."""
        due = self.read_waiting()
        return [*due, *self._release_held()]

    def _ask(self) -> bool:
        """Asks whether faces are blurred. If so, the pipeline looks at every frame."""
        self._pipeline.looks_at_all = is_wanted = self._wanted()
        return is_wanted

    def _release_held(self) -> list[FrameResult]:
        held, self._held, self._bytes = list(self._held), deque(), 0
        return held

    @property
    def holds_results(self) -> bool:
        """True while results of frames that were read are still to come."""
        return bool(self._held) or self._pipeline.has_pending

    @property
    def warning(self) -> str | None:
        """The number of failed searches in one line, for users; None for none."""
        if not self.failures:
            return None
        frames = format_count(self.failures, "frame")
        return (
            f"In {frames} faces could not be looked for ({self.failure}); nothing was read there."
        )

    def _read(
        self, read: Callable[[], list[FrameResult]]
    ) -> list[tuple[FrameResult, Doubt | None]]:
        """Asks the pipeline for results, and judges them. Where it fails, all frames that it has
        taken are in doubt."""
        try:
            results = read()
        except RecogniserError:
            raise
        except Exception as error:  # after any failure, the faces of these frames are unknown
            failed, self._fed = self._fed, []
            self.failures += len(failed)
            self.failure = self.failure or f"{type(error).__name__}: {error}".split("\n")[0]
            self._pipeline.drop_pending()
            self._pipeline.reset()
            return [
                (FrameResult(frame, (), self._labels), Doubt(NOT_SEARCHED, frame.time_s))
                for frame in failed
            ]
        del self._fed[: len(results)]
        return [(result, self._judge(result)) for result in results]

    def _judge(self, result: FrameResult) -> Doubt | None:
        frame = result.frame
        self._labels = result.labels
        doubt = None
        if self._mode.is_stream:
            faces = [*(one.face for one in result.faces), *result.unread]
            doubt = self._ledger.check_frame(faces, frame.image, frame.time_s)
        if frame.damaged:
            doubt = Doubt(DAMAGED, frame.time_s if doubt is None else doubt.since_s)
        return doubt

    def _accept(self, judged: Iterable[tuple[FrameResult, Doubt | None]]) -> list[FrameResult]:
        """Holds results back, and returns those that are due."""
        due: list[FrameResult] = []
        for result, doubt in judged:
            frame = result.frame
            if doubt is not None:
                self._mark_held(doubt.since_s)
                # Frames that were shown already cannot be stopped any more.
                if self._if_lost == "stop" and (doubt.why is not None or self._mode.is_recording):
                    self._held.extendleft(reversed(due))  # for `release`
                    raise self._make_stop_error(frame, doubt)
                result = replace(result, doubt=doubt.why)
            if not self._mode.is_recording:
                due.append(result)
                continue
            self._held.append(result)
            self._bytes += frame.image.nbytes
            due += self._release_due(frame.time_s)
        return due

    def _mark_held(self, since_s: float) -> None:
        """Marks the held results from `since_s` on as in doubt, or drops them if the run stops."""
        if self._if_lost == "stop":
            while self._held and self._held[-1].frame.time_s >= since_s:
                self._bytes -= self._held.pop().frame.image.nbytes
            return
        for place, one in enumerate(self._held):
            if one.frame.time_s >= since_s and one.doubt is None:
                self._held[place] = replace(one, doubt=BEFORE)

    def _make_stop_error(self, frame: Frame, doubt: Doubt) -> SourceError:
        why = doubt.why or BEFORE
        at_s = frame.time_s if doubt.why else max(0.0, doubt.since_s)
        return SourceError(
            f"{frame.source}: stopped at {at_s:.2f} s: {why}. Without --if-lost stop such "
            "frames are blurred as a whole."
        )

    def _release_due(self, now_s: float) -> list[FrameResult]:
        due = []
        while self._held and (
            now_s - self._held[0].frame.time_s > LOOK_BACK_S or self._bytes > self._max_bytes
        ):
            due.append(self._held.popleft())
            self._bytes -= due[-1].frame.image.nbytes
        return due
