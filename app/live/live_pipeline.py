"""Says what a live view asks of a pipeline, so that tests may give another one."""

from typing import Protocol

from app.tracking.resting_face import RestingFaces
from app.types import Frame, FrameResult


class LivePipeline(Protocol):
    """Does to frames what `app.pipeline.Pipeline` does, with the switches that keys turn.

    `with_maps`: results come with maps of the evidence. `smoothing_s` is the time over which
    readings are averaged, in seconds; None for separate pictures. `looks_at_all`: every frame of a
    file is looked at.
    """

    with_maps: bool
    looks_at_all: bool
    smoothing_s: float | None

    @property
    def resting(self) -> RestingFaces | None:
        """The resting faces of the people of a stream; None for separate pictures."""

    def feed(self, frame: Frame) -> list[FrameResult]:
        """Takes the next frame. Returns the results that are ready."""

    def flush(self) -> list[FrameResult]:
        """Returns the results that are still to come, at the end of a stream."""

    @property
    def has_pending(self) -> bool:
        """True while results of frames that were taken are still to come."""

    def drop_pending(self) -> None:
        """Forgets the frames whose results are still to come."""

    def explain(self, result: FrameResult) -> FrameResult:
        """Returns the same result with a class activation map of each face."""

    def reset(self) -> None:
        """Forgets all people."""
