"""A pipeline for tests that reads each frame as soon as it comes."""

from app.types import Frame, FrameResult


class AtOnce:
    """Gives the result of each frame at once. Tests override `step`."""

    has_pending = looks_at_all = False

    def step(self, frame: Frame) -> FrameResult:
        """Reads a frame."""
        raise NotImplementedError

    def feed(self, frame: Frame) -> list[FrameResult]:
        """Reads a frame."""
        return [self.step(frame)]

    def flush(self) -> list[FrameResult]:
        """Has nothing left to give."""
        return []

    def drop_pending(self) -> None:
        """Has nothing to forget."""
