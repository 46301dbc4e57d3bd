"""Declares the options of `run_demo.py` and reads them. Nothing here needs a package, so that
`--help` and `--doctor` work where none is installed."""

import argparse
from collections.abc import Container, Sequence
from pathlib import Path

from app.cli.live_output_options import add_live_output_options, find_conflict
from app.cli.option_types import (
    parse_named_video,
    parse_path,
    parse_positive,
    parse_profile_name,
    parse_rate,
    parse_size,
)
from app.cli.video_options import (
    add_part_options,
    add_recognition_options,
    add_result_options,
    find_result_conflict,
)
from app.live.keys import KEYS
from app.process.one_line_parser import OneLineParser
from app.server.serve_address import ServeAddress, parse_origin, parse_serve_address
from app.sources.camera_address import CameraAddress, parse_address


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `run_demo.py`."""
    keys = "\n".join(f"  {key:<10} {what}" for key, what in KEYS)
    top = OneLineParser(
        prog="run_demo.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Finds faces, reads their expressions and shows them, frame by frame.\n"
        "With no option it opens the first camera. Everything stays on this machine, and nothing\n"
        "is stored unless you name a file for it. An expression is not a feeling.",
        epilog=f"keys in the window:\n{keys}\n\n"
        "examples:\n"
        "  python run_demo.py                                   the first camera, live\n"
        "  python run_demo.py --no-window                       the same, as a line of text\n"
        "  python run_demo.py --camera rtsp://host/stream       a camera in the network\n"
        "  python run_demo.py --demo                            the clip that comes with it\n"
        "  python run_demo.py --camera --serve                  the first camera, in a browser\n"
        "  python run_demo.py --video talk.mp4 -o talk_out.mp4  annotate a video, sound kept\n"
        "  python run_demo.py --video talk.mp4 --no-window --records talk.csv\n"
        "  python run_demo.py --video talks/ 'more/**/*.mov' --no-window --records .csv --jobs 2\n"
        "  python run_demo.py --image photos/ -o annotated/     every picture of a folder\n"
        "  python run_demo.py --doctor                          what does this machine lack?\n\n"
        "exit codes: 0 done, 1 done but something was skipped or cut short, 2 could not be done,\n"
        "130 interrupted by Ctrl-C (what was finished is kept)",
    )
    source = top.add_argument_group("what to look at (one of)").add_mutually_exclusive_group()
    source.add_argument(
        "--camera",
        type=parse_address,
        nargs="?",
        const=CameraAddress(0),
        metavar="N|DEVICE|URL",
        help="a camera's number (0), a device such as /dev/video0, or the address of a stream: "
        "rtsp, rtsps, http, https",
    )
    source.add_argument(
        "--video",
        type=parse_named_video,
        nargs="+",
        metavar="FILE|DIR|PATTERN|URL",
        help="a video; with --no-window also several, folders, patterns such as 'a/**/*.mp4', and "
        "addresses (http, https, rtsp, rtsps), each with outputs of its own (docs/annotating.md)",
    )
    source.add_argument(
        "--image",
        type=parse_path,
        nargs="+",
        metavar="FILE|DIR",
        help="pictures, or folders of pictures; each stands for itself",
    )
    source.add_argument("--demo", action="store_true", help="the clip that comes with the program")
    source.add_argument(
        "--list-cameras",
        action="store_true",
        help="print a line for each camera and end; exit code 1 when none works",
    )
    mode = top.add_argument_group("camera")
    mode.add_argument("--size", type=parse_size, metavar="WxH", help="such as 1280x720")
    mode.add_argument(
        "--fps",
        type=parse_rate,
        metavar="N",
        help="frames/s to ask the camera for; of a video, how many a second are read",
    )
    add_part_options(top)
    add_result_options(top)
    add_live_output_options(top)
    look = top.add_argument_group("view")
    look.add_argument(
        "--no-window",
        action="store_true",
        help="needs no display; of a camera it shows a line of what is seen now",
    )
    look.add_argument(
        "--serve",
        type=parse_serve_address,
        nargs="?",
        const=ServeAddress(),
        metavar="[HOST:]PORT",
        help="show a page in the browser, with this machine's camera or video if one is named, and "
        "the browser's own camera (default: 127.0.0.1:8765, which only this machine can reach; "
        "another HOST makes a token; docs/live_page.md)",
    )
    look.add_argument(
        "--allow-origin",
        action="append",
        type=parse_origin,
        metavar="ORIGIN",
        help="with --serve: a site, such as https://example.org, whose pages may read /events, or "
        "that stands before this server as a proxy; may be given several times",
    )
    look.add_argument("--window", action="store_true", help="with --serve: open the window, too")
    look.add_argument(
        "--mirror",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="mirror the picture (default: cameras yes, files no)",
    )
    look.add_argument(
        "--hud",
        choices=["off", "boxes", "full"],
        default="full",
        help="what is drawn: nothing, boxes with labels, or everything (default); the key v "
        "switches through them",
    )
    look.add_argument(
        "--blur",
        action="store_true",
        help="blur every face that is found, from the first frame, in all that is shown and saved, "
        "and while one of them is lost the whole picture (--if-lost)",
    )
    look.add_argument(
        "--if-lost",
        choices=["whole", "stop"],
        default="whole",
        help="with --blur: what is done with a frame whose faces cannot be accounted for, such as "
        "when one is not found any more: blur it as a whole (default), or stop there",
    )
    look.add_argument(
        "--teach",
        type=parse_profile_name,
        metavar="NAME",
        help="begin with a lesson in the window: show each expression for five seconds; it makes "
        "NAME.profile, which --profile NAME uses (the key t does the same at any time; "
        "docs/teach.md)",
    )
    look.add_argument(
        "--record-dir",
        type=parse_path,
        default=Path(),
        metavar="DIR",
        help="where the keys r, s and t put recordings, snapshots and profiles (default: the "
        "working folder)",
    )
    add_recognition_options(top)
    health = top.add_argument_group("when something does not work, or is slow")
    health.add_argument(
        "--doctor",
        action="store_true",
        help="look at packages, models, cameras, GPU and disk, and say what to do; with --model or "
        "--camera, at those too; exit code 1 when the demo cannot run here",
    )
    health.add_argument(
        "--benchmark",
        type=parse_positive,
        nargs="?",
        const=900,
        metavar="FRAMES",
        help="measure how fast this machine is, with --video FILE or its own clip, in 1280 x 720 "
        "(900 frames, and a third as many of a camera: about half a minute); needs no display",
    )
    health.add_argument(
        "--json",
        type=parse_path,
        nargs="?",
        const=Path("-"),
        metavar="FILE",
        help="with --doctor: a list of checks for programs to read; with --benchmark: its figures, "
        "into FILE if one is named",
    )
    return top


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Reads the words of a command line (None: those of this process).

    Ends the process with code 2, and one line, for what is not understood and for options that do
    not go together. Raises `SourceError` for an address that can be no camera.
    """
    command = parser()
    options = command.parse_args(argv)
    if options.serve is None and options.window:
        command.error("--window goes with --serve; without it there is a window anyhow")
    if options.serve is None and options.allow_origin:
        command.error("--allow-origin goes with --serve")
    if options.window and options.no_window:
        command.error("--window or --no-window: use only one of them")
    if options.serve is not None:
        options.no_window = not options.window
        if options.jobs or options.resume or options.shard:
            command.error("--jobs, --resume and --shard go without --serve")
    if (conflict := find_conflict(options)) is not None:
        command.error(conflict)
    if options.json and not (options.doctor or options.benchmark):
        command.error("--json goes with --doctor or --benchmark")
    if (conflict := find_result_conflict(options)) is not None:
        command.error(conflict)
    if options.blur and options.max_faces:
        command.error(
            "--max-faces leaves faces unread, which --blur could not cover: use only one of them"
        )
    if options.teach is not None:
        if options.no_window:
            command.error(
                "--teach shows in the window what to do: use it without --no-window"
                + (" and with --window" if options.serve is not None else "")
            )
        if options.image:
            command.error("--teach needs a camera or a video, not pictures")
        if options.profile:
            command.error("--teach makes a profile, --profile uses one: use only one of them")
    if options.benchmark and (options.doctor or options.image or options.camera is not None):
        command.error("--benchmark takes --video FILE or its own clip, and nothing else")
    if options.doctor and options.json not in (None, Path("-")):
        command.error("--doctor prints its list; --json takes no FILE there")
    _refuse_idle_options(command, options)
    return options


