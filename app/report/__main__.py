"""A run on one page: what each person showed and when, and how far the data can be trusted.

python -m app.report talk.jsonl -o talk.html --video talk.mp4
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from app.episodes.episode import Episode
from app.episodes.rules import add_rules, rules_of
from app.errors import DataError, SourceError
from app.files.atomic import reserve, write_text
from app.outputs.run_metadata import hash_file, read_notes
from app.process.console import CUT_SHORT, DONE, new_parser, run, say
from app.records.frames import group_by_frame
from app.records.reader import RecordsReader
from app.report.facts import find_list, find_section
from app.report.page import ReportPage, render_report
from app.report.sink import check_report_suffix
from app.report.stills import Box, PictureStill, Still, collect_stills, make_picture_still
from app.report.summary import Summary
from app.wording import choose_noun, format_count


def parser() -> argparse.ArgumentParser:
    top = new_parser(
        "app.report",
        "Makes one HTML page of records: timelines, shares, stills and the quality of the data.\n"
        "The page needs no network. Stills show faces: pass it on accordingly.",
        "examples:\n"
        "  python -m app.report talk.jsonl -o talk.html --video talk.mp4\n"
        "  python -m app.report talk.jsonl -o talk.html --no-stills\n"
        "  python -m app.report photos.jsonl -o photos.html --pictures photos/",
    )
    top.add_argument("records", type=Path, metavar="RECORDS", help="a .jsonl, .csv or .parquet")
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the .html to write"
    )
    top.add_argument(
        "--video",
        type=Path,
        metavar="FILE",
        help="the video that the records are of, for stills (default: the one of its name beside "
        "the records, if there is one)",
    )
    top.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="where the pictures are that the records are of (default: the records' folder)",
    )
    top.add_argument("--no-stills", action="store_true", help="store no faces in the page")
    top.add_argument("--overwrite", action="store_true", help="replace a file that exists already")
    add_rules(top)
    return top


def work(options: argparse.Namespace) -> int:
    rules = rules_of(options)
    check_report_suffix(options.output)
    reserve(options.output, overwrite=options.overwrite, inputs=[options.records])
    reader = RecordsReader(options.records)
    summary = Summary(rules)
    boxes: dict[tuple[int, str], Box] = {}
    wanted: list[tuple[Episode, Box]] = []

    def take(over: Sequence[Episode]) -> None:
        wanted.extend((one, boxes.pop((one.face_id, one.label))) for one in over)

    for rows in group_by_frame(reader):
        take(summary.add(rows))
        found = {row.face.face_id: row.face.box_xywh for row in rows if row.face is not None}
        boxes.update({peak: found[peak[0]] for peak in summary.peaks})
    take(summary.finish())
    if not summary.trouble.frames:
        raise DataError(f"{options.records} has no rows. Give records of a run.")
    stills: list[Still] = []
    note = None
    pictures: dict[str, PictureStill] = {}
    if summary.are_pictures and not options.no_stills:
        pictures, note = _pictures(options, summary)
    elif not options.no_stills:
        stills, note = _stills(options, summary, wanted)
    page = ReportPage(summary, rules, stills, read_notes(options.records), pictures)
    write_text(options.output, render_report(page), overwrite=options.overwrite)
    faces = format_count(len(summary.people), "face")
    if summary.are_pictures:
        what, holds = "picture", f"{faces}, {len(pictures)} shown"
    else:
        episodes = format_count(len(summary.episodes), "episode")
        what, holds = "frame", f"{faces}, {episodes}, {format_count(len(stills), 'still')}"
    say(f"{format_count(summary.trouble.frames, what)}, {holds} -> {options.output}")
    if note is not None:
        say(f"warning: {note}")
    elif not options.no_stills and (why := _not_beside(options, summary, len(stills or pictures))):
        say(f"note: {why}")
    if reader.cut_short:
        say(f"warning: {options.records} ends within a line; that line was left out.")
    return CUT_SHORT if note is not None or reader.cut_short else DONE


def _not_beside(options: argparse.Namespace, summary: Summary, shown: int) -> str:
    """Says how to get the pictures of a page that lacks them because their files were not named
    and do not lie beside the records; empty where there is nothing to say."""
    if summary.are_pictures and options.pictures is None and shown < len(summary.pictures):
        missing = format_count(len(summary.pictures) - shown, "picture")
        return f"{missing} not shown, for want of the files: name their folder by --pictures."
    if not summary.are_pictures and options.video is None and summary.episodes and not shown:
        return "no stills, for want of the video: name it by --video."
    return ""


def _stills(
    options: argparse.Namespace, summary: Summary, wanted: Sequence[tuple[Episode, Box]]
) -> tuple[list[Still], str | None]:
    """The stills, and what to say where a video that was named gave none."""
    from app.sources.video import VideoSource

    sources = list(summary.end_s)
    video = options.video
    if video is None:
        beside = options.records.parent / Path(sources[0]).name
        if len(sources) > 1 or not beside.is_file():
            return [], None
        video = beside
    notes = read_notes(options.records)
    if find_section(notes, "settings").get("blur"):
        return [], f"no stills: faces were to be blurred, and in {video} they are not."
    another = f"no stills: {video} is not the video of these records."
    noted = [
        one for one in find_list(find_section(notes, "input"), "files") if isinstance(one, dict)
    ] or [{}]
    if noted[0].get("sha256") not in (None, hash_file(video)):
        return [], another
    best: dict[tuple[int, str], tuple[Episode, Box]] = {}
    for one, box in wanted:
        key = (one.face_id, one.label)
        if one.source == sources[0] and (key not in best or best[key][0].peak < one.peak):
            best[key] = (one, box)
    try:
        with VideoSource(video) as source:
            stills = collect_stills(source, best.values())
    except SourceError as error:
        return [], f"no stills: {error}"
    if best and not stills:
        return [], another
    return stills, None


def _pictures(
    options: argparse.Namespace, summary: Summary
) -> tuple[dict[str, PictureStill], str | None]:
    """The pictures of records of pictures, and what to say where those that were named gave
    none."""
    from app.pictures.reader import read_picture

    folder = options.pictures or options.records.parent
    notes = read_notes(options.records)
    if (notes.get("settings") or {}).get("blur"):
        why = f"no pictures: faces were to be blurred, and in {folder} they are not."
        return {}, why if options.pictures else None
    noted = {
        str(one.get("name")): one.get("sha256")
        for one in (notes.get("input") or {}).get("files") or []
        if isinstance(one, dict)
    }
    found: dict[str, PictureStill] = {}
    for name, rows in summary.pictures.items():
        file = folder / name
        outside = Path(name).is_absolute() or ".." in Path(name).parts
        if outside or not file.is_file() or noted.get(name) not in (None, hash_file(file)):
            continue
        try:
            image = read_picture(file)
        except SourceError:
            continue
        boxes = {row.face.face_id: row.face.box_xywh for row in rows if row.face}
        found[name] = make_picture_still(image, boxes)
    missing = len(summary.pictures) - len(found)
    if missing and options.pictures:
        are = choose_noun(missing, "is", "are")
        other = choose_noun(missing, "is another one", "are other ones")
        return found, f"{missing} of the pictures {are} not in {folder}, or {other}."
    return found, None


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return run(lambda: work(options))


if __name__ == "__main__":
    raise SystemExit(main())
