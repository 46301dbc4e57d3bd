"""What a run comes to: the lines that are said when it is over."""

from collections.abc import Sequence
from typing import Any

from app.live import Gap
from app.session import Outcome
from app.wording import counted


def dropped_frames(sinks: Sequence[Any]) -> dict[str, int]:
    """Output -> frames that it lacks because it was too slow for a live source."""
    counts = ((str(sink.path), getattr(sink, "dropped", 0)) for sink in sinks)
    return {path: count for path, count in counts if count}


def seen_line(frames: int, faces: int, *, one: str = "frame") -> str:
    """Says how much was read and how many faces were in it; `one` names what was read."""
    return f"{counted(frames, one)} with {counted(faces, 'face')}"


def counts_line(frames: int, faces: int, seconds: float, *, one: str = "frame") -> str:
    """Adds the time that it took to what `seen_line` says."""
    rate = frames / max(seconds, 1e-9)
    return f"{seen_line(frames, faces, one=one)} in {seconds:.1f} s ({rate:.1f} {one}s/s)"


def whole_frames(count: int) -> str:
    """What is added about frames whose faces could not be accounted for."""
    return f"; {count} of them blurred as a whole" if count else ""


def last_lines(
    outcome: Outcome,
    gaps: Sequence[Gap],
    sinks: Sequence[Any],
    *,
    of_pictures: bool = False,
    in_window: bool = False,
) -> list[str]:
    """Counts, times and outputs in one line, and a line for each thing that is not as it should.
    `of_pictures`: what was read are pictures, not the frames of a video or camera. For those that
    somebody looked at in a window, a rate would be that of their looking."""
    one = "picture" if of_pictures else "frame"
    if of_pictures and in_window:
        line = seen_line(outcome.frames, outcome.faces, one=one)
    else:
        line = counts_line(outcome.frames, outcome.faces, outcome.seconds, one=one)
    line += whole_frames(outcome.blurred_whole)
    if gaps:
        times = "once" if len(gaps) == 1 else f"{len(gaps)} times"
        line += f"; without pictures {times}, {sum(gap.seconds for gap in gaps):.1f} s in all"
    written = [str(sink.path) for sink in sinks if sink.path is not None]
    if written and outcome.frames:
        line += f" -> {', '.join(written)}"
    lines = [line, *(f"note: {text}" for text in outcome.remarks)]
    if outcome.cut_short:
        lines.append(f"warning: {outcome.cut_short}")
    if dropped := dropped_frames(sinks):
        lacks = ", ".join(
            f"{path} lacks {counted(count, 'frame')}" for path, count in dropped.items()
        )
        lines.append(f"warning: The disk or the encoder was too slow: {lacks}.")
    if outcome.interrupted:
        lines.append("Interrupted; what was finished is complete.")
    return lines
