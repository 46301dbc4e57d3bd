"""Adds up records for the report: a timeline of each person, shares, and doubts about the data.

Memory stays small in long videos: a timeline has at most `MAX_BINS` steps, which double in length
when the video outgrows them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.episodes.episode import Episode
from app.episodes.finder import EpisodeFinder, EpisodeRules, sort_episodes
from app.recognition.quality import (
    BLURRED_SHARPNESS,
    BRIGHT_BRIGHTNESS,
    DARK_BRIGHTNESS,
    SMALL_PX,
    TURNED_DEG,
)
from app.records.schema import Record
from app.report.actions import ActionTally
from app.types import UNSURE

MAX_BINS = 600  # steps of a timeline, about one for each pixel of its drawing
MAX_PICTURES = 100  # with all their rows in memory
FIRST_BIN_S = 1 / 32  # exact in binary, also when it is doubled


class Timeline:
    """The means of probabilities over steps of `bin_s` seconds, from 0 on."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.bin_s = FIRST_BIN_S
        self._bins: dict[int, NDArray[np.float64]] = {}  # (K + 1,): sums, and frames in them

    def add(self, time_s: float, shares: Sequence[float]) -> None:
        """Adds the probabilities of a frame, in the order of `labels`."""
        while time_s >= MAX_BINS * self.bin_s:
            self._coarsen()
        now = np.array([*shares, 1.0])
        row = int(time_s / self.bin_s)
        self._bins[row] = self._bins[row] + now if row in self._bins else now

    def _coarsen(self) -> None:
        finer, self._bins = self._bins, {}
        for row, sums in finer.items():
            at = row // 2
            self._bins[at] = self._bins[at] + sums if at in self._bins else sums
        self.bin_s *= 2

    def list_steps(self) -> list[tuple[float, NDArray[np.float64]]]:
        """Returns (begin in seconds, mean probabilities `(K,)` float64) of each step with a frame,
        in order."""
        return [
            (row * self.bin_s, sums[:-1] / sums[-1]) for row, sums in sorted(self._bins.items())
        ]


@dataclass(slots=True)
class PersonSummary:
    """One face of one source, seen in `frames` frames from `first_s` to `last_s`.

    `label_counts` counts frames by label, including "unsure". `timeline` holds the probabilities of
    the labels and, last, the share of frames that were unsure. `actions` stays empty where none
    were read.
    """

    source: str
    face_id: int
    timeline: Timeline
    frames: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    label_counts: Counter[str] = field(default_factory=Counter)
    episodes: list[Episode] = field(default_factory=list)
    actions: ActionTally = field(default_factory=ActionTally)


@dataclass(slots=True)
class DataTrouble:
    """Counts the frames and faces whose data are doubtful.

    `faces` counts the rows with a face, and `faces_with_quality` those that have figures of
    quality. `reasons` counts the unsure faces by their reason.
    """

    frames: int = 0
    empty_frames: int = 0
    faces: int = 0
    faces_with_quality: int = 0
    small: int = 0
    blurred: int = 0
    turned: int = 0
    dark: int = 0
    bright: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def unsure(self) -> int:
        """The number of unsure faces."""
        return self.reasons.total()


class Summary:
    """Adds up the rows of frames, in order.

    `end_s` holds the end of each source's last frame in seconds. `are_pictures` is True as long as
    all times are 0. `pictures` then holds the rows of the first `MAX_PICTURES` pictures, by source.
    """

    def __init__(self, rules: EpisodeRules | None = None) -> None:
        self._finder = EpisodeFinder(rules)
        self._source: str | None = None  # of the last frame
        self.people: dict[tuple[str, int], PersonSummary] = {}
        self.end_s: dict[str, float] = {}
        self.labels: tuple[str, ...] = ()
        self.trouble = DataTrouble()
        self.are_pictures = True
        self.pictures: dict[str, tuple[Record, ...]] = {}

    @property
    def peaks(self) -> tuple[tuple[int, str], ...]:
        """(face_id, label) of every running episode at its highest so far in the last frame."""
        return self._finder.peaks

    @property
    def episodes(self) -> list[Episode]:
        """The finished episodes of all people, by source and onset."""
        sources = {source: number for number, source in enumerate(self.end_s)}
        return sort_episodes((e for one in self.people.values() for e in one.episodes), sources)

    def add(self, rows: Sequence[Record]) -> list[Episode]:
        """Takes the rows of one frame. Returns the episodes that this frame ends."""
        first = rows[0]
        if self._source not in (None, first.source):
            self.end_s[self._source] = self._finder.end_s
        over = self._finder.add(rows)
        self._keep(over)
        self._source = first.source
        self.end_s[first.source] = first.time_s
        self.are_pictures &= not first.time_s
        if not self.are_pictures:
            self.pictures.clear()
        elif len(self.pictures) < MAX_PICTURES:
            self.pictures[first.source] = tuple(rows)
        self.trouble.frames += 1
        self.trouble.empty_frames += first.face is None
        for row in rows:
            self._add_face(row)
        return over

    def finish(self) -> list[Episode]:
        """Ends the running episodes and returns them. Callers call it
        once, after all rows."""
        if self._source is not None:
            self.end_s[self._source] = self._finder.end_s
        over = self._finder.finish()
        self._keep(over)
        return over

    def _keep(self, over: Sequence[Episode]) -> None:
        for one in over:
            self.people[one.source, one.face_id].episodes.append(one)

    def _add_face(self, row: Record) -> None:
        face = row.face
        if face is None:
            return
        key = (row.source, face.face_id)
        person = self.people.get(key)
        if person is None:
            # Joined records of several models have several sets of labels.
            new = (label for label in face.probabilities if label not in self.labels)
            self.labels = (*self.labels, *new)
            person = PersonSummary(*key, Timeline((*self.labels, UNSURE)), first_s=row.time_s)
            self.people[key] = person
        person.frames += 1
        person.last_s = row.time_s
        person.label_counts[face.label] += 1
        shares = [face.probabilities.get(label, 0.0) for label in person.timeline.labels[:-1]]
        person.timeline.add(row.time_s, [*shares, float(face.label == UNSURE)])
        if face.actions is not None:
            person.actions.add(face.actions, row.time_s)
        self._count_trouble(row)

    def _count_trouble(self, row: Record) -> None:
        face, trouble = row.face, self.trouble
        assert face is not None
        trouble.faces += 1
        if face.label == UNSURE:
            trouble.reasons[face.reason or "no reason given"] += 1
        found = face.quality
        if found is None:
            return
        trouble.faces_with_quality += 1
        trouble.small += found.size_px < SMALL_PX
        trouble.turned += abs(found.yaw_deg) > TURNED_DEG
        trouble.blurred += found.sharpness is not None and found.sharpness < BLURRED_SHARPNESS
        if found.brightness is not None:
            trouble.dark += found.brightness < DARK_BRIGHTNESS
            trouble.bright += found.brightness > BRIGHT_BRIGHTNESS
