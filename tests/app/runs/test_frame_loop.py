"""One loop takes every frame to every output, and asks its hooks at the seams."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.errors import SinkError, SourceError
from app.privacy.blur_guard import BlurGuard
from app.runs.frame_loop import FrameLoop
from app.sources.base import SourceDefaults
from app.types import Frame, FrameResult, Image, Mode, Silence


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


class Blind:
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


def build(source: Frames, hooks: Hooks, *sinks: Output, pipeline: Blind | None = None) -> FrameLoop:
    pipeline = pipeline or Blind()
    guard = BlurGuard(pipeline, wanted=lambda: False, mode=source.mode)
    return FrameLoop(source, pipeline, guard, sinks, hooks)


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


def test_source_that_fails_keeps_what_came() -> None:
    hooks = Hooks()
    loop = build(Frames(frame(0), failure="cable pulled."), hooks)
    assert loop.run()
    assert loop.warning == "cable pulled. the source warns."
    assert "end" not in hooks.calls
    with pytest.raises(SourceError, match="cable pulled"):
        build(Frames(failure="cable pulled."), Hooks()).run()


def test_output_that_fails_is_named() -> None:
    good, bad = Output(), Output(fails_at=1)
    loop = build(Frames(frame(0), frame(1)), Hooks(), good, bad)
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
