"""Shows a video again and again at its own pace, so that a page always has something to show."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from app.live.pacing import Pacer
from app.sources.base import Source, SourceDefaults
from app.types import Frame, Mode, Silence

SILENCE_INTERVAL_S = 0.1  # between two signs of life while the next frame is not due
USUAL_STEP_S = 1 / 30  # from the last frame to the first one, where a video has one frame


class RepeatedVideo(SourceDefaults):
    """Delivers the frames of a video as a camera would, from the beginning again after the end. A
    context manager.

    Numbers and times of frames go on; `Frame.captured_s` is the moment at which a frame is shown.

    Args:
        open_video: Opens the video, once for each time. Raises `SourceError`.
        is_endless: False shows it once.
    """

    mode = Mode.LIVE
    frame_count: int | None = None

    def __init__(self, open_video: Callable[[], Source], *, is_endless: bool) -> None:
        self._open_video = open_video
        self._is_endless = is_endless
        self._video = open_video()
        self.name = self._video.name

    @property
    def warning(self) -> str | None:
        """One line on what of the video could not be read; None if nothing is missing."""
        return self._video.warning

    @property
    def mended(self) -> str | None:
        """One line on times of the video that were mended; None if none were."""
        return self._video.mended

    def __iter__(self) -> Iterator[Frame | Silence]:
        first_index, first_s, step_s = 0, 0.0, USUAL_STEP_S
        while True:
            last: Frame | None = None
            for frame in _show_at_pace(self._video):
                if isinstance(frame, Frame):
                    moved = replace(
                        frame, index=first_index + frame.index, time_s=first_s + frame.time_s
                    )
                    step_s = step_s if last is None else moved.time_s - last.time_s
                    last = moved
                    yield moved
                else:
                    yield frame
            if not self._is_endless or last is None:
                return
            first_index, first_s = last.index + 1, last.time_s + step_s
            self._video.close()
            self._video = self._open_video()

    def explain_no_frames(self) -> str:
        """Says why the video gave no frame."""
        return self._video.explain_no_frames()

    def close(self) -> None:
        """Closes the video."""
        self._video.close()


def _show_at_pace(video: Source) -> Iterator[Frame | Silence]:
    pacer = Pacer()
    for frame in video:
        if isinstance(frame, Silence) or frame.captured_s is not None:
            yield frame
            continue
        wait_s = pacer.wait_s(frame.time_s)
        while wait_s > SILENCE_INTERVAL_S:
            time.sleep(SILENCE_INTERVAL_S)
            wait_s -= SILENCE_INTERVAL_S
            yield Silence(None, SILENCE_INTERVAL_S)
        time.sleep(wait_s)
        yield replace(frame, captured_s=time.monotonic())
