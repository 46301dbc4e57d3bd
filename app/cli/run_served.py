"""Carries out a plan and serves the live page beside it, until Ctrl-C."""

import argparse
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from urllib.parse import urlsplit

from app.cli.closing_lines import list_closing_lines
from app.cli.live_output_options import PAGE
from app.cli.make_plan import (
    make_live_outputs,
    make_recognition,
    make_view,
    plan_run,
)
from app.cli.options import find_other_options
from app.cli.planned_pipeline import build_planned_pipeline
from app.cli.prepare_plan import open_planned_source, prepare_plan
from app.cli.teach_in_window import make_teacher, note_unfinished_lesson
from app.errors import ProfileError, SinkError, SourceError
from app.live.session import Session
from app.live.window import Window
from app.outputs.sink import count_dropped
from app.process.claimed_stdout import claim_stdout
from app.process.console import CUT_SHORT, DONE, INTERRUPTED, say
from app.process.one_line_parser import read_version
from app.process.signals import catch_ctrl_c
from app.process.threads import set_threads
from app.runs.networks import describe_classifier, load_networks
from app.runs.open_sinks import open_sinks
from app.runs.plan import CameraInput, RunPlan
from app.server.bind import bind_sockets
from app.server.gate import Gate
from app.server.page_server import PageServer, make_page_url, make_visits_folder
from app.server.repeated_video import RepeatedVideo
from app.server.serve_address import ServeAddress, is_loopback
from app.server.source_feed import SourceFeed, SourceSink
from app.server.visit_session import SharedNetworks, load_shared_networks
from app.server.visitor import Visits
from app.sources.base import Source

# The options that do something for a page without a source.
HEEDED_BY_PAGES = frozenset(
    "serve allow_origin no_window model device max_faces far_faces prior_correction smoothing "
    "exact actions mirror hud blur if_lost".split()
)
POLL_S = 0.1  # between two looks at whether Ctrl-C was pressed
TOKEN_BYTES = 24
NO_CAMERA_THERE = (
    "Browsers give a page their camera only over https or on localhost; at this address they will "
    "not, unless a proxy with https stands before it (docs/live_page.md)."
)


def run_served(options: argparse.Namespace) -> int:
    """Serves the page, beside a run over a source if one is named. Returns the exit code.

    Raises `RecogniserError`; what was finished by then stays.
    """
    address: ServeAddress = options.serve
    plan = plan_served(options)
    if plan is not None:
        plan = prepare_plan(options, plan)
    set_threads()
    with ExitStack() as stack:
        sockets = bind_sockets(address)  # before what takes seconds
        for bound in sockets:
            stack.callback(bound.close)
        page = _Page(address, options.allow_origin or (), sockets)
        if plan is None:
            return _serve_alone(options, page, stack)
        return _serve_run(plan, page, stack)


def plan_served(options: argparse.Namespace) -> RunPlan | None:
    """Plans the run over the source that is named; None for a page without one. Raises `SinkError`
    and `SourceError` for options that do not go together."""
    if options.image:
        raise SourceError(
            "--serve shows a camera or a video; leave --image out. Pictures can be "
            "dropped on the page."
        )
    if options.camera is None and not options.video and not options.demo:
        if options.profile:
            raise ProfileError(
                "--profile is for a source of this machine: name --camera, --video or --demo."
            )
        if (
            options.output
            or options.records
            or options.episodes
            or options.report
            or options.events == PAGE
            or make_live_outputs(options).are_asked
        ):
            raise SinkError(
                "Outputs need a source of this machine: name --camera, --video or --demo. Pages "
                "record their own cameras themselves."
            )
        if idle := find_other_options(options, HEEDED_BY_PAGES):
            raise SourceError(
                f"{idle[0]} needs a source of this machine: name --camera, --video or --demo, or "
                "leave it out."
            )
        return None
    return plan_run(options)


