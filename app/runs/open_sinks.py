"""Opens the outputs of a plan as the sinks that write them.

Most runs have no episodes, report or pictures, so the modules that write them are imported when
they are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.outputs.background import BackgroundSink
from app.outputs.run_metadata import RunNotes
from app.outputs.sink import RunSink, count_dropped
from app.outputs.video import VideoSink
from app.overlay.drawing import Drawing
from app.process.console import say as say_on_stderr
from app.recognition.classifier import Classifier
from app.records.writers import RecordsSink
from app.runs.open_live_outputs import open_live_outputs
from app.runs.plan import RunPlan
from app.sources.base import Source
from app.sources.video import VideoSource
from app.teaching.taught_face import TaughtFace
from app.types import FrameResult, Json

if TYPE_CHECKING:
    from app.episodes.sink import EpisodesSink


@dataclass(slots=True)
class OpenSinks:
    """The open outputs of one run. `all` is in the order in which they are written; the notes say
    how the outputs behind them ended, so sinks are closed from the last to the first."""

    all: list[RunSink] = field(default_factory=list)
    episodes: "list[EpisodesSink]" = field(default_factory=list)
    notes: RunNotes | None = None


def open_sinks(
    plan: RunPlan,
    source: Source,
    classifier: Classifier,
    *,
    is_interrupted: Callable[[], bool],
    keep: Callable[[RunSink], object],
    open_records: Callable[[Path], RunSink] | None = None,
    threads: int | None = None,
    draw: Callable[[FrameResult], Drawing] | None = None,
    stdout: int | None = None,
    say: Callable[[str], None] = say_on_stderr,
    taught: TaughtFace | None = None,
) -> OpenSinks:
    """Opens every output of `plan`.

    Args:
        plan: What is asked for.
        source: The open source. The outputs of a live source are written in the background.
        classifier: The model whose labels the records name.
        is_interrupted: Tells at the end whether the user ended the run.
        keep: Gets each sink as soon as it is open, so that it can be aborted when a later one
            fails.
        open_records: Opens the records; None for records that no other run goes on with.
        threads: The number of threads of the video encoder; None: all cores.
        draw: Draws the results for the video, which then takes no canvases; None: it takes them.
        stdout: The descriptor of the standard output, if lines for a program go there.
        say: Shows a line to the user.
        taught: Knows the profile that the run uses; None: it uses none.

    Returns:
        The open sinks. A resumable run always has notes, because they count.

    Raises:
        SinkError: An output cannot be written.
    """
    outputs, overwrite = plan.outputs, plan.overwrite
    sinks = OpenSinks()

    def add(sink: RunSink, *, in_background: bool = source.mode.is_live) -> None:
        ready = BackgroundSink(sink) if in_background else sink
        keep(ready)
        sinks.all.append(ready)

    # First, because nobody's frame is older than a live receiver's. They never wait themselves.
    open_live_outputs(
        plan,
        source,
        classifier.labels,
        stdout=stdout,
        is_interrupted=is_interrupted,
        say=say,
        add=lambda sink: add(sink, in_background=False),
    )
    if outputs.records is not None:
        if open_records is not None:
            add(open_records(outputs.records))
        else:
            add(
                RecordsSink(
                    outputs.records,
                    classifier.labels,
                    overwrite=overwrite,
                    with_actions=plan.recognition.actions,
                )
            )
    for path in outputs.episodes:
        from app.episodes.sink import EpisodesSink

        sinks.episodes.append(EpisodesSink(path, overwrite=overwrite))
        add(sinks.episodes[-1])
    film: VideoSink | None = None

    def encoder() -> Json | None:
        return None if film is None else film.encoder

    if outputs.records is not None or outputs.report is not None or plan.is_resumable:
        sinks.notes = RunNotes(
            outputs.notes,
            records=outputs.records,
            source=source,
            model=classifier.path,
            model_sha256=classifier.sha256,
            prior_correction=classifier.prior_correction,
            contract=classifier.contract,
            provider=classifier.provider,
            settings=plan.settings,
            interrupted=is_interrupted,
            overwrite=overwrite,
            dropped=lambda: count_dropped(sinks.all),
            command=plan.command,
            encoder=encoder,
            more_warnings=lambda: [sink.warning for sink in sinks.all],
            profile=lambda: None if taught is None else taught.describe_profile(),
        )
        add(sinks.notes, in_background=False)
        if outputs.report is not None:
            from app.report.sink import ReportSink

            facts, stills = sinks.notes.describe, plan.with_stills
            add(ReportSink(outputs.report, facts=facts, with_stills=stills, overwrite=overwrite))
    if plan.draws_pictures:
        from app.outputs.images import ImagesSink
        from app.sources.images import ImageSource

        if isinstance(source, ImageSource):
            add(ImagesSink(outputs.pictures, source, overwrite=overwrite))
    if outputs.video is not None:
        film = VideoSink(
            outputs.video,
            source_video=source if isinstance(source, VideoSource) else None,
            overwrite=overwrite,
            threads=threads,
            encoding=plan.encoding,
            draw=draw,
        )
        add(film)
    return sinks
