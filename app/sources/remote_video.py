"""Names videos by their address: the words after `--video` that hold `://`."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.sources.camera_address import CameraAddress, parse_address

MAX_NAME_BYTES = 160  # of a file's name, which gets endings such as "_annotated.mp4"


@dataclass(frozen=True, slots=True)
class WebVideo:
    """A video at an address: a file on a server, or a stream. `str()` of the value is the address
    without its password."""

    address: CameraAddress

    @property
    def name(self) -> str:
        """The last part of the address, as a file of this machine may be called."""
        parts = urlsplit(str(self.address.target))
        last = unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or "stream"
        plain = re.sub(r"[^\w. ()-]+", "_", last).strip(". ").encode()[-MAX_NAME_BYTES:]
        return plain.decode("utf-8", "ignore") or "stream"

    def __str__(self) -> str:
        return self.address.shown


def parse_video(text: str) -> Path | WebVideo:
    """Reads one word after `--video`: a path or an address. Raises `SourceError` for a text with
    `://` that is no complete address.

    >>> parse_video("https://me:secret@host/talks/one.mp4").name
    'one.mp4'
    """
    return WebVideo(parse_address(text)) if "://" in text else Path(text)