class _Page:
    """The page that is served, from its sockets on."""

    def __init__(
        self, address: ServeAddress, origins: Sequence[str], sockets: Sequence[socket.socket]
    ) -> None:
        self._address = address
        self._sockets = sockets
        is_open = not address.is_loopback or any(
            not is_loopback(urlsplit(origin).hostname or "") for origin in origins
        )
        self._token = secrets.token_urlsafe(TOKEN_BYTES) if is_open else None
        self._gate = Gate(address, origins=origins, token=self._token)

    def open(self, networks: SharedNetworks, feed: SourceFeed | None, stack: ExitStack) -> None:
        """Serves until `stack` ends, and says where."""
        folder = make_visits_folder()
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        visits = Visits(networks, feed, folder, read_version())
        server = PageServer(self._sockets, self._gate, visits)
        stack.callback(server.close)
        needs_token = None if self._address.is_loopback else self._token
        say(f"The page is at {make_page_url(self._sockets, self._address, needs_token)}")
        if self._token is not None and needs_token is None:
            say(f"Through a proxy, the page wants ?token={self._token}")
        if not self._address.is_loopback:
            say(NO_CAMERA_THERE)
        say("Ctrl-C ends it.")


def _serve_alone(options: argparse.Namespace, page: _Page, stack: ExitStack) -> int:
    """Serves the cameras of browsers alone."""
    shared = stack.enter_context(
        load_shared_networks(make_recognition(options), make_view(options, is_live=True))
    )
    say(describe_classifier(shared.classifier))
    stop = stack.enter_context(catch_ctrl_c())
    page.open(shared, None, stack)
    _wait(stop)
    return INTERRUPTED


def _serve_run(plan: RunPlan, page: _Page, stack: ExitStack) -> int:
    """Serves the source of a plan, too, and writes its outputs."""
    stdout = stack.enter_context(claim_stdout()) if plan.live_outputs.use_stdout else None
    source = stack.enter_context(_open_source(plan))
    networks = stack.enter_context(load_networks(plan.recognition))
    classifier, taught = networks.classifier, networks.make_taught_face()
    say(describe_classifier(classifier))
    shared = stack.enter_context(
        load_shared_networks(plan.recognition, plan.view, classifier, networks.actions)
    )
    stop = stack.enter_context(catch_ctrl_c())
    feed = SourceFeed(source, keeps_blurred=plan.view.blur)
    stack.callback(feed.close)
    sinks = open_sinks(
        plan,
        source,
        classifier,
        is_interrupted=stop,
        keep=lambda sink: stack.callback(sink.abort),
        stdout=stdout,
        taught=taught,
    ).all
    window = None
    if plan.in_window:
        window = stack.enter_context(Window(f"Expressions: {source.name} (h: keys)"))
    page.open(shared, feed, stack)
    pipeline = build_planned_pipeline(plan, source, networks, taught, with_quality=True)
    teacher = make_teacher(plan, pipeline, taught, classifier)
    outcome = Session(
        source,
        pipeline,
        sinks=[*sinks, SourceSink(feed)],
        screen=window,
        provider=classifier.provider,
        settings=plan.view,
        stop=stop,
        say=say,
        remote=feed,
        teacher=teacher,
        draws=plan.needs_canvases,
    ).run()
    outcome = note_unfinished_lesson(plan, outcome, teacher)
    gaps = tuple(source.gaps)
    for line in list_closing_lines(outcome, gaps, sinks, in_window=plan.in_window):
        say(line)
    if outcome.interrupted:
        return INTERRUPTED
    if not plan.in_window:
        feed.end(f"{source.name} has ended.")
        say("The page stays; Ctrl-C ends it.")
        _wait(stop)
    is_cut = outcome.cut_short or outcome.mended or gaps or count_dropped(sinks)
    return CUT_SHORT if is_cut else DONE


def _open_source(plan: RunPlan) -> Source:
    """Opens the source of a plan. A video is shown at its own pace, and without an output that
    would not end, again and again."""
    if isinstance(plan.source, CameraInput):
        return open_planned_source(plan)
    has_outputs = bool(plan.outputs.all) or plan.in_window
    return RepeatedVideo(lambda: open_planned_source(plan), is_endless=not has_outputs)


def _wait(stop: Callable[[], bool]) -> None:
    while not stop():
        time.sleep(POLL_S)
