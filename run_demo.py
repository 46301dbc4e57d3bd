"""Reads facial expressions from a camera, a video, pictures or the demo clip.

python run_demo.py --camera 0
python run_demo.py --video clip.mp4 -o annotated.mp4 --records clip.jsonl
python run_demo.py --video talks/ --no-window --records .csv --jobs 2 --resume
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from app.command_line import parser
from app.quiet import own_stderr

DEMO_CLIP = Path(__file__).resolve().parent / "app" / "assets" / "demo.mp4"

DONE, CUT_SHORT, FAILED, INTERRUPTED = 0, 1, 2, 130


def open_source(options: argparse.Namespace) -> Any:
    from app.address import CameraAddress
    from app.sources import CameraSource, ImageSource, StreamSource, VideoSource

    if options.image:
        return ImageSource(options.image)
    if options.demo:
        return VideoSource(DEMO_CLIP, selection=selection(options))
    if options.video:
        return VideoSource(the_video(options), selection=selection(options))
    address = options.camera or CameraAddress(0)
    if address.is_stream:
        return StreamSource(address)
    camera = CameraSource(address.target, size_wh=options.size, rate=options.fps)
    if camera.given is not None:
        say(camera.given)
    return camera


def the_video(options: argparse.Namespace) -> Path:
    """The single file that is shown in a window, or measured."""
    from app.inputs import find_videos
    from app.types import SourceError
    from app.web_video import WebVideo

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


def selection(options: argparse.Namespace) -> Any:
    from app.sampling import Selection
    from app.types import SourceError

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
    from app.sinks import default_output

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
    from app.episode_files import checked_suffix
    from app.report import checked_name
    from app.run_notes import notes_path
    from app.sinks import reserve
    from app.types import SinkError, SourceError

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
        checked_suffix(path)
    if options.report is not None:
        checked_name(options.report)
    targets = other_results(options)
    if options.records is not None:
        targets.append(notes_path(options.records))
    if output is not None:
        targets.append(output)
    seen: set[Path] = set()
    for target in targets:
        if target.absolute() in seen:
            raise SinkError(f"{target} cannot be two results at once. Choose another name.")
        seen.add(target.absolute())
    inputs = [*(options.video or ()), *(options.image or ())]
    for target in targets:
        if target is not output or not options.image:
            reserve(target, overwrite=options.overwrite, inputs=inputs)


def encoding_of(options: argparse.Namespace, video: Path | None) -> Any:
    """What the annotated video is to be made with. Encoders that are asked for are tried first."""
    from app.encoders import choose
    from app.types import SinkError
    from app.video_sink import checked_format

    asked = options.codec is not None or options.crf is not None
    if not asked:
        return None
    if video is None or options.image:
        raise SinkError("--codec and --crf are for an annotated video; name one with -o.")
    return choose(options.codec, options.crf, checked_format(video))


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
    from app.background import BackgroundSink
    from app.episodes import EpisodesSink
    from app.records import RecordsSink
    from app.report import ReportSink
    from app.run_end import dropped_frames
    from app.run_notes import RunNotes, notes_path
    from app.sinks import ImagesSink
    from app.video_sink import VideoSink

    again = {"overwrite": options.overwrite}
    sinks: list[Any] = []
    film: list[VideoSink] = []

    def keep_apace(sink: Any) -> Any:
        return keep(BackgroundSink(sink) if source.live else sink)

    if options.records is not None:
        sinks.append(keep_apace(RecordsSink(options.records, classifier.labels, **again)))
    sinks += [keep_apace(EpisodesSink(path, **again)) for path in options.episodes or ()]
    if options.records is not None or options.report is not None:
        notes = RunNotes(
            None if options.records is None else notes_path(options.records),
            source=source,
            model=classifier.path,
            contract=classifier.contract,
            provider=classifier.provider,
            settings=vars(options),
            interrupted=stop,
            dropped=lambda: dropped_frames(sinks),
            encoder=lambda: film[0].encoder if film else None,
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
        video = None if source.live else source
        film.append(VideoSink(output, source_video=video, encoding=encoding, **again))
        sinks.append(keep_apace(film[0]))
    return sinks


@contextmanager
def ctrl_c() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C asks to stop after the frame in hand, the second one stops at once."""
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run(options: argparse.Namespace) -> int:
    if options.video and options.no_window:
        return run_videos(options)
    if options.video:
        the_video(options)  # or it says why not
    output = output_path(options)
    check_paths(options, output)
    encoding = encoding_of(options, output)
    if encoding is not None:
        say(f"Encoding with {encoding.encoder.name}.")
    if not options.no_window:
        from app.window import check_display

        check_display()
    from app.calibration import RestingFaces
    from app.classifier import DEFAULT_MODEL, Classifier
    from app.follow import Follower
    from app.pipeline import Pipeline
    from app.run_end import dropped_frames, last_lines
    from app.search import FaceSearch
    from app.session import Session
    from app.threads import set_threads
    from app.tracking import Tracker
    from app.view import Look
    from app.window import Window

    set_threads()
    with ExitStack() as stack:
        source = stack.enter_context(open_source(options))
        classifier = Classifier(
            options.model or DEFAULT_MODEL,
            device=options.device,
            prior_correction=options.prior_correction,
        )
        say(
            f"{classifier.path.name} on {classifier.provider}"
            + (f" ({classifier.fallback})." if classifier.fallback else ".")
        )
        search = FaceSearch(max_faces=options.max_faces, far_faces=options.far_faces)
        stack.enter_context(search)
        recogniser = Pipeline(
            search,
            classifier,
            tracker=None
            if source.independent
            else Tracker(smooth_s=options.smoothing, resting=RestingFaces(classifier.labels)),
            follower=None if source.independent else Follower(search),
        )
        stop = stack.enter_context(ctrl_c())
        sinks = make_sinks(options, output, source, classifier, stop, _aborted_by(stack), encoding)
        window = line = None
        if options.no_window and source.live:
            from app.live_line import LiveLine

            line = LiveLine(alone=not sinks)
            stack.callback(line.abort)
            sinks.append(line)
        elif not options.no_window:
            window = stack.enter_context(Window(f"Expressions: {source.name} (h: keys)"))
        bar = stack.enter_context(_bar(source, quiet=source.live))
        outcome = Session(
            source,
            recogniser,
            sinks=sinks,
            screen=window,
            provider=classifier.provider,
            look=Look(
                mirror=source.live if options.mirror is None else options.mirror,
                hud=options.hud,
                blur=options.blur,
                folder=options.record_dir,
                if_lost=options.if_lost,
                all_faces=options.max_faces is None,
            ),
            stop=stop,
            say=say if line is None else line.above(say),
            on_frame=lambda: bar.update(1),
            hold=source.independent,
        ).run()
        bar.close()
        gaps = source.gaps if source.live else ()
    for text in last_lines(outcome, gaps, sinks):
        say(text)
    if outcome.interrupted:
        return INTERRUPTED
    return CUT_SHORT if outcome.cut_short or gaps or dropped_frames(sinks) else DONE


