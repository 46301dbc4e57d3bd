"""Writes the episodes of a run beside its records."""

from collections.abc import Sequence
from pathlib import Path

from app.episodes.episode import Episode
from app.episodes.finder import EpisodeFinder, EpisodeRules, sort_episodes
from app.episodes.formats import check_episodes_suffix, write_episodes
from app.files.atomic import reserve
from app.records.rows import make_records
from app.records.schema import Record
from app.types import FrameResult, Image


class EpisodesSink:
    """Writes the episodes of a run as `.csv`, `.vtt`, `.eaf` or `.txt` when the run is over.

    Raises `SinkError` if the file cannot be written.
    """

    dropped = 0
    warning = None

    def __init__(
        self, path: str | Path, *, overwrite: bool = False, rules: EpisodeRules | None = None
    ) -> None:
        path = Path(path)
        check_episodes_suffix(path)
        reserve(path, overwrite=overwrite)
        self.path = path
        self._overwrite = overwrite
        self._finder: EpisodeFinder | None = EpisodeFinder(rules)  # None: closed
        self._sources: dict[str, int] = {}
        self._episodes: list[Episode] = []

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Takes the faces of a frame. The sink does not use `canvas`."""
        self.add(make_records(result))

    def add(self, rows: Sequence[Record]) -> None:
        """Takes the rows of one frame, at least one, as records hold them."""
        if self._finder is not None:
            self._sources.setdefault(rows[0].source, len(self._sources))
            self._episodes += self._finder.add(rows)

    def close(self) -> None:
        """Ends the running episodes and writes the file. A second call does nothing."""
        if self._finder is not None:
            finder, self._finder = self._finder, None
            episodes = sort_episodes(self._episodes + finder.finish(), self._sources)
            write_episodes(
                self.path, episodes, sources=list(self._sources), overwrite=self._overwrite
            )

    def abort(self) -> None:
        """Gives the run up; nothing is written."""
        self._finder = None
