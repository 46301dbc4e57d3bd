"""Keeps the files of one visitor, and offers them to that visitor."""

import asyncio
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from app.server.downloads import Downloads
from app.server.limits import MAX_RECORDINGS
from app.types import Json


class VisitFolder:
    """The files of one visitor. The folder is made when the first file needs it.

    Args:
        parent: The folder of all visitors.
        downloads: Gives files their addresses.
    """

    def __init__(self, parent: Path, downloads: Downloads) -> None:
        self._parent = parent
        self._downloads = downloads
        self._path: Path | None = None
        self._keys: list[str] = []  # of downloads

    @property
    def path(self) -> Path:
        """The folder; that of all visitors until the visitor's own is made."""
        return self._path or self._parent

    @property
    def is_full(self) -> bool:
        """True if no more files are kept for this visitor."""
        return len(self._keys) >= MAX_RECORDINGS

    def make(self) -> Path:
        """Returns the folder, and makes it if need be. Raises `OSError`."""
        if self._path is None:
            path = self._parent / f"visit_{time.monotonic_ns()}"
            path.mkdir()
            self._path = path
        return self._path

    def offer(self, paths: Sequence[Path]) -> list[Json]:
        """Offers files. Returns for each what the page gets."""
        key, files = self._downloads.add(paths)
        self._keys.append(key)
        return files

    async def remove(self) -> None:
        """Removes all files, and their addresses."""
        for key in self._keys:
            self._downloads.remove(key)
        if self._path is not None:
            await asyncio.to_thread(shutil.rmtree, self._path, ignore_errors=True)
