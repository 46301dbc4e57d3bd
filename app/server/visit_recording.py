"""Records what a visitor's source reads, to the ordinary files of records, episodes and notes."""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from app.episodes.sink import EpisodesSink
from app.errors import RecogniserError
from app.live.remote import LiveState
from app.outputs.background import BackgroundSink
from app.outputs.run_metadata import name_notes
from app.outputs.sink import RunSink, close_all
from app.records.writers import RecordsSink
from app.server.limits import MAX_RECORDED_ROWS
from app.server.visit_notes import open_visit_notes
from app.server.visit_session import SharedNetworks
from app.sources.base import Gap, Source
from app.types import FrameResult, Image
from app.wording import format_count, join_warnings


def open_analyses(
    folder: Path, stem: str, labels: Sequence[str], *, timed: bool, with_actions: bool
) -> list[RunSink]:
    """Opens the files of records, and those of episodes where frames have times. `with_actions`
    gives tables the columns of facial actions.

    Raises `SinkError`; nothing stays open then.
    """
    sinks: list[RunSink] = []
    try:
        for suffix in (".jsonl", ".csv"):
            rows = RecordsSink(folder / f"{stem}{suffix}", labels, with_actions=with_actions)
            sinks.append(rows)
        for suffix in (".csv", ".vtt") if timed else ():
            episodes = EpisodesSink(folder / f"{stem}_episodes{suffix}")
            sinks.append(episodes)
    except RecogniserError:
        for sink in sinks:
            sink.abort()
        raise
    return sinks


class SinkGroup:
    """Several outputs as one."""

    path = None
    dropped = 0
    warning = None

    def __init__(self, sinks: Sequence[RunSink]) -> None:
        self._sinks = sinks

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Writes to each output."""
        for sink in self._sinks:
            sink.write(result, canvas)

    def close(self) -> None:
        """Completes all outputs. Raises the first error."""
        if failures := close_all(self._sinks):
            raise failures[0]

    def abort(self) -> None:
        """Leaves nothing of the outputs."""
        for sink in self._sinks:
            sink.abort()


class VisitRecording:
    """One recording of a visitor, written in the background.

    `write` comes from the thread of the source, the rest from one other thread.

    Args:
        folder: Takes the files.
        networks: Read the source.
        source: The source.
        state: The switches of the source now, for the notes.

    Attributes:
        seconds: The time from the first frame to the last one.
        failure: The reason for which the recording ended by itself; None while it goes on.

    Raises:
        SinkError: A file cannot be written.
    """

    def __init__(
        self, folder: Path, networks: SharedNetworks, source: Source, state: LiveState
    ) -> None:
        stem = f"expressions_{datetime.now().strftime('%Y%m%d_%H%M%S_%f')[:-3]}"
        sinks = open_analyses(
            folder,
            stem,
            networks.classifier.labels,
            timed=True,
            with_actions=networks.actions is not None,
        )
        self._paths = [sink.path for sink in sinks if sink.path is not None]
        self._sink = BackgroundSink(SinkGroup(sinks))
        self._source = source
        self._lock = threading.Lock()
        self._is_over = False
        self._rows = 0
        self._began_s: float | None = None
        self.seconds = 0.0
        self.failure: str | None = None
        self._error: Exception | None = None
        try:
            self._notes = open_visit_notes(
                self._paths[0],
                networks,
                source,
                state,
                dropped=self._count_dropped,
                find_gaps=self._find_gaps,
                more_warnings=lambda: [self.failure],
            )
        except RecogniserError:
            self._sink.abort()
            raise

    def write(self, result: FrameResult) -> None:
        """Adds a frame, unless the recording is over. Never waits and never raises."""
        with self._lock:
            if self._is_over or self.failure is not None:
                return
            self._rows += max(1, len(result.faces))
            if self._rows > MAX_RECORDED_ROWS:
                self.failure = f"A recording has at most {MAX_RECORDED_ROWS} rows."
                return
            try:
                self._sink.write(result, result.picture)
                self._notes.write(result, result.picture)
            except Exception as error:  # the source goes on, whatever it is
                self._error = error
                self.failure = str(error)
                return
            if self._began_s is None:
                self._began_s = result.frame.time_s
            self.seconds = max(0.0, result.frame.time_s - self._began_s)

    def finish(self) -> tuple[list[Path], str | None]:
        """Completes the files, which may take a while.

        Returns:
            The files, none if no frame came, and one line on what they lack.

        Raises:
            Exception: They could not be written, as a rule `SinkError`.
        """
        with self._lock:
            self._is_over = True
        if self._error is not None:
            raise self._error
        if self._began_s is None:
            self.abort()
            return [], "Nothing was recorded: no frame came."
        self._sink.close()
        paths, lacks = list(self._paths), self.failure
        if self._sink.dropped:
            lacks = f"The disk was too slow: {format_count(self._sink.dropped, 'frame')} lack."
        notes = name_notes(self._paths[0])
        try:
            self._notes.close()
            paths.append(notes)
        except RecogniserError:  # the records are whole all the same
            lacks = join_warnings(lacks, f"{notes.name} could not be written.")
        return paths, lacks

    def _count_dropped(self) -> Mapping[str, int]:
        lacking = self._sink.dropped
        return {path.name: lacking for path in self._paths} if lacking else {}

    def _find_gaps(self) -> Sequence[Gap]:
        """Finds the times without pictures since the first frame."""
        began_s = self._began_s
        return [gap for gap in self._source.gaps if began_s is None or gap.after_s >= began_s]

    def abort(self) -> None:
        """Gives the recording up."""
        with self._lock:
            self._is_over = True
        self._sink.abort()
        self._notes.abort()
