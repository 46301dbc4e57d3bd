"""Writes episodes for other programs: tables, subtitles, ELAN, Audacity."""

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
# ELAN's format requires a date. A fixed one makes the same records give the same file.
EAF_DATE = "1970-01-01T00:00:00+00:00"
EXPRESSION_TYPE = "expression"  # ELAN's type of the tiers with episodes
APEX_TYPE = "apex"  # ELAN's type of the tiers with notes on them
# Characters that XML 1.0 and one-line formats do not allow.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
CSV_COLUMNS = tuple(item.name for item in fields(Episode))


def check_episodes_suffix(path: Path) -> str:
    """Returns the suffix of `path` in small letters. Raises `SinkError` if it is not one of
    `SUFFIXES`."""
    kinds = ".csv, .vtt (subtitles), .eaf (ELAN) or .txt (Audacity)."
    return read_suffix(path, SUFFIXES, f"must end in {kinds}")


def write_episodes(
    path: Path, episodes: Sequence[Episode], *, sources: Sequence[str], overwrite: bool
) -> None:
    """Writes `episodes` in the format that the suffix of `path` names.

    Args:
        path: A file that ends in one of `SUFFIXES`.
        episodes: The episodes, in the order in which they are written.
        sources: All sources that were searched, also those without an episode.
        overwrite: An existing file is replaced.

    Raises:
        SinkError: The file cannot be written, or its format is for one video and there are several
            sources.
    """
    suffix = check_episodes_suffix(path)
    check_sources(path, sources)
    if suffix == ".csv":
        text = format_csv(episodes)
    elif suffix == ".vtt":
        text = format_vtt(episodes)
    elif suffix == ".txt":
        text = format_audacity(episodes)
    else:
        text = format_eaf(episodes, media=sources[0] if sources else None)
    write_text(path, text, overwrite=overwrite)


def check_sources(path: Path, sources: Sequence[str]) -> None:
    """Raises `SinkError` where the format that the suffix of `path` names is for one video and
    there are several sources."""
    suffix = check_episodes_suffix(path)
    if suffix != ".csv" and len(sources) > 1:
        raise SinkError(
            f"{path} would mix {len(sources)} inputs, but a {suffix} file is for one. Write .csv, "
            "or use records of one video."
        )


def format_csv(episodes: Sequence[Episode]) -> str:
    """Formats episodes as a table with the columns `CSV_COLUMNS`, a row per episode."""
    lines = [format_csv_line(CSV_COLUMNS)]
    for one in episodes:
        cells = [
            f"{value:.6f}" if isinstance(value, float) else escape_cell(str(value))
            for value in astuple(one)
        ]
        lines.append(format_csv_line(cells))
    return "".join(lines)


def format_vtt(episodes: Sequence[Episode]) -> str:
    """Formats episodes as WebVTT subtitles (https://www.w3.org/TR/webvtt1/). A player shows the
    episodes of several people at the same time."""
    cues = [
        f"{number}\n{_clock(one.onset_s)} --> {_clock(one.offset_s)}\n"
        f"{escape(_one_line(_title(one)), quote=False)} ({100 * one.peak:.0f} %)\n"
        for number, one in enumerate(episodes, start=1)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def format_audacity(episodes: Sequence[Episode]) -> str:
    """Formats episodes as Audacity's labels: onset and offset in seconds, and a title."""
    return "".join(
        f"{one.onset_s:.6f}\t{one.offset_s:.6f}\t{_one_line(_title(one))}\n" for one in episodes
    )


def format_eaf(episodes: Sequence[Episode], *, media: str | None) -> str:
    """Formats episodes as a document of ELAN, format 3.0.

    Each face has a tier with its expressions and a second tier, below it, with the time and the
    height of each apex. `media` is the name of the video, which ELAN expects beside the document;
    None, or the address of a camera, leaves the document without media.
    """
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
            document,
            "TIER",
            LINGUISTIC_TYPE_REF=EXPRESSION_TYPE,
            PARTICIPANT=person,
            TIER_ID=person,
        )
        below = _element(
            document,
            "TIER",
            LINGUISTIC_TYPE_REF=APEX_TYPE,
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
        LINGUISTIC_TYPE_ID=EXPRESSION_TYPE,
        TIME_ALIGNABLE="true",
    )
    _element(
        document,
        "LINGUISTIC_TYPE",
        CONSTRAINTS="Symbolic_Association",
        GRAPHIC_REFERENCES="false",
        LINGUISTIC_TYPE_ID=APEX_TYPE,
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
    """Formats seconds for WebVTT: 1.5 -> 00:00:01.500."""
    milliseconds = max(0, round(1000 * time_s))
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
