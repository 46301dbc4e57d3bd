"""Shows how far the videos are: a bar for all of them, and a bar for each that is being read.

tqdm draws the bars. Its import takes 18 ms, so it is imported with the first bar.
"""

import contextlib
import sys
from collections.abc import Sequence
from typing import Protocol

from app.errors import SourceError
from app.process.safe_output import is_terminal
from app.runs.plan import RunPlan
from app.sources.frame_selection import Selection
from app.sources.video_container import choose_picture_stream, find_average_rate, open_video
from app.sources.video_length import find_duration_s

MAX_NAME_SIGNS = 24  # so that a line of 80 columns has room for the bar


def estimate_frames(plan: RunPlan) -> int | None:
    """Estimates from the file's header how many frames a run will go through; None where the header
    does not tell, or the file cannot be read."""
    path, name = plan.video.path, plan.name
    if plan.video.address is not None:
        return None
    with contextlib.suppress(SourceError), open_video(path, name) as container:
        stream = choose_picture_stream(container, name)
        lasts_s = find_duration_s(container, stream)
        frames = stream.frames or (lasts_s and round(lasts_s * find_average_rate(stream))) or None
        return _up_to(plan.selection, frames, float(find_average_rate(stream)))
    return None


def _up_to(selection: Selection, frames: int | None, rate: float) -> int | None:
    if selection.end_s is None:
        return frames
    end = round(selection.end_s * rate)
    return end if frames is None else min(frames, end)


def shorten_name(name: str) -> str:
    """Shortens a long name to its beginning and its end.

    >>> shorten_name("a_talk_with_a_very_long_name_of_2026.mp4")
    'a_talk_with…_of_2026.mp4'
    """
    if len(name) <= MAX_NAME_SIGNS:
        return name
    kept = MAX_NAME_SIGNS - 1
    return f"{name[: kept // 2]}…{name[-(kept - kept // 2) :]}"


class _Bar(Protocol):
    """The parts of tqdm's bars, which are not typed in full, that are needed here."""

    pos: int
    total: float | None

    def update(self, n: float) -> object: ...
    def refresh(self) -> object: ...
    def close(self) -> None: ...


class Bars:
    """Shows bars on a terminal, and nothing where `sys.stderr` is none. `close` takes them away."""

    def __init__(self, plans: Sequence[RunPlan]) -> None:
        self._plans = plans
        self._is_shown = is_terminal(sys.stderr)
        self._expected: dict[int, int | None] = {}
        self._reached = [0] * len(plans)
        self._bars: dict[int, _Bar] = {}
        self._total: _Bar | None = None
        if self._is_shown and len(plans) > 1:
            counts = [self._expect_frames(number) for number in range(len(plans))]
            known = [frames for frames in counts if frames is not None]
            self._total = self._bar("all", sum(known) if known else None, 0)

    def _expect_frames(self, number: int) -> int | None:
        if number not in self._expected:
            self._expected[number] = estimate_frames(self._plans[number])
        return self._expected[number]

    def _bar(self, name: str, frames: int | None, position: int) -> _Bar:
        from tqdm import tqdm

        return tqdm(
            total=frames,
            desc=name,
            unit="frame",
            position=position,
            leave=False,
            dynamic_ncols=True,
        )

    def say(self, line: str) -> None:
        """Prints a line to stderr, above the bars where there are some."""
        if self._bars or self._total is not None:
            from tqdm import tqdm

            tqdm.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr)
        sys.stderr.flush()

    def show_reached(self, number: int, frames: int) -> None:
        """Shows that a run went through `frames` frames of the video with this number."""
        new = frames - self._reached[number]
        if new <= 0 or not self._is_shown:
            return
        if number not in self._bars:
            name = shorten_name(self._plans[number].name)
            self._bars[number] = self._bar(name, self._expect_frames(number), self._free_line())
        self._reached[number] = frames
        self._bars[number].update(new)
        if self._total is not None:
            self._total.update(new)

    def _free_line(self) -> int:
        used = {-bar.pos for bar in self._bars.values()}  # tqdm counts downwards
        line = 0 if self._total is None else 1
        while line in used:
            line += 1
        return line

    def end(self, number: int, *, was_read: bool = True) -> None:
        """Ends the bar of a video, and corrects the total to the frames that there really were,
        whether it was read or not."""
        bar = self._bars.pop(number, None)
        if bar is not None:
            bar.close()
        expected = self._expected.get(number)
        if self._total is not None and self._total.total is not None and expected is not None:
            self._total.total += self._reached[number] - expected
            self._total.refresh()

    def close(self) -> None:
        """Takes all bars off the terminal."""
        for bar in (*self._bars.values(), self._total):
            if bar is not None:
                bar.close()
        self._bars = {}
