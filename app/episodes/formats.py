"""Episodes as files for other programs: tables, subtitles, ELAN, Audacity."""

import mimetypes
import re
from collections.abc import Sequence
from dataclasses import astuple, fields
from html import escape
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from app.episodes.episode import Episode
from app.errors import SinkError
from app.files.atomic import write_text
from app.files.csv_text import escape_cell
from app.files.suffixes import read_suffix
from app.records.rows import format_csv_line

SUFFIXES = (".csv", ".vtt", ".eaf", ".txt")
XSI = "http://www.w3.org/2001/XMLSchema-instance"
EAF_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
# The format asks for a date. It is always this one: the same records give the same file.
EAF_DATE = "1970-01-01T00:00:00+00:00"
EXPRESSION, APEX = "expression", "apex"  # ELAN's types of tiers
# Characters that XML 1.0 and one-line formats do not take.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")


CSV_COLUMNS = tuple(item.name for item in fields(Episode))


def check_episodes_suffix(path: Path) -> str:
    """Raises `SinkError` for a kind of file that there is not."""
    kinds = ".csv, .vtt (subtitles), .eaf (ELAN) or .txt (Audacity)."
    return read_suffix(path, SUFFIXES, f"must end in {kinds}")


def write_episodes(
    path: Path, episodes: Sequence[Episode], *, sources: Sequence[str], overwrite: bool
) -> None:
    """`sources`: all that were looked at. Raises `SinkError`, also for a file of a kind that is for
    one video where there are several."""
    suffix = check_episodes_suffix(path)
    if suffix != ".csv" and len(sources) > 1:
        raise SinkError(
            f"{path} would mix {len(sources)} inputs, but a {suffix} file is for one. Write .csv, "
            "or use records of one video."
        )
    if suffix == ".csv":
        text = format_csv(episodes)
    elif suffix == ".vtt":
        text = format_vtt(episodes)
    elif suffix == ".txt":
        text = format_audacity(episodes)
    else:
        text = format_eaf(episodes, media=sources[0] if sources else None)
    write_text(path, text, overwrite=overwrite)


def format_csv(episodes: Sequence[Episode]) -> str:
    lines = [format_csv_line(CSV_COLUMNS)]
    for one in episodes:
        cells = [
            f"{value:.6f}" if isinstance(value, float) else escape_cell(str(value))
            for value in astuple(one)
        ]
        lines.append(format_csv_line(cells))
    return "".join(lines)


def format_vtt(episodes: Sequence[Episode]) -> str:
    """Subtitles: https://www.w3.org/TR/webvtt1/. Episodes of several people are shown together."""
    cues = [
        f"{number}\n{_clock(one.onset_s)} --> {_clock(one.offset_s)}\n"
        f"{escape(_one_line(_title(one)), quote=False)} ({100 * one.peak:.0f} %)\n"
        for number, one in enumerate(episodes, start=1)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def format_audacity(episodes: Sequence[Episode]) -> str:
    return "".join(
        f"{one.onset_s:.6f}\t{one.offset_s:.6f}\t{_one_line(_title(one))}\n" for one in episodes
    )


def format_eaf(episodes: Sequence[Episode], *, media: str | None) -> str:
    """ELAN's format 3.0: a tier of expressions for each face, and one below it that says for each
    of them when it was strongest. ELAN looks for `media` beside the file."""
    document = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "",
            "DATE": EAF_DATE,
            "FORMAT": "3.0",
            "VERSION": "3.0",
            f"{{{XSI}}}noNamespaceSchemaLocation": EAF_SCHEMA,
        },
    )
    header = _element(document, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if media is not None and ":" not in media:  # a camera has no file
        address = "./" + quote(media)
        kind = mimetypes.guess_type(media)[0] or "unknown"
        _element(
            header,
            "MEDIA_DESCRIPTOR",
            MEDIA_URL=address,
            MIME_TYPE=kind,
            RELATIVE_MEDIA_URL=address,
        )
    used = _element(header, "PROPERTY", NAME="lastUsedAnnotationId")
    used.text = str(2 * len(episodes))
    times = _element(document, "TIME_ORDER")
    moments = sorted(
        (milliseconds, number, end)
        for number, one in enumerate(episodes)
        for end, milliseconds in enumerate(_span_ms(one))
    )
    slots: dict[tuple[int, int], str] = {}
    for order, (milliseconds, number, end) in enumerate(moments, start=1):
        slots[number, end] = f"ts{order}"
        _element(times, "TIME_SLOT", TIME_SLOT_ID=f"ts{order}", TIME_VALUE=str(milliseconds))
    for face_id in sorted({one.face_id for one in episodes}):
        mine = [(number, one) for number, one in enumerate(episodes) if one.face_id == face_id]
        person = f"face {face_id}"
        tier = _element(
            document, "TIER", LINGUISTIC_TYPE_REF=EXPRESSION, PARTICIPANT=person, TIER_ID=person
        )
        below = _element(
            document,
            "TIER",
            LINGUISTIC_TYPE_REF=APEX,
            PARENT_REF=person,
            PARTICIPANT=person,
            TIER_ID=f"{person} apex",
        )
        for number, one in mine:
            name = f"a{2 * number + 1}"
            span = _element(
                _element(tier, "ANNOTATION"),
                "ALIGNABLE_ANNOTATION",
                ANNOTATION_ID=name,
                TIME_SLOT_REF1=slots[number, 0],
                TIME_SLOT_REF2=slots[number, 1],
            )
            _element(span, "ANNOTATION_VALUE").text = _one_line(one.label)
            note = _element(
                _element(below, "ANNOTATION"),
                "REF_ANNOTATION",
                ANNOTATION_ID=f"a{2 * number + 2}",
                ANNOTATION_REF=name,
            )
            _element(note, "ANNOTATION_VALUE").text = f"{one.apex_s:.3f} s, {100 * one.peak:.0f} %"
    _element(
        document,
        "LINGUISTIC_TYPE",
        GRAPHIC_REFERENCES="false",
        LINGUISTIC_TYPE_ID=EXPRESSION,
        TIME_ALIGNABLE="true",
    )
    _element(
        document,
        "LINGUISTIC_TYPE",
        CONSTRAINTS="Symbolic_Association",
        GRAPHIC_REFERENCES="false",
        LINGUISTIC_TYPE_ID=APEX,
        TIME_ALIGNABLE="false",
    )
    _element(
        document,
        "CONSTRAINT",
        DESCRIPTION="One note for one annotation above it",
        STEREOTYPE="Symbolic_Association",
    )
    ElementTree.indent(document)
    body = ElementTree.tostring(document, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _element(above: ElementTree.Element, name: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(above, name, attributes)


def _span_ms(one: Episode) -> tuple[int, int]:
    onset = max(0, round(1000 * one.onset_s))
    return onset, max(onset + 1, round(1000 * one.offset_s))


def _title(one: Episode) -> str:
    return f"face {one.face_id}: {one.label}"


def _one_line(text: str) -> str:
    return _CONTROL.sub(" ", text).strip() or "?"


def _clock(time_s: float) -> str:
    """1.5 -> 00:00:01.500."""
    milliseconds = max(0, round(1000 * time_s))
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
