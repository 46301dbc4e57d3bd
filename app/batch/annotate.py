"""One video from its address to its outcome, without a window: checked, annotated, gone on with."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.batch.checkpoint import Identity, check_finished, video_facts
from app.batch.file_run import FileRun, Machine
from app.batch.job import Job, check
from app.batch.output_names import Outputs
from app.errors import SourceError
from app.records.resumable import locate_lines
from app.sources.stream_container import open_stream
from app.sources.video import VideoSource
from app.sources.video_download import fetch_copy
from app.wording import join_warnings

CHECKPOINT_S = 1.0


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """`frames` and `faces` count those of runs before, `seconds` only this one. `from_frame`: where
    it was taken up. `finished_before`: nothing was left to do. `blurred_whole` counts frames whose
    faces could not be accounted for; `remarks` are lines on what whoever uses the results must
    know."""

    frames: int = 0
    faces: int = 0
    seconds: float = 0.0
    cut_short: str | None = None
    interrupted: bool = False
    from_frame: int = 0
    finished_before: bool = False
    blurred_whole: int = 0
    remarks: tuple[str, ...] = ()


def annotate(
    job: Job,
    machine: Machine,
    *,
    stop: Callable[[], bool],
    on_reach: Callable[[int], object] = lambda reached: None,
    checkpoint_s: float = CHECKPOINT_S,
    clock: Callable[[], float] = time.monotonic,
) -> FileOutcome:
    """Does a job, or what is left of it. `stop` is asked at every frame, `on_reach` told how many
    of the file's frames were gone through. Raises `RecogniserError`; a file that gave no frame then
    leaves nothing behind, any other can be taken up again."""
    check(job)
    classifier = machine.classifier
    if job.finished:
        here = job.video if job.address is None else None
        check_finished(job.outputs.records, here, classifier.path, job.settings)
        return FileOutcome(finished_before=True)
    began_s = clock()
    with _source_of(job, machine, stop) as source:
        known = video_facts(source)
        identity = Identity.of(known, classifier.sha256, classifier.provider, job.settings)
        kept = job.resume_file.load(identity) if job.resume and job.resume_file.exists() else None
        if kept is not None and kept.complete and _all_named(job.outputs):
            job.resume_file.remove()  # that was all that was left to do
            return FileOutcome(finished_before=True)
        run = FileRun(job, machine, source, identity, kept, stop)
        try:
            faults = run.go(on_reach, checkpoint_s, clock)
            run.finish()
        except BaseException:
            run.put_down()
            raise
        counts = run.notes.counts
        return FileOutcome(
            frames=counts["frames"],
            faces=counts["faces"],
            seconds=clock() - began_s,
            cut_short=join_warnings(faults, run.warning),
            blurred_whole=run.notes.blurred_whole,
            interrupted=run.interrupted,
            from_frame=run.from_frame,
            remarks=tuple(source.remarks),
        )


@contextlib.contextmanager
def _source_of(job: Job, machine: Machine, stop: Callable[[], bool]) -> Iterator[VideoSource]:
    more: dict[str, Any] = {
        "selection": job.selection,
        "threads": machine.threads,
        "stop": stop,
    }
    if job.address is None:
        with VideoSource(job.video, **more) as source:
            yield source
        return
    more["name"] = job.video.name
    with fetch_copy(job.address, job.outputs.first, stop=stop) as copy:
        if stop():
            raise SourceError(f"{job.address} was not read to its end.")
        stream = None
        if copy is None:
            stream = open_stream(job.address.address, {"rtsp_transport": "tcp"}, stop=stop)
        with VideoSource(copy or job.video, **more, stream=stream) as source:
            yield source


def _all_named(outputs: Outputs) -> bool:
    """Whether every result has its final name; the records get theirs last."""
    records = outputs.records
    waiting = records is not None and locate_lines(records).exists()
    return not waiting and all(path.exists() for path in outputs.all)