def run_videos(options: argparse.Namespace) -> int:
    """Files to files: any number of videos, in this process or in several."""
    from app.address import masked
    from app.classifier import DEFAULT_MODEL
    from app.inputs import find_videos, one_file
    from app.many import annotate_all, made
    from app.naming import Asked, folders, plan
    from app.one_file import Job
    from app.run_notes import plain
    from app.types import SourceError
    from app.view import Look
    from app.web_video import WebVideo
    from app.workers import Recognition

    if options.size:
        raise SourceError("--size is asked of a camera; leave it out here.")
    videos, one = find_videos(options.video), one_file(options.video)
    asked = Asked(options.output, options.records, tuple(options.episodes or ()), options.report)
    places = [Path(video.name) if isinstance(video, WebVideo) else video for video in videos]
    local = [video for video in videos if isinstance(video, Path)]
    outputs = plan(places, asked, one=one, inputs=local)
    encoding = encoding_of(options, outputs[0].video)  # all of them are of one kind
    if encoding is not None:
        say(f"Encoding with {encoding.encoder.name}.")
    jobs = [
        Job(
            place,
            files,
            selection=selection(options),
            settings={name: plain(value) for name, value in vars(options).items()},
            command=[masked(word) for word in sys.argv],
            overwrite=options.overwrite,
            resume=options.resume,
            look=Look(
                mirror=bool(options.mirror),
                hud=options.hud,
                blur=options.blur,
                if_lost=options.if_lost,
            ),
            with_stills=not options.no_stills,
            keep_early=one,
            encoding=encoding,
            address=video if isinstance(video, WebVideo) else None,
        )
        for video, place, files in zip(videos, places, outputs, strict=True)
    ]
    recognition = Recognition(
        options.model or DEFAULT_MODEL,
        options.device,
        options.prior_correction,
        options.max_faces,
        options.far_faces,
        options.smoothing,
    )
    with made(folders(asked)), ctrl_c() as stop:
        return annotate_all(jobs, recognition, workers=options.jobs or 1, stop=stop)


