"""The search for faces, for several threads at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from app.detection.networks import Glance
from app.detection.search import FaceSearch, SearchResult
from app.process.fork_safety import HomeProcess
from app.types import Face, Image


class SharedSearch:
    """What `FaceSearch` does, from any thread: MediaPipe's networks take one picture at a time, so
    there are as many of them as threads were ever at it together. The first is made here; raises
    what `FaceSearch` raises, and `ValueError` once it is closed. `close` does not wait: those in
    use are closed when they come back. In a fork of its process it raises `DeviceError`."""

    def __init__(self, *, max_faces: int | None = None, far_faces: bool = False) -> None:
        self.max_faces = max_faces
        self.far_faces = far_faces
        self._home = HomeProcess()
        self._lock = Lock()
        self._closed = False
        self._idle = [self._made()]

    def detect(self, image: Image) -> tuple[Face, ...]:
        with self._one() as search:
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
        with self._one() as search:
            return search.search(image, plan, known, patterns, waiting=waiting, most=most)

    def look_again(self, image: Image, face: Face) -> Face | None:
        with self._one() as search:
            return search.look_again(image, face)

    def is_face(self, image: Image, face: Face) -> bool:
        with self._one() as search:
            return search.is_face(image, face)

    def close(self) -> None:
        if self._home.left:
            return
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for search in idle:
            search.close()

    def _made(self) -> FaceSearch:
        return FaceSearch(max_faces=self.max_faces, far_faces=self.far_faces)

    @contextmanager
    def _one(self) -> Iterator[FaceSearch]:
        self._home.check()  # before the lock, which another thread may have held at the fork
        with self._lock:
            if self._closed:
                raise ValueError("this recogniser is closed")
            search = self._idle.pop() if self._idle else self._made()
        try:
            yield search
        finally:
            with self._lock:
                closed = self._closed
                if not closed:
                    self._idle.append(search)
            if closed:
                search.close()
