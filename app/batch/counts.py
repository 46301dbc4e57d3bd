"""Says how many frames and faces were read, and in what time."""

from app.wording import format_count


def format_seen(frames: int, faces: int, *, one: str = "frame") -> str:
    """Says how much was read and how many faces were in it; `one` names what was read."""
    return f"{format_count(frames, one)} with {format_count(faces, 'face')}"


def format_counts(frames: int, faces: int, seconds: float, *, one: str = "frame") -> str:
    """Adds the time that it took to what `format_seen` says."""
    rate = frames / max(seconds, 1e-9)
    return f"{format_seen(frames, faces, one=one)} in {seconds:.1f} s ({rate:.1f} {one}s/s)"


def format_blurred_whole(count: int) -> str:
    """Says how many frames were blurred as a whole because a face may have been missed; the words
    follow the counts, and are empty for none."""
    return f"; {count} of them blurred as a whole" if count else ""
