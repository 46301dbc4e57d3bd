"""Takes the frames of a video where they are asked for, or from a thread that reads ahead."""

from collections.abc import Callable, Iterator

from app.process.read_ahead import ReadAhead
from app.sources.chosen_frames import PassedFrame


class FrameReading:
    """The reading of one video, once.

    Args:
        stop: Tells whether the reading is to end. It is only ever called in the thread that takes
            the frames: at every packet, or with a thread that reads ahead, while no frame comes.
    """

    def __init__(self, stop: Callable[[], bool]) -> None:
        self._stop = stop
        self._is_stopped = False
        self._ahead: ReadAhead[PassedFrame | None] | None = None

    def begin_thread(
        self, frames: Iterator[PassedFrame | None], name: str, max_waiting: int
    ) -> None:
        """Begins to read `frames` in a thread. `name` is that of the video; `max_waiting` frames
        may wait to be taken."""
        self._ahead = ReadAhead(
            frames,
            measure_bytes=lambda passed: 0 if passed is None else passed.image_bytes,
            on_wait=self._ask,
            name=f"read {name}",
            max_waiting=max_waiting,
        )

    def take_frames(
        self, read: Callable[[], Iterator[PassedFrame | None]]
    ) -> Iterator[PassedFrame | None]:
        """Gives the frames of the thread, or else those of `read`, as they are asked for."""
        return read() if self._ahead is None else iter(self._ahead)

    def is_stopped(self) -> bool:
        """Tells the decoder at every packet whether the reading is to end."""
        if self._ahead is None:
            self._ask()
        return self._is_stopped

    def _ask(self) -> None:
        self._is_stopped = self._is_stopped or self._stop()

    def end_thread(self) -> None:
        """Ends the thread, if there is one. A second call does nothing."""
        if self._ahead is not None:
            self._is_stopped = True
            self._ahead.close()
