"""Shows how far the videos are: a bar for all of them, and a bar for each that is being read."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from app.errors import SourceError
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
    """The parts of tqdm, which has no types, that the bars need."""

    pos: int
    total: float | None

    def update(self, n: float) -> object: ...
    def refresh(self) -> object: ...
    def close(self) -> None: ...


class Bars:
    """Shows bars on a terminal, and nothing where `sys.stderr` is none. `close` takes them away."""

    def __init__(self, plans: Sequence[RunPlan]) -> None:
        from tqdm import tqdm

        self._tqdm: Callable[..., _Bar] = tqdm
        self._plans = plans
        self._expected = [estimate_frames(plan) for plan in plans]
        self._reached = [0] * len(plans)
        self._bars: dict[int, _Bar] = {}
        self._total: _Bar | None = None
        if len(plans) > 1:
            known = [frames for frames in self._expected if frames is not None]
            self._total = self._bar("all", sum(known) if known else None, 0)

    def _bar(self, name: str, frames: int | None, position: int) -> _Bar:
        return self._tqdm(
            total=frames,
            desc=name,
            unit="frame",
            position=position,
            leave=False,
            dynamic_ncols=True,
            disable=None,  # where stderr is no terminal
        )

    def show_reached(self, number: int, frames: int) -> None:
        """Shows that a run went through `frames` frames of the video with this number."""
        new = frames - self._reached[number]
        if new <= 0:
            return
        if number not in self._bars:
            name = shorten_name(self._plans[number].name)
            self._bars[number] = self._bar(name, self._expected[number], self._free_line())
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

    def end(self, number: int) -> None:
        """Ends the bar of a video, and corrects the total to the frames that there really were."""
        bar = self._bars.pop(number, None)
        if bar is not None:
            bar.close()
        expected = self._expected[number]
        if self._total is not None and self._total.total is not None and expected is not None:
            self._total.total += self._reached[number] - expected
            self._total.refresh()

    def close(self) -> None:
        """Takes all bars off the terminal."""
        for bar in (*self._bars.values(), self._total):
            if bar is not None:
                bar.close()
        self._bars = {}
