"""Keeps the files that visitors may fetch, under addresses that nobody can guess."""

import secrets
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from app.types import Json

PREFIX = "/recordings/"


class Downloads:
    """Maps addresses to files. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[tuple[str, str], Path] = {}

    def add(self, paths: Sequence[Path]) -> tuple[str, list[Json]]:
        """Offers files. Returns the key of the offer, and for each file what the page gets."""
        key = secrets.token_urlsafe(18)
        with self._lock:
            self._files |= {(key, path.name): path for path in paths}
        return key, [
            {
                "name": path.name,
                "url": f"{PREFIX}{key}/{quote(path.name)}",
                "bytes": path.stat().st_size,
            }
            for path in paths
        ]

    def find(self, path: str) -> Path | None:
        """Finds the file of an address' path; None for none."""
        key, _, name = path.removeprefix(PREFIX).partition("/")
        with self._lock:
            return self._files.get((key, unquote(name)))

    def remove(self, key: str) -> None:
        """Offers the files of a key no more."""
        with self._lock:
            self._files = {at: path for at, path in self._files.items() if at[0] != key}
