"""Makes plans from the options of `run_demo.py`, and refuses options that do not go together."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from app.batch.output_names import AskedOutputs, list_folders, name_annotated_video, plan_outputs
from app.cli.live_output_options import PAGE, STDOUT, USUAL_PREFIX, asks_live_outputs
from app.errors import ProfileError, SinkError, SourceError
from app.outputs.encoder_choice import choose_encoding
from app.outputs.encoders import Encoding
from app.outputs.run_metadata import make_json_value
from app.outputs.video import check_video_format
from app.recognition.classifier import DEFAULT_MODEL
from app.runs.plan import (
    BatchPlan,
    CameraInput,
    DemoInput,
    Input,
    LiveOutputs,
    OutputPaths,
    PicturesInput,
    RecognitionSettings,
    RunPlan,
    VideoInput,
    ViewSettings,
)
from app.sources.camera_address import CameraAddress, mask_addresses
from app.sources.find_videos import find_videos, is_one_file
from app.sources.frame_selection import Selection
from app.sources.remote_video import WebVideo
from app.teaching.profile import FaceProfile, find_profile, load_profile


def plan_run(options: argparse.Namespace) -> RunPlan:
    """Plans a run over one source, in this process: all but videos without a window.

    The plan has no encoding yet, because that is chosen when the rest of the plan has been checked.
    Raises `SourceError` and `SinkError` for options that do not go together.
    """
    source = _plan_input(options)
    outputs = _plan_output_paths(options, source)
    _check_combinations(options, source)
    recognition = make_recognition(options)
    return RunPlan(
        source,
        outputs,
        live_outputs=make_live_outputs(options),
        selection=make_selection(options),
        recognition=recognition,
        view=make_view(options, is_live=isinstance(source, CameraInput)),
        settings=_describe_settings(options, recognition),
        command=_describe_command(),
        overwrite=options.overwrite,
        in_window=not options.no_window,
        is_served=options.serve is not None,
        is_realtime=options.realtime,
        with_stills=not options.no_stills,
        teach=options.teach,
    )


def plan_batch(options: argparse.Namespace) -> BatchPlan:
    """Plans videos that are read without a window, each with outputs of its own.

    The plans have no encoding yet. All outputs get their names before `--shard` chooses, so that a
    name does not depend on the share; the chosen share may have no video. Raises `SourceError` and
    `SinkError` for options that do not go together, and for outputs of one name.
    """
    if options.size:
        raise SourceError("--size is asked of a camera; leave it out here.")
    videos, one = find_videos(options.video), is_one_file(options.video)
    asked = AskedOutputs(
        options.output, options.records, tuple(options.episodes or ()), options.report
    )
    sources = [
        VideoInput(Path(video.name), video) if isinstance(video, WebVideo) else VideoInput(video)
        for video in videos
    ]
    places = [source.path for source in sources]
    local = [source.path for source in sources if source.address is None]
    recognition = make_recognition(options)
    common = RunPlan(
        sources[0],
        OutputPaths(),
        recognition=recognition,
        view=ViewSettings(
            mirror=bool(options.mirror),
            hud=options.hud,
            blur=options.blur,
            if_lost=options.if_lost,
        ),
        settings=_describe_settings(options, recognition),
        command=_describe_command(),
        overwrite=options.overwrite,
        resume=options.resume,
        with_stills=not options.no_stills,
        keeps_partial_results=one,
    )
    outputs = plan_outputs(places, asked, one=one, inputs=local)
    common = replace(common, selection=make_selection(options))
    runs = tuple(
        replace(common, source=source, outputs=paths)
        for source, paths, video in zip(sources, outputs, videos, strict=True)
        if options.shard is None or options.shard.holds(video)
    )
    return BatchPlan(
        runs,
        tuple(list_folders(asked)),
        workers=options.jobs or 1,
        shares_folders=options.shard is not None,
    )


def find_single_video(options: argparse.Namespace) -> Path:
    """Finds the only file that `--video` names, for a window or for the benchmark.

    Raises `SourceError` where several videos are named, or what only works without a window.
    """
    found = find_videos(options.video)
    if asks_live_outputs(options) and options.no_window and (len(found) > 1 or _is_web(options)):
        raise SourceError(
            "--events, --records -, --osc, --lsl, --virtual-camera and --realtime take one video "
            "of this machine. Name a single file; for a stream, give its address to --camera."
        )
    if _is_web(options):
        raise SourceError(
            "Addresses in --video are read without a window. Add --no-window; to watch a stream, "
            "give its address to --camera."
        )
    if options.serve is not None and (len(found) > 1 or options.shard):
        raise SourceError("--serve shows one camera or video. Name a single file.")
    if len(found) > 1 or options.jobs or options.resume or options.shard:
        raise SourceError(
            "Several videos, --jobs, --shard and --resume work without a window. Add --no-window."
        )
    named: Path = options.video[0]
    return named if named.is_dir() else Path(str(found[0]))


def _is_web(options: argparse.Namespace) -> bool:
    return any(isinstance(one, WebVideo) for one in options.video)


def make_selection(options: argparse.Namespace) -> Selection:
    """Makes the selection of a video's frames. Raises `SourceError` for one that cannot be."""
    try:
        return Selection(
            start_s=options.start or 0.0,
            end_s=options.end,
            every=options.every or 1,
            fps=options.fps,
        )
    except ValueError as error:
        raise SourceError(f"These frames cannot be chosen: {error}.") from error


