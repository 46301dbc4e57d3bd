"""What a run comes to: the lines that are said when it is over."""

from collections.abc import Sequence

from app.batch.counts import counts_line, seen_line, whole_frames
from app.live.session import SessionOutcome
from app.outputs.sink import RunSink, count_dropped
from app.sources.base import Gap
from app.wording import format_count


def list_closing_lines(
    outcome: SessionOutcome,
    gaps: Sequence[Gap],
    sinks: Sequence[RunSink],
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
    if dropped := count_dropped(sinks):
        lacks = ", ".join(
            f"{path} lacks {format_count(count, 'frame')}" for path, count in dropped.items()
        )
        lines.append(f"warning: The disk or the encoder was too slow: {lacks}.")
    if outcome.interrupted:
        lines.append("Interrupted; what was finished is complete.")
    return lines
