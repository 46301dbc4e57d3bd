"""The outputs of one video, the stages that fill them, and the checkpoint that lets them go on.

Records and episodes go on in the middle. An annotated video and a report cannot be put down half
made: with them, a file that was interrupted is done anew.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.batch.checkpoint import Checkpoint, Identity
from app.batch.job import Job
from app.detection.search import FaceSearch
from app.episodes.sink import EpisodesSink
from app.errors import SinkError, SourceError
from app.files.hidden import DisplacedError
from app.live.view import View
from app.outputs.run_metadata import RunNotes
from app.outputs.video import VideoSink
from app.pipeline import build_pipeline
from app.privacy.blur_guard import BlurGuard
from app.recognition.classifier import Classifier
from app.records.resumable import LongRecords
from app.report.sink import ReportSink
from app.sources.video import VideoSource
from app.tracking.smoothing import SMOOTH_S
from app.types import FrameResult, Mode
from app.wording import join_warnings


@dataclass(frozen=True, slots=True)
class Machine:
    """What reads one file after the other. `threads` for decoder and encoder; None: all cores."""

    search: FaceSearch
    classifier: Classifier
    threads: int | None = None
    smooth_s: float = SMOOTH_S


class FileRun:
    """The outputs of one file, the stages, and the checkpoint."""

    def __init__(
        self,
        job: Job,
        machine: Machine,
        source: VideoSource,
        identity: Identity,
        kept: Checkpoint | None,
        stop: Callable[[], bool],
    ) -> None:
        self._job, self._source, self._identity, self._stop = job, source, identity, stop
        self._file = job.resume_file
        self._recogniser = build_pipeline(
            machine.search,
            machine.classifier,
            Mode.FILE,
            smooth_s=machine.smooth_s,
            thorough=job.look.blur,
        )
        outputs = job.outputs
        goes_on = outputs.records is not None and outputs.video is None and outputs.report is None
        self._kept = kept if goes_on else None
        self.interrupted = False
        self.from_frame = 0 if self._kept is None else self._kept.next_frame
        self._next = self.from_frame
        self._size_wh: tuple[int, int] | None = None
        self._saved = kept is not None
        self._sinks: list[Any] = []  # `app.outputs.sink.Sink`, but that notes may have no path
        self._records: LongRecords | None = None
        self._film: VideoSink | None = None
        self._view = View(
            self._recogniser,
            job.look,
            provider=machine.classifier.provider,
            mode=Mode.FILE,
            say=lambda line: None,
        )
        pictures = outputs.video is not None or (outputs.report is not None and job.with_stills)
        self.guard = BlurGuard(
            self._recogniser,
            wanted=lambda: job.look.blur and pictures,
            mode=Mode.FILE,
            if_lost=job.look.if_lost,
        )
        try:
            self._open(machine, overwrite=job.overwrite or kept is not None)
            if kept is None:
                self._file.remove()  # of a run that is begun anew
            if self._kept is not None:
                self._take_up(self._kept)
        except BaseException:
            self.put_down()
            raise

    def _open(self, machine: Machine, *, overwrite: bool) -> None:
        job, outputs, classifier = self._job, self._job.outputs, machine.classifier
        if outputs.records is not None:
            kept = None if self._kept is None else self._kept.records
            self._records = LongRecords(
                outputs.records, classifier.labels, overwrite=overwrite, kept=kept
            )
        self._episodes = [EpisodesSink(path, overwrite=overwrite) for path in outputs.episodes]
        self.notes = RunNotes(
            outputs.notes,
            source=self._source,
            model=classifier.path,
            model_sha256=classifier.sha256,
            contract=classifier.contract,
            provider=classifier.provider,
            settings=job.settings,
            interrupted=lambda: self.interrupted,
            overwrite=overwrite,
            command=job.command,
            encoder=lambda: None if self._film is None else self._film.encoder,
            more_warnings=lambda: [None if self._film is None else self._film.warning],
        )
        self._sinks += [*self._episodes, self.notes]
        if outputs.report is not None:
            facts, stills = self.notes.facts, job.with_stills
            self._sinks.append(
                ReportSink(outputs.report, facts=facts, overwrite=overwrite, with_stills=stills)
            )
        if outputs.video is not None:
            self._film = VideoSink(
                outputs.video,
                overwrite=overwrite,
                source_video=self._source,
                threads=machine.threads,
                encoding=job.encoding,
            )
            self._sinks.insert(0, self._film)  # the notes say how it ended

    def _take_up(self, kept: Checkpoint) -> None:
        self._source.skip(kept.next_frame)
        self._size_wh = kept.size_wh
        try:
            if kept.stages is None or kept.notes is None:
                raise ValueError("nothing was kept")
            self._recogniser.restore(kept.stages)
            self.notes.restore(kept.notes)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise self._file.unusable("it is damaged") from error
        if self._episodes and self._records is not None:
            for rows in self._records.rows_so_far():
                for sink in self._episodes:
                    sink.add(rows)

    def go(
        self,
        on_reach: Callable[[int], object],
        checkpoint_s: float,
        clock: Callable[[], float],
    ) -> str | None:
        """Reads to the end of the selection, or until it is to stop. Returns what ended it before,
        in one line."""
        if self._kept is not None and self._kept.complete:
            return None

        def watch(reached: int) -> bool:
            on_reach(reached)
            self.interrupted = self.interrupted or self._stop()
            return not self.interrupted

        self._source.watch = watch
        due_s = clock()
        try:
            for frame in self._source:
                height, width = frame.image.shape[:2]
                if self._size_wh not in (None, (width, height)):
                    self._recogniser.reset()
                self._size_wh = (width, height)
                for result in self.guard.step(frame):
                    self._pass_on(result)
                if clock() >= due_s:
                    self._save(complete=False)
                    due_s = clock() + checkpoint_s
            # The source asks, too, and may have been told between two frames.
            self.interrupted = self.interrupted or (not self._source.finished and self._stop())
            self._pass_on_rest()
        except SourceError as error:
            self._pass_on_rest()
            if not self.notes.counts["frames"]:
                raise
            return str(error)
        if not self.notes.counts["frames"] and not self.interrupted:
            raise SourceError(self._source.explain_no_frames())
        return None

    def _pass_on(self, result: FrameResult) -> None:
        """To every output."""
        result = self._view.take(result)
        canvas = result.picture
        if self._job.outputs.video is not None:
            canvas = self._view.canvas(result)
        if self._records is not None:
            self._records.write(result, canvas)
        for sink in self._sinks:
            sink.write(result, canvas)
        self._next = result.frame.index + 1

    def _pass_on_rest(self) -> None:
        for result in self.guard.release():
            self._pass_on(result)

    def _save(self, *, complete: bool) -> None:
        assert self._size_wh is not None
        self._file.save(
            self._identity,
            Checkpoint(
                next_frame=self._next,
                complete=complete,
                size_wh=self._size_wh,
                records=None if self._records is None else self._records.state(),
                notes=self.notes.state(),
                stages=self._recogniser.state(),
            ),
        )
        self._saved = True  # or the rows are kept for nothing

    @property
    def warning(self) -> str | None:
        """What is wrong with the video, the look at it and its copy, in one line."""
        film = None if self._film is None else self._film.warning
        return join_warnings(self._source.warning, self.guard.warning, film)

    def finish(self) -> None:
        """Gives every result its final name; the records are the last, then the checkpoint goes.
        A run that was stopped leaves it, and results only where that was asked for."""
        if not self.notes.counts["frames"]:
            self.put_down()
            return
        self._save(complete=not self.interrupted)
        if self.interrupted and not self._job.keep_early:
            self.put_down()
            return
        failures: list[SinkError] = []
        for sink in self._sinks:  # whatever becomes of one, the others are completed
            try:
                sink.close()
            except SinkError as error:
                failures.append(error)
        displaced = all(isinstance(error, DisplacedError) for error in failures)
        if self._records is not None and displaced:
            try:
                self._records.close(keep_lines=self.interrupted)
            except DisplacedError as error:
                failures.append(error)
        if not self.interrupted and displaced:
            self._file.remove()
        if failures:
            raise SinkError(" ".join(map(str, failures)))

    def put_down(self) -> None:
        """Ends without results. Where there is a checkpoint the rows stay for it."""
        for sink in self._sinks:
            with contextlib.suppress(SinkError):
                sink.abort()
        if self._records is not None:
            if self._saved:
                self._records.suspend()
            else:
                self._records.abort()
