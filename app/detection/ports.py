"""Says what the stages ask of a search for faces, so that tests may give another one."""

from collections.abc import Sequence
from typing import Protocol

from app.detection.networks import Glance
from app.detection.search import SearchResult
from app.stage_state import SavedState, State
from app.types import Face, Image


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
    ) -> SearchResult: ...

    def look_again(self, image: Image, face: Face) -> Face | None: ...

    def is_face(self, image: Image, face: Face) -> bool: ...


class FaceFinder(Protocol):
    """Finds the faces of single pictures, as `app.detection.search.FaceSearch` does."""

    def detect(self, image: Image) -> tuple[Face, ...]: ...


class FaceFollower(Protocol):
    """Finds the faces of a stream, as `app.detection.follower.Follower` does."""

    def find(self, image: Image, time_s: float) -> tuple[Face, ...]: ...
    def reset(self) -> None: ...
    def state(self) -> State: ...
    def restore(self, state: SavedState) -> None: ...


class StreamSearch(FaceFinder, FaceLooker, Protocol):
    """A search for faces in pictures and in streams, such as
    `app.detection.search.FaceSearch`."""
