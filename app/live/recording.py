"""Makes the recordings and snapshots that keys ask for: new files with the time in their names,
which never replace another file."""

import json
import threading
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from app.errors import SinkError
from app.files.atomic import write_text
from app.outputs.background import BackgroundSink
from app.outputs.picture_writer import write_picture
from app.outputs.sink import RunSink
from app.outputs.video import VideoSink
from app.recognition.quality import add_quality
from app.records.rows import make_json_row, make_records
from app.types import FrameResult, Image
from app.wording import format_count

MAX_NAMES_PER_MOMENT = 100  # far more recordings than anybody begins in a millisecond


def name_by_time(
    folder: Path, kind: str, suffix: str, now: datetime, taken: Collection[Path] = ()
) -> Path:
    """Names a new file `kind`_DATE_TIME_MILLISECONDS in `folder`.

    A number follows where the name is taken: by a file, or by one of `taken`, which are still being
    written.
    """
    stem = f"{kind}_{now.strftime('%Y%m%d_%H%M%S_%f')[:-3]}"
    names = [f"{stem}{suffix}", *(f"{stem}_{n}{suffix}" for n in range(2, MAX_NAMES_PER_MOMENT))]
    paths = (folder / name for name in names)
    return next((path for path in paths if path not in taken and not path.exists()), folder / stem)


def save_snapshot(folder: Path, result: FrameResult, canvas: Image) -> Path:
    """Saves a canvas as a .png, and its records beside it as .jsonl. The time names the files.

    Args:
        folder: The folder for both files.
        result: The result that the canvas shows.
        canvas: uint8 (H, W, 3) BGR.

    Returns:
        The path of the picture.

    Raises:
        SinkError: A file cannot be written.
    """
    path = name_by_time(folder, "snapshot", ".png", datetime.now())
    write_picture(path, canvas, overwrite=False)
    records = make_records(add_quality(result))
    rows = [json.dumps(make_json_row(record), ensure_ascii=False) for record in records]
    write_text(path.with_suffix(".jsonl"), "\n".join(rows) + "\n", overwrite=False)
    return path


def open_recording(path: Path) -> RunSink:
    """Opens a video that is written in the background. Raises `SinkError`."""
    return BackgroundSink(VideoSink(path, overwrite=False))


class Recorder:
    """Records what is shown, to one file at a time.

    A recording that cannot go on ends, and the view goes on. Each file is completed by a thread of
    its own, so that stopping never holds up the view. `take_news` gives the lines on what became of
    the files. `seconds` is the length of the recording that runs.
    """

    def __init__(
        self, folder: Path, *, open_video: Callable[[Path], RunSink] = open_recording
    ) -> None:
        self._folder = folder
        self._open_video = open_video
        self._sink: RunSink | None = None
        self._began_s: float | None = None
        self.seconds = 0.0
        self._news: deque[str] = deque()
        self._ending: list[threading.Thread] = []
        self._names: set[Path] = set()

    @property
    def is_running(self) -> bool:
        """True while something is recorded."""
        return self._sink is not None

    def start(self) -> str:
        """Begins a recording. Returns a line for the user: the name of the file, or the reason why
        nothing is recorded."""
        path = name_by_time(self._folder, "recording", ".mp4", datetime.now(), self._names)
        try:
            self._sink = self._open_video(path)
        except SinkError as error:
            return str(error)
        self._names.add(path)
        self._began_s, self.seconds = None, 0.0
        return f"Recording to {path}."

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Writes a frame if a recording runs. Times count from the first frame of the file."""
        if self._sink is None:
            return
        time_s = result.frame.time_s
        if self._began_s is None or time_s - self._began_s < self.seconds:  # also after a jump back
            self._began_s = time_s - self.seconds
        self.seconds = time_s - self._began_s
        shifted = replace(result, frame=replace(result.frame, time_s=self.seconds))
        try:
            self._sink.write(shifted, canvas)
        except SinkError as error:
            self._news.append(f"The recording ended, and nothing of it is kept: {error}")
            self._sink.abort()
            self._sink = None

    def stop(self) -> None:
        """Ends the recording that runs; a thread completes the file."""
        if self._sink is None:
            return
        sink, self._sink = self._sink, None
        if self._began_s is None:
            sink.abort()
            self._news.append("Nothing was recorded.")
            return
        thread = threading.Thread(target=self._complete, args=(sink, self.seconds), daemon=True)
        self._ending.append(thread)
        thread.start()

    def _complete(self, sink: RunSink, seconds: float) -> None:
        try:
            sink.close()
        except Exception as error:  # a thread's failure must be told, whatever it is
            sink.abort()
            self._news.append(f"The recording was lost: {error}")
            return
        dropped = sink.dropped
        lacks = f" It lacks {format_count(dropped, 'frame')}: the disk or the encoder was too slow."
        self._news.append(
            f"Saved {sink.path} ({seconds:.1f} s).{lacks if dropped else ''}",
        )

    def take_news(self) -> list[str]:
        """Returns the lines that have come since the last call."""
        return [self._news.popleft() for _ in range(len(self._news))]

    def finish(self) -> list[str]:
        """Ends the recording that runs and waits for all files. Returns the last lines."""
        self.stop()
        for thread in self._ending:
            thread.join()
        self._ending = []
        return self.take_news()

    def abort(self) -> None:
        """Leaves nothing of the recording that runs; those that were stopped are complete."""
        if self._sink is not None:
            self._sink.abort()
            self._sink = None