def make_view(options: argparse.Namespace, *, is_live: bool) -> ViewSettings:
    """Makes the settings with which the view begins. The picture of a camera is mirrored unless the
    options say otherwise."""
    return ViewSettings(
        mirror=is_live if options.mirror is None else options.mirror,
        hud=options.hud,
        blur=options.blur,
        folder=options.record_dir,
        if_lost=options.if_lost,
        all_faces=options.max_faces is None,
    )


def make_recognition(options: argparse.Namespace) -> RecognitionSettings:
    """Makes the settings of the networks."""
    return RecognitionSettings(
        model=options.model or DEFAULT_MODEL,
        device=options.device,
        prior_correction=options.prior_correction,
        max_faces=options.max_faces,
        far_faces=options.far_faces,
        smoothing_s=options.smoothing,
        exact=options.exact,
        actions=options.actions,
        profile=_read_profile(options),
    )


def _read_profile(options: argparse.Namespace) -> FaceProfile | None:
    """Reads the profile that the options name. Raises `ProfileError`."""
    return None if options.profile is None else load_profile(find_profile(options.profile))


def make_live_outputs(options: argparse.Namespace) -> LiveOutputs:
    """Makes what other programs are told. The stream of the page is the page's own matter."""
    events = options.events
    return LiveOutputs(
        events=None if events in (STDOUT, PAGE) else events,
        events_to_stdout=events == STDOUT,
        records_to_stdout=options.records == STDOUT,
        osc=options.osc,
        osc_prefix=options.osc_prefix or USUAL_PREFIX,
        osc_immediately=options.osc_immediately,
        lsl=options.lsl,
        virtual_camera=options.virtual_camera,
    )


def plan_encoding(options: argparse.Namespace, outputs: OutputPaths) -> Encoding | None:
    """Chooses what the annotated video is encoded with, None where nothing is asked for.

    Encoders that are asked for are tried first. Raises `SinkError` for what cannot be.
    """
    if options.codec is None and options.crf is None:
        return None
    if outputs.video is None:
        raise SinkError("--codec and --crf are for an annotated video; name one with -o.")
    return choose_encoding(options.codec, options.crf, check_video_format(outputs.video))


def _plan_input(options: argparse.Namespace) -> Input:
    if options.image:
        return PicturesInput(tuple(options.image))
    if options.demo:
        return DemoInput()
    if options.video:
        return VideoInput(find_single_video(options))
    address = options.camera or CameraAddress(0)
    return CameraInput(address, size_wh=options.size, rate=options.fps)


def _plan_output_paths(options: argparse.Namespace, source: Input) -> OutputPaths:
    """Takes the outputs as they are named; the demo clip is annotated if nothing else is asked."""
    paths = OutputPaths(
        records=None if options.records == STDOUT else options.records,
        episodes=tuple(options.episodes or ()),
        report=options.report,
    )
    output: Path | None = options.output
    if isinstance(source, PicturesInput):
        return replace(paths, pictures=output)
    is_plain = options.no_window and options.serve is None and not asks_live_outputs(options)
    asks_nothing = is_plain and not paths.are_analyses
    if output is None and asks_nothing:
        if isinstance(source, DemoInput):
            output = Path("demo_annotated.mp4")
        elif isinstance(source, VideoInput):
            output = name_annotated_video(source.path)
    return replace(paths, video=output)


def _check_combinations(options: argparse.Namespace, source: Input) -> None:
    is_camera = isinstance(source, CameraInput) and not source.address.is_stream
    is_film = isinstance(source, DemoInput | VideoInput)
    if (options.size and not is_camera) or (options.fps and not is_camera and not is_film):
        raise SourceError(
            "--size and --fps are asked of a camera of this machine, --fps also of a video; leave "
            "them out here."
        )
    if options.realtime and not is_film:
        raise SourceError("--realtime is for --video and --demo; a camera has its own pace.")
    if not is_film and (options.every or options.start or options.end):
        raise SourceError("--every, --start and --end choose frames of a video.")
    if not isinstance(source, VideoInput) and (options.jobs or options.resume or options.shard):
        raise SourceError("--jobs, --shard and --resume go with --video.")
    if isinstance(source, PicturesInput) and options.profile:
        raise ProfileError(
            "--profile is for a camera or a video: in separate pictures, nobody has a place of "
            "their own. Leave it out here."
        )
    if isinstance(source, PicturesInput) and options.episodes:
        raise SinkError("Pictures have no time, so no episodes. Leave --episodes out.")
    if not options.record_dir.is_dir():
        raise SinkError(f"{options.record_dir} is no folder. Make it, or name another one.")


def _describe_settings(
    options: argparse.Namespace, recognition: RecognitionSettings
) -> Mapping[str, object]:
    """Describes the options. A profile is named by its hash, because its content decides what the
    results are."""
    found = {name: make_json_value(value) for name, value in vars(options).items()}
    profile = recognition.profile
    return found | ({} if profile is None else {"profile": profile.sha256})


def _describe_command() -> list[str]:
    return [mask_addresses(word) for word in sys.argv]
