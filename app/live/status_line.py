"""Prints one plain line of what is seen at the moment, for terminals without a display."""

import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Callable
from typing import TextIO

from app.live.pacing import RateMeter
from app.process.safe_output import SureStream
from app.types import FrameResult, Image, TrackedFace
from app.wording import format_count

REFRESH_S = 0.1  # between two lines in place of each other; few bytes, so that slow lines keep up
NEW_LINE_S = 1.0  # between two lines below each other, where stdout is no terminal
CLEAR = "\r\x1b[K"  # goes to the begin of the terminal's line and empties it


class LiveLine:
    """Shows each result as a line on `stream` (None: stdout): a sink without a file.

    On a terminal each line replaces the one before; elsewhere a new line comes every second.
    `alone` says that the run has no other output. A `stream` whose reader is gone then ends the run
    with `BrokenPipeError`.
    """

    path = None
    dropped = 0
    warning = None

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        alone: bool,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size((80, 24)).columns,
    ) -> None:
        stream = sys.stdout if stream is None else stream
        self._stream = stream
        self._alone = alone
        self._clock = clock
        self._columns = columns
        self._in_place = stream.isatty()
        # Terminals that know no escape sequences get spaces over what was there.
        self._clear = "\r" if os.environ.get("TERM") == "dumb" else CLEAR
        self._rate = RateMeter(clock=clock)
        self._shown_s: float | None = None
        self._drawn = False
        self._gone = False

    def write(self, result: FrameResult, canvas: Image) -> None:
        """`canvas` is not looked at."""
        fps = self._rate.tick()
        now_s = self._clock()
        every_s = REFRESH_S if self._in_place else NEW_LINE_S
        if self._shown_s is not None and now_s - self._shown_s < every_s:
            return
        self._shown_s = now_s
        # A sign in the last column would make some terminals begin a new line.
        columns = max(1, self._columns() - 1) if self._in_place else None
        text = format_result(result, fps, columns)
        encoding = self._stream.encoding or "ascii"
        text = text.encode(encoding, "replace").decode(encoding)
        if not self._in_place:
            self._put(f"{text}\n")
            return
        padding = " " * (columns - count_columns(text)) if columns and self._clear == "\r" else ""
        self._put(f"{self._clear}{text}{padding}")
        self._drawn = True

    def _put(self, text: str) -> None:
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
            if isinstance(self._stream, SureStream) and self._stream.failure is not None:
                raise self._stream.failure  # such a stream raises nothing itself
        except OSError as error:  # EPIPE, EINVAL on Windows, EIO of a terminal that was closed
            self._gone = True
            if self._alone:
                raise BrokenPipeError from error

    def above(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """Returns a `say` that first moves the line out of the way."""

        def tell(text: str) -> None:
            if self._drawn:
                self._put("\n" if self._clear == "\r" else self._clear)
                self._drawn = False
            say(text)

        return tell

    def close(self) -> None:
        """Ends the last line, which stays."""
        if self._drawn:
            self._put("\n")
            self._drawn = False

    def abort(self) -> None:
        """Does what `close` does, because a line on a terminal cannot be taken back."""
        self.close()


def format_result(result: FrameResult, fps: float | None, columns: int | None = None) -> str:
    """Formats a result as `00:12  face 1 happiness 0.93 | face 2 unsure  28.4 frames/s`.

    `columns` is the most columns that the line may take; None: any number. Faces for which there is
    no room are counted. `fps` None leaves out the rate.
    """
    start = f"{format_run_time(result.frame.time_s)}  "
    end = "" if fps is None else f"  {fps:.1f} frames/s"
    faces = [_format_face(face) for face in result.faces]
    for shown in range(len(faces), -1, -1):
        left = len(faces) - shown
        parts = faces[:shown]
        if left:
            parts = [*parts, f"{left} more" if shown else _count_faces(left)]
        line = f"{start}{' | '.join(parts) or 'no face'}{end}"
        if columns is None or count_columns(line) <= columns:
            return line
    return cut_to_columns(f"{start}{_count_faces(len(faces))}", columns or 0)


def _count_faces(faces: int) -> str:
    return format_count(faces, "face") if faces else "no face"


def _format_face(face: TrackedFace) -> str:
    said = f"face {face.face_id} {replace_controls(face.label)}"
    if face.reason is not None:  # beside "unsure", a figure would be taken for the degree of doubt
        return said
    return f"{said} {float(face.probabilities.max()):.2f}"


def format_run_time(seconds: float) -> str:
    """Formats a time as minutes and seconds, with hours where there are any.

    >>> format_run_time(75.9), format_run_time(3675)
    ('01:15', '1:01:15')
    """
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    start = f"{hours}:" if hours else ""
    return f"{start}{minutes:02}:{whole % 60:02}"


def replace_controls(text: str) -> str:
    """Replaces what a terminal would obey, control and format characters, by question marks."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def count_columns(text: str) -> int:
    """Counts the columns that a text takes: two for a wide sign, none for a mark on another sign.

    >>> count_columns("ab"), count_columns("幸")
    (2, 2)
    """
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def cut_to_columns(text: str, columns: int) -> str:
    """Cuts a text to as much of its beginning as fits into `columns`.

    >>> cut_to_columns("face", 3)
    'fac'
    """
    end, taken = 0, 0
    for end, sign in enumerate(text, 1):
        taken += count_columns(sign)
        if taken > columns:
            return text[: end - 1]
    return text[:end]
