"""How far the videos are: a bar for all of them and one for each in hand, with the time left."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from app.errors import SourceError
from app.runs.plan import RunPlan
from app.sources.frame_selection import Selection
from app.sources.video_container import choose_picture_stream, find_average_rate, open_video
from app.sources.video_length import find_duration_s

NAME_SIGNS = 24


def expected_frames(plan: RunPlan) -> int | None:
    """How many frames will be gone through, by what the file's header says; None where it does not
    say, or cannot be read."""
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


def short_name(name: str) -> str:
    """Its beginning and its end, so that a line of a terminal has room for the bar."""
    if len(name) <= NAME_SIGNS:
        return name
    kept = NAME_SIGNS - 1
    return f"{name[: kept // 2]}…{name[-(kept - kept // 2) :]}"


class Bars:
    """Bars on a terminal; nothing where `sys.stderr` is none. A context manager."""

    def __init__(self, plans: Sequence[RunPlan]) -> None:
        from tqdm import tqdm

        self._tqdm: Callable[..., Any] = tqdm
        self._plans = plans
        self._expected = [expected_frames(plan) for plan in plans]
        self._reached = [0] * len(plans)
        self._bars: dict[int, Any] = {}
        self._total: Any = None
        if len(plans) > 1:
            known = [frames for frames in self._expected if frames is not None]
            self._total = self._bar("all", sum(known) if known else None, 0)

    def _bar(self, name: str, frames: int | None, position: int) -> Any:
        return self._tqdm(
            total=frames,
            desc=name,
            unit="frame",
            position=position,
            leave=False,
            dynamic_ncols=True,
            disable=None,  # where stderr is no terminal
        )

    def reached(self, number: int, frames: int) -> None:
        """`frames` of the plan's video were gone through."""
        new = frames - self._reached[number]
        if new <= 0:
            return
        if number not in self._bars:
            name = short_name(self._plans[number].name)
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

    def over(self, number: int) -> None:
        """Nothing more comes of the video; the total is corrected to what there really was."""
        bar = self._bars.pop(number, None)
        if bar is not None:
            bar.close()
        expected = self._expected[number]
        if self._total is not None and self._total.total is not None and expected is not None:
            self._total.total += self._reached[number] - expected
            self._total.refresh()

    def close(self) -> None:
        for bar in (*self._bars.values(), self._total):
            if bar is not None:
                bar.close()
        self._bars = {}
