"""Checks and opens what tells other programs of every frame.

Each module is imported when its output is asked for.
"""

from collections.abc import Callable
from pathlib import Path

from app.errors import SinkError
from app.outputs.sink import RunSink
from app.process.line_pipe import LinePipe, NamedPipe, is_pipe
from app.runs.plan import RunPlan
from app.sources.base import Source

STDOUT_NAME = "the standard output"
NO_EVENTS_SUFFIXES = (".csv", ".parquet")  # of records, which events are no table of


def check_live_outputs(plan: RunPlan) -> None:
    """Finds out, before anything is loaded, what cannot be had. Raises `SinkError`."""
    live = plan.live_outputs
    if live.events is not None and live.events.suffix.lower() in NO_EVENTS_SUFFIXES:
        raise SinkError(
            f"{live.events}: events are lines of JSON. Name a file such as "
            f"{live.events.with_suffix('.jsonl')}, or use --records for a table."
        )
    if live.osc is not None:
        from app.events.osc import open_osc_socket

        open_osc_socket(live.osc).close()
    if live.lsl is not None:
        from app.events.lsl import load_pylsl

        load_pylsl()
    if live.virtual_camera is not None:
        from app.outputs.virtual_camera import choose_backend, find_virtual_camera

        choose_backend()
        find_virtual_camera(live.virtual_camera)


def find_events_file(plan: RunPlan) -> Path | None:
    """Returns the ordinary file that events are written into; None for a pipe, and where no file is
    asked for."""
    events = plan.live_outputs.events
    return None if events is None or is_pipe(events) else events


def open_live_outputs(
    plan: RunPlan,
    source: Source,
    labels: tuple[str, ...],
    *,
    stdout: int | None,
    is_interrupted: Callable[[], bool],
    say: Callable[[str], None],
    add: Callable[[RunSink], None],
) -> None:
    """Opens the live outputs of a plan.

    Args:
        plan: What is asked for.
        source: The open source.
        labels: The labels of the model.
        stdout: The descriptor of the standard output, which belongs to the lines alone.
        is_interrupted: Tells whether the user ended the run.
        say: Shows a line to the user.
        add: Gets each output as soon as it is open.

    Raises:
        SinkError: An output cannot be opened.
    """
    live = plan.live_outputs
    is_live = source.mode.is_live
    if live.use_stdout and stdout is not None:
        from app.events.line_sink import LineSink, make_event_lines, make_record_lines

        add(
            LineSink(
                LinePipe(stdout, STDOUT_NAME),
                make_event_lines() if live.events_to_stdout else make_record_lines,
                is_live=is_live,
                is_alone=plan.is_alone_on_stdout,
                says_missed=live.events_to_stdout,
                is_interrupted=is_interrupted,
                say=say,
            )
        )
    if live.events is not None and is_pipe(live.events):
        from app.events.line_sink import LineSink, make_event_lines

        if not is_live:
            say(f"{live.events} waits for its reader.")
        add(
            LineSink(
                NamedPipe(live.events, waits=not is_live),
                make_event_lines(),
                is_live=is_live,
                is_alone=False,
                is_interrupted=is_interrupted,
                say=say,
            )
        )
    elif live.events is not None:
        from app.events.file_sink import EventsSink

        add(EventsSink(live.events, overwrite=plan.overwrite))
    if live.osc is not None:
        from app.events.osc import OscSink

        sink = OscSink(live.osc, prefix=live.osc_prefix, immediately=live.osc_immediately, say=say)
        add(sink)
    if live.lsl is not None:
        from app.events.lsl import PEOPLE, LslSink

        add(
            LslSink(
                live.lsl,
                labels,
                source=source.name,
                people=plan.recognition.max_faces or PEOPLE,
                with_actions=plan.recognition.actions,
                say=say,
            )
        )
    if live.virtual_camera is not None:
        from app.outputs.virtual_camera import VirtualCameraSink

        add(VirtualCameraSink(live.virtual_camera, say=say))
