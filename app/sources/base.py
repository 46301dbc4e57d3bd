"""The port that every source of frames fills."""

from collections.abc import Iterator
from typing import Protocol, Self

from app.types import Frame, Silence


class Source(Protocol):
    """Frames, in order, once.

    `name` is what a user knows the source by. `live`: it goes on without being asked, and says
    `Silence` while it has no frame.
    `independent`: its frames have nothing to do with each other. `frame_count` may be an estimate.
    `warning` says in one line what was cut short or skipped, as soon as that is known.
    """

    @property
    def name(self) -> str: ...
    @property
    def live(self) -> bool: ...
    @property
    def independent(self) -> bool: ...
    @property
    def frame_count(self) -> int | None: ...
    @property
    def warning(self) -> str | None: ...

    def __iter__(self) -> Iterator[Frame | Silence]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
