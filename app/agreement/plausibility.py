"""Looks for signs that two codings are not of one video, one unit of time or one set of labels."""

import difflib
from collections.abc import Mapping

from app.codings.reader import Coding, fold_label
from app.codings.rows import GivenUnit
from app.codings.tracks import find_usual_step
from app.errors import DataError
from app.recognition.expression_names import MEANING
from app.types import UNSURE

MIN_END_RATIO = 2.0  # a coding that ends this many times later than the other covers more than it
ABSURD_END_RATIO = 20.0  # beyond it, the times are probably in another unit
MILLISECONDS_RATIO_RANGE = (300, 3000)  # of the ends, if one counts ms and the other seconds
FRAME_RATE_FACTOR = 1.5  # how far the ratio of the ends may be from the frame rate


def check_ends(human: Coding, ours: Coding, *, unit: GivenUnit | None, outside: str) -> list[str]:
    """Compares the ends of two codings of one video.

    Args:
        human: The human's coding.
        ours: Our coding.
        unit: The unit of the human's times, if the user named it; nothing is guessed then.
        outside: The label that holds outside of coded spans.

    Returns:
        A warning if one of the two reaches much further than the other, else nothing.

    Raises:
        DataError: The times of the longer coding look like another unit than seconds.
    """
    longer, shorter = (human, ours) if human.end_s > ours.end_s else (ours, human)
    if not shorter.end_s or longer.end_s < MIN_END_RATIO * shorter.end_s:
        return []
    ends = (
        f"{longer.path} reaches to {longer.end_s:.10g} s, {shorter.path} to {shorter.end_s:.10g} s."
    )
    if longer.frames is not None:  # records' times are seconds; a person may code a part
        if any(track.instants is not None for track in shorter.tracks.values()):
            return []
        return [f"{ends} After the end of the coding, {outside!r} counts as coded."]
    ratio = longer.end_s / shorter.end_s
    guess = None
    shortest, longest = MILLISECONDS_RATIO_RANGE
    if shortest < ratio < longest:
        guess = "milliseconds", "ms"
    elif shorter.frames is not None:
        rate = 1 / find_usual_step(shorter.frames.times_s)
        if rate / FRAME_RATE_FACTOR < ratio < rate * FRAME_RATE_FACTOR:
            guess = "numbers of frames", "frames"
    if unit is None and guess is not None:
        what, option = guess
        raise DataError(
            f"{ends} Its times look like {what}, and seconds are expected. If so, add --unit "
            f"{option}; if they are seconds, --unit s."
        )
    if unit is None and ratio > ABSURD_END_RATIO:
        raise DataError(
            f"{ends} Give times from the beginning of the video, in seconds, or say what they are "
            "by --unit; if they are right, add --unit s."
        )
    return [f"{ends} What comes later was left out."]


def list_unknown_labels(human: Coding, ours: Coding, outside: str) -> list[str]:
    """Notes the human's labels, and the one outside of spans, that the records cannot give, and
    proposes a known label for the first one. Returns one note, or none."""
    used = {one.label for track in human.tracks.values() for one in track.episodes}
    strange = sorted((used | {outside}) - ours.labels - {"none", UNSURE})
    if not ours.labels or not strange:
        return []
    known = sorted(ours.labels)
    words = [word for word, label in MEANING.items() if label in ours.labels]
    (like,) = difflib.get_close_matches(strange[0], [*known, *words], 1, 0.7) or ["LABEL"]
    like = like if like in ours.labels else MEANING.get(like, like)
    shown = ", ".join(strange[:6]) + (" …" if len(strange) > 6 else "")
    return [
        f"the records cannot give {shown}, but {', '.join(known)}. If a label means one of these, "
        f"say so by --rename '{strange[0]}={like}'."
    ]


def list_unused_renamings(
    rename: Mapping[str, str], outside: str, human: Coding, ours: Coding
) -> list[str]:
    """Notes the labels of `rename` that neither coding holds and that `outside`, as the user wrote
    it, is not. Returns one note, or none."""
    unused = sorted(rename.keys() - human.renamed - ours.renamed - {fold_label(outside)})
    if not unused:
        return []
    return [f"--rename changed nothing for {', '.join(map(repr, unused))}: no label is so called."]
