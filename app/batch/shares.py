"""Divides the videos of a run among machines that know nothing of each other.

The share of a video depends on the name of the video alone, and on the number of shares. Shares
that begin hours apart therefore fit together, also when the folder has got new videos meanwhile: no
video is read twice, and none is left out. Every n-th video of the list would make shares of more
equal size, but one new video would move most of the others to another share.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from app.sources.remote_video import WebVideo


@dataclass(frozen=True, slots=True)
class Share:
    """One of `count` shares of the videos; `number` counts from 1.

    >>> str(Share(2, 8))
    '2/8'
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ValueError(f"the share must be from 1/{self.count} on, got {self}")

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def holds(self, video: Path | WebVideo) -> bool:
        """Tells whether a video belongs to this share, by its name as it was found: all shares are
        asked for with the same words."""
        return choose_share(video, self.count) == self.number


def choose_share(video: Path | WebVideo, count: int) -> int:
    """Gives the number, from 1 to `count`, of the share that a video belongs to.

    >>> [choose_share(Path(f"talks/{name}.mp4"), 3) for name in ("ada", "bob", "cat")]
    [1, 3, 3]
    """
    name = video.as_posix() if isinstance(video, Path) else str(video)
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % count + 1
