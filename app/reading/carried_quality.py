"""Measures the quality of faces frame by frame, and interpolates it where their places are
interpolated."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple

from app.recognition.quality import measure_quality
from app.stage_state import SavedState, State
from app.types import Face, FaceQuality, Frame


class CarriedQuality:
    """The quality of the faces of the frame before, by their keys (`Face.key`)."""

    def __init__(self) -> None:
        self._known: dict[int, FaceQuality] = {}

    def measure_group(
        self, frames: Sequence[tuple[Frame, Sequence[Face]]], shares: Sequence[float]
    ) -> list[dict[int, FaceQuality]]:
        """Measures the faces of the last frame, and of the frames before it those that were seen.

        Args:
            frames: Frames that follow each other, with their faces.
            shares: For each frame, the share of the time from the frame before the first one to the
                last one that has passed, 0 to 1.

        Returns:
            For each frame the quality of its faces, by their places.
        """
        end = len(frames) - 1
        frame, faces = frames[end]
        last = {row: measure_quality(frame.image, face) for row, face in enumerate(faces)}
        after = {face.key: last[row] for row, face in enumerate(faces) if face.key is not None}
        measured: list[dict[int, FaceQuality]] = [{} for _ in range(end)]
        for (before, group), share, found in zip(frames[:end], shares, measured, strict=False):
            for row, face in enumerate(group):
                ends = None if face.seen else self._find_ends(face, after)
                found[row] = (
                    measure_quality(before.image, face)
                    if ends is None
                    else interpolate_quality(*ends, share)
                )
        self._known = after
        return [*measured, last]

    def _find_ends(
        self, face: Face, after: Mapping[int, FaceQuality]
    ) -> tuple[FaceQuality, FaceQuality] | None:
        if face.key is None or face.key not in self._known or face.key not in after:
            return None
        return self._known[face.key], after[face.key]

    def state(self) -> State:
        """Returns what was measured in the last frame."""
        return {"known": [[key, *astuple(one)] for key, one in self._known.items()]}

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        self._known = {int(key): FaceQuality(*figures) for key, *figures in state["known"]}


def interpolate_quality(one: FaceQuality, other: FaceQuality, share: float) -> FaceQuality:
    """Interpolates two measurements of a face that hardly moves. A figure that one of them lacks is
    taken from neither.

    >>> one = FaceQuality(40.0, 0.0, 10.0, None, 0.5)
    >>> interpolate_quality(one, FaceQuality(60.0, 4.0, 20.0, 0.3, 0.7), 0.5)
    FaceQuality(size_px=50.0, roll_deg=2.0, yaw_deg=15.0, sharpness=None, brightness=0.6)
    """

    def mix(a: float, b: float) -> float:
        return (1 - share) * a + share * b

    def mix_known(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else mix(a, b)

    return FaceQuality(
        size_px=mix(one.size_px, other.size_px),
        roll_deg=mix(one.roll_deg, other.roll_deg),
        yaw_deg=mix(one.yaw_deg, other.yaw_deg),
        sharpness=mix_known(one.sharpness, other.sharpness),
        brightness=mix_known(one.brightness, other.brightness),
    )
