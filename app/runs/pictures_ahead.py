"""Opens pictures and finds their faces in threads, a few pictures ahead of a run.

The networks keep no memory of other pictures, so the order in which pictures are searched changes
nothing. The run itself reads the faces, draws and writes, one picture after the other.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Protocol, Self

from app.detection.ports import FaceFinder
from app.detection.search import FaceSearch
from app.errors import RecogniserError, SourceError
from app.pictures.reader import Picture, count_pixels, decode_picture, read_content
from app.process.machine import count_cores
from app.runs.plan import RecognitionSettings
from app.sources.images import ImageSource, Opened
from app.types import Face, Image

# A thread needs 20 MB for its networks. The run's own part of a picture takes a tenth of what the
# search takes, so more threads would wait for the run.
MAX_THREADS = 8
AHEAD = 2  # pictures for each thread
MAX_AHEAD_BYTES = 256 << 20  # of decoded pictures; a larger one is opened when no other is ahead


class PictureSearch(FaceFinder, Protocol):
    """Finds the faces of pictures in one thread, as `app.detection.search.FaceSearch` does."""

    def close(self) -> None:
        """Frees the networks."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A picture, or the reason why its file cannot be read; its faces, or why they were not
    found."""

    opened: Opened
    faces: tuple[Face, ...] | Exception = ()


def search_ahead(
    source: ImageSource, search: PictureSearch, settings: RecognitionSettings
) -> "PicturesAhead":
    """Makes the pictures of `source` be opened and searched ahead, with `search` and others like
    it, by one thread a core. Returns the detector for them, which the caller closes."""
    threads = max(1, min(len(source.files), count_cores(), MAX_THREADS))
    ahead = PicturesAhead(
        search,
        partial(FaceSearch, max_faces=settings.max_faces, far_faces=settings.far_faces),
        threads,
    )
    source.open_files = ahead.open_files
    return ahead


class PicturesAhead:
    """Finds the faces of the pictures that it opens. A context manager.

    As the `open_files` of an `app.sources.images.ImageSource` and as the detector of a pipeline it
    gives the same pictures, faces and errors, in the same order, as opening and searching each
    picture in turn.

    Args:
        search: The search of the first thread; the caller closes it.
        make_search: Makes the search of another thread. Where it fails, fewer threads search.
        threads: The number of threads, at least 1.
        max_bytes: The room for decoded pictures.
    """

    def __init__(
        self,
        search: PictureSearch,
        make_search: Callable[[], PictureSearch],
        threads: int,
        *,
        max_bytes: int = MAX_AHEAD_BYTES,
    ) -> None:
        self._make_search = make_search
        self._missing = threads - 1
        self._ahead = AHEAD * threads
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._made: list[PictureSearch] = []
        self._idle: SimpleQueue[PictureSearch] = SimpleQueue()
        self._idle.put(search)
        self._executor = ThreadPoolExecutor(threads, "pictures")
        self._current: tuple[Image, tuple[Face, ...] | Exception] | None = None

    def open_files(self, files: Iterable[Path]) -> Iterator[Opened]:
        """Opens files in the order given, and searches pictures ahead of the one that it yields."""
        waiting: deque[tuple[Future[_Read], int]] = deque()  # and the bytes of the picture
        held = 0  # bytes of all pictures in `waiting`
        for file in files:
            try:
                content = read_content(file)
            except SourceError as error:
                job, size = self._executor.submit(_Read, error), 0
            else:
                size = 3 * count_pixels(content) + len(content)
                while waiting and held + size > self._max_bytes:
                    held -= waiting[0][1]
                    yield self._take(waiting.popleft()[0])
                job = self._executor.submit(self._read, content, file)
            waiting.append((job, size))
            held += size
            if len(waiting) > self._ahead:
                held -= waiting[0][1]
                yield self._take(waiting.popleft()[0])
        while waiting:
            yield self._take(waiting.popleft()[0])

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Returns the faces of the picture that was opened last, the largest first. Raises what
        the search for them raised."""
        if self._current is None or self._current[0] is not image:
            return self._search(image)
        faces = self._current[1]
        if isinstance(faces, Exception):
            raise faces
        return faces

    def close(self) -> None:
        """Ends the threads after the pictures in hand, and frees the searches that were made."""
        self._executor.shutdown(cancel_futures=True)
        for search in self._made:
            search.close()
        self._made.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, job: Future[_Read]) -> Opened:
        self._current = None
        read = job.result()
        if isinstance(read.opened, Picture):
            self._current = read.opened.image, read.faces
        return read.opened

    def _read(self, content: bytes, file: Path) -> _Read:
        try:
            picture = decode_picture(content, file)
        except SourceError as error:
            return _Read(error)
        try:
            return _Read(picture, self._search(picture.image))
        except Exception as error:  # raised where the run asks for the faces
            return _Read(picture, error)

    def _search(self, image: Image) -> tuple[Face, ...]:
        search = self._borrow()
        try:
            return search.detect(image)
        finally:
            self._idle.put(search)

    def _borrow(self) -> PictureSearch:
        """Takes a search, and makes one where all are in use and threads lack one."""
        with self._lock:
            is_one_missing = self._idle.empty() and self._missing > 0
            self._missing -= is_one_missing
        if is_one_missing:
            try:
                search = self._make_search()
            except RecogniserError:  # too little memory for one more: those that work go on
                return self._idle.get()
            with self._lock:
                self._made.append(search)
            return search
        return self._idle.get()