def _aborted_by(stack: ExitStack) -> Callable[[Any], Any]:
    def keep(sink: Any) -> Any:
        stack.callback(sink.abort)
        return sink

    return keep


def _bar(source: Any, *, quiet: bool) -> Any:
    from tqdm import tqdm

    return tqdm(
        total=source.frame_count,
        desc=source.name,
        unit="frame",
        disable=True if quiet else None,  # None: only where stderr is a terminal
        leave=False,
    )


def main(argv: Sequence[str] | None = None) -> int:
    command = parser()
    try:
        options = command.parse_args(argv)
    except Exception as error:  # a camera that can be none; the project's errors need numpy
        from app.types import RecogniserError

        if not isinstance(error, RecogniserError):
            raise
        say(f"error: {error}")
        return FAILED
    if options.json and not (options.doctor or options.benchmark):
        command.error("--json goes with --doctor or --benchmark")
    if options.resume and options.overwrite:
        command.error("--resume goes on, --overwrite begins anew: one of them")
    if options.blur and options.max_faces:
        command.error("--max-faces leaves faces unread, which --blur could not cover: one of them")
    if options.benchmark and (options.doctor or options.image or options.camera is not None):
        command.error("--benchmark takes --video FILE or the demo clip, and nothing else")
    if options.doctor and options.json not in (None, Path("-")):
        command.error("--doctor prints its list; --json takes no FILE there")
    with own_stderr():
        try:
            if options.doctor:
                from app.doctor import doctor  # needs no package: what lacks may be any of them

                camera = options.camera and options.camera.target
                return doctor(model=options.model, camera=camera, as_json=bool(options.json))
            if options.list_cameras:
                from app.camera_list import list_cameras

                if list_cameras():
                    return DONE
                say("No camera works here. Plug one in; --doctor says more.")
                return CUT_SHORT
            return run_and_say(options, measure if options.benchmark else run)
        except KeyboardInterrupt:
            say("Interrupted.")
            return INTERRUPTED
        except BrokenPipeError:  # who reads the doctor's answer has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains when it ends
            return CUT_SHORT


def measure(options: argparse.Namespace) -> int:
    """The benchmark, to stdout or into a file."""
    from app.benchmark import CLIP, benchmark
    from app.benchmark_page import page
    from app.classifier import DEFAULT_MODEL
    from app.commands import write_text
    from app.sinks import reserve

    path = None if options.json in (None, Path("-")) else options.json
    if path is not None:
        inputs = [the_video(options)] if options.video else []
        reserve(path, overwrite=options.overwrite, inputs=inputs)
    with ctrl_c() as stop:
        figures = benchmark(
            the_video(options) if options.video else CLIP,
            model=options.model or DEFAULT_MODEL,
            device=options.device,
            far_faces=options.far_faces,
            max_faces=options.max_faces,
            frames=options.benchmark,
            camera_frames=max(1, options.benchmark // 3),
            stop=stop,
            say=say,
        )
    if figures is None:
        say("Interrupted; nothing was written.")
        return INTERRUPTED
    if path is not None:
        write_text(path, figures.to_json() + "\n", overwrite=options.overwrite)
    print(figures.to_json() if options.json == Path("-") else page(figures), flush=True)
    return DONE


def run_and_say(
    options: argparse.Namespace, command: Callable[[argparse.Namespace], int] = run
) -> int:
    from app.types import RecogniserError

    try:
        return command(options)
    except RecogniserError as error:
        say(f"error: {error}")
        return FAILED


if __name__ == "__main__":
    raise SystemExit(main())
