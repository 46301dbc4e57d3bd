"""Makes the page of a records file, with stills of its video or pictures if these are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.episodes.episode import Episode
from app.episodes.finder import EpisodeRules
from app.errors import DataError, SourceError
from app.files.atomic import reserve, write_text
from app.files.no_file import describe_no_file
from app.outputs.run_metadata import hash_file, read_notes
from app.process.console import CUT_SHORT, DONE, say
from app.records.frames import group_by_frame
from app.records.reader import RecordsReader
from app.report.notes import find_objects, find_section
from app.report.page import ReportPage, render_report
from app.report.sink import check_report_suffix
from app.report.stills import MAX_KEPT, Box, PictureStill, Still, collect_stills, make_picture_still
from app.report.summary import Summary
from app.wording import choose_noun, format_count


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """The options of `python -m app.report`.

    `video` is the video of the records; None stands for the file of its name beside the records.
    `pictures` is the folder with the pictures of the records; None stands for the records' folder.
    """

    records: Path
    output: Path
    video: Path | None = None
    pictures: Path | None = None
    with_stills: bool = True
    overwrite: bool = False
    rules: EpisodeRules = field(default_factory=EpisodeRules)


@dataclass(frozen=True, slots=True)
class _Faces:
    """The pictures of faces for a page. `warning` tells why faces of files that the user named are
    missing; None if there is no warning."""

    stills: Sequence[Still] = ()
    pictures: Mapping[str, PictureStill] = field(default_factory=dict)
    warning: str | None = None


def report_records(request: ReportRequest) -> int:
    """Writes the page of `request.records` and reports the result on stderr.

    Returns:
        The exit code: `DONE`, or `CUT_SHORT` after a warning.

    Raises:
        SinkError: The page cannot be written.
        DataError: The records cannot be read, or have no rows.
    """
    check_report_suffix(request.output)
    reserve(request.output, overwrite=request.overwrite, inputs=[request.records])
    reader = RecordsReader(request.records)
    summary, peaks = _summarise(reader, request.rules)
    if not summary.trouble.frames:
        raise DataError(f"{request.records} has no rows. Give records of a run.")
    faces = _Faces()
    if summary.are_pictures and request.with_stills:
        faces = _find_pictures(request, summary)
    elif request.with_stills:
        faces = _find_stills(request, summary, peaks)
    page = ReportPage(
        summary, request.rules, faces.stills, read_notes(request.records), faces.pictures
    )
    write_text(request.output, render_report(page), overwrite=request.overwrite)
    say(f"{_describe(summary, faces)} -> {request.output}")
    if faces.warning is not None:
        say(f"warning: {faces.warning}")
    elif request.with_stills and (advice := _advise(request, summary, faces)):
        say(f"note: {advice}")
    if reader.is_cut_short:
        say(f"warning: {request.records} ends within a line; that line was left out.")
    return CUT_SHORT if faces.warning is not None or reader.is_cut_short else DONE


def _summarise(
    reader: RecordsReader, rules: EpisodeRules
) -> tuple[Summary, list[tuple[Episode, Box]]]:
    """Adds up all records. Returns the summary, and every episode with the box of its face at its
    apex."""
    summary = Summary(rules)
    boxes: dict[tuple[int, str], Box] = {}  # of the running episodes, by face and label
    peaks: list[tuple[Episode, Box]] = []

    def keep(over: Sequence[Episode]) -> None:
        peaks.extend((one, boxes.pop((one.face_id, one.label))) for one in over)

    for rows in group_by_frame(reader):
        keep(summary.add(rows))
        in_frame = {row.face.face_id: row.face.box_xywh for row in rows if row.face is not None}
        boxes.update({peak: in_frame[peak[0]] for peak in summary.peaks})
    keep(summary.finish())
    return summary, peaks


def _describe(summary: Summary, faces: _Faces) -> str:
    """Gives the counts of the line that ends the command."""
    people = format_count(len(summary.people), "face")
    if summary.are_pictures:
        pictures = format_count(summary.trouble.frames, "picture")
        return f"{pictures}, {people}, {len(faces.pictures)} shown"
    frames = format_count(summary.trouble.frames, "frame")
    episodes = format_count(len(summary.episodes), "episode")
    return f"{frames}, {people}, {episodes}, {format_count(len(faces.stills), 'still')}"


def _advise(request: ReportRequest, summary: Summary, faces: _Faces) -> str:
    """Tells the user how to get the pictures that the page lacks because their files were neither
    named nor beside the records; empty where no advice is needed."""
    shown = len(faces.stills or faces.pictures)
    if summary.are_pictures and request.pictures is None and shown < len(summary.pictures):
        missing = format_count(len(summary.pictures) - shown, "picture")
        return f"{missing} not shown, for want of the files: name their folder by --pictures."
    if not summary.are_pictures and request.video is None and summary.episodes and not shown:
        return "no stills, for want of the video: name it by --video."
    return ""


def _find_stills(
    request: ReportRequest, summary: Summary, peaks: Sequence[tuple[Episode, Box]]
) -> _Faces:
    """Cuts the faces at their apexes out of the video."""
    from app.sources.video import VideoSource  # loads libav, which a page without stills lacks

    sources = list(summary.end_s)
    video = request.video
    if video is None:
        beside = request.records.parent / Path(sources[0]).name
        if len(sources) > 1 or not beside.is_file():
            return _Faces()
        video = beside
    elif not video.is_file():  # a named pipe would never end
        return _Faces(warning=f"no stills: {video} {describe_no_file(video)}.")
    notes = read_notes(request.records)
    if find_section(notes, "settings").get("blur"):
        return _Faces(warning=f"no stills: faces were to be blurred, and in {video} they are not.")
    is_another = _Faces(warning=f"no stills: {video} is not the video of these records.")
    files = find_objects(find_section(notes, "input"), "files") or [{}]
    if files[0].get("sha256") not in (None, hash_file(video)):
        return is_another
    best: dict[tuple[int, str], tuple[Episode, Box]] = {}
    for one, box in peaks:
        key = (one.face_id, one.label)
        if one.source == sources[0] and (key not in best or best[key][0].peak < one.peak):
            best[key] = (one, box)
    try:
        with VideoSource(video) as source:
            stills = collect_stills(source, best.values())
    except SourceError as error:
        return _Faces(warning=f"no stills: {error}")
    if len(stills) < min(len(best), MAX_KEPT):
        return is_another
    return _Faces(stills)


def _find_pictures(request: ReportRequest, summary: Summary) -> _Faces:
    """Reads the pictures that the records are of."""
    from app.pictures.reader import read_picture

    folder = request.pictures or request.records.parent
    notes = read_notes(request.records)
    if find_section(notes, "settings").get("blur"):
        why = f"no pictures: faces were to be blurred, and in {folder} they are not."
        return _Faces(warning=why if request.pictures else None)
    digests = {
        str(one.get("name")): one.get("sha256")
        for one in find_objects(find_section(notes, "input"), "files")
    }
    found: dict[str, PictureStill] = {}
    for name, rows in summary.pictures.items():
        file = folder / name
        is_outside = Path(name).is_absolute() or ".." in Path(name).parts
        if is_outside or not file.is_file() or digests.get(name) not in (None, hash_file(file)):
            continue
        try:
            image = read_picture(file)
        except SourceError:
            continue
        boxes = {row.face.face_id: row.face.box_xywh for row in rows if row.face}
        found[name] = make_picture_still(image, boxes)
    missing = len(summary.pictures) - len(found)
    warning = None
    if missing and request.pictures:
        are = choose_noun(missing, "is", "are")
        other = choose_noun(missing, "is another one", "are other ones")
        warning = f"{missing} of the pictures {are} not in {folder}, or {other}."
    return _Faces(pictures=found, warning=warning)
