"""Says what the stages ask of a search for faces, so that tests may give another one."""

from collections.abc import Collection, Sequence
from typing import Protocol

from app.detection.networks import Glance
from app.detection.search import SearchResult
from app.stage_state import SavedState, State
from app.types import Face, Frame, Image


class FaceLooker(Protocol):
    """The part of `app.detection.search.FaceSearch` that a follower uses."""

    max_faces: int | None
    far_faces: bool

    def search(
        self,
        image: Image,
        plan: list[Glance],
        known: Sequence[Face],
        patterns: Sequence[Face],
        *,
        waiting: Sequence[Face],
        most: int | None,
    ) -> SearchResult:
        """Searches the views of `plan` in an image, uint8 (H, W, 3) BGR. `FaceSearch.search`
        describes the arguments."""

    def look_again(self, image: Image, face: Face) -> Face | None:
        """Looks at a face from near. Returns the face in px of `image`, or None if it is gone."""

    def is_face(self, image: Image, face: Face) -> bool:
        """Tells whether the face check is sure of a face in `image`."""


class FaceFinder(Protocol):
    """Finds the faces of single pictures, as `app.detection.search.FaceSearch` does."""

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Finds the faces of an image, uint8 (H, W, 3) BGR. Returns them in px of the image, the
        largest first."""


class FaceFollower(Protocol):
    """Finds the faces of a stream, as `app.detection.follower.Follower` does."""

    def find(self, image: Image, time_s: float, restless: Collection[int] = ()) -> tuple[Face, ...]:
        """Finds the faces of the next frame, uint8 (H, W, 3) BGR, at `time_s` seconds. `restless`
        are the keys of faces that are about to get another label."""

    def find_group(self, frames: Sequence[Frame]) -> list[tuple[Face, ...]]:
        """Finds the faces of the next frames of a file at once."""

    def reset(self) -> None:
        """Forgets all faces."""

    def state(self) -> State:
        """Returns all that the next frame's faces depend on but the frame itself."""

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""


class StreamSearch(FaceFinder, FaceLooker, Protocol):
    """A search for faces in pictures and in streams, such as
    `app.detection.search.FaceSearch`."""
