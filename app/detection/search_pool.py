"""Shares the search for faces among several threads."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from app.detection.networks import Glance
from app.detection.search import FaceSearch, SearchResult
from app.process.fork_safety import HomeProcess
from app.types import Face, Image


class SharedSearch:
    """A pool of `FaceSearch`, with the same methods, for any number of threads.

    MediaPipe's networks take one picture at a time, so the pool grows to as many searches as
    threads were ever searching at once. The first search is made with the pool.

    Raises:
        ModelError: As `FaceSearch`.
        DeviceError: As `FaceSearch`; also in a fork of the process that made the pool.
        ValueError: A method is called after `close`.
    """

    def __init__(self, *, max_faces: int | None = None, far_faces: bool = False) -> None:
        self.max_faces = max_faces
        self.far_faces = far_faces
        self._home = HomeProcess()
        self._lock = Lock()
        self._closed = False
        self._idle = [self._make()]

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Does what `FaceSearch.detect` does."""
        with self._borrow() as search:
            return search.detect(image)

    def search(
        self,
        image: Image,
        plan: list[Glance],
        known: Sequence[Face] = (),
        patterns: Sequence[Face] = (),
        *,
        waiting: Sequence[Face] = (),
        most: int | None = None,
    ) -> SearchResult:
        """Does what `FaceSearch.search` does."""
        with self._borrow() as search:
            return search.search(image, plan, known, patterns, waiting=waiting, most=most)

    def look_again(self, image: Image, face: Face) -> Face | None:
        """Does what `FaceSearch.look_again` does."""
        with self._borrow() as search:
            return search.look_again(image, face)

    def is_face(self, image: Image, face: Face) -> bool:
        """Does what `FaceSearch.is_face` does."""
        with self._borrow() as search:
            return search.is_face(image, face)

    def close(self) -> None:
        """Frees the searches. Those in use are freed when their threads give them back."""
        if self._home.is_left:
            return
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for search in idle:
            search.close()

    def _make(self) -> FaceSearch:
        return FaceSearch(max_faces=self.max_faces, far_faces=self.far_faces)

    @contextmanager
    def _borrow(self) -> Iterator[FaceSearch]:
        self._home.check()  # before the lock, which another thread may have held at the fork
        with self._lock:
            if self._closed:
                raise ValueError("this recogniser is closed")
            search = self._idle.pop() if self._idle else self._make()
        try:
            yield search
        finally:
            with self._lock:
                closed = self._closed
                if not closed:
                    self._idle.append(search)
            if closed:
                search.close()
