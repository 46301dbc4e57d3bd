"""Checks and completes the plan of a single run, and opens its source, before networks load."""

import argparse
from dataclasses import replace

from app.cli.make_plan import plan_encoding
from app.errors import SinkError
from app.live.window import check_display
from app.process.console import say
from app.runs.check_plan import check_plan
from app.runs.open_source import open_source
from app.runs.plan import CameraInput, RunPlan
from app.sources.base import Source
from app.sources.images import ImageSource


def prepare_plan(options: argparse.Namespace, plan: RunPlan) -> RunPlan:
    """Checks a plan before anything is loaded, and chooses its encoding. Raises
    `RecogniserError`."""
    check_plan(plan)
    encoding = plan_encoding(options, plan.outputs)
    if encoding is not None:
        say(f"Encoding with {encoding.encoder.name}.")
    return replace(plan, encoding=encoding)


def open_planned_source(plan: RunPlan) -> Source:
    """Opens the source of a plan, and tries the display if a window is asked for. The caller closes
    the source.

    A file is opened first, so that a wrong name is told on any machine. A camera, which takes
    seconds and shows a light, is opened last.

    Raises:
        SourceError: The source cannot be opened.
        SinkError: No window opens, or an annotated picture cannot be written.
    """
    if plan.in_window and plan.teach is not None:
        _check_teaching_display()
    is_camera = isinstance(plan.source, CameraInput)
    if plan.in_window and is_camera:
        check_display()
    source = open_source(plan, say)
    try:
        _check_pictures(plan, source)
        if plan.in_window and not is_camera:
            check_display()
    except BaseException:
        source.close()
        raise
    return source


def _check_pictures(plan: RunPlan, source: Source) -> None:
    """Raises `SinkError` if an annotated picture cannot be written. Leaves nothing behind."""
    if plan.draws_pictures and isinstance(source, ImageSource):
        from app.outputs.images import ImagesSink  # most runs write no pictures

        ImagesSink(plan.outputs.pictures, source, overwrite=plan.overwrite).abort()


def _check_teaching_display() -> None:
    try:
        check_display()
    except SinkError as error:
        raise SinkError(
            "--teach shows in a window what to do, and none opens here. Teach where there is a "
            "display, copy NAME.profile to this machine, and add --profile NAME."
        ) from error
