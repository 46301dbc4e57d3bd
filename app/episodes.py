"""From frames to episodes: when each person begins, shows most and ends an expression.

python -m app.episodes talk.jsonl -o talk.vtt
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from app.commands import CUT_SHORT, DONE, new_parser, run, say
from app.episode_files import SUFFIXES, Episode, checked_suffix, write_episodes
from app.read_records import RecordsReader
from app.records import FaceRecord, Record, records_of
from app.sinks import reserve
from app.types import UNSURE, DataError, FrameResult, Image
from app.wording import counted


@dataclass(frozen=True, slots=True)
class EpisodeRules:
    """An episode of a label reaches the probability `enter` at least once and never falls below
    `leave`; it lasts `min_s` or longer. Up to `max_gap_s` of it the face may be away or unsure."""

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
    """Frames in a row in which a label is at `leave` or above; `entered`: it is an episode."""

    onset_s: float
    apex_s: float
    apex_frame: int
    peak: float
    total: float
    frames: int = 1
    entered: bool = False


class _Person:
    """One face's runs, by label. `end_s`: until when it was seen."""

    def __init__(self) -> None:
        self.runs: dict[str, _Run] = {}
        self.end_s = 0.0


class EpisodeFinder:
    """Takes frames in order and gives episodes as soon as they are over.

    One person shows one expression at a time: an episode ends where another begins. It reaches
    back to where its label rose above `leave`, and ends where the first frame that is no part of
    it begins. Times are those of the records, so that episodes do not depend on the frame rate.
    """

    def __init__(self, rules: EpisodeRules | None = None) -> None:
        self._rules = rules or EpisodeRules()
        self._people: dict[int, _Person] = {}
        self._seen: list[_Person] = []  # in the last frame
        self._source: str | None = None
        self._time_s = 0.0
        self._step_s = 0.0  # from the last frame but one to the last
        # (face_id, label) of the episodes that reach their highest so far in the last frame.
        self.peaks: tuple[tuple[int, str], ...] = ()

    def add(self, rows: Sequence[Record]) -> list[Episode]:
        """The rows of one frame, at least one. Raises `DataError` where time stands or goes back
        within a source."""
        first = rows[0]
        over: list[Episode] = []
        if first.source != self._source:
            over = self.finish()
            self._source = first.source
        else:
            self._step_s = first.time_s - self._time_s
            if self._step_s <= 0:
                raise DataError(
                    f"{first.source} has no time of its own at frame {first.frame}: "
                    f"{first.time_s:g} s comes after {self._time_s:g} s. Records of a video have "
                    "one frame after the other."
                )
            for person in self._seen:
                person.end_s = first.time_s
        self._time_s = first.time_s
        over += self._let_go()
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
                    if found.entered and found.apex_frame == row.frame
                ]
        self.peaks = tuple(peaks)
        return over

    def finish(self) -> list[Episode]:
        """The episodes that the end of the source ends. The last frame is shown as long as the one
        before it."""
        for person in self._seen:
            person.end_s = self._time_s + self._step_s
        over = [
            episode
            for face_id, person in self._people.items()
            for episode in self._end_all(face_id, person)
        ]
        self._people, self._seen, self._source, self._step_s = {}, [], None, 0.0
        return over

    def _let_go(self) -> list[Episode]:
        """Ends what has been out of sight for too long."""
        away = [
            face_id
            for face_id, person in self._people.items()
            if self._time_s - person.end_s > self._rules.max_gap_s
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
        going = [label for label, found in person.runs.items() if found.entered]
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
            person.runs.clear()  # what came before belongs to the episode that is over
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
            person.runs[top].entered = True
        return over

    def _end(self, face_id: int, person: _Person, label: str, end_s: float) -> Iterator[Episode]:
        done = person.runs.pop(label)
        # 1e-9: 0.5 s stay 0.5 s, whatever is left of their difference in binary.
        if done.entered and end_s - done.onset_s >= self._rules.min_s - 1e-9:
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


def by_frame(records: Iterable[Record]) -> Iterator[list[Record]]:
    """The rows of each frame together, in order."""
    for _, rows in groupby(records, key=lambda row: (row.source, row.frame)):
        yield list(rows)


def find_episodes(records: Iterable[Record], rules: EpisodeRules | None = None) -> list[Episode]:
    """All episodes, source by source and in the order of their onsets."""
    finder = EpisodeFinder(rules)
    sources: dict[str, int] = {}
    found: list[Episode] = []
    for rows in by_frame(records):
        sources.setdefault(rows[0].source, len(sources))
        found += finder.add(rows)
    found += finder.finish()
    return in_order(found, sources)


def in_order(episodes: Iterable[Episode], sources: dict[str, int]) -> list[Episode]:
    return sorted(episodes, key=lambda one: (sources[one.source], one.onset_s, one.face_id))


class EpisodesSink:
    """Episodes of a run as `.csv`, `.vtt`, `.eaf` or `.txt`, written when it is over."""

    def __init__(
        self, path: str | Path, *, overwrite: bool = False, rules: EpisodeRules | None = None
    ) -> None:
        path = Path(path)
        checked_suffix(path)
        reserve(path, overwrite=overwrite)
        self.path = path
        self._overwrite = overwrite
        self._finder: EpisodeFinder | None = EpisodeFinder(rules)
        self._sources: dict[str, int] = {}
        self._found: list[Episode] = []

    def write(self, result: FrameResult, canvas: Image) -> None:
        """`canvas` is not looked at."""
        self.add(records_of(result, with_quality=False))

    def add(self, rows: Sequence[Record]) -> None:
        """The rows of one frame, as records have them."""
        if self._finder is not None:
            self._sources.setdefault(rows[0].source, len(self._sources))
            self._found += self._finder.add(rows)

    def close(self) -> None:
        if self._finder is not None:
            finder, self._finder = self._finder, None
            episodes = in_order(self._found + finder.finish(), self._sources)
            write_episodes(
                self.path, episodes, sources=list(self._sources), overwrite=self._overwrite
            )

    def abort(self) -> None:
        self._finder = None


def add_rules(parser: argparse.ArgumentParser) -> None:
    """The options that `rules_of` reads."""
    rules = EpisodeRules()
    group = parser.add_argument_group("what an episode is")
    group.add_argument(
        "--enter",
        type=float,
        default=rules.enter,
        metavar="P",
        help="probability that it must reach (default: %(default)s)",
    )
    group.add_argument(
        "--leave",
        type=float,
        default=rules.leave,
        metavar="P",
        help="probability below which it ends (default: %(default)s)",
    )
    group.add_argument(
        "--min-duration",
        type=float,
        default=rules.min_s,
        metavar="S",
        help="seconds that it must last (default: %(default)s)",
    )
    group.add_argument(
        "--max-gap",
        type=float,
        default=rules.max_gap_s,
        metavar="S",
        help="seconds that the face may be away or unsure within it (default: %(default)s)",
    )


def rules_of(options: argparse.Namespace) -> EpisodeRules:
    """Raises `DataError` for rules that contradict each other."""
    try:
        return EpisodeRules(options.enter, options.leave, options.min_duration, options.max_gap)
    except ValueError as error:
        raise DataError(f"These episodes cannot be: {error}.") from error


def parser() -> argparse.ArgumentParser:
    top = new_parser(
        "app.episodes",
        "Finds episodes of expressions in records: onset, apex and offset for each person.",
        "examples:\n"
        "  python -m app.episodes talk.jsonl -o talk.episodes.csv\n"
        "  python -m app.episodes talk.jsonl -o talk.vtt   subtitles, for a browser or player\n"
        "  python -m app.episodes talk.jsonl -o talk.eaf   for ELAN\n"
        "  python -m app.episodes talk.jsonl -o talk.txt   labels, for Audacity",
    )
    top.add_argument("records", type=Path, metavar="RECORDS", help="a .jsonl, .csv or .parquet")
    top.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        action="append",
        metavar="FILE",
        help=f"what to write, {', '.join(SUFFIXES)}; may be given several times",
    )
    top.add_argument(
        "--only", nargs="+", metavar="LABEL", help="leave episodes of other labels out"
    )
    top.add_argument("--overwrite", action="store_true", help="replace files that exist already")
    add_rules(top)
    return top


