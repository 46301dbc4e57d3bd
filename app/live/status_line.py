"""One plain line of what is seen now, for terminals without a display."""

import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Callable
from typing import TextIO

from app.live.pacing import RateMeter
from app.types import FrameResult, Image, TrackedFace
from app.wording import format_count

REFRESH_S = 0.1  # in place, where there is a terminal; few bytes, so that slow lines keep up
EVERY_S = 1.0  # a line of its own each time, where there is none
CLEAR = "\r\x1b[K"


class LiveLine:
    """An output without a file: shows each result on `stream` (None: stdout), in place on a
    terminal, else as a line a second. `alone` says that the run has no other output, so that nobody
    is left to run for when `stream` is closed at its other end; then `BrokenPipeError` is raised.
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
        every_s = REFRESH_S if self._in_place else EVERY_S
        if self._shown_s is not None and now_s - self._shown_s < every_s:
            return
        self._shown_s = now_s
        # A sign in the last column would make some terminals begin a new line.
        columns = max(1, self._columns() - 1) if self._in_place else None
        text = live_line(result, fps, columns)
        encoding = self._stream.encoding or "ascii"
        text = text.encode(encoding, "replace").decode(encoding)
        if not self._in_place:
            self._put(f"{text}\n")
            return
        padding = " " * (columns - width_of(text)) if columns and self._clear == "\r" else ""
        self._put(f"{self._clear}{text}{padding}")
        self._drawn = True

    def _put(self, text: str) -> None:
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
            if (failure := getattr(self._stream, "failure", None)) is not None:
                raise failure  # of a stream that raises nothing itself
        except OSError as error:  # EPIPE, EINVAL on Windows, EIO of a terminal that was closed
            self._gone = True
            if self._alone:
                raise BrokenPipeError from error

    def above(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """`say`, with the line out of the way."""

        def tell(text: str) -> None:
            if self._drawn:
                self._put("\n" if self._clear == "\r" else self._clear)
                self._drawn = False
            say(text)

        return tell

    def close(self) -> None:
        """The last line stays."""
        if self._drawn:
            self._put("\n")
            self._drawn = False

    def abort(self) -> None:
        self.close()


def live_line(result: FrameResult, fps: float | None, columns: int | None = None) -> str:
    """`00:12  face 1 happiness 0.93 | face 2 unsure  28.4 frames/s`, in at most `columns` (None: of
    any length). Faces for which there is no room are counted."""
    start = f"{clock_time(result.frame.time_s)}  "
    end = "" if fps is None else f"  {fps:.1f} frames/s"
    faces = [_said(face) for face in result.faces]
    for shown in range(len(faces), -1, -1):
        left = len(faces) - shown
        parts = faces[:shown]
        if left:
            parts = [*parts, f"{left} more" if shown else _count(left)]
        line = f"{start}{' | '.join(parts) or 'no face'}{end}"
        if columns is None or width_of(line) <= columns:
            return line
    return cut(f"{start}{_count(len(faces))}", columns or 0)


def _count(faces: int) -> str:
    return format_count(faces, "face") if faces else "no face"


def _said(face: TrackedFace) -> str:
    said = f"face {face.face_id} {plain(face.label)}"
    if face.reason is not None:  # doubt is said without a figure, which would be taken for its size
        return said
    return f"{said} {float(face.probabilities.max()):.2f}"


def clock_time(seconds: float) -> str:
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    start = f"{hours}:" if hours else ""
    return f"{start}{minutes:02}:{whole % 60:02}"


def plain(text: str) -> str:
    """Without what a terminal would obey: control and format characters, line ends."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def width_of(text: str) -> int:
    """Columns that `text` takes: wide signs two, marks on others none."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def cut(text: str, columns: int) -> str:
    """As much of the beginning of `text` as fits."""
    end, taken = 0, 0
    for end, sign in enumerate(text, 1):
        taken += width_of(sign)
        if taken > columns:
            return text[: end - 1]
    return text[:end]
