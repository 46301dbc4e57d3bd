"""The results that a run was asked for, as the sinks that write them."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.cli.checks import other_results
from app.cli.closing_lines import dropped_frames
from app.episodes.sink import EpisodesSink
from app.outputs.background import BackgroundSink
from app.outputs.images import ImagesSink
from app.outputs.run_metadata import RunNotes, name_notes
from app.outputs.video import VideoSink
from app.records.writers import RecordsSink
from app.report.sink import ReportSink


def make_sinks(
    options: argparse.Namespace,
    output: Path | None,
    source: Any,
    classifier: Any,
    stop: Callable[[], bool],
    keep: Callable[[Any], Any],
    encoding: Any = None,
) -> list[Any]:
    """The outputs that were asked for; `keep` gets each as soon as it exists. Those of a live
    source are written in the background."""
    again = {"overwrite": options.overwrite}
    sinks: list[Any] = []
    film: list[VideoSink] = []

    def keep_apace(sink: Any) -> Any:
        return keep(BackgroundSink(sink) if source.mode.is_live else sink)

    if options.records is not None:
        sinks.append(keep_apace(RecordsSink(options.records, classifier.labels, **again)))
    sinks += [keep_apace(EpisodesSink(path, **again)) for path in options.episodes or ()]
    if options.records is not None or options.report is not None:
        notes = RunNotes(
            None if options.records is None else name_notes(options.records),
            source=source,
            model=classifier.path,
            model_sha256=classifier.sha256,
            contract=classifier.contract,
            provider=classifier.provider,
            settings=vars(options),
            interrupted=stop,
            dropped=lambda: dropped_frames(sinks),
            encoder=lambda: film[0].encoder if film else None,
            more_warnings=lambda: [one.warning for one in film],
            **again,
        )
        sinks.append(keep(notes))
        if options.report is not None:
            stills = not options.no_stills
            report = ReportSink(options.report, facts=notes.facts, with_stills=stills, **again)
            sinks.append(keep_apace(report))
    if options.image:
        if output is not None or (options.no_window and not other_results(options)):
            sinks.append(keep(ImagesSink(output, source, overwrite=options.overwrite)))
    elif output is not None:
        video = None if source.mode.is_live else source
        film.append(VideoSink(output, source_video=video, encoding=encoding, **again))
        sinks.append(keep_apace(film[0]))
    return sinks
