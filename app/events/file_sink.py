"""Writes the events of a run into a file."""

from pathlib import Path

from app.errors import SinkError
from app.events.event import EventClock
from app.events.line_sink import make_event_lines
from app.files.atomic import make_write_error, open_partial
from app.outputs.sink import ReadingsSink
from app.types import FrameResult, Image


class EventsSink(ReadingsSink):
    """Writes one line of JSON per frame (`app.events.event`). The file gets its name when it is
    whole; a named pipe is `app.events.line_sink`'s.

    Args:
        path: The final name.
        overwrite: True replaces a file that exists.
        clock: The clocks of the events.

    Raises:
        SinkError: The file cannot be written.
    """

    dropped = 0
    warning = None

    def __init__(
        self, path: str | Path, *, overwrite: bool = False, clock: EventClock | None = None
    ) -> None:
        self.path = path = Path(path)
        self._make_lines = make_event_lines(clock)
        self._partial = open_partial(path, overwrite=overwrite)
        self._is_open = True

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Writes the line of a frame. The sink does not use `canvas`. Raises `SinkError`."""
        if not self._is_open:
            raise SinkError(f"{self.path} is closed already.")
        try:
            self._partial.file.write(self._make_lines(result).encode())
            self._partial.file.flush()
        except OSError as error:
            self.abort()
            raise make_write_error(self.path, error) from error

    def close(self) -> None:
        """Completes the file under its final name. A second call does nothing. Raises
        `SinkError`."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            self._partial.settle()
        except OSError as error:
            raise make_write_error(self.path, error) from error
        finally:
            self._partial.discard()

    def abort(self) -> None:
        """Gives the run up and removes the lines."""
        self._is_open = False
        self._partial.discard()
