"""Formats the counts of a run: frames, faces, and the time that they took."""

from app.wording import format_count


def format_seen(frames: int, faces: int, *, one: str = "frame") -> str:
    """Formats the number of frames and of faces in them; `one` names a single frame.

    >>> format_seen(1, 2, one="picture")
    '1 picture with 2 faces'
    """
    return f"{format_count(frames, one)} with {format_count(faces, 'face')}"


def format_counts(frames: int, faces: int, seconds: float, *, one: str = "frame") -> str:
    """Formats the counts with the time in seconds that they took, and the rate.

    >>> format_counts(12, 1, 4.0)
    '12 frames with 1 face in 4.0 s (3.0 frames/s)'
    """
    rate = frames / max(seconds, 1e-9)
    return f"{format_seen(frames, faces, one=one)} in {seconds:.1f} s ({rate:.1f} {one}s/s)"


def format_blurred_whole(count: int) -> str:
    """Formats the number of frames that were blurred as a whole, because a face may have been
    missed. The words follow the counts, and are empty for none.

    >>> format_blurred_whole(3)
    '; 3 of them blurred as a whole'
    """
    return f"; {count} of them blurred as a whole" if count else ""
