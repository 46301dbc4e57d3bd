"""Writes outputs in threads, so that a slow disk or encoder does not hold up a live view."""

import threading
from collections import deque
from pathlib import Path

from app.outputs.sink import RunSink
from app.types import FrameResult, Image

MAX_WAITING_FRAMES = 64  # about two seconds
MAX_WAITING_BYTES = 64 << 20  # of 640 x 480 px, in that time
GIVE_UP_S = 10.0  # for which `abort` waits for a write that hangs


class BackgroundSink:
    """Passes frames on to `sink` in a thread.

    `write` never waits: a frame for which there is no room is left out, and counted in `dropped`.
    `close` writes all frames that wait, however long that takes. An error in the thread is raised
    by the next `write`, or by `close`.
    """

    def __init__(
        self,
        sink: RunSink,
        *,
        max_waiting: int = MAX_WAITING_FRAMES,
        max_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self.dropped = 0
        self._sink = sink
        self._max_waiting = max_waiting
        self._max_bytes = max_bytes
        self._queue: deque[tuple[FrameResult, Image]] = deque()
        self._bytes = 0
        self._ending = False
        self._failure: Exception | None = None
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=f"write {sink.path}", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path | None:
        """The path of the inner sink."""
        return self._sink.path

    @property
    def warning(self) -> str | None:
        """The warning of the inner sink."""
        return self._sink.warning

    @property
    def waiting(self) -> int:
        """The number of frames that wait; the frame that is being written does not count."""
        return len(self._queue)

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Queues a result without waiting. Raises the error of the thread, if it had one."""
        size = _bytes_of(result, canvas)
        with self._change:
            self._raise_failure()
            full = len(self._queue) >= self._max_waiting or self._bytes + size > self._max_bytes
            if self._queue and full:
                self.dropped += 1
                return
            self._queue.append((result, canvas))
            self._bytes += size
            self._change.notify_all()

    def _work(self) -> None:
        try:
            while True:
                with self._change:
                    self._change.wait_for(lambda: self._queue or self._ending)
                    if not self._queue:
                        return
                    result, canvas = self._queue.popleft()
                    self._bytes -= _bytes_of(result, canvas)
                self._sink.write(result, canvas)
        except Exception as error:  # a thread's failure belongs to the run, whatever it is
            with self._change:
                self._failure = error
                self._queue.clear()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def close(self) -> None:
        """Waits until all queued frames are written, then completes the inner sink."""
        with self._change:
            self._ending = True
            self._change.notify_all()
        self._thread.join()
        self._raise_failure()
        self._sink.close()

    def abort(self) -> None:
        """Drops the queued frames and aborts the inner sink, unless its thread hangs."""
        with self._change:
            self._ending = True
            self._queue.clear()
            self._change.notify_all()
        self._thread.join(GIVE_UP_S)
        if not self._thread.is_alive():  # else nothing may touch what it writes to
            self._sink.abort()


def _bytes_of(result: FrameResult, canvas: Image) -> int:
    blurred = 0 if result.blurred is None else result.blurred.nbytes
    return result.frame.image.nbytes + blurred + canvas.nbytes