# The options that do something beside one that stands for a task of its own.
HEEDED = {
    "doctor": "json model camera",
    "list_cameras": "",
    "benchmark": "video model device max_faces far_faces actions json overwrite",
}


def _refuse_idle_options(command: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends the process where an option would be ignored beside `--doctor`, `--list-cameras` or
    `--benchmark`."""
    for task, heeded in HEEDED.items():
        if getattr(options, task):
            idle = find_other_options(options, {task, "no_window", *heeded.split()})
            if idle:
                command.error(f"{name_option(task)} does not use {idle[0]}: leave it out")


def find_other_options(options: argparse.Namespace, heeded: Container[str]) -> list[str]:
    """Finds the options that were given and are not among `heeded`, such as "--shard". An option
    with its usual value counts as not given."""
    usual = vars(parser().parse_args([]))
    return [
        name_option(name)
        for name, value in vars(options).items()
        if value != usual.get(name) and name not in heeded
    ]


def name_option(name: str) -> str:
    """Gives the option whose value has this name in the namespace.

    >>> name_option("no_window")
    '--no-window'
    """
    return f"--{name.replace('_', '-')}"


def add_usual_options(found: argparse.Namespace, *, without: Container[str]) -> argparse.Namespace:
    """Adds to the options of another command those of `run_demo.py` that it lacks, with their
    defaults, so that either of them goes on with what the other has begun. `without` names options
    that only the other command has."""
    usual = vars(parser().parse_args(["--no-window"]))
    own = {name: value for name, value in vars(found).items() if name not in without}
    return argparse.Namespace(**(usual | own))
