"""Says how many frames and faces were read, and in what time."""

from app.wording import format_count


def seen_line(frames: int, faces: int, *, one: str = "frame") -> str:
    """Says how much was read and how many faces were in it; `one` names what was read."""
    return f"{format_count(frames, one)} with {format_count(faces, 'face')}"


def counts_line(frames: int, faces: int, seconds: float, *, one: str = "frame") -> str:
    """Adds the time that it took to what `seen_line` says."""
    rate = frames / max(seconds, 1e-9)
    return f"{seen_line(frames, faces, one=one)} in {seconds:.1f} s ({rate:.1f} {one}s/s)"


def whole_frames(count: int) -> str:
    """What is added about frames whose faces could not be accounted for."""
    return f"; {count} of them blurred as a whole" if count else ""
