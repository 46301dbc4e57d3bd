"""The port that every output fills, and a context that completes several outputs."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from app.errors import SinkError
from app.types import FrameResult, Image


class Sink(Protocol):
    """An output. `path` is its final name. `close` completes it, with what was written so far;
    `abort` leaves nothing behind; after either, both do nothing. Raises `SinkError`."""

    @property
    def path(self) -> Path: ...

    def write(self, result: FrameResult, canvas: Image) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


@contextlib.contextmanager
def writing(*sinks: Sink) -> Iterator[Callable[[FrameResult, Image], None]]:
    """Gives what writes a result and its canvas to each of `sinks`; completes them all at the end,
    also when one of them fails, or, where an exception comes from elsewhere, leaves nothing."""

    def write(result: FrameResult, canvas: Image) -> None:
        for sink in sinks:
            sink.write(result, canvas)

    with contextlib.ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.abort)  # which does nothing after `close`
        yield write
        failures: list[SinkError] = []
        for sink in sinks:  # whatever becomes of one, the others are completed
            try:
                sink.close()
            except SinkError as error:
                failures.append(error)
        if failures:
            raise failures[0]
