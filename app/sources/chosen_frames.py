"""Goes through the decoded frames of a video and makes pictures of those that are chosen.

Nothing here changes what a source tells, so that this part of the reading may run ahead of the
source, in a thread of its own. Each frame brings all that the source needs to know of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from app.frames.planar_frame import PlanarFrame
from app.frames.stored_shape import Shape
from app.frames.upright import UprightConverter
from app.frames.yuv_picture import YuvPicture
from app.sources.frame_selection import Selection
from app.sources.frame_times import FrameTimes, TimeChanges
from app.sources.packet_decoder import DecodedFrame
from app.types import Frame, Image


@dataclass(frozen=True, slots=True)
class PassedFrame:
    """A frame of the file, chosen or not.

    Attributes:
        index: The number of the frame in the file.
        ticks: Its time, from the origin of the source.
        time_s: The same in seconds.
        shown_s: The seconds for which it is shown.
        shape: The form in which it is stored.
        is_interlaced: True if it is interlaced.
        is_damaged: True if a part of it may be wrong.
        changes: The changes of times up to this frame.
        picture: The upright picture, uint8 (H, W, 3) BGR or in planes; None if the frame is not
            chosen.
    """

    index: int
    ticks: int
    time_s: float
    shown_s: float
    shape: Shape
    is_interlaced: bool
    is_damaged: bool
    changes: TimeChanges
    picture: Image | YuvPicture | None

    @property
    def image_bytes(self) -> int:
        """The bytes of the picture in BGR; 0 for a frame that is not chosen."""
        if isinstance(self.picture, YuvPicture):
            return 3 * self.picture.size_wh[0] * self.picture.size_wh[1]
        return 0 if self.picture is None else self.picture.nbytes

    def make_frame(self, source: str) -> Frame | None:
        """Makes the frame that a source of this name delivers; None if it is not chosen."""
        picture, about = self.picture, (self.index, self.time_s, source)
        if isinstance(picture, YuvPicture):
            return PlanarFrame(None, *about, damaged=self.is_damaged, yuv=picture)
        return None if picture is None else Frame(picture, *about, damaged=self.is_damaged)


# Stands behind the last frame of a selection that ends before the video does.
END_OF_SELECTION = None


def read_chosen_frames(
    first: tuple[int, DecodedFrame] | None,
    times: FrameTimes[DecodedFrame],
    upright: UprightConverter,
    selection: Selection,
    *,
    from_index: int,
    origin_ticks: int,
    step_ticks: int,
    time_base: Fraction,
) -> Iterator[PassedFrame | None]:
    """Yields every frame up to the end of the selection or of the video.

    Args:
        first: The first frame, if it was taken from `times` already.
        times: The frames with times that rise.
        upright: Makes the pictures.
        selection: The frames to choose.
        from_index: No frame with a lower index is chosen.
        origin_ticks: The time from which `PassedFrame.ticks` counts.
        step_ticks: The usual distance of two frames.
        time_base: Seconds of a tick.

    Yields:
        The frames, and last `END_OF_SELECTION` where the selection ends before the video does.
    """
    chooser = selection.chooser(float(time_base))
    index = -1
    timed, first = first or next(times, None), None
    while timed is not None:
        ticks, (frame, shape, is_damaged) = timed[0] - origin_ticks, timed[1]
        index += 1
        time_s = float(ticks * time_base)
        if chooser.is_over(time_s):
            yield END_OF_SELECTION
            return
        is_chosen = chooser.wants(time_s) and index >= from_index
        # Nothing here may keep the picture while the next one is made: at 4K it takes 25 MB.
        yield PassedFrame(
            index,
            ticks,
            time_s,
            float((frame.duration or step_ticks) * time_base),
            shape,
            bool(frame.interlaced_frame),
            is_damaged,
            times.changes,
            upright.keep_picture(frame, shape) if is_chosen else None,
        )
        timed = next(times, None)
