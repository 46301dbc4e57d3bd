"""Adds facial actions to the results of one stream, or of pictures.

In a file, every face is read in every frame, also where its place is interpolated between two
looks: a blink lasts three frames, and the crop has room for a place that is a little off. A live
stream must keep its pace, so a frame has at most `MAX_LIVE_READINGS`; of more faces, those whose
last reading is the longest ago have their turn, and the others keep what was read of them.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from app.actions.smoothing import GAP_S, ActionSmoother
from app.stage_state import SavedState, State
from app.types import Face, FaceActions, FrameResult, Image, TrackedFace

MAX_LIVE_READINGS = 2  # in one frame; each takes 6 ms of the 33 ms of a frame


class ActionSource(Protocol):
    """Reads the facial actions of a face, as `app.actions.reader.ActionReader` does."""

    def read(self, image: Image, face: Face) -> FaceActions | None:
        """Reads a face of a frame; None where it cannot be read."""


class ActionStream:
    """Adds facial actions to results, in order of time.

    Args:
        reader: Reads one face.
        is_stream: True where frames follow each other, so that readings are smoothed.
        most: The most faces that are read in one frame; None: all.
    """

    def __init__(self, reader: ActionSource, *, is_stream: bool, most: int | None = None) -> None:
        self._reader = reader
        self._smoother = ActionSmoother() if is_stream else None
        self._most = most
        self._kept: dict[int, tuple[float, FaceActions | None]] = {}  # by `face_id`: when, what

    def add(self, result: FrameResult, time_s: float, *, smooth: bool = True) -> FrameResult:
        """Returns a result with the actions of its faces.

        Args:
            result: The result of the next frame.
            time_s: The time of the frame in seconds.
            smooth: False gives the readings of this frame by themselves.
        """
        turn = self._choose_turn(result.faces, time_s)
        faces = tuple(
            self._read(result, face, time_s, smooth=smooth)
            if row in turn
            else replace(face, actions=self._kept.get(face.face_id, (0.0, None))[1])
            for row, face in enumerate(result.faces)
        )
        if self._smoother is not None:
            self._smoother.forget_old(time_s)
        return replace(result, faces=faces)

    def _read(
        self, result: FrameResult, face: TrackedFace, time_s: float, *, smooth: bool
    ) -> TrackedFace:
        actions = self._reader.read(result.frame.image, face.face)
        if actions is not None and self._smoother is not None and smooth:
            actions = self._smoother.smooth(face.face_id, actions, time_s)
        if self._most is not None:
            self._kept[face.face_id] = time_s, actions
        return replace(face, actions=actions)

    def _choose_turn(self, faces: Sequence[TrackedFace], time_s: float) -> set[int]:
        """Chooses the places of the faces that are read in this frame."""
        if self._most is None:
            return set(range(len(faces)))
        self._kept = {
            number: kept for number, kept in self._kept.items() if 0 <= time_s - kept[0] <= GAP_S
        }
        never = -math.inf, None
        read_s = [self._kept.get(one.face_id, never)[0] for one in faces]
        return set(sorted(range(len(faces)), key=lambda row: read_s[row])[: self._most])

    def reset(self) -> None:
        """Forgets all people."""
        self._kept = {}
        if self._smoother is not None:
            self._smoother.reset()

    def state(self) -> State:
        """Returns all that the next frame's actions depend on in a file."""
        return {"smoother": None if self._smoother is None else self._smoother.state()}

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        if self._smoother is not None:
            self._smoother.restore(state["smoother"])
