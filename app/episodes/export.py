"""Finds the episodes of a records file and writes them into files."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.episodes.finder import EpisodeRules, find_episodes
from app.episodes.formats import check_episodes_suffix, check_sources, write_episodes
from app.errors import SinkError
from app.files.atomic import reserve
from app.process.console import CUT_SHORT, DONE, say
from app.records.reader import RecordsReader
from app.records.schema import Record
from app.wording import format_count


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """The options of `python -m app.episodes`.

    `only` holds the labels whose episodes are written; if it is empty, all are.
    """

    records: Path
    outputs: tuple[Path, ...]
    only: tuple[str, ...] = ()
    overwrite: bool = False
    rules: EpisodeRules = field(default_factory=EpisodeRules)


def export_episodes(request: ExportRequest) -> int:
    """Writes the episodes of `request.records` into every output and reports the result on stderr.

    Returns:
        The exit code: `DONE`, or `CUT_SHORT` after a warning.

    Raises:
        SinkError: An output cannot be written, or two are one file.
        DataError: The records cannot be read.
    """
    for path in request.outputs:
        check_episodes_suffix(path)
        reserve(path, overwrite=request.overwrite, inputs=[request.records])
    if len({path.resolve() for path in request.outputs}) < len(request.outputs):
        raise SinkError("Two outputs are one file. Give each a name of its own.")
    reader = RecordsReader(request.records)
    sources: dict[str, None] = {}  # as an ordered set
    labels: dict[str, None] = {}

    def read_and_note() -> Iterator[Record]:
        for record in reader:
            sources[record.source] = None
            if record.face is not None:
                labels.update(dict.fromkeys(record.face.probabilities))
            yield record

    episodes = find_episodes(read_and_note(), request.rules)
    if request.only:
        episodes = [one for one in episodes if one.label in request.only]
    for path in request.outputs:
        check_sources(path, list(sources))
    for path in request.outputs:
        write_episodes(path, episodes, sources=list(sources), overwrite=request.overwrite)
    people = len({(one.source, one.face_id) for one in episodes})
    summary = f"{format_count(len(episodes), 'episode')} of {format_count(people, 'face')}"
    say(f"{summary} -> {', '.join(map(str, request.outputs))}")
    warnings = []
    if strange := [label for label in request.only if labels and label not in labels]:
        names = ", ".join(labels)
        warnings.append(f"the records have no label {strange[0]!r}. Their labels are {names}.")
    if reader.is_cut_short:
        warnings.append(f"{request.records} ends within a line; that line was left out.")
    for warning in warnings:
        say(f"warning: {warning}")
    return CUT_SHORT if warnings else DONE
