"""Annotates one video without a window, from its address to its outcome."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from app.batch.file_run import FileRun
from app.errors import SourceError
from app.records.resumable import locate_lines
from app.runs.check_plan import check_plan, is_plan_finished
from app.runs.checkpoint import ResumeFile, RunFingerprint, check_finished, describe_video
from app.runs.networks import LoadedNetworks
from app.runs.plan import OutputPaths, RunPlan
from app.sources.video import VideoSource

CHECKPOINT_S = 1.0  # a run that is killed loses at most the work of this time


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """The outcome of one video.

    `frames` and `faces` also count those of runs before; `seconds` is the time of this run alone,
    which began at `from_frame`. `cut_short` is one line on what is missing, None if nothing is;
    `mended` is one on times of frames that were mended in a video of which nothing is missing.
    `finished_before`: nothing was left to do. `blurred_whole` counts frames whose faces could not
    be accounted for. `remarks` are lines that a user of the results must know.
    """

    frames: int = 0
    faces: int = 0
    seconds: float = 0.0
    cut_short: str | None = None
    interrupted: bool = False
    from_frame: int = 0
    finished_before: bool = False
    blurred_whole: int = 0
    remarks: tuple[str, ...] = ()
    mended: str | None = None


def annotate(
    plan: RunPlan,
    networks: LoadedNetworks,
    *,
    stop: Callable[[], bool],
    on_reach: Callable[[int], object] = lambda reached: None,
    checkpoint_s: float = CHECKPOINT_S,
    clock: Callable[[], float] = time.monotonic,
) -> FileOutcome:
    """Carries out the plan of one video, or what a run before left of it.

    Args:
        plan: The plan; its source is a `VideoInput`.
        networks: The loaded networks.
        stop: Tells at every frame whether the run is to stop.
        on_reach: Is told how many of the file's frames were gone through.
        checkpoint_s: The least time in seconds between two checkpoints.
        clock: Gives the time in seconds.

    Returns:
        The outcome.

    Raises:
        RecogniserError: A file that gave no frame leaves nothing behind; any other can be taken up
            again.
    """
    check_plan(plan)
    outputs, classifier = plan.outputs, networks.classifier
    if is_plan_finished(plan):
        here = plan.video.path if plan.video.address is None else None
        check_finished(outputs.records, here, classifier.path, plan.settings)
        return FileOutcome(finished_before=True)
    resume_file = ResumeFile(outputs.first)
    began_s = clock()
    with _open_video_source(plan, networks, stop) as source:
        fingerprint = RunFingerprint.of(
            describe_video(source), classifier.sha256, classifier.provider, plan.settings
        )
        kept = resume_file.load(fingerprint) if plan.resume and resume_file.exists() else None
        if kept is not None and kept.complete and _have_final_names(outputs):
            resume_file.remove()  # that was all that was left to do
            return FileOutcome(finished_before=True)
        run = FileRun(plan, networks, source, fingerprint, kept, stop)
        try:
            run.read(on_reach, checkpoint_s, clock)
            run.finish()
        except BaseException:
            run.put_down()
            raise
        loop = run.loop
        return FileOutcome(
            frames=loop.frames,
            faces=loop.faces,
            seconds=clock() - began_s,
            cut_short=loop.warning,
            blurred_whole=loop.blurred_whole,
            interrupted=run.interrupted,
            from_frame=run.from_frame,
            remarks=(*source.remarks, *run.profile_news),
            mended=source.mended,
        )


@contextlib.contextmanager
def _open_video_source(
    plan: RunPlan, networks: LoadedNetworks, stop: Callable[[], bool]
) -> Iterator[VideoSource]:
    path, address = plan.video.path, plan.video.address
    opened = partial(VideoSource, selection=plan.selection, threads=networks.threads, stop=stop)
    if address is None:
        with opened(path) as source:
            yield source
        return
    # Imported here, because they bring Python's HTTP client, and files need none.
    from app.sources.stream_container import open_stream
    from app.sources.video_download import fetch_copy

    with fetch_copy(address, plan.outputs.first, stop=stop) as copy:
        if stop():
            raise SourceError(f"{address} was not read to its end.")
        stream = None
        if copy is None:
            stream = open_stream(address.address, {"rtsp_transport": "tcp"}, stop=stop)
        with opened(copy or path, name=path.name, stream=stream) as source:
            yield source


def _have_final_names(outputs: OutputPaths) -> bool:
    """Tells whether every result has its final name; the records get theirs last."""
    records = outputs.records
    waiting = records is not None and locate_lines(records).exists()
    return not waiting and all(path.exists() for path in outputs.all)
