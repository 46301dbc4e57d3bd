"""Declares the options that tell other programs of every frame. Nothing here needs a package."""

import argparse
from pathlib import Path

from app.cli.option_types import parse_path
from app.events.osc_address import parse_osc_prefix, parse_osc_target

STDOUT = Path("-")
PAGE = Path("ws")  # the word of `--events` for the page's own stream
LSL_NAME = "Expressions"
USUAL_PREFIX = "/{address}"
ONE_VIDEO = (
    "--events, --records -, --osc, --lsl, --virtual-camera and --realtime go with one source, "
    "without --jobs, --shard and --resume"
)


def add_live_output_options(top: argparse.ArgumentParser) -> None:
    """Adds the options that send readings or pictures to other programs."""
    live = top.add_argument_group("for other programs (docs/live_outputs.md)")
    live.add_argument(
        "--events",
        type=parse_path,
        metavar="-|FILE|ws",
        help="one line of JSON per frame: on the standard output (-), in a file or a named pipe, "
        "or in /events of the page (ws, with --serve)",
    )
    live.add_argument(
        "--realtime",
        action="store_true",
        help="read a video as if it were a camera: at its own pace, and frames that come too late "
        "are left out",
    )
    live.add_argument(
        "--osc",
        type=parse_osc_target,
        metavar="HOST:PORT",
        help="send each frame's values as OSC, for TouchDesigner and others; with --actions also "
        "coefficients of a face rig, which are not validated FACS units",
    )
    live.add_argument(
        "--osc-prefix",
        type=parse_osc_prefix,
        metavar="/PREFIX",
        help="begin each OSC address so; {address} or {name} (with _ for /) say where the address "
        "itself stands, as in /avatar/parameters/{name}",
    )
    live.add_argument(
        "--osc-immediately",
        action="store_true",
        help='tag OSC bundles with "immediately" and not with the moment of capture, for receivers '
        "that hold tagged bundles back or drop late ones",
    )
    live.add_argument(
        "--lsl",
        nargs="?",
        const=LSL_NAME,
        metavar="NAME",
        help="send each frame's values to the Lab Streaming Layer, as streams NAME_face1 and so "
        f"on, stamped with the moment of capture (default name: {LSL_NAME})",
    )
    live.add_argument(
        "--virtual-camera",
        nargs="?",
        const="",
        metavar="DEVICE",
        help="show the annotated picture as a camera, for Zoom, Teams or OBS (default: the first "
        "virtual camera)",
    )


def asks_live_outputs(options: argparse.Namespace) -> bool:
    """Tells whether a run is to tell other programs of its frames, or to read a video at its own
    pace. Such a run has one source."""
    return bool(
        options.events
        or options.osc
        or options.lsl
        or options.virtual_camera is not None
        or options.realtime
        or options.records == STDOUT
    )


def find_conflict(options: argparse.Namespace) -> str | None:
    """Returns a line on options of this group that do not go together; None if they do."""
    if asks_live_outputs(options) and (options.jobs or options.shard or options.resume):
        return ONE_VIDEO
    if options.events == PAGE and options.serve is None:
        return "--events ws is the /events of the page: add --serve"
    if options.events == STDOUT and options.records == STDOUT:
        return "--events - and --records -: the standard output takes only one of them"
    if options.osc_prefix and not options.osc:
        return "--osc-prefix goes with --osc"
    if options.osc_immediately and not options.osc:
        return "--osc-immediately goes with --osc"
    if "'" in (options.lsl or ""):
        return "--lsl takes a name without an apostrophe: LSL finds no stream by such a name"
    if options.lsl == "":
        return "--lsl takes a name that is not empty"
    return None
