"""Tells by its name what a column of another program's table holds.

A column has a kind (`Kind`). A column of times may also name its unit: `Start (s)`, `onset_ms`,
`Begin Time - msec`, `OnsetFrame`.
"""

import re
from dataclasses import dataclass
from typing import Literal

ColumnKind = Literal[
    "onset", "offset", "duration", "time", "frame", "label", "person", "tier", "source", "event"
]
# "clock": hours, minutes and seconds; "timecode": the same and frames, whose rate is not known.
TimeUnit = Literal["s", "ms", "min", "frame", "clock", "timecode"]

# Names in small letters, words parted by one space. Of several columns of one kind, the name that
# stands further to the front counts.
NAMES: dict[ColumnKind, tuple[str, ...]] = {
    "onset": ("onset", "start", "begin", "start time", "begin time", "onset time", "time start")
    + ("starttime", "begintime", "onsettime", "from", "tmin", "xmin")
    + ("beginn", "début", "inicio"),
    "offset": ("offset", "end", "stop", "end time", "stop time", "offset time", "time end")
    + ("endtime", "stoptime", "offsettime", "to", "tmax", "xmax")
    + ("ende", "fin"),
    "duration": ("duration", "length"),
    "time": ("time", "timestamp", "t", "video time", "media time", "time relative")
    + ("seconds", "second", "sec", "zeit", "temps", "tiempo"),
    "frame": ("frame", "frame number", "framenumber", "frame index", "image index"),
    "label": ("label", "expression", "emotion", "dominant emotion", "facial expression", "code")
    + ("behavior", "behaviour", "annotation", "annotation value", "event", "value")
    + ("ausdruck", "émotion", "emoción"),
    "person": ("face id", "face", "person", "subject", "participant", "actor"),
    "tier": ("tier", "track", "layer", "behavioral category", "behavioural category"),
    "source": ("source", "video", "file", "filename", "file name", "media file name")
    + ("media file path", "media file", "observation id", "observation"),
    "event": ("behavior type", "behaviour type", "event type", "status"),
}
_KINDS: dict[str, tuple[int, ColumnKind]] = {
    name: (place, kind) for kind, names in NAMES.items() for place, name in enumerate(names)
}
_FRAMES: dict[str, ColumnKind] = {"onsetframe": "onset", "offsetframe": "offset"}
_FRAMES |= {"frame start": "onset", "frame end": "offset"}
_UNITS: dict[str, TimeUnit] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "ss.msec", "ss.ms", "sf"), "s"),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("frame", "frames"), "frame"),
    **dict.fromkeys(("hh:mm:ss.ms", "hh:mm:ss", "hh:mm:ss.msec", "hms"), "clock"),
    **dict.fromkeys(("hh:mm:ss:ff", "hh:mm:ss;ff", "hmsf"), "timecode"),
}
_BRACKETS = re.compile(r"\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]\s*$")
_ELAN = re.compile(r"(begin time|end time|duration) - (\S+).*")
_TIMES: frozenset[ColumnKind] = frozenset({"onset", "offset", "duration", "time"})


@dataclass(frozen=True, slots=True)
class ColumnMeaning:
    """A column's kind. `place` is the rank of the name among the names of this kind, 0 for the
    best. `unit` is None where the name has no unit."""

    kind: ColumnKind
    place: int = 0
    unit: TimeUnit | None = None


def find_unit(text: str) -> TimeUnit | None:
    """Returns the unit that a cell names, such as `s`, `[ms]` or `hh:mm:ss`; None for other
    text."""
    return _UNITS.get(text.strip().strip("()[]").strip().lower())


def find_column_meaning(name: str) -> ColumnMeaning | None:
    """Returns what a column of this name holds; None where the name is not known."""
    text = " ".join(name.lower().split())
    unit: TimeUnit | None = None
    if elan := _ELAN.fullmatch(text):
        text, unit = elan[1], find_unit(elan[2])
    elif (bracket := _BRACKETS.search(text)) and (unit := find_unit(bracket[1])):
        text = text[: bracket.start()]
    text = " ".join(word for word in re.split(r"[\s_\-]+", text) if word)
    if text in _FRAMES:
        return ColumnMeaning(_FRAMES[text], unit="frame")
    if text in _KINDS:
        place, kind = _KINDS[text]
        return ColumnMeaning(kind, place, unit or (find_unit(text) if kind == "time" else None))
    # `onset ms`, `time relative sf`, `start frame`
    front, _, last = text.rpartition(" ")
    if front in _KINDS and (found := find_unit(last)) is not None:
        place, kind = _KINDS[front]
        if kind in _TIMES:
            return ColumnMeaning(kind, place, found)
    return None
