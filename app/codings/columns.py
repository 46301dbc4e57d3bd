"""Recognises columns of other programs' tables by their names.

A column has a kind (`ColumnKind`). The name of a column of times may also give the unit, as in
`Start (s)`, `onset_ms`, `Begin Time - msec` or `OnsetFrame`.
"""

import re
from dataclasses import dataclass
from typing import Literal

ColumnKind = Literal[
    "onset", "offset", "duration", "time", "frame", "label", "person", "tier", "source", "event"
]
# "clock" stands for hours, minutes and seconds; "timecode" for these and a number of frames, whose
# rate the table does not give.
TimeUnit = Literal["s", "ms", "min", "frame", "clock", "timecode"]

# The names of each kind, in small letters, with one space between words. If several columns of a
# table have the same kind, the one whose name comes first here is used.
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
    name: (rank, kind) for kind, names in NAMES.items() for rank, name in enumerate(names)
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
    """The kind of a column. `rank` is the position of its name in `NAMES`, 0 for the best.
    `unit` is None if the name has no unit."""

    kind: ColumnKind
    rank: int = 0
    unit: TimeUnit | None = None


def find_unit(text: str) -> TimeUnit | None:
    """Reads the name of a unit, such as `s`, `[ms]` or `hh:mm:ss`; None for other text.

    >>> find_unit("[ms]"), find_unit("hh:mm:ss"), find_unit("happy")
    ('ms', 'clock', None)
    """
    return _UNITS.get(text.strip().strip("()[]").strip().lower())


def find_column_meaning(name: str) -> ColumnMeaning | None:
    """Finds the kind of a column with this name; None if the name is not known.

    >>> find_column_meaning("Start (s)")
    ColumnMeaning(kind='onset', rank=1, unit='s')
    """
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
        rank, kind = _KINDS[text]
        return ColumnMeaning(kind, rank, unit or (find_unit(text) if kind == "time" else None))
    # `onset ms`, `time relative sf`, `start frame`
    front, _, last = text.rpartition(" ")
    if front in _KINDS and (found := find_unit(last)) is not None:
        rank, kind = _KINDS[front]
        if kind in _TIMES:
            return ColumnMeaning(kind, rank, found)
    return None
