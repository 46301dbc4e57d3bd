"""Writes the report of a run, from its frames as they pass."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from app.episodes.finder import EpisodeRules
from app.files.atomic import reserve, write_text
from app.files.suffixes import read_suffix
from app.records.rows import make_records
from app.report.page import ReportPage, render_report
from app.report.stills import PictureStill, Still, StillsInPassing, make_picture_still
from app.report.summary import Summary
from app.types import FrameResult, Image, JsonValue

SUFFIXES = (".html", ".htm")


def check_report_suffix(path: Path) -> None:
    """Raises `SinkError` for a name that does not end like a web page."""
    read_suffix(path, SUFFIXES, "must end in .html.")


class ReportSink:
    """Adds up the frames of a run and writes the page when the run is over.

    Args:
        path: The page, `.html` or `.htm`.
        facts: Gives the notes of the run (`RunNotes.facts`) at the end.
        overwrite: An existing file is replaced.
        with_stills: The page shows faces at the height of their episodes.
        rules: The rules of episodes.

    Raises:
        SinkError: The page cannot be written.
    """

    dropped = 0
    warning = None

    def __init__(
        self,
        path: Path,
        *,
        facts: Callable[[], Mapping[str, JsonValue]],
        overwrite: bool,
        with_stills: bool = True,
        rules: EpisodeRules | None = None,
    ) -> None:
        check_report_suffix(path)
        reserve(path, overwrite=overwrite)
        self.path = path
        self._facts = facts
        self._overwrite = overwrite
        self._rules = rules or EpisodeRules()
        self._summary: Summary | None = Summary(self._rules)
        self._stills = StillsInPassing() if with_stills else None
        self._pictures: dict[str, PictureStill] = {}

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Takes a frame. Stills are cut from the frame itself, or from the blurred frame, and not
        from `canvas`."""
        if self._summary is None:
            return
        rows = make_records(result)
        over = self._summary.add(rows)
        if self._stills is not None:
            self._stills.end_episodes(over)
            boxes = {row.face.face_id: row.face.box_xywh for row in rows if row.face}
            shown = result.frame
            if result.blurred is not None:
                shown = replace(shown, image=result.blurred)
            self._stills.add_frame(shown, self._summary.peaks, boxes)
            if not self._summary.are_pictures:
                self._pictures.clear()
            elif rows[0].source in self._summary.pictures:
                self._pictures[rows[0].source] = make_picture_still(shown.image, boxes)

    def close(self) -> None:
        """Writes the page. A second call does nothing. Raises `SinkError`."""
        if self._summary is None:
            return
        summary, self._summary = self._summary, None
        over = summary.finish()
        stills: list[Still] = []
        if self._stills is not None:
            self._stills.end_episodes(over)
            stills = self._stills.list_stills()
        page = ReportPage(summary, self._rules, stills, self._facts(), self._pictures)
        write_text(self.path, render_report(page), overwrite=self._overwrite)

    def abort(self) -> None:
        """Gives the run up; nothing is written."""
        self._summary = None
