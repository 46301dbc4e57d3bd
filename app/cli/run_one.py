"""Carries out a plan over one source in this process, in a window or without one."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from app.actions.stream import ActionStream
from app.cli.closing_lines import list_closing_lines
from app.cli.make_plan import plan_run
from app.cli.planned_pipeline import build_planned_pipeline
from app.cli.prepare_plan import open_planned_source, prepare_plan
from app.cli.teach_in_window import make_teacher, note_unfinished_lesson
from app.live.session import Session, SessionOutcome
from app.live.status_line import LiveLine
from app.live.window import Window
from app.outputs.sink import RunSink, count_dropped
from app.pipeline import Pipeline
from app.process.claimed_stdout import claim_stdout
from app.process.console import CUT_SHORT, DONE, INTERRUPTED, say
from app.process.safe_output import is_terminal
from app.process.signals import catch_ctrl_c
from app.process.threads import set_threads
from app.runs.networks import LoadedNetworks, describe_classifier, load_networks
from app.runs.open_sinks import open_sinks
from app.runs.pictures_ahead import search_ahead
from app.runs.plan import PicturesInput, RunPlan
from app.sources.base import Gap, Source
from app.sources.images import ImageSource
from app.teaching.taught_face import TaughtFace


def run_one(options: argparse.Namespace) -> int:
    """Plans a run over one source and carries it out. Returns the exit code.

    Raises `RecogniserError`; what was finished by then stays.
    """
    plan = prepare_plan(options, plan_run(options))
    set_threads()
    with ExitStack() as stack:
        outcome, gaps, sinks = _run(plan, stack)
    lines = list_closing_lines(
        outcome,
        gaps,
        sinks,
        of_pictures=isinstance(plan.source, PicturesInput),
        in_window=plan.in_window,
    )
    for line in lines:
        say(line)
    if outcome.interrupted:
        return INTERRUPTED
    is_cut = outcome.cut_short or outcome.mended or gaps or count_dropped(sinks)
    return CUT_SHORT if is_cut else DONE


def _run(plan: RunPlan, stack: ExitStack) -> tuple[SessionOutcome, tuple[Gap, ...], list[RunSink]]:
    """Opens everything on `stack` and runs the session."""
    stdout = stack.enter_context(claim_stdout()) if plan.live_outputs.use_stdout else None
    source = stack.enter_context(open_planned_source(plan))
    networks = stack.enter_context(load_networks(plan.recognition))
    classifier, taught = networks.classifier, networks.make_taught_face()
    say(describe_classifier(classifier))
    stop = stack.enter_context(catch_ctrl_c())
    tell: Callable[[str], None] = say
    sinks = open_sinks(
        plan,
        source,
        classifier,
        is_interrupted=stop,
        keep=lambda sink: stack.callback(sink.abort),
        stdout=stdout,
        say=lambda line: tell(line),
        taught=taught,
    ).all
    window = None
    if plan.in_window:
        window = stack.enter_context(Window(f"Expressions: {source.name} (h: keys)"))
    elif source.mode.is_live and (stdout is None or is_terminal(sys.stderr)):
        # Beside lines for a program, the line for people goes to the terminal.
        line = LiveLine(None if stdout is None else sys.stderr, alone=not sinks)
        stack.callback(line.abort)
        sinks.append(line)
        tell = line.above(say)
    pipeline = _build_pipeline(plan, source, networks, taught, stack)
    teacher = make_teacher(plan, pipeline, taught, classifier)
    outcome = Session(
        source,
        pipeline,
        sinks=sinks,
        screen=window,
        provider=classifier.provider,
        settings=plan.view,
        stop=stop,
        say=tell,
        on_frame=stack.enter_context(_progress_bar(source)),
        teacher=teacher,
        draws=plan.needs_canvases,
    ).run()
    outcome = note_unfinished_lesson(plan, outcome, teacher)
    return outcome, tuple(source.gaps) if source.mode.is_live else (), sinks


def _build_pipeline(
    plan: RunPlan,
    source: Source,
    networks: LoadedNetworks,
    taught: TaughtFace,
    stack: ExitStack,
) -> Pipeline:
    """Builds the pipeline of the run. Pictures that nobody turns over by hand are opened and
    searched ahead, in threads that end with `stack`."""
    quality = plan.needs_quality
    if isinstance(source, ImageSource) and not plan.in_window:
        ahead = stack.enter_context(search_ahead(source, networks.search, plan.recognition))
        reader = networks.actions
        actions = None if reader is None else ActionStream(reader, is_stream=False)
        return Pipeline(
            ahead, networks.classifier, tracker=None, with_quality=quality, actions=actions
        )
    return build_planned_pipeline(plan, source, networks, taught, with_quality=quality)


@contextmanager
def _progress_bar(source: Source) -> Iterator[Callable[[], object]]:
    """Shows a bar on a terminal, but not for a live source. Yields a function that counts a
    frame."""
    if source.mode.is_live or not is_terminal(sys.stderr):
        yield lambda: None
        return
    from tqdm import tqdm

    with tqdm(
        total=source.frame_count,
        desc=source.name,
        unit="frame",
        leave=False,
    ) as bar:
        yield lambda: bar.update(1)
