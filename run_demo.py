"""Reads facial expressions from a camera, a video, pictures or the demo clip.

python run_demo.py --camera 0
python run_demo.py --video clip.mp4 -o annotated.mp4 --records clip.jsonl
python run_demo.py --video talks/ --no-window --records .csv --jobs 2 --resume
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from app.cli.options import parser
from app.defaults import DEMO_CLIP
from app.process.memory_room import format_memory_line
from app.process.native_stderr import redirect_native_stderr
from app.process.safe_output import run_printing
from app.process.signals import catch_ctrl_c
from app.process.working_folder import NO_WORKING_FOLDER, has_working_folder
from app.requirements.system_needs import check_machine, explain_import_error
from app.wording import escape_controls

DONE, CUT_SHORT, FAILED, INTERRUPTED = 0, 1, 2, 130


def open_source(options: argparse.Namespace) -> Any:
    from app.cli.checks import selection, the_video
    from app.sources.camera import CameraSource
    from app.sources.camera_address import CameraAddress
    from app.sources.images import ImageSource
    from app.sources.network_stream import StreamSource
    from app.sources.video import VideoSource

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
    if camera.mode_note is not None:
        say(camera.mode_note)
    return camera


def say(line: str) -> None:
    print(escape_controls(line), file=sys.stderr, flush=True)


def run(options: argparse.Namespace) -> int:
    if options.video and options.no_window:
        return run_videos(options)
    import cv2  # noqa: F401 - before PyAV is, or its window never shows a picture

    from app.cli.checks import check_paths, encoding_of, output_path, the_video

    if options.video:
        the_video(options)  # or it says why not
    output = output_path(options)
    check_paths(options, output)
    encoding = encoding_of(options, output)
    if encoding is not None:
        say(f"Encoding with {encoding.encoder.name}.")
    if not options.no_window:
        from app.live.window import check_display

        check_display()
    from app.cli.closing_lines import dropped_frames, last_lines
    from app.cli.make_sinks import make_sinks
    from app.detection.search import FaceSearch
    from app.live.session import Session
    from app.live.view import Look
    from app.live.window import Window
    from app.pipeline import build_pipeline
    from app.process.threads import set_threads
    from app.recognition.classifier import DEFAULT_MODEL, Classifier

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
        mode = source.mode
        recogniser = build_pipeline(
            search,
            classifier,
            mode,
            smooth_s=options.smoothing,
            with_resting_faces=True,
            thorough=options.blur,
        )
        stop = stack.enter_context(catch_ctrl_c())
        sinks = make_sinks(options, output, source, classifier, stop, _aborted_by(stack), encoding)
        window = line = None
        if options.no_window and mode.is_live:
            from app.live.status_line import LiveLine

            line = LiveLine(alone=not sinks)
            stack.callback(line.abort)
            sinks.append(line)
        elif not options.no_window:
            window = stack.enter_context(Window(f"Expressions: {source.name} (h: keys)"))
        bar = stack.enter_context(_bar(source, quiet=mode.is_live))
        outcome = Session(
            source,
            recogniser,
            sinks=sinks,
            screen=window,
            provider=classifier.provider,
            look=Look(
                mirror=mode.is_live if options.mirror is None else options.mirror,
                hud=options.hud,
                blur=options.blur,
                folder=options.record_dir,
                if_lost=options.if_lost,
                all_faces=options.max_faces is None,
            ),
            stop=stop,
            say=say if line is None else line.above(say),
            on_frame=lambda: bar.update(1),
        ).run()
        bar.close()
        gaps = source.gaps if mode.is_live else ()
    for text in last_lines(
        outcome, gaps, sinks, of_pictures=not mode.is_stream, in_window=not options.no_window
    ):
        say(text)
    if outcome.interrupted:
        return INTERRUPTED
    return CUT_SHORT if outcome.cut_short or gaps or dropped_frames(sinks) else DONE


def run_videos(options: argparse.Namespace) -> int:
    """Files to files: any number of videos, in this process or in several."""
    from app.batch.job import Job
    from app.batch.output_names import Asked, folders, plan
    from app.batch.run_all import annotate_all, made
    from app.batch.workers import Recognition
    from app.cli.checks import encoding_of, selection
    from app.errors import SourceError
    from app.live.view import Look
    from app.outputs.run_metadata import make_json_value
    from app.recognition.classifier import DEFAULT_MODEL
    from app.sources.camera_address import mask_addresses
    from app.sources.find_videos import find_videos, is_one_file
    from app.sources.remote_video import WebVideo

    if options.size:
        raise SourceError("--size is asked of a camera; leave it out here.")
    videos, one = find_videos(options.video), is_one_file(options.video)
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
            settings={name: make_json_value(value) for name, value in vars(options).items()},
            command=[mask_addresses(word) for word in sys.argv],
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
    with made(folders(asked)), catch_ctrl_c() as stop:
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
    # Nothing here computes with it, and each of its threads takes 32 MB as soon as it is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return run_printing(lambda: obey(argv), cut_short=CUT_SHORT)


def obey(argv: Sequence[str] | None) -> int:
    """The exit code of one call of the program. What the machine lacks is one line."""
    try:
        return _obey(argv)
    except FileNotFoundError:
        if has_working_folder():
            raise
        say(f"error: {NO_WORKING_FOLDER}")
        return FAILED
    except ImportError as error:
        line = explain_import_error(error)
        if line is None:
            raise
        say(f"error: {line}")
        return FAILED


def _obey(argv: Sequence[str] | None) -> int:
    command = parser()
    try:
        options = command.parse_args(argv)
    except Exception as error:  # a camera that can be none; the project's errors need numpy
        from app.errors import RecogniserError

        if not isinstance(error, RecogniserError):
            raise
        say(f"error: {error}")
        return FAILED
    if options.json and not (options.doctor or options.benchmark):
        command.error("--json goes with --doctor or --benchmark")
    if options.resume and options.overwrite:
        command.error("--resume goes on, --overwrite begins anew: use only one of them")
    if options.blur and options.max_faces:
        command.error(
            "--max-faces leaves faces unread, which --blur could not cover: use only one of them"
        )
    if options.benchmark and (options.doctor or options.image or options.camera is not None):
        command.error("--benchmark takes --video FILE or the demo clip, and nothing else")
    if options.doctor and options.json not in (None, Path("-")):
        command.error("--doctor prints its list; --json takes no FILE there")
    with redirect_native_stderr():
        try:
            if options.doctor:
                from app.diagnostics.doctor import (
                    run_doctor,  # needs no package: what lacks may be any of them
                )

                camera = options.camera and options.camera.target
                return run_doctor(model=options.model, camera=camera, as_json=bool(options.json))
            check_machine()
            if options.list_cameras:
                from app.sources.camera_list import print_cameras

                if print_cameras():
                    return DONE
                say("No camera works here. Plug one in; --doctor says more.")
                return CUT_SHORT
            return run_and_say(options, measure if options.benchmark else run)
        except KeyboardInterrupt:
            say("Interrupted.")
            return INTERRUPTED
        except BrokenPipeError:  # nobody is left who sees the live line
            return CUT_SHORT


def measure(options: argparse.Namespace) -> int:
    """The benchmark, to stdout or into a file."""
    from app.cli.checks import the_video
    from app.diagnostics.benchmark import run_benchmark
    from app.diagnostics.benchmark_text import format_figures
    from app.files.atomic import reserve, write_text
    from app.recognition.classifier import DEFAULT_MODEL

    path = None if options.json in (None, Path("-")) else options.json
    if path is not None:
        inputs = [the_video(options)] if options.video else []
        reserve(path, overwrite=options.overwrite, inputs=inputs)
    with catch_ctrl_c() as stop:
        figures = run_benchmark(
            the_video(options) if options.video else DEMO_CLIP,
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
    print(figures.to_json() if options.json == Path("-") else format_figures(figures), flush=True)
    return DONE


def run_and_say(
    options: argparse.Namespace, command: Callable[[argparse.Namespace], int] = run
) -> int:
    from app.errors import RecogniserError

    try:
        return command(options)
    except RecogniserError as error:
        say(f"error: {error}")
        return FAILED
    except MemoryError:
        say(f"error: {format_memory_line('for this')}")
        return FAILED


if __name__ == "__main__":
    raise SystemExit(main())
