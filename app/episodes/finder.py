"""Finds episodes in records: when a person begins, shows most and ends an expression."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

from app.episodes.episode import Episode
from app.errors import DataError
from app.records.frames import group_by_frame
from app.records.schema import FaceRecord, Record
from app.types import UNSURE

HOLE_STEPS = 2.5  # a frame that lasts longer than so many usual ones may stand before a hole
RECENT_STEPS = 5  # of which the median is the usual step
SLACK_S = 1e-9  # a difference of 0.5 s counts as 0.5 s in spite of its rounding in binary


@dataclass(frozen=True, slots=True)
class EpisodeRules:
    """The thresholds that make a run of frames an episode of a label.

    The label's probability reaches `enter` at least once and never falls below `leave`. The
    episode lasts `min_s` seconds or longer. For up to `max_gap_s` seconds within an episode, the
    face may be absent or unsure, or there may be no frames.
    """

    enter: float = 0.6
    leave: float = 0.4
    min_s: float = 0.5
    max_gap_s: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.leave <= self.enter <= 1:
            raise ValueError(
                "enter and leave are more than 0 and at most 1, and leave is at most enter; they "
                f"are {self.enter:g} and {self.leave:g}"
            )
        if not (self.min_s >= 0 and self.max_gap_s >= 0):  # as NaN is not
            raise ValueError("durations are seconds of at least 0")


@dataclass(slots=True)
class _Run:
    """Consecutive frames in which a label is at `leave` or above. `has_entered`: the label reached
    `enter`, so that the run is an episode."""

    onset_s: float
    apex_s: float
    apex_frame: int
    peak: float
    total: float
    frames: int = 1
    has_entered: bool = False


class _Person:
    """The runs of one face, by label. The face was last seen until `end_s`."""

    def __init__(self) -> None:
        self.runs: dict[str, _Run] = {}
        self.end_s = 0.0


class EpisodeFinder:
    """Takes frames in order and returns each episode as soon as it is over.

    One person shows one expression at a time: an episode ends where another begins. An episode
    begins where its label rose above `leave`, and ends where the first frame after it begins.
    All times are those of the records, so that episodes do not depend on the frame rate. A frame
    lasts until the next one. Where the next one comes later than `max_gap_s` and than is usual, as
    after a pause of the camera, the frame lasts as long as a usual one.

    `peaks` holds (face_id, label) of every running episode whose highest probability so far is in
    the frame added last.
    """

    def __init__(self, rules: EpisodeRules | None = None) -> None:
        self._rules = rules or EpisodeRules()
        self._people: dict[int, _Person] = {}
        self._seen: list[_Person] = []  # in the last frame
        self._source: str | None = None
        self._time_s = 0.0
        self._steps: deque[float] = deque(maxlen=RECENT_STEPS)  # seconds between frames
        self.peaks: tuple[tuple[int, str], ...] = ()

    def add(self, rows: Sequence[Record]) -> list[Episode]:
        """Takes the rows of one frame, at least one. Returns the episodes that this frame ends.

        Raises `DataError` if the frame is not later than the one before it in the same source.
        """
        first = rows[0]
        over: list[Episode] = []
        if first.source != self._source:
            over = self.finish()
            self._source = first.source
        else:
            step_s = first.time_s - self._time_s
            if step_s <= 0:
                raise DataError(
                    f"{first.source} has no time of its own at frame {first.frame}: "
                    f"{first.time_s:g} s comes after {self._time_s:g} s. Records of a video have "
                    "one frame after the other."
                )
            is_hole = step_s > self._rules.max_gap_s + SLACK_S and self._is_unusual(step_s)
            for person in self._seen:
                person.end_s = self._time_s + median_low(self._steps) if is_hole else first.time_s
            self._steps.append(step_s)
        self._time_s = first.time_s
        over += self._end_absent()
        self._seen = []
        peaks: list[tuple[int, str]] = []
        for row in rows:
            if row.face is not None and row.face.label != UNSURE:
                person = self._people.setdefault(row.face.face_id, _Person())
                over += self._follow(person, row.face, row.frame)
                self._seen.append(person)
                peaks += [
                    (row.face.face_id, label)
                    for label, found in person.runs.items()
                    if found.has_entered and found.apex_frame == row.frame
                ]
        self.peaks = tuple(peaks)
        return over

    def finish(self) -> list[Episode]:
        """Ends the source and returns the episodes that were still running."""
        for person in self._seen:
            person.end_s = self.end_s
        over = [
            episode
            for face_id, person in self._people.items()
            for episode in self._end_all(face_id, person)
        ]
        self._people, self._seen, self._source = {}, [], None
        self._steps.clear()
        return over

    @property
    def end_s(self) -> float:
        """The end of the frame that was added last. It is assumed to last as long as the frame
        before it, or as long as a usual one if that one stood before a hole."""
        if not self._steps:
            return self._time_s
        last_s = self._steps[-1]
        return self._time_s + (median_low(self._steps) if self._is_unusual(last_s) else last_s)

    def _is_unusual(self, step_s: float) -> bool:
        return bool(self._steps) and step_s > HOLE_STEPS * median_low(self._steps)

    def _end_absent(self) -> list[Episode]:
        """Ends the episodes of faces that have been out of sight for longer than `max_gap_s`."""
        away = [
            face_id
            for face_id, person in self._people.items()
            if self._time_s - person.end_s > self._rules.max_gap_s + SLACK_S
        ]
        return [
            episode
            for face_id in away
            for episode in self._end_all(face_id, self._people.pop(face_id))
        ]

    def _end_all(self, face_id: int, person: _Person) -> Iterator[Episode]:
        for label in list(person.runs):
            yield from self._end(face_id, person, label, person.end_s)

    def _follow(self, person: _Person, face: FaceRecord, frame: int) -> list[Episode]:
        person.end_s = max(person.end_s, self._time_s)
        shares = face.probabilities
        top = max(shares, key=shares.__getitem__)
        enters = shares[top] >= self._rules.enter
        going = [label for label, found in person.runs.items() if found.has_entered]
        ended = [
            label
            for label in person.runs
            if shares.get(label, 0.0) < self._rules.leave
            or (enters and label in going and label != top)
        ]
        over = [
            episode
            for label in ended
            for episode in self._end(face.face_id, person, label, self._time_s)
        ]
        if any(label in going for label in ended):
            person.runs.clear()  # these frames belong to the episode that is over
        for label, share in shares.items():
            found = person.runs.get(label)
            if share < self._rules.leave:
                continue
            if found is None:
                person.runs[label] = _Run(self._time_s, self._time_s, frame, share, share)
                continue
            found.total += share
            found.frames += 1
            if share > found.peak:
                found.peak, found.apex_s, found.apex_frame = share, self._time_s, frame
        if enters:
            person.runs[top].has_entered = True
        return over

    def _end(self, face_id: int, person: _Person, label: str, end_s: float) -> Iterator[Episode]:
        done = person.runs.pop(label)
        lasts_s = end_s - done.onset_s
        if done.has_entered and lasts_s > 0 and lasts_s >= self._rules.min_s - SLACK_S:
            assert self._source is not None
            yield Episode(
                source=self._source,
                face_id=face_id,
                label=label,
                onset_s=done.onset_s,
                apex_s=done.apex_s,
                offset_s=end_s,
                apex_frame=done.apex_frame,
                peak=done.peak,
                mean=done.total / done.frames,
                frames=done.frames,
            )


def find_episodes(records: Iterable[Record], rules: EpisodeRules | None = None) -> list[Episode]:
    """Finds all episodes of `records`, which are rows in the order of a records file.

    Returns:
        The episodes of each source in the order of their onsets, source after source.

    Raises:
        DataError: Time does not go up within a source.
    """
    finder = EpisodeFinder(rules)
    sources: dict[str, int] = {}
    found: list[Episode] = []
    for rows in group_by_frame(records):
        sources.setdefault(rows[0].source, len(sources))
        found += finder.add(rows)
    found += finder.finish()
    return sort_episodes(found, sources)


def sort_episodes(episodes: Iterable[Episode], sources: dict[str, int]) -> list[Episode]:
    """Sorts episodes by the number of their source in `sources`, then by onset and face."""
    return sorted(episodes, key=lambda one: (sources[one.source], one.onset_s, one.face_id))
