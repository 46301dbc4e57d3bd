"""What somebody says of a video, be it a person with a table or this program with its records:
labels at instants, or labels over spans. docs/agreement.md describes the tables for users."""

import csv
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from app.cells import cell_text
from app.episodes import EpisodeRules, find_episodes
from app.read_records import RecordsReader
from app.types import UNSURE, DataError

# Names that people write, by what they mean.
COLUMN_NAMES = {
    "time_s": ("time_s", "time", "seconds", "t"),
    "frame": ("frame",),
    "onset_s": ("onset_s", "onset", "start_s", "start", "begin"),
    "offset_s": ("offset_s", "offset", "end_s", "end", "stop"),
    "label": ("label", "expression", "emotion", "code"),
    "face_id": ("face_id", "face", "person", "subject"),
    "source": ("source", "video", "file"),
}
LABEL_NAMES = {
    **dict.fromkeys(("happy", "joy", "joyful", "smile"), "happiness"),
    **dict.fromkeys(("sad",), "sadness"),
    **dict.fromkeys(("angry",), "anger"),
    **dict.fromkeys(("surprised",), "surprise"),
    **dict.fromkeys(("disgusted",), "disgust"),
    **dict.fromkeys(("fearful", "scared", "afraid"), "fear"),
    **dict.fromkeys(("contemptuous",), "contempt"),
}
GAP_STEPS = 2.5  # instants further apart than so many usual steps have something missing in between


@dataclass(frozen=True, slots=True)
class Span:
    onset_s: float
    offset_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Track:
    """What is said of one person, in order. `instants`: when it was said, where it was said of
    instants; outside of `spans` then nothing is known. `episodes`: what counts as an episode."""

    spans: tuple[Span, ...]
    episodes: tuple[Span, ...]
    instants: tuple[float, ...] | None

    def label_at(self, time_s: float, outside: str) -> str | None:
        """None where it does not say. `outside` of what was coded as spans is a label, too."""
        at = bisect_right(self.spans, time_s, key=lambda one: one.onset_s) - 1
        if at >= 0 and time_s < self.spans[at].offset_s:
            return self.spans[at].label
        return None if self.instants is not None else outside


def read_coding(
    path: Path, *, rename: Mapping[str, str], rules: EpisodeRules, frame_times: Mapping[int, float]
) -> dict[str, Track]:
    """Tracks by person ("" where the table names none). `frame_times` tell when a frame is shown,
    for tables that count frames. Raises `DataError`."""
    if path.suffix.lower() != ".csv" or _is_records(path):
        return _from_records(path, rename, rules)
    return _from_table(path, rename, frame_times)


def frame_times_of(path: Path) -> dict[int, float]:
    """When each frame is shown, if `path` holds records; else nothing."""
    if path.suffix.lower() == ".csv" and not _is_records(path):
        return {}
    return {record.frame: record.time_s for record in RecordsReader(path)}


def plain_label(text: str, rename: Mapping[str, str]) -> str:
    """In lower case and by one name; what the user renames comes first."""
    label = text.strip().lower()
    label = rename.get(label, label)
    return LABEL_NAMES.get(label, label)


