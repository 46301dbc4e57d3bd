"""Sums up a run in the lines that the user reads when it is over."""

from collections.abc import Sequence

from app.batch.counts import format_blurred_whole, format_counts, format_seen
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
    """Lists the last lines of a run: counts, time and outputs, then what is not as it should be.

    Args:
        outcome: The outcome of the session.
        gaps: The times without pictures of a live source.
        sinks: The outputs.
        of_pictures: True if pictures were read, and not the frames of a video or a camera.
        in_window: True if the user looked at them in a window. Pictures then get no rate, which
            would be the rate of the user's looking.
    """
    one = "picture" if of_pictures else "frame"
    if of_pictures and in_window:
        line = format_seen(outcome.frames, outcome.faces, one=one)
    else:
        line = format_counts(outcome.frames, outcome.faces, outcome.seconds, one=one)
    line += format_blurred_whole(outcome.blurred_whole)
    if gaps:
        times = "once" if len(gaps) == 1 else f"{len(gaps)} times"
        line += f"; without pictures {times}, {sum(gap.seconds for gap in gaps):.1f} s in all"
    written = [str(sink.path) for sink in sinks if sink.path is not None]
    if written and outcome.frames:
        line += f" -> {', '.join(written)}"
    lines = [line, *(f"note: {text}" for text in outcome.remarks)]
    lines += [f"warning: {text}" for text in (outcome.cut_short, outcome.mended) if text]
    if dropped := count_dropped(sinks):
        lacks = ", ".join(
            f"{path} lacks {format_count(count, 'frame')}" for path, count in dropped.items()
        )
        lines.append(f"warning: The disk or the encoder was too slow: {lacks}.")
    if outcome.interrupted:
        lines.append("Interrupted; what was finished is complete.")
    return lines
