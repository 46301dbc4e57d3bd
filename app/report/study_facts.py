"""Holds what a study tells of each of its videos, and the rows of its tables."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from app.episodes.episode import Episode
from app.records.schema import Cell, RecordColumn
from app.report.notes import find_objects, find_section
from app.report.summary import DataTrouble, Summary
from app.types import UNSURE, JsonValue

# The doubts about faces that `DataTrouble` counts, with their words.
DOUBTS = (
    ("small", "small"),
    ("blurred", "blurred"),
    ("turned", "turned away"),
    ("dark", "dark"),
    ("bright", "too bright"),
)
EPISODE_COLUMNS = (
    RecordColumn("video", "text"),
    RecordColumn("source", "text"),
    RecordColumn("face_id", "whole"),
    RecordColumn("label", "text"),
    RecordColumn("onset_s", "figure"),
    RecordColumn("apex_s", "figure"),
    RecordColumn("offset_s", "figure"),
    RecordColumn("duration_s", "figure"),
    RecordColumn("apex_frame", "whole"),
    RecordColumn("peak", "figure"),
    RecordColumn("mean", "figure"),
    RecordColumn("frames", "whole"),
)


@dataclass(frozen=True, slots=True)
class StudyVideo:
    """One records file of a study.

    `name` is its path from the study's folder, without suffix. `labels` are the model's labels,
    `label_counts` the frames of faces by label, including "unsure". `episode_counts` counts
    episodes by label. `remarks` say what the figures do not cover, and `mended` which times of a
    video were mended; a video with this alone is whole. `input_sha256` is the hash of the video
    that was read, where it is known.
    """

    name: str
    path: Path
    labels: tuple[str, ...]
    length_s: float
    people: int
    trouble: DataTrouble
    label_counts: Counter[str] = field(default_factory=Counter)
    episode_counts: Counter[str] = field(default_factory=Counter)
    remarks: tuple[str, ...] = ()
    mended: str | None = None
    input_sha256: str | None = None

    @property
    def all_remarks(self) -> tuple[str, ...]:
        """The lines on what is missing, then the one on mended times."""
        return (*self.remarks, *([self.mended] if self.mended else []))

    @property
    def covered(self) -> float:
        """The share of frames with a face, from 0 to 1."""
        frames = self.trouble.frames
        return (frames - self.trouble.empty_frames) / frames if frames else 0.0

    def share(self, label: str) -> float | None:
        """The share of this label among the frames of faces; None if there was no face."""
        whole = self.label_counts.total()
        return self.label_counts[label] / whole if whole else None

    def list_doubts(self) -> list[tuple[str, float]]:
        """Lists the doubts about faces with the share of faces that each concerns, most first."""
        known = self.trouble.faces_with_quality
        counts = {
            "small": self.trouble.small,
            "blurred": self.trouble.blurred,
            "turned": self.trouble.turned,
            "dark": self.trouble.dark,
            "bright": self.trouble.bright,
        }
        found = [(words, counts[name] / known) for name, words in DOUBTS if known and counts[name]]
        return sorted(found, key=lambda one: -one[1])


def describe_study_video(
    name: str, path: Path, summary: Summary, notes: Mapping[str, JsonValue], *, is_cut_short: bool
) -> StudyVideo:
    """Takes from a summary and the notes of the run what the study needs of a video.

    Args:
        name: As in `StudyVideo`.
        path: The records.
        summary: The finished summary of the records.
        notes: The notes beside the records, empty where there are none.
        is_cut_short: The records end within a line.
    """
    counts: Counter[str] = Counter()
    for person in summary.people.values():
        counts += person.label_counts
    remarks = []
    if notes.get("interrupted"):
        remarks.append("the run was interrupted")
    if notes.get("cut_short"):
        remarks.append(str(notes["cut_short"]))
    if is_cut_short:
        remarks.append("the records end within a line")
    return StudyVideo(
        name,
        path,
        summary.labels,
        sum(summary.end_s.values()),
        len(summary.people),
        summary.trouble,
        counts,
        Counter(one.label for one in summary.episodes),
        tuple(remarks),
        str(notes["mended"]) if notes.get("mended") else None,
        _find_input_hash(notes),
    )


def _find_input_hash(notes: Mapping[str, JsonValue]) -> str | None:
    files = find_objects(find_section(notes, "input"), "files")
    digest = files[0].get("sha256") if len(files) == 1 else None
    return digest if isinstance(digest, str) else None


def list_repeated_inputs(videos: Sequence[StudyVideo]) -> list[list[str]]:
    """Lists the names of those records, in groups, that are of one and the same file."""
    groups: dict[str, list[str]] = {}
    for video in videos:
        if video.input_sha256 is not None:
            groups.setdefault(video.input_sha256, []).append(video.name)
    return [names for names in groups.values() if len(names) > 1]


def find_single_report(records: Path, page: Path) -> str | None:
    """Gives the address, seen from `page`, of the report that lies beside records as NAME.html;
    None if there is none."""
    single = records.with_suffix(".html")
    if not single.is_file() or single.resolve() == page.resolve():
        return None
    try:
        way = os.path.relpath(single.resolve(), page.resolve().parent)
    except ValueError:  # another drive of Windows
        return None
    return quote(Path(way).as_posix(), errors="surrogateescape")


def list_episode_rows(name: str, episodes: Sequence[Episode]) -> list[list[Cell]]:
    """Lists the rows of a video's episodes, in the order of `EPISODE_COLUMNS`."""
    return [
        [
            name,
            one.source,
            one.face_id,
            one.label,
            one.onset_s,
            one.apex_s,
            one.offset_s,
            one.duration_s,
            one.apex_frame,
            one.peak,
            one.mean,
            one.frames,
        ]
        for one in episodes
    ]


def list_overview_columns(labels: Sequence[str]) -> tuple[RecordColumn, ...]:
    """Lists the columns of the table with a row per video."""
    figures = [RecordColumn(f"share_{name}", "figure") for name in (*labels, UNSURE)]
    counts = [RecordColumn(f"episodes_{name}", "whole") for name in labels]
    doubts = [RecordColumn(f"share_{name}", "figure") for name, _ in DOUBTS]
    return (
        RecordColumn("video", "text"),
        RecordColumn("length_s", "figure"),
        RecordColumn("frames", "whole"),
        RecordColumn("share_with_face", "figure"),
        RecordColumn("people", "whole"),
        *figures,
        RecordColumn("episodes", "whole"),
        *counts,
        *doubts,
        RecordColumn("remarks", "text"),
    )


def make_overview_row(video: StudyVideo, labels: Sequence[str]) -> list[Cell]:
    """Makes the row of a video, in the order of `list_overview_columns`. Cells are empty where a
    video has no face, or no figures of quality."""
    doubts = dict(video.list_doubts())
    known = video.trouble.faces_with_quality > 0
    return [
        video.name,
        video.length_s,
        video.trouble.frames,
        video.covered,
        video.people,
        *(video.share(name) for name in (*labels, UNSURE)),
        video.episode_counts.total(),
        *(video.episode_counts[name] for name in labels),
        *((doubts.get(words, 0.0) if known else None) for _, words in DOUBTS),
        "; ".join(video.all_remarks) or None,
    ]