def _is_records(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.readline().startswith("source,frame,time_s,face_id,x,")
    except (OSError, UnicodeDecodeError):
        return False


def _one_source(path: Path, sources: Sequence[str]) -> None:
    if len(set(sources)) > 1:
        raise DataError(f"{path} is of {len(set(sources))} videos. Give one of a single video.")


def _from_records(path: Path, rename: Mapping[str, str], rules: EpisodeRules) -> dict[str, Track]:
    records = list(RecordsReader(path))
    _one_source(path, [record.source for record in records])
    times = sorted({record.time_s for record in records})
    said: dict[str, dict[float, str]] = {}
    for record in records:
        if record.face is not None:
            label = plain_label(record.face.label, rename)
            said.setdefault(str(record.face.face_id), {})[record.time_s] = label
    episodes: dict[str, list[Span]] = {person: [] for person in said}
    for one in find_episodes(records, rules):
        span = Span(one.onset_s, one.offset_s, plain_label(one.label, rename))
        episodes[str(one.face_id)].append(span)
    return {
        person: Track(_runs(labels, times), tuple(episodes[person]), tuple(times))
        for person, labels in said.items()
    }


def _runs(said: Mapping[float, str], times: Sequence[float]) -> tuple[Span, ...]:
    """Instants as spans: each holds until the next of `times`, the last for a usual step."""
    step = usual_step(times)
    ends = dict(pairwise(times))
    spans: list[Span] = []
    for time_s in sorted(said):
        end = min(ends.get(time_s, time_s + step), time_s + GAP_STEPS * step)
        label = said[time_s]
        if spans and spans[-1].label == label and spans[-1].offset_s == time_s:
            spans[-1] = Span(spans[-1].onset_s, end, label)
        else:
            spans.append(Span(time_s, end, label))
    return tuple(spans)


def usual_step(times: Sequence[float]) -> float:
    """The median distance; 1 s where there is none."""
    steps = sorted(b - a for a, b in pairwise(times))
    return steps[len(steps) // 2] if steps else 1.0


def _from_table(
    path: Path, rename: Mapping[str, str], frame_times: Mapping[int, float]
) -> dict[str, Track]:
    spans: dict[str, list[Span]] = {}
    said: dict[str, dict[float, str]] = {}
    sources: list[str] = []
    for number, row in _rows(path):
        try:
            label = plain_label(cell_text(row["label"]), rename)
            person = row.get("face_id", "").strip()
            sources.append(row.get("source", ""))
            if "onset_s" in row:
                onset, offset = _seconds(row["onset_s"]), _seconds(row["offset_s"])
                if offset <= onset:
                    raise ValueError("it ends before it begins")
                spans.setdefault(person, []).append(Span(onset, offset, label))
            else:
                time_s = (
                    _seconds(row["time_s"])
                    if "time_s" in row
                    else _time_of(int(row["frame"]), frame_times)
                )
                if said.setdefault(person, {}).setdefault(time_s, label) != label:
                    raise ValueError("it gives a second label for the same instant")
        except ValueError as cause:
            raise DataError(f"{path}, line {number}: {cause}. Mend the line.") from cause
    _one_source(path, sources)
    tracks = {person: _track_of_spans(path, found) for person, found in spans.items()}
    for person, labels in said.items():
        runs = _runs(labels, sorted(labels))
        tracks[person] = Track(runs, runs, tuple(sorted(labels)))
    return tracks


def _track_of_spans(path: Path, found: list[Span]) -> Track:
    spans = tuple(sorted(found, key=lambda one: (one.onset_s, one.offset_s)))
    for before, after in pairwise(spans):
        if after.onset_s < before.offset_s - 1e-6:
            raise DataError(
                f"{path}: {before.label} until {before.offset_s:g} s overlaps {after.label} from "
                f"{after.onset_s:g} s. Let one person show one expression at a time."
            )
    return Track(spans, spans, None)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line, cells by `COLUMN_NAMES`)."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as cause:
        raise DataError(f"{path} cannot be read: {cause.strerror}.") from cause
    except UnicodeDecodeError as cause:
        raise DataError(f"{path} is not UTF-8 text. Save it as CSV in UTF-8.") from cause
    first = text.partition("\n")[0]
    table = csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count))
    header = [cell.strip().lower() for cell in next(table, [])]
    columns = {
        name: header.index(known[0])
        for name, names in COLUMN_NAMES.items()
        if (known := [one for one in names if one in header])
    }
    timed = {"onset_s", "offset_s"} <= columns.keys() or columns.keys() & {"time_s", "frame"}
    if "label" not in columns or not timed:
        raise DataError(
            f"{path} needs a header with label, and onset_s and offset_s, or time_s, or frame."
        )
    return [
        (table.line_num, {name: row[at] if at < len(row) else "" for name, at in columns.items()})
        for row in table
        if any(cell.strip() for cell in row)
    ]


def _seconds(text: str) -> float:
    """12.5, or 1:02:03.5 as players show it."""
    total = 0.0
    for part in text.strip().replace(",", ".").split(":"):
        total = 60 * total + float(part)
    if not math.isfinite(total):
        raise ValueError(f"{text!r} is not a time")
    return total


def _time_of(frame: int, frame_times: Mapping[int, float]) -> float:
    if not frame_times:
        raise ValueError("it counts frames, so the other file must be records, or give time_s")
    if frame not in frame_times:
        raise ValueError(f"the records have no frame {frame}")
    return frame_times[frame]


def sure(spans: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(one for one in spans if one.label != UNSURE)
