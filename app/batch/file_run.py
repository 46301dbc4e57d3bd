"""Reads one video into its outputs, with checkpoints from which another run can go on.

Records and episodes go on in the middle. An annotated video and a report cannot be put down half
made: with them, a file that was interrupted is done anew.

Four threads share the work: one decodes the next frames, one finds their faces, the caller's reads
the faces, one draws and writes results. Where the run has one core, the caller's finds faces, too.
A checkpoint is taken when no group of frames is found ahead, and passes through the last two behind
the results that it counts. So it holds the stages as they were after the last frame whose rows it
holds.
"""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from app.detection.frame_groups import GROUP_S
from app.errors import RecogniserError, SinkError, SourceError
from app.files.hidden import DisplacedError
from app.outputs.run_metadata import RunNotes
from app.outputs.sink import RunSink, close_all
from app.pipeline import build_pipeline
from app.privacy.blur_guard import BlurGuard
from app.process.bounded_queue import MAX_WAITING
from app.process.machine import count_cores
from app.recognition.classifier import Classifier
from app.records.resumable import LongRecords
from app.runs.checkpoint import Checkpoint, ResumeFile, RunFingerprint
from app.runs.frame_loop import FrameLoop
from app.runs.networks import LoadedNetworks
from app.runs.open_sinks import open_sinks
from app.runs.plan import RunPlan
from app.runs.result_view import ResultView
from app.sources.video import VideoSource
from app.stage_state import State
from app.types import Frame, FrameResult, Image, Mode, Silence

NO_CANVAS: Image = np.empty((0, 0, 3), np.uint8)  # no output of a file takes canvases
MOST_WAITING = 12  # frames; the bytes are bounded, too


@dataclass(frozen=True, slots=True)
class _ReadingState:
    """What reading remembers after a frame: the size of the last picture in px, and the stages,
    None where another run cannot go on from here."""

    size_wh: tuple[int, int]
    stages: State | None


def count_waiting(rate: Fraction) -> int:
    """Counts the frames that may wait between two threads, for a video of `rate` frames a second:
    two groups that are read at once, so that a group that takes long stops no thread.

    >>> count_waiting(Fraction(10)), count_waiting(Fraction(25)), count_waiting(Fraction(1000))
    (2, 6, 12)
    """
    of_group = math.ceil(round(float(rate) * GROUP_S, 3))
    return max(MAX_WAITING, min(2 * of_group, MOST_WAITING))


