"""Defines what every source of frames can do, and the facts that a source knows of its input."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from app.types import Frame, Json, Mode, Silence


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without pictures in a live source.

    `after_s` is the `Frame.time_s` of the last frame before the gap; `seconds` is its length.
    """

    after_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that a source reads, as NAME.run.json lists it.

    `name` is the file's name in `Frame.source`. `sha256` (hexadecimal) and `size_bytes` describe
    the bytes that were read; each is None where nothing is known. `change` says what happened to
    the file since it was opened, as a word that follows "was"; None if it is the same.
    `why_no_hash` is set for an input that can have no hash.
    """

    name: str
    sha256: str | None
    size_bytes: int | None
    change: str | None = None
    why_no_hash: str | None = None


class Source(Protocol):
    """Delivers frames in order, once. A context manager.

    Attributes:
        name: The name that a user knows the source by.
        mode: The kind of the frames. A live source has no end of its own, and it gives `Silence`
            several times a second while it has no frame.
        frame_count: The number of frames to come, which may be an estimate; None if unknown.
        warning: One line on what was cut short or skipped so far; None if nothing was.
        remarks: Lines that a user of the results must know, none of which is a fault.
        gaps: The times without pictures so far, the present one included.
    """

    @property
    def name(self) -> str: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def frame_count(self) -> int | None: ...
    @property
    def warning(self) -> str | None: ...
    @property
    def remarks(self) -> Sequence[str]: ...
    @property
    def gaps(self) -> Sequence[Gap]: ...

    def list_files(self) -> Sequence[InputFile]:
        """Lists the files of the input with their hashes, which may take long."""

    def describe_stream(self) -> Json:
        """Tells how the pictures are stored and what was made of them, as far as was read."""

    def describe_time_changes(self) -> Json:
        """Tells which times of frames are not those of the file; empty if all are."""

    def explain_no_frames(self) -> str:
        """Says in one line why the source gave no frame although it was read to its end."""

    def __iter__(self) -> Iterator[Frame | Silence]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class SourceDefaults:
    """The parts of `Source` for a source without files, remarks or gaps, which keeps nothing open.
    Sources derive from it and override the parts that differ.
    """

    name: str
    frame_count: int | None

    @property
    def remarks(self) -> Sequence[str]:
        return ()

    @property
    def gaps(self) -> Sequence[Gap]:
        return ()

    def list_files(self) -> Sequence[InputFile]:
        return ()

    def describe_stream(self) -> Json:
        return {"frame_count": self.frame_count}

    def describe_time_changes(self) -> Json:
        return {}

    def explain_no_frames(self) -> str:
        return f"{self.name} has no picture that can be shown."

    def close(self) -> None:
        """Does nothing, because nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
