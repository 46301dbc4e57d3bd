"""The ports that outputs fill, and a context that completes several outputs."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from app.errors import RecogniserError
from app.types import FrameResult, Image


class Sink(Protocol):
    """Takes every result of a run and the picture that is drawn of it.

    After `close` or `abort`, both do nothing.
    """

    @property
    def path(self) -> Path | None:
        """The final name of the output; None where the output is no file."""

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Adds a result and its canvas, uint8 (H, W, 3) BGR. Raises `SinkError`."""

    def close(self) -> None:
        """Completes the output with all that was written so far. Raises `SinkError`."""

    def abort(self) -> None:
        """Leaves nothing of the output behind."""


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
    elsewhere, the sinks leave nothing behind. Raises the first `SinkError` of a sink that failed.
    """

    def write(result: FrameResult, canvas: Image) -> None:
        for sink in sinks:
            sink.write(result, canvas)

    with contextlib.ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.abort)  # which does nothing after `close`
        yield write
        if failures := close_all(sinks):
            raise failures[0]
