"""The ports that outputs fill, and a context that completes several outputs."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from app.errors import RecogniserError
from app.types import FrameResult, Image


@runtime_checkable
class FrameTaking(Protocol):
    """The methods that any output has."""

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Adds a result and its canvas, uint8 (H, W, 3) BGR. Raises `SinkError`."""

    def close(self) -> None:
        """Completes the output with all that was written so far. Raises `SinkError`."""

    def abort(self) -> None:
        """Leaves nothing of the output behind."""


class Sink(FrameTaking, Protocol):
    """Takes every result of a run and the picture that is drawn of it.

    After `close` or `abort`, both do nothing.
    """

    @property
    def path(self) -> Path | None:
        """The final name of the output; None where the output is no file."""


class RunSink(Sink, Protocol):
    """A sink of this program's own runs, which also says what its output lacks."""

    @property
    def dropped(self) -> int:
        """The number of frames left out because the output was too slow for a live source."""

    @property
    def warning(self) -> str | None:
        """One line on what else is wrong with the output; None while nothing is."""


class ReadingsSink:
    """Marks a sink that takes readings alone, and does not look at canvases. Where all sinks are of
    this kind, nothing is drawn for them."""


def check_sinks(sinks: Iterable[object]) -> None:
    """Raises `TypeError` for the first of `sinks` that is no output.

    >>> check_sinks([None])
    Traceback (most recent call last):
    TypeError: a sink has write, close and abort, as RecordsSink has; got NoneType
    """
    for sink in sinks:
        if isinstance(sink, type) or not isinstance(sink, FrameTaking):
            given = sink.__name__ + ", a class" if isinstance(sink, type) else type(sink).__name__
            raise TypeError(f"a sink has write, close and abort, as RecordsSink has; got {given}")


def close_all(sinks: Iterable[Sink]) -> list[RecogniserError]:
    """Completes the sinks in the order given, whatever becomes of one of them. Returns the errors
    of those that failed."""
    failures: list[RecogniserError] = []
    for sink in sinks:
        try:
            sink.close()
        except RecogniserError as error:
            failures.append(error)
    return failures


def count_dropped(sinks: Iterable[RunSink]) -> dict[str, int]:
    """Maps the name of each output that was too slow for a live source to the number of frames that
    it lacks."""
    return {str(sink.path): sink.dropped for sink in sinks if sink.dropped}


@contextlib.contextmanager
def writing(*sinks: Sink) -> Iterator[Callable[[FrameResult, Image], None]]:
    """Yields a function that writes a result and its canvas to each of `sinks`.

    At the end, all sinks are completed, also when one of them fails. Where an exception comes from
    elsewhere, the sinks leave nothing behind. Raises the first `SinkError` of a sink that failed,
    and `TypeError` for one that is no output.
    """
    check_sinks(sinks)

    def write(result: FrameResult, canvas: Image) -> None:
        for sink in sinks:
            sink.write(result, canvas)

    with contextlib.ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.abort)  # which does nothing after `close`
        yield write
        if failures := close_all(sinks):
            raise failures[0]
