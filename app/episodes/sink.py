"""Writes episodes beside the records of a run."""

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
    """Episodes of a run as `.csv`, `.vtt`, `.eaf` or `.txt`, written when it is over."""

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
        self._finder: EpisodeFinder | None = EpisodeFinder(rules)
        self._sources: dict[str, int] = {}
        self._found: list[Episode] = []

    def write(self, result: FrameResult, canvas: Image) -> None:
        """`canvas` is not looked at."""
        self.add(make_records(result, with_quality=False))

    def add(self, rows: Sequence[Record]) -> None:
        """The rows of one frame, as records have them."""
        if self._finder is not None:
            self._sources.setdefault(rows[0].source, len(self._sources))
            self._found += self._finder.add(rows)

    def close(self) -> None:
        if self._finder is not None:
            finder, self._finder = self._finder, None
            episodes = sort_episodes(self._found + finder.finish(), self._sources)
            write_episodes(
                self.path, episodes, sources=list(self._sources), overwrite=self._overwrite
            )

    def abort(self) -> None:
        self._finder = None
