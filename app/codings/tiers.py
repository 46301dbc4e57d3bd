"""Reads codings in tiers: ELAN's .eaf, Praat's .TextGrid and Anvil's .anvil."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from app.codings.rows import CodedRow
from app.codings.text import read_text
from app.errors import DataError
from app.records.checks import MAX_TIME_S

# Praat itself reads only numbers, quoted texts and flags, each between spaces, and skips the rest.
_PRAAT = re.compile(
    r'!.*|"(?:[^"]|"")*"|<\w+>|(?<!\S)[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?!\S)|\S+'
)
_PRAAT_VALUE = re.compile(r'["<0-9+-]')
_ELAN_SLOTS = ("TIME_SLOT_REF1", "TIME_SLOT_REF2")  # of an annotation


def is_tier_file(path: Path) -> bool:
    """True for the suffixes of ELAN, Praat and Anvil."""
    return path.suffix.lower() in _READERS


def read_tiers(path: Path, tiers: Collection[str]) -> list[CodedRow]:
    """Reads the rows of the tiers that `tiers` names, or of all tiers if it is empty.

    The person of a row is the participant of its tier. If a participant has several tiers, the
    name of the tier takes the place of the person. Raises `DataError`.
    """
    text = read_text(path)
    try:
        found = list(_READERS[path.suffix.lower()](text))
    except (ElementTree.ParseError, ValueError, KeyError, OverflowError) as cause:
        why = f"{cause.args[0]!r} is missing" if isinstance(cause, KeyError) else str(cause)
        raise DataError(
            f"{path} is damaged or no {path.suffix} file: {why}. Save it again, or export a table."
        ) from cause
    wanted = {one.lower() for one in tiers}
    known = list(dict.fromkeys(one.tier for one in found))
    for tier in sorted(wanted - {name.lower() for name in known}):
        raise DataError(
            f"{path} has no tier {tier!r} with times. Its tiers are {', '.join(known) or 'none'}."
        )
    chosen = [one for one in found if one.row and (not wanted or one.tier.lower() in wanted)]
    # A participant may have tiers of several kinds, such as gaze and expression.
    tiers_of: dict[str, set[str]] = {}
    for one in chosen:
        tiers_of.setdefault(one.participant, set()).add(one.tier)
    return [
        replace(
            one.row, person=one.participant if len(tiers_of[one.participant]) == 1 else one.tier
        )
        for one in chosen
        if one.row is not None
    ]


class _TierRow(NamedTuple):
    """One row of a tier. `row` is None in an entry that only states that the tier exists."""

    tier: str
    participant: str
    row: CodedRow | None


def _read_eaf(text: str) -> Iterator[_TierRow]:
    root = ElementTree.fromstring(_without_declaration(text))
    if root.tag != "ANNOTATION_DOCUMENT":
        raise ValueError("it is not of ELAN")
    # ELAN itself always writes milliseconds; its schema knows PAL-frames and NTSC-frames, too.
    header = root.find("HEADER")
    unit = "" if header is None else header.attrib.get("TIME_UNITS", "")
    if unit not in ("", "milliseconds"):
        raise ValueError(f"its times are {unit}, not milliseconds")
    # The begin of ELAN's time line in the video, in ms: not 0 if the video was cut or joined.
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    origin = 0 if media is None else int(media.attrib.get("TIME_ORIGIN") or 0)
    slots: dict[str, float | None] = {}
    for slot in root.iter("TIME_SLOT"):
        value = slot.attrib.get("TIME_VALUE")
        slots[slot.attrib["TIME_SLOT_ID"]] = None if value is None else (int(value) + origin) / 1000
    for tier in root.iter("TIER"):
        name = tier.attrib["TIER_ID"]
        if tier.find("ANNOTATION/ALIGNABLE_ANNOTATION") is None:
            continue  # the tier is empty, or its annotations refer to those of another tier
        person = tier.attrib.get("PARTICIPANT", "").strip() or name
        spans = list(tier.iter("ALIGNABLE_ANNOTATION"))
        used = {one.attrib[which] for one in spans for which in _ELAN_SLOTS}
        times = _fill_times({slot: time for slot, time in slots.items() if slot in used})
        for one in spans:
            begin, end = (times.get(one.attrib[which]) for which in _ELAN_SLOTS)
            if begin is not None and end is not None:
                label = one.findtext("ANNOTATION_VALUE") or ""
                yield _TierRow(name, person, _row(person, label, begin, end))


def _fill_times(slots: Mapping[str, float | None]) -> dict[str, float]:
    """Gives the slots of a tier without a time one between their neighbours, at even steps, as ELAN
    shows the annotations of a subdivision that were not aligned. Slots before the first time or
    behind the last one get none.

    >>> _fill_times({"a": 1.0, "b": None, "c": None, "d": 4.0, "e": None})
    {'a': 1.0, 'b': 2.0, 'c': 3.0, 'd': 4.0}
    """
    names = list(slots)
    known = [(place, time) for place, time in enumerate(slots.values()) if time is not None]
    found = {names[place]: time for place, time in known}
    for (first, begin), (last, end) in pairwise(known):
        step = (end - begin) / (last - first)
        found |= {names[place]: begin + (place - first) * step for place in range(first + 1, last)}
    return {name: found[name] for name in names if name in found}


def _read_anvil(text: str) -> Iterator[_TierRow]:
    root = ElementTree.fromstring(_without_declaration(text))
    if root.tag != "annotation":
        raise ValueError("it is not of Anvil")
    for track in root.iter("track"):
        name = track.attrib["name"]
        for one in track.iter("el"):
            if "start" not in one.attrib:
                continue  # the track takes its times from another track
            label = next((attribute.text for attribute in one.iter("attribute")), "")
            begin, end = float(one.attrib["start"]), float(one.attrib["end"])
            yield _TierRow(name, name, _row(name, label or "", begin, end))


def _without_declaration(text: str) -> str:
    """Removes the line that names an encoding, because `text` is already decode_text."""
    return re.sub(r"\A\s*<\?xml[^>]*\?>", "", text)


def _read_textgrid(text: str) -> Iterator[_TierRow]:
    values = (found[0] for found in _PRAAT.finditer(text) if _PRAAT_VALUE.match(found[0]))
    head = [next(values, ""), next(values, "")]
    if head != ['"ooTextFile"', '"TextGrid"']:
        raise ValueError("it is not of Praat")
    try:
        _number(values), _number(values), next(values)  # begin, end, <exists>
        for _ in range(int(_number(values))):
            kind, name = _quoted(values), _quoted(values)
            yield _TierRow(name, name, None)
            _number(values), _number(values)
            for _ in range(int(_number(values))):
                begin = _number(values)
                if kind == "IntervalTier":
                    end, label = _number(values), _quoted(values)
                    # Praat's tiers have no gaps: an interval without a text is a gap.
                    if label.strip():
                        yield _TierRow(name, name, _row(name, label, begin, end))
                else:
                    yield _TierRow(name, name, CodedRow(0, name, _quoted(values), begin))
    except (StopIteration, RuntimeError):
        raise ValueError("it ends early") from None


def _number(values: Iterator[str]) -> float:
    return float(next(values))


def _quoted(values: Iterator[str]) -> str:
    value = next(values)
    if not value.startswith('"'):
        raise ValueError(f"{value[:40]!r} stands where a text should")
    return value[1:-1].replace('""', '"')


def _row(person: str, label: str, begin: float, end: float) -> CodedRow:
    if not 0 <= begin < end <= MAX_TIME_S:
        raise ValueError(f"{label[:40]!r} of {person!r} lasts from {begin:g} to {end:g} s")
    return CodedRow(0, person, label, begin, end)


# Each reads the rows of a text, tier by tier, and raises `ValueError` for a text of another format.
_READERS: dict[str, Callable[[str], Iterator[_TierRow]]] = {
    ".eaf": _read_eaf,
    ".textgrid": _read_textgrid,
    ".anvil": _read_anvil,
}
