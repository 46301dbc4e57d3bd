"""What is to be done with one video, and whether it can be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.batch.checkpoint import ResumeFile, is_finished
from app.batch.output_names import Outputs
from app.episodes.formats import check_episodes_suffix
from app.errors import SinkError
from app.files.atomic import reserve
from app.live.view import Look
from app.outputs.encoders import Encoding
from app.outputs.run_metadata import read_notes
from app.outputs.video import check_video_format
from app.records.writers import check_records_suffix
from app.report.sink import check_report_suffix
from app.sources.frame_selection import Selection
from app.sources.remote_video import WebVideo

PLAIN_LOOK = Look()


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done with `video`. `settings` as JSON has them and `command` are for the
    notes; `look` is that of pictures that are stored; `keep_early`: a run that is stopped completes
    its results up to there, as well. `encoding` is that of the annotated video, None: the usual
    one. `address`: where `video`, which is then but its name, is to be had."""

    video: Path
    outputs: Outputs
    selection: Selection
    settings: Mapping[str, Any]
    command: Sequence[str]
    overwrite: bool = False
    resume: bool = False
    look: Look = PLAIN_LOOK
    with_stills: bool = True
    keep_early: bool = False
    encoding: Encoding | None = None
    address: WebVideo | None = None

    @property
    def resume_file(self) -> ResumeFile:
        return ResumeFile(self.outputs.first)

    @property
    def finished(self) -> bool:
        return self.resume and is_finished(self.outputs.all, self.resume_file)


def check(job: Job) -> None:
    """What can be known to fail, before anything is loaded. Raises `SinkError`; leaves nothing."""
    outputs = job.outputs
    if outputs.video is not None:
        check_video_format(outputs.video)
    if outputs.records is not None:
        check_records_suffix(outputs.records)
    for path in outputs.episodes:
        check_episodes_suffix(path)
    if outputs.report is not None:
        check_report_suffix(outputs.report)
    if job.resume_file.exists() and not job.overwrite:
        if job.resume:
            return  # the names were free when that run began, what has them now is its own
        raise SinkError(
            f"An unfinished run of {job.video.name} lies beside {outputs.first}. Add --resume to "
            "go on, or --overwrite to begin anew."
        )
    if job.finished:
        pictures = outputs.video or outputs.report
        noted = outputs.records is not None and bool(read_notes(outputs.records))
        if job.look.blur and pictures is not None and not noted:
            raise SinkError(
                f"{pictures} is there already, and nothing says that its faces are covered. Choose "
                "another name, or add --overwrite instead of --resume."
            )
        return
    for path in outputs.all:
        reserve(path, overwrite=job.overwrite, inputs=[] if job.address else [job.video])
