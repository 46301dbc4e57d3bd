"""Makes the page and the tables of a study from the records of many videos."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from app.episodes.episode import Episode
from app.episodes.finder import EpisodeRules
from app.errors import DataError
from app.files.atomic import reserve, write_text
from app.outputs.run_metadata import read_notes
from app.process.console import CUT_SHORT, DONE, say
from app.process.safe_output import is_terminal
from app.records.frames import group_by_frame
from app.records.reader import RecordsReader
from app.records.tables import TableFile, check_table_suffix
from app.report.sink import check_report_suffix
from app.report.study_facts import (
    EPISODE_COLUMNS,
    StudyVideo,
    describe_study_video,
    find_single_report,
    list_episode_rows,
    list_overview_columns,
    list_repeated_inputs,
    make_overview_row,
)
from app.report.study_files import StudyFiles, find_study_files
from app.report.study_page import render_study
from app.report.summary import Summary
from app.wording import choose_noun, format_count

MAX_NAMED = 3  # of other tables that lie in the folder


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """The options of `python -m app.report` for a folder.

    `episodes` is a table with a row per episode, `overview` one with a row per video; each is
    `.csv` or `.parquet`, and None if it is not asked for.
    """

    folder: Path
    output: Path
    episodes: Path | None = None
    overview: Path | None = None
    overwrite: bool = False
    rules: EpisodeRules = field(default_factory=EpisodeRules)

    @property
    def outputs(self) -> list[Path]:
        """The files to write."""
        return [path for path in (self.output, self.episodes, self.overview) if path is not None]


def report_folder(request: StudyRequest) -> int:
    """Writes the page and the tables of a study and reports the result on stderr.

    A records file that cannot be read is a line; the others go on.

    Returns:
        The exit code: `DONE`, or `CUT_SHORT` where something was left out.

    Raises:
        SinkError: A result cannot be written.
        DataError: There are no records, or none that can be read.
    """
    _check_outputs(request)
    files = find_study_files(request.folder, without=request.outputs)
    if not files.records:
        raise DataError(
            f"The folder {request.folder} has no records. Make them with --records, or name "
            "another folder."
        )
    with ExitStack() as stack:
        table = None
        if request.episodes is not None:
            table = TableFile(request.episodes, EPISODE_COLUMNS, overwrite=request.overwrite)
            stack.callback(table.abort)
        for path, why in files.unread:
            say(f"error: {path} {why}. It was left out.")
        videos = _read_all(request, files, table)
        if not videos:
            raise DataError(f"No records in {request.folder} can be read. See the lines above.")
        labels = list(dict.fromkeys(label for video in videos for label in video.labels))
        overview = None
        if request.overview is not None:
            overview = TableFile(
                request.overview, list_overview_columns(labels), overwrite=request.overwrite
            )
            stack.callback(overview.abort)
            overview.add([make_overview_row(video, labels) for video in videos])
        left_out = len(files.records) + len(files.unread) - len(videos)
        page = render_study(
            request.folder.resolve().name or str(request.folder),
            videos,
            _find_links(videos, request.output),
            request.rules,
            left_out=left_out,
        )
        write_text(request.output, page, overwrite=request.overwrite)
        for one in (table, overview):
            if one is not None:
                one.close()
    _say_end(request, videos, files)
    return CUT_SHORT if left_out or any(one.all_remarks for one in videos) else DONE


def _check_outputs(request: StudyRequest) -> None:
    check_report_suffix(request.output)
    for path in (request.episodes, request.overview):
        if path is not None:
            check_table_suffix(path)
    if len({path.absolute() for path in request.outputs}) < len(request.outputs):
        raise DataError("Two results have one name. Choose another name for one of them.")
    for path in request.outputs:
        reserve(path, overwrite=request.overwrite)


def _read_all(
    request: StudyRequest, files: StudyFiles, table: TableFile | None
) -> list[StudyVideo]:
    """Reads every records file, and adds its episodes to the table."""
    if is_terminal(sys.stderr):
        from tqdm import tqdm  # here, because its import takes 18 ms

        paths: Sequence[Path] = files.records
        with tqdm(paths, desc="records", unit="file", leave=False) as bar:
            return [video for path in bar if (video := _read_one(request, path, table))]
    return [video for path in files.records if (video := _read_one(request, path, table))]


def _read_one(request: StudyRequest, path: Path, table: TableFile | None) -> StudyVideo | None:
    summary = Summary(request.rules)
    try:
        reader = RecordsReader(path)
        for rows in group_by_frame(reader):
            summary.add(rows)
        summary.finish()
        if not summary.trouble.frames:
            raise DataError(f"{path} has no rows.")
    except DataError as error:
        say(f"error: {error}")
        return None
    name = path.relative_to(request.folder).with_suffix("").as_posix()
    episodes: list[Episode] = summary.episodes
    if table is not None:
        table.add(list_episode_rows(name, episodes))
    return describe_study_video(
        name, path, summary, read_notes(path), is_cut_short=reader.is_cut_short
    )


def _find_links(videos: Sequence[StudyVideo], page: Path) -> dict[str, str]:
    found = {video.name: find_single_report(video.path, page) for video in videos}
    return {name: link for name, link in found.items() if link is not None}


def _say_end(request: StudyRequest, videos: Sequence[StudyVideo], files: StudyFiles) -> None:
    episodes = sum(video.episode_counts.total() for video in videos)
    counts = f"{format_count(len(videos), 'video')}, {format_count(episodes, 'episode')}"
    say(f"{counts} -> {', '.join(map(str, request.outputs))}")
    remarked = sum(bool(video.remarks) for video in videos)
    if remarked:
        are = choose_noun(remarked, "is", "are")
        say(f"warning: {format_count(remarked, 'video')} {are} not whole; the page says why.")
    mended = sum(bool(video.mended) and not video.remarks for video in videos)
    if mended:
        are, have = choose_noun(mended, "is", "are"), choose_noun(mended, "has", "have")
        say(
            f"warning: {format_count(mended, 'video')} {are} whole but {have} wrong times, which "
            "were mended; the page says where."
        )
    for twins in list_repeated_inputs(videos)[:MAX_NAMED]:
        say(
            f"note: {', '.join(twins[:MAX_NAMED])}{', …' if len(twins) > MAX_NAMED else ''} are of "
            "one and the same video, and each counts."
        )
    if files.others:
        names = ", ".join(path.name for path in files.others[:MAX_NAMED])
        more = ", …" if len(files.others) > MAX_NAMED else ""
        tables = format_count(len(files.others), "table")
        say(f"note: {tables} without the columns of records left out: {names}{more}.")
