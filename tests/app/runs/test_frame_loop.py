"""One loop takes every frame to every output, and asks its hooks at the seams."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from app.errors import ModelError, SinkError, SourceError
from app.privacy.blur_guard import BlurGuard
from app.runs.frame_loop import FrameLoop
from app.sources.base import SourceDefaults
from app.types import Frame, FrameResult, Image, Mode, Silence
from tests.support.at_once import AtOnce


class Frames(SourceDefaults):
    """Gives `items`, and then fails if told so."""

    name, warning = "frames", "the source warns."
    frame_count: int | None = None

    def __init__(
        self, *items: Frame | Silence, mode: Mode = Mode.LIVE, failure: str | None = None
    ) -> None:
        self.mode = mode
        self._items, self._failure = items, failure

    def __iter__(self) -> Iterator[Frame | Silence]:
        yield from self._items
        if self._failure is not None:
            raise SourceError(self._failure)


class Blind(AtOnce):
    """Sees no face, and counts the frames before each reset."""

    def __init__(self) -> None:
        self.steps = 0
        self.resets: list[int] = []

    def step(self, frame: Frame) -> FrameResult:
        self.steps += 1
        return FrameResult(frame, (), ("a", "b"))

    def reset(self) -> None:
        self.resets.append(self.steps)


class Hooks:
    """Notes every call, and ends the run after `last` results or at a silence."""

    def __init__(self, last: int | None = None, *, bears_silence: bool = True) -> None:
        self.calls: list[str] = []
        self._last = last
        self._bears_silence = bears_silence

    def is_stopped(self) -> bool:
        return False

    def on_silence(self, silence: Silence) -> bool:
        self.calls.append("silence")
        return self._bears_silence

    def before_frame(self, frame: Frame) -> None:
        self.calls.append(f"before {frame.index}")

    def prepare(self, judged: FrameResult) -> tuple[FrameResult, Image]:
        return judged, judged.picture

    def after_result(self, result: FrameResult, canvas: Image) -> bool:
        self.calls.append(f"result {result.frame.index}")
        return result.frame.index != self._last

    def after_frame(self) -> None:
        self.calls.append("after")

    def after_last_frame(self) -> None:
        self.calls.append("end")


class Output:
    path, dropped, warning = Path("out"), 0, "the output warns."

    def __init__(self, fails_at: int | None = None) -> None:
        self.written: list[int] = []
        self._fails_at = fails_at

    def write(self, result: FrameResult, canvas: Image) -> None:
        if result.frame.index == self._fails_at:
            raise SinkError("disk full")
        self.written.append(result.frame.index)

    def close(self) -> None: ...

    def abort(self) -> None: ...


def frame(index: int, size_wh: tuple[int, int] = (8, 6)) -> Frame:
    return Frame(np.zeros((size_wh[1], size_wh[0], 3), np.uint8), index, index / 25, "frames")


def build(
    source: Frames,
    hooks: Hooks,
    *sinks: Output,
    pipeline: Blind | None = None,
    writes_behind: bool = False,
) -> FrameLoop:
    pipeline = pipeline or Blind()
    guard = BlurGuard(pipeline, wanted=lambda: False, mode=source.mode)
    return FrameLoop(source, pipeline, guard, sinks, hooks, writes_behind=writes_behind)


def is_writing() -> bool:
    return any(thread.name == "write results" for thread in threading.enumerate())


WAIT_S = 10.0  # for what comes at once; a busy machine may need longer
BOTH_WAYS = pytest.mark.parametrize("writes_behind", [False, True])


def test_hooks_come_in_order_and_outputs_get_every_frame() -> None:
    hooks, outputs = Hooks(), (Output(), Output())
    loop = build(Frames(frame(0), Silence(None, 0.1), frame(1)), hooks, *outputs)
    assert loop.run()
    assert hooks.calls == (
        ["before 0", "result 0", "after", "silence", "before 1", "result 1", "after", "end"]
    )
    assert [output.written for output in outputs] == [[0, 1], [0, 1]]
    assert (loop.frames, loop.faces, loop.blurred_whole, loop.failing) == (2, 0, 0, None)
    assert loop.warning == "the source warns. the output warns. the output warns."


@pytest.mark.parametrize(
    ("hooks", "written"), [(Hooks(last=0), [0]), (Hooks(bears_silence=False), [0])]
)
def test_hooks_end_the_run(hooks: Hooks, written: list[int]) -> None:
    output = Output()
    assert not build(Frames(frame(0), Silence("gone", 1.0), frame(1)), hooks, output).run()
    assert output.written == written
    assert "end" not in hooks.calls


@BOTH_WAYS
def test_source_that_fails_keeps_what_came(writes_behind: bool) -> None:
    hooks, output = Hooks(), Output()
    source = Frames(frame(0), failure="cable pulled.")
    loop = build(source, hooks, output, writes_behind=writes_behind)
    assert loop.run()
    assert (output.written, loop.frames) == ([0], 1)
    assert loop.warning == "cable pulled. the source warns. the output warns."
    assert "end" not in hooks.calls
    with pytest.raises(SourceError, match="cable pulled"):
        build(Frames(failure="cable pulled."), Hooks(), writes_behind=writes_behind).run()
    assert not is_writing()


@BOTH_WAYS
def test_output_that_fails_is_named(writes_behind: bool) -> None:
    good, bad = Output(), Output(fails_at=1)
    frames = Frames(*map(frame, range(9 if writes_behind else 2)))
    loop = build(frames, Hooks(), good, bad, writes_behind=writes_behind)
    with pytest.raises(SinkError, match="disk full"):
        loop.run()
    assert loop.failing is bad
    assert (good.written, bad.written, loop.frames) == ([0, 1], [0], 1)


@pytest.mark.parametrize(("mode", "resets"), [(Mode.LIVE, [1]), (Mode.PICTURES, [])])
def test_stream_of_another_size_begins_anew(mode: Mode, resets: list[int]) -> None:
    pipeline = Blind()
    source = Frames(frame(0), frame(1, (6, 8)), frame(2, (6, 8)), mode=mode)
    assert build(source, Hooks(), pipeline=pipeline).run()
    assert pipeline.resets == resets


def test_run_that_goes_on_knows_the_size_of_the_run_before() -> None:
    pipeline = Blind()
    loop = build(Frames(frame(5)), Hooks(), pipeline=pipeline)
    loop.size_wh = (640, 480)
    loop.run()
    assert (pipeline.resets, loop.size_wh) == ([0], (8, 6))


# Results that are written in a thread


class SlowOutput(Output):
    """Waits at each frame until it may go on."""

    def __init__(self, go_on: Callable[[], object]) -> None:
        super().__init__()
        self._go_on = go_on

    def write(self, result: FrameResult, canvas: Image) -> None:
        self._go_on()
        super().write(result, canvas)


def test_frames_are_read_while_the_first_is_written() -> None:
    third_is_read = Event()

    class Reading(Hooks):
        def before_frame(self, frame: Frame) -> None:
            super().before_frame(frame)
            if frame.index == 2:
                third_is_read.set()

    came: list[bool] = []
    output = SlowOutput(lambda: came.append(third_is_read.wait(WAIT_S)))
    hooks = Reading()
    loop = build(Frames(*map(frame, range(20))), hooks, output, writes_behind=True)
    assert loop.run()
    assert came == [True] * 20
    assert output.written == list(range(20))
    assert hooks.calls.index("before 2") < hooks.calls.index("result 0")
    assert [call for call in hooks.calls if call.startswith("result")] == (
        [f"result {number}" for number in range(20)]
    )
    assert (loop.frames, loop.failing) == (20, None)
    assert not is_writing()


def test_reading_waits_for_an_output_that_is_slower() -> None:
    is_full, read = Event(), list[int]()

    class Reading(Hooks):
        def before_frame(self, frame: Frame) -> None:
            read.append(frame.index)
            if frame.index == 3:  # one is written, two wait, and this one has no room
                is_full.set()

    def check() -> None:
        if not output.written:
            assert is_full.wait(WAIT_S)
            Event().wait(0.1)
            assert max(read) == 3

    output = SlowOutput(check)
    assert build(Frames(*map(frame, range(9))), Reading(), output, writes_behind=True).run()
    assert output.written == list(range(9))


def test_tasks_wait_for_the_results_before_them() -> None:
    output, seen = Output(), list[list[int]]()

    class Saving(Hooks):
        def after_frame(self) -> None:
            loop.do_after_results(lambda: seen.append(list(output.written)))

    loop = build(Frames(frame(0), frame(1)), Saving(), output, writes_behind=True)
    assert loop.run()
    assert seen == [[0], [0, 1]]


class Failing(Blind):
    """Fails at a frame, when `until` has come."""

    def __init__(self, at: int, error: BaseException, until: Event) -> None:
        super().__init__()
        self._at, self._error, self._until = at, error, until

    def step(self, frame: Frame) -> FrameResult:
        if frame.index == self._at:
            assert self._until.wait(WAIT_S)
            raise self._error
        return super().step(frame)


@pytest.mark.parametrize("error", [ModelError("no numbers"), MemoryError(), KeyboardInterrupt()])
def test_error_in_reading_ends_the_writing(error: BaseException) -> None:
    begun = Event()
    output = SlowOutput(lambda: begun.set() or threading.Event().wait(0.05))
    pipeline = Failing(2, error, until=begun)
    loop = build(
        Frames(*map(frame, range(9))), Hooks(), output, pipeline=pipeline, writes_behind=True
    )
    with pytest.raises(type(error)) as raised:
        loop.run()
    assert raised.value is error
    assert not is_writing()
    assert output.written in ([0], [0, 1])


@pytest.mark.parametrize(
    ("error", "heard"), [(ModelError("no numbers"), SinkError), (KeyboardInterrupt(), None)]
)
def test_of_two_errors_that_of_the_earlier_frame_is_heard(
    error: BaseException, heard: type[Exception] | None
) -> None:
    failed = Event()

    class Full(Output):
        def write(self, result: FrameResult, canvas: Image) -> None:
            failed.set()
            raise SinkError("disk full")

    bad, pipeline = Full(), Failing(1, error, until=failed)
    loop = build(Frames(frame(0), frame(1)), Hooks(), bad, pipeline=pipeline, writes_behind=True)
    with pytest.raises(heard or type(error)):
        loop.run()
    assert loop.failing is bad
    assert not is_writing()


def test_run_is_settled_while_no_result_is_held_back() -> None:
    pipeline = Blind()
    guard = BlurGuard(pipeline, wanted=lambda: True, mode=Mode.FILE)
    loop = FrameLoop(Frames(mode=Mode.FILE), pipeline, guard, (), Hooks())
    assert loop.is_settled
    guard.step(frame(0))
    assert not loop.is_settled
    guard.release()
    assert loop.is_settled


class Waiting(Blind):
    """Keeps its first frames until it is told to read them, which fails."""

    def __init__(self) -> None:
        super().__init__()
        self.has_pending = True

    def feed(self, frame: Frame) -> list[FrameResult]:
        return [] if self.has_pending else super().feed(frame)

    def flush(self) -> list[FrameResult]:
        if self.has_pending:
            raise ValueError("no memory for these pictures")
        return []

    def drop_pending(self) -> None:
        self.has_pending = False


def test_frames_that_cannot_be_read_before_another_size_are_covered_and_the_run_goes_on() -> None:
    frames = [
        Frame(np.zeros((size, size, 3), np.uint8), number, number / 10, "frames")
        for number, size in enumerate([20, 20, 30])
    ]
    pipeline, output = Waiting(), Output()
    guard = BlurGuard(pipeline, wanted=lambda: True, mode=Mode.FILE)
    loop = FrameLoop(Frames(*frames, mode=Mode.FILE), pipeline, guard, [output], Hooks())
    assert loop.run()
    assert output.written == [0, 1, 2]
    assert (loop.blurred_whole, guard.failures, len(pipeline.resets)) == (2, 2, 2)
