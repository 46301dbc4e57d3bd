"""Makes one event of each frame: its readings, and the moment at which it was filmed.

An event is a JSON object. Its faces have the fields of a row of records (docs/records.md), with the
same values and decimals, so that a program reads both by the same names.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.actions.names import ACTIONS_NOTE
from app.events.clock_shift import measure_clock_shift
from app.recognition.quality import add_quality
from app.records.rows import make_json_row, make_records
from app.records.schema import DECIMALS
from app.types import FrameResult, Json
from app.wording import escape_surrogates

EVENT_SCHEMA = 1  # of the fields around the faces; each face names no schema of its own
MS_DECIMALS = 2  # of milliseconds
FRAME_FIELDS = frozenset({"source", "frame", "time_s", "schema"})  # of a row, told once an event
_encode_json = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":")
).encode  # made once


@dataclass(frozen=True, slots=True)
class EventClock:
    """The clocks of events. `monotonic` gives the seconds that `Frame.captured_s` is in, `utc` the
    seconds since 1970."""

    monotonic: Callable[[], float] = time.monotonic
    utc: Callable[[], float] = time.time

    def find_utc_s(self, captured_s: float) -> float:
        """Finds the seconds since 1970 of a moment by `monotonic`."""
        return captured_s + measure_clock_shift(self.utc, self.monotonic)


def make_event(result: FrameResult, clock: EventClock | None = None) -> Json:
    """Makes the event of a frame, at the moment at which it is sent.

    Args:
        result: The result of the frame. Missing quality figures are measured.
        clock: The clocks that tell the age of the frame; None: those of this machine.

    Returns:
        The event, without NaN and infinite numbers:

        - `type`: "frame"; `schema`: `EVENT_SCHEMA`.
        - `source`, `frame`, `time_s`: as in the records.
        - `captured_monotonic_s`: the time of capture by this machine's monotonic clock;
          `captured_utc`: the same in UTC, in ISO 8601; `age_ms`: the milliseconds from the capture
          until now. All three are None for a file that is not read at its own pace.
        - `size`: [width, height] of the picture in px.
        - `doubt`: the reason for which the whole picture is blurred, or None.
        - `unread`: the number of faces that were found and cannot be read.
        - `actions_note`: a text on the facial actions of the faces; only where there are any.
        - `faces`: a list of objects with the fields of a face in the records.
    """
    clock = clock or EventClock()
    frame = result.frame
    captured_s, utc, age_ms = frame.captured_s, None, None
    if captured_s is not None:
        utc = _format_utc(clock.find_utc_s(captured_s))
        age_ms = round(1000 * (clock.monotonic() - captured_s), MS_DECIMALS)
    faces = [
        {name: value for name, value in make_json_row(record).items() if name not in FRAME_FIELDS}
        for record in (make_records(add_quality(result)) if result.faces else ())
    ]
    has_actions = any(face.actions is not None for face in result.faces)
    return {
        "type": "frame",
        "schema": EVENT_SCHEMA,
        "source": escape_surrogates(frame.source),
        "frame": frame.index,
        "time_s": round(frame.time_s, DECIMALS),
        "captured_monotonic_s": None if captured_s is None else round(captured_s, DECIMALS),
        "captured_utc": utc,
        "age_ms": age_ms,
        "size": list(frame.size_wh),
        "doubt": result.doubt,
        "unread": len(result.unread),
        **({"actions_note": ACTIONS_NOTE} if has_actions else {}),
        "faces": faces,
    }


def encode_event(event: Json) -> str:
    """Encodes an event as one line of JSON, without the line's end.

    >>> encode_event({"type": "frame", "faces": []})
    '{"type":"frame","faces":[]}'

    Raises `ValueError` for a number that JSON has not.
    """
    return _encode_json(event)


def _format_utc(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
