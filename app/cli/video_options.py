"""Declares the options that every command which annotates videos takes: frames, results and
recognition. Nothing here needs a package."""

import argparse

from app.cli.option_types import (
    GivenOnce,
    parse_duration,
    parse_model,
    parse_moment,
    parse_name,
    parse_path,
    parse_positive,
    parse_shard,
    parse_strength,
    parse_whole,
)
from app.defaults import SMOOTHING_S, list_shipped_models


def add_part_options(top: argparse.ArgumentParser, *, with_window: bool = True) -> None:
    """Adds the options that choose frames and videos."""
    part = top.add_argument_group("video")
    part.add_argument(
        "--every", type=parse_positive, metavar="N", help="read every N-th frame (default: all)"
    )
    part.add_argument(
        "--start",
        type=parse_moment,
        metavar="T",
        help="begin there: seconds, m:ss or h:mm:ss (0:01:30.5)",
    )
    part.add_argument("--end", type=parse_moment, metavar="T", help="stop before that time")
    where = "with --no-window: " if with_window else ""
    if with_window:
        part.add_argument(
            "--jobs",
            type=parse_positive,
            metavar="N",
            help="with --no-window: so many videos at once, each in a process of its own (default: "
            "1)",
        )
    part.add_argument(
        "--shard",
        type=parse_shard,
        metavar="I/N",
        help=f"{where}only the I-th of N shares of the videos, for machines that share "
        "the work; a video's name decides its share, so that shares are equal only on average, and "
        "of few videos one may be empty (docs/scale.md)",
    )
    part.add_argument(
        "--resume",
        action="store_true",
        help=f"{where}go on where a run was stopped or killed; files that are finished "
        "are left as they are",
    )


def add_result_options(top: argparse.ArgumentParser, *, with_window: bool = True) -> None:
    """Adds the options that name results. `with_window` is True for a command that may open a
    window, read pictures, and write records to the standard output."""
    where = "for pictures or for several videos" if with_window else "for several"
    default = (
        "without a window and without any other result"
        if with_window
        else "without any other result"
    )
    results = top.add_argument_group("results")
    results.add_argument(
        "-o",
        "--output",
        type=parse_path,
        metavar="PATH",
        help=f"annotated video (.mp4), or a folder {where}; {default} it is NAME_annotated beside "
        "the input",
    )
    results.add_argument(
        "--codec",
        metavar="NAME",
        help="what an annotated video is encoded with: h264 (default), hevc, av1, vp9 (default of "
        ".webm), mpeg4; an encoder by FFmpeg's name, such as h264_nvenc; or auto: hardware where "
        "it works and is no slower (--doctor lists what works here)",
    )
    results.add_argument(
        "--crf",
        type=parse_whole,
        metavar="N",
        help="how far to compress it: lower is better and larger (default: h264 20, hevc 24, av1 "
        "30, vp9 31, mpeg4 4)",
    )
    results.add_argument(
        "--records",
        type=parse_path,
        metavar="FILE",
        help="one row per face per frame, as .jsonl, .csv or .parquet, and FILE's notes beside it "
        "(NAME.run.json: command, versions, model, settings, input, counts); for videos also a "
        "folder or a suffix alone, such as .csv: NAME.csv for each"
        + ("; - writes lines of JSON to the standard output" if with_window else ""),
    )
    results.add_argument(
        "--episodes",
        type=parse_path,
        action="append",
        metavar="FILE",
        help="episodes of expressions, as .csv, .vtt (subtitles), .eaf (ELAN) or .txt (Audacity); "
        "may be given several times",
    )
    results.add_argument(
        "--report",
        type=parse_path,
        metavar="FILE",
        help="one .html page: timelines, shares, quality of the data, and stills of faces",
    )
    results.add_argument("--no-stills", action="store_true", help="no faces in the report")
    results.add_argument(
        "--overwrite", action="store_true", help="replace files that exist already"
    )


def find_result_conflict(options: argparse.Namespace) -> str | None:
    """Returns a line on options of results that do not go together; None if they do."""
    if options.resume and options.overwrite:
        return "--resume goes on, --overwrite begins anew: use only one of them"
    if options.no_stills and not options.report:
        return "--no-stills goes with --report"
    return None


def add_recognition_options(top: argparse.ArgumentParser) -> None:
    """Adds the settings of the networks and of smoothing."""
    how = top.add_argument_group("recognition")
    how.add_argument(
        "--model",
        type=parse_model,
        metavar="NAME|FILE",
        help=f"a shipped model ({', '.join(list_shipped_models())}) or another exported .onnx file",
    )
    how.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="where the model runs; auto takes CUDA where it works (default)",
    )
    how.add_argument(
        "--max-faces", type=parse_positive, metavar="N", help="read only the N largest faces"
    )
    how.add_argument(
        "--far-faces",
        action="store_true",
        help="also look for small faces, from 3 %% of the picture's width on (default: from 5 %%); "
        "costs time whenever the whole picture is searched",
    )
    how.add_argument(
        "--prior-correction",
        type=parse_strength,
        metavar="TAU",
        help="how far to forget how frequent each expression was in training: 0 not at all, 1 as "
        "if all were equally frequent; rare ones are then said more often, also where they are not "
        "there (default: as the model's file says, which chose it on validation faces)",
    )
    how.add_argument(
        "--smoothing",
        type=parse_duration,
        default=SMOOTHING_S,
        metavar="SECONDS",
        help="over how long readings are averaged in videos and on cameras (default: "
        "%(default)s); more is calmer and later; 0 shows each frame by itself",
    )
    how.add_argument(
        "--exact",
        action="store_true",
        help="look at every face in every frame and read it anew, which takes about three times as "
        "long; without it, faces that neither move nor change are looked at ten times a second "
        "and interpolated in between (always exact with --smoothing 0)",
    )
    how.add_argument(
        "--actions",
        action="store_true",
        help="also read facial actions: 51 coefficients under ARKit's names, such as jawOpen, head "
        "pose, blink and gaze, into records, report and picture; coefficients of a rig, not "
        "validated FACS units (docs/actions.md)",
    )
    how.add_argument(
        "--profile",
        action=GivenOnce,
        type=parse_name,
        metavar="NAME|FILE",
        help="correct the readings of one person by NAME.profile, which --teach or the key t has "
        "made; of a camera or a video, for the face that sits where that person sat "
        "(docs/teach.md)",
    )
