"""What a command line asks for, and what of it cannot be had: known before models are loaded."""

import argparse
from pathlib import Path

from app.batch.output_names import check_not_stdout, default_output
from app.episodes.formats import check_episodes_suffix
from app.errors import SinkError, SourceError
from app.files.atomic import reserve
from app.outputs.encoders import Encoding, choose_encoding
from app.outputs.run_metadata import name_notes
from app.outputs.video import check_video_format
from app.report.sink import check_report_suffix
from app.sources.find_videos import find_videos
from app.sources.frame_selection import Selection
from app.sources.remote_video import WebVideo


def the_video(options: argparse.Namespace) -> Path:
    """The single file that is shown in a window, or measured."""
    found = find_videos(options.video)
    if any(isinstance(one, WebVideo) for one in options.video):
        raise SourceError(
            "Addresses in --video are read without a window. Add --no-window; to watch a stream, "
            "give its address to --camera."
        )
    if len(found) > 1 or options.jobs or options.resume:
        raise SourceError(
            "Several videos, --jobs and --resume work without a window. Add --no-window."
        )
    folder: Path = options.video[0]
    return folder if folder.is_dir() else Path(str(found[0]))


def selection(options: argparse.Namespace) -> Selection:
    try:
        return Selection(
            start_s=options.start or 0.0,
            end_s=options.end,
            every=options.every or 1,
            fps=options.fps,
        )
    except ValueError as error:
        raise SourceError(f"These frames cannot be chosen: {error}.") from error


def is_live(options: argparse.Namespace) -> bool:
    return not (options.demo or options.video or options.image)


def other_results(options: argparse.Namespace) -> list[Path]:
    """Files that were asked for beside the annotated result."""
    named = [options.records, *(options.episodes or ()), options.report]
    return [path for path in named if path is not None]


def output_path(options: argparse.Namespace) -> Path | None:
    """Where the annotated result goes; None when it is only looked at."""
    given: Path | None = options.output
    if given is not None or not options.no_window or other_results(options):
        return given
    if options.demo:
        return Path("demo_annotated.mp4")
    if options.video:
        return default_output(the_video(options))
    if options.image:
        return None  # pictures are annotated beside themselves
    return None  # what a camera shows on the terminal is the result


def check_paths(options: argparse.Namespace, output: Path | None) -> None:
    """What can be known to fail is said before models are loaded."""
    camera = is_live(options) and not (options.camera and options.camera.is_stream)
    film = options.demo or options.video
    if (options.size and not camera) or (options.fps and not camera and not film):
        raise SourceError(
            "--size and --fps are asked of a camera of this machine, --fps also of a video; leave "
            "them out here."
        )
    if not film and (options.every or options.start or options.end):
        raise SourceError("--every, --start and --end choose frames of a video.")
    if not options.video and (options.jobs or options.resume):
        raise SourceError("--jobs and --resume go with --video.")
    if options.image and options.episodes:
        raise SinkError("Pictures have no time, so no episodes. Leave --episodes out.")
    if not options.record_dir.is_dir():
        raise SinkError(f"{options.record_dir} is no folder. Make it, or name another one.")
    for path in options.episodes or ():
        check_episodes_suffix(path)
    if options.report is not None:
        check_report_suffix(options.report)
    targets = other_results(options)
    if options.records is not None:
        targets.append(name_notes(options.records))
    if output is not None:
        targets.append(output)
    seen: set[Path] = set()
    for target in targets:
        check_not_stdout(target)
        if target.absolute() in seen:
            raise SinkError(f"{target} cannot be two results at once. Choose another name.")
        seen.add(target.absolute())
    inputs = [*(options.video or ()), *(options.image or ())]
    for target in targets:
        if target is not output or not options.image:
            reserve(target, overwrite=options.overwrite, inputs=inputs)


def encoding_of(options: argparse.Namespace, video: Path | None) -> Encoding | None:
    """What the annotated video is to be made with. Encoders that are asked for are tried first."""
    asked = options.codec is not None or options.crf is not None
    if not asked:
        return None
    if video is None or options.image:
        raise SinkError("--codec and --crf are for an annotated video; name one with -o.")
    return choose_encoding(options.codec, options.crf, check_video_format(video))
