"""Keeps hold of an input file as it was when it was opened, whatever becomes of its name."""

import contextlib
import hashlib
import os
from io import BufferedReader
from pathlib import Path

END_BYTES = 1 << 20  # read at either end of a file, to know the file again


class Original:
    """The file that `path` leads to at the time of opening. It stays open until `close`.

    `bytes` is its size, `changed_ns` its time of change. Raises `OSError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BufferedReader | None = path.open("rb")
        self._facts = os.fstat(self._file.fileno())
        self.bytes, self.changed_ns = self._facts.st_size, self._facts.st_mtime_ns
        self._sha256: str | None = None

    def find_change(self) -> str | None:
        """Tells what has happened to the file since, in words that follow "was". None: nothing."""
        try:
            now = self._path.stat()
        except OSError:
            return "removed"
        same = (now.st_size, now.st_mtime_ns) == (self.bytes, self.changed_ns)
        # Some network folders give a file another number at each call.
        if not os.path.samestat(now, self._facts) and not same:
            return "replaced by another file"
        return None if same else "changed"

    def compute_sha256(self) -> str | None:
        """Computes the SHA-256 of the opened file once. None where the file cannot be read."""
        if self._sha256 is None and self._file is not None:
            with contextlib.suppress(OSError):
                self._file.seek(0)
                self._sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
        return self._sha256

    def compute_ends_sha256(self) -> str:
        """Computes the SHA-256 of `END_BYTES` at either end. Raises `OSError`."""
        assert self._file is not None
        digest = hashlib.sha256()
        self._file.seek(0)
        digest.update(self._file.read(END_BYTES))
        self._file.seek(max(0, self.bytes - END_BYTES))
        digest.update(self._file.read(END_BYTES))
        return digest.hexdigest()

    def close(self) -> None:
        """Closes the file. Hashes that were not computed are then unknown."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