class FileRun:
    """Reads one video, or what a checkpoint left of it. Fills the hooks of the loop.

    Args:
        plan: The plan of this video.
        networks: The loaded networks.
        source: The open video.
        fingerprint: Describes this run, for its checkpoints.
        kept: The checkpoint to go on from; None begins anew.
        stop: Tells whether the user has ended the run.
    """

    def __init__(
        self,
        plan: RunPlan,
        networks: LoadedNetworks,
        source: VideoSource,
        fingerprint: RunFingerprint,
        kept: Checkpoint | None,
        stop: Callable[[], bool],
    ) -> None:
        self._plan, self._source, self._fingerprint, self._stop = plan, source, fingerprint, stop
        self._cores = networks.threads or count_cores()
        self._taught = None if networks.profile is None else networks.make_taught_face()
        self._file = ResumeFile(plan.outputs.first)
        self._pipeline = build_pipeline(
            networks.search,
            networks.classifier,
            Mode.FILE,
            smoothing_s=plan.recognition.smoothing_s,
            thorough=plan.view.blur,
            with_quality=plan.outputs.needs_quality,
            exact=plan.recognition.exact,
            actions=networks.actions,
            taught=self._taught,
        )
        outputs = plan.outputs
        self._can_go_on = (
            outputs.records is not None and outputs.video is None and outputs.report is None
        )
        has_stages = kept is not None and kept.stages is not None
        self._kept = kept if self._can_go_on and has_stages else None
        self.interrupted = False
        self._is_told_to_stop = False
        self._is_saving = False
        self.from_frame = 0 if self._kept is None else self._kept.next_frame
        self._next = self.from_frame
        self._saved = kept is not None
        self._opened: list[RunSink] = []
        self._records: LongRecords | None = None
        self._view = ResultView(plan.view, Mode.FILE)
        draws = outputs.video is not None or (outputs.report is not None and plan.with_stills)
        guard = BlurGuard(
            self._pipeline,
            wanted=lambda: plan.view.blur and draws,
            mode=Mode.FILE,
            if_lost=plan.view.if_lost,
        )
        try:
            overwrite = plan.overwrite or kept is not None
            sinks = open_sinks(
                replace(plan, overwrite=overwrite),
                source,
                networks.classifier,
                is_interrupted=lambda: self.interrupted,
                keep=self._opened.append,
                open_records=lambda path: self._open_records(
                    path, networks.classifier, overwrite=overwrite
                ),
                threads=networks.threads,
                draw=self._view.plan,
                taught=self._taught,
            )
            assert sinks.notes is not None  # of a resumable run
            self.notes: RunNotes = sinks.notes
            self._loop = FrameLoop(
                source,
                self._pipeline,
                guard,
                sinks.all,
                self,
                writes_behind=True,
                max_waiting=count_waiting(source.rate),
            )
            if kept is None:
                self._file.remove()  # of a run that is begun anew
            if self._kept is not None:
                self._go_on_from(self._kept)
                if sinks.episodes and self._records is not None:
                    for rows in self._records.rows_so_far():
                        for sink in sinks.episodes:
                            sink.add(rows)
        except BaseException:
            self.put_down()
            raise

    def _open_records(self, path: Path, classifier: Classifier, *, overwrite: bool) -> LongRecords:
        kept = None if self._kept is None else self._kept.records
        self._records = LongRecords(
            path,
            classifier.labels,
            overwrite=overwrite,
            kept=kept,
            with_actions=self._plan.recognition.actions,
        )
        return self._records

    def _go_on_from(self, kept: Checkpoint) -> None:
        self._source.skip(kept.next_frame)
        self._loop.size_wh = kept.size_wh
        try:
            if kept.stages is None or kept.notes is None:
                raise ValueError(f"nothing was kept of {self._file.path}")
            self._pipeline.restore(kept.stages)
            self.notes.restore(kept.notes)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise self._file.make_refusal("it is damaged") from error
        counts = self.notes.counts
        self._loop.frames, self._loop.faces = counts["frames"], counts["faces"]

    @property
    def profile_news(self) -> tuple[str, ...]:
        """Lines that say for whom a profile was not used."""
        return () if self._taught is None else tuple(self._taught.take_news())

    @property
    def loop(self) -> FrameLoop:
        """The loop, with its counts and its warning; those of runs before count too."""
        return self._loop

    def read(
        self,
        on_reach: Callable[[int], object],
        checkpoint_s: float,
        clock: Callable[[], float],
    ) -> None:
        """Reads to the end of the selection, or until the run is to stop.

        Args:
            on_reach: Is told the number of frames that the file was gone through.
            checkpoint_s: The least time in seconds between two checkpoints.
            clock: Gives the time in seconds.

        Raises:
            RecogniserError: No frame could be read, or an output failed.
        """
        if self._kept is not None and self._kept.complete:
            return

        def watch(reached: int) -> bool:
            on_reach(reached)
            self._is_told_to_stop = self._is_told_to_stop or self._stop()
            self.interrupted = self._is_told_to_stop and self._may_stop
            return not self.interrupted

        self._source.watch = watch
        self._checkpoint_s, self._clock = checkpoint_s, clock
        self._due_s = clock()
        waiting = count_waiting(self._source.rate)
        # A worker that has one core of several takes longer with one more thread.
        ahead = self._pipeline.find_ahead() if self._cores > 1 else contextlib.nullcontext()
        with self._source.read_ahead(waiting), ahead:
            self._loop.run()
        if not self._loop.frames and not self.interrupted:
            raise SourceError(self._source.explain_no_frames())

    @property
    def _is_checkpoint_due(self) -> bool:
        return not self._is_saving and self._clock() >= self._due_s

    @property
    def _may_stop(self) -> bool:
        """True where another run can go on from the last row: a group that is found ahead is read
        before the end, and frames that wait for their group are read by the other run."""
        return not self._can_go_on or not self._pipeline.awaits_frames

    # The hooks of the loop. The source asks `watch` at every frame, also at those that are not
    # chosen, so `is_stopped` need not.

    def is_stopped(self) -> bool:
        """Returns False, because the source itself asks whether to stop."""
        return False

    def on_silence(self, silence: Silence) -> bool:
        """Returns True, because a file has no silences."""
        return True

    def before_frame(self, frame: Frame) -> None:
        """Has the pipeline catch up when a checkpoint is due, which holds the state of no group
        that is found ahead."""
        self._pipeline.catches_up = self._can_go_on and self._is_checkpoint_due

    def prepare(self, judged: FrameResult) -> tuple[FrameResult, Image]:
        """Covers a result. The video draws it itself."""
        return self._view.add(judged), NO_CANVAS

    def after_result(self, result: FrameResult, canvas: Image) -> bool:
        """Notes the number of the next frame, for the checkpoint."""
        self._next = result.frame.index + 1
        return True

    def after_frame(self) -> None:
        """Saves a checkpoint when it is due, behind the results so far."""
        if not self._is_checkpoint_due or not (self._loop.is_settled or not self._can_go_on):
            return
        self._is_saving = True
        self._loop.do_after_results(partial(self._save_in_passing, self._make_state()))

    def after_last_frame(self) -> None:
        """Notes if the user ended the run before the source was finished."""
        # The source asks, too, and may have been told between two frames.
        self.interrupted = self.interrupted or (
            not self._source.finished and (self._is_told_to_stop or self._stop())
        )
        if self.interrupted and self._can_go_on:
            self._pipeline.drop_pending()  # another run reads them with the rest of their group

    # The end

    def _make_state(self) -> "_ReadingState":
        """Makes a copy of what the stages remember, which they do not change any more."""
        assert self._loop.size_wh is not None
        stages = self._pipeline.state() if self._loop.is_settled else None
        return _ReadingState(self._loop.size_wh, stages)

    def _save_in_passing(self, state: "_ReadingState") -> None:
        if self._loop.frames:  # or there is nothing to go on from
            self._save(state, complete=False)
            self._due_s = self._clock() + self._checkpoint_s
        self._is_saving = False

    def _save(self, state: "_ReadingState", *, complete: bool) -> None:
        self._file.save(
            self._fingerprint,
            Checkpoint(
                next_frame=self._next,
                complete=complete,
                size_wh=state.size_wh,
                records=None if self._records is None else self._records.state(),
                notes=self.notes.state(),
                stages=state.stages,
            ),
        )
        self._saved = True  # or the rows are kept for nothing

    def finish(self) -> None:
        """Gives every result its final name; the records are the last, then the checkpoint goes.

        A run that was stopped leaves its checkpoint, and results only where the plan asks for them.
        Raises `SinkError` for the outputs that failed; the others are completed.
        """
        if not self._loop.frames:
            self.put_down()
            return
        self._save(self._make_state(), complete=not self.interrupted)
        if self.interrupted and not self._plan.keeps_partial_results:
            self.put_down()
            return
        failures: list[RecogniserError] = close_all(
            sink for sink in reversed(self._opened) if sink is not self._records
        )
        displaced = all(isinstance(error, DisplacedError) for error in failures)
        if self._records is not None and displaced:
            try:
                self._records.close(keep_lines=self.interrupted)
            except DisplacedError as error:
                failures.append(error)
        self.notes.follow_records(failures)
        if not self.interrupted and displaced:
            self._file.remove()
        if failures:
            raise SinkError(" ".join(map(str, failures)))

    def put_down(self) -> None:
        """Ends without results. Where there is a checkpoint, the rows stay for another run."""
        for sink in self._opened:
            if sink is not self._records:
                with contextlib.suppress(SinkError):
                    sink.abort()
        if self._records is not None:
            if self._saved:
                self._records.suspend()
            else:
                self._records.abort()