def work(options: argparse.Namespace) -> int:
    rules = rules_of(options)
    for path in options.output:
        checked_suffix(path)
        reserve(path, overwrite=options.overwrite, inputs=[options.records])
    reader = RecordsReader(options.records)
    sources: dict[str, None] = {}
    labels: dict[str, None] = {}

    def noted() -> Iterator[Record]:
        for record in reader:
            sources[record.source] = None
            if record.face is not None:
                labels.update(dict.fromkeys(record.face.probabilities))
            yield record

    episodes = find_episodes(noted(), rules)
    if options.only:
        episodes = [one for one in episodes if one.label in options.only]
    for path in options.output:
        write_episodes(path, episodes, sources=list(sources), overwrite=options.overwrite)
    people = len({(one.source, one.face_id) for one in episodes})
    found = f"{counted(len(episodes), 'episode')} of {counted(people, 'face')}"
    say(f"{found} -> {', '.join(map(str, options.output))}")
    warnings = []
    if strange := [label for label in options.only or () if labels and label not in labels]:
        names = ", ".join(labels)
        warnings.append(f"the records have no label {strange[0]!r}. Their labels are {names}.")
    if reader.cut_short:
        warnings.append(f"{options.records} ends within a line; that line was left out.")
    for warning in warnings:
        say(f"warning: {warning}")
    return CUT_SHORT if warnings else DONE


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return run(lambda: work(options))


if __name__ == "__main__":
    raise SystemExit(main())
