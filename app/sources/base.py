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
    """Delivers frames in order, once. A context manager."""

    @property
    def name(self) -> str:
        """The name that a user knows the source by."""

    @property
    def mode(self) -> Mode:
        """The kind of the frames. A live source has no end of its own, and gives `Silence` several
        times a second while there is no frame."""

    @property
    def frame_count(self) -> int | None:
        """The number of frames to come, which may be an estimate; None if unknown."""

    @property
    def warning(self) -> str | None:
        """One line on what was cut short or skipped so far; None if nothing was."""

    @property
    def mended(self) -> str | None:
        """One line on times of frames that were mended so far, none of which are lost; None if
        nothing was mended."""

    @property
    def remarks(self) -> Sequence[str]:
        """Lines that a user of the results must know, none of which is a fault."""

    @property
    def gaps(self) -> Sequence[Gap]:
        """The times without pictures so far, the present one included."""

    def list_files(self) -> Sequence[InputFile]:
        """Lists the files of the input with their hashes, which may take long."""

    def describe_stream(self) -> Json:
        """Tells how the pictures are stored and what was made of them, as far as was read."""

    def describe_time_changes(self) -> Json:
        """Tells which times of frames are not those of the file; empty if all are."""

    def explain_no_frames(self) -> str:
        """Says in one line why the source gave no frame although it was read to its end."""

    def __iter__(self) -> Iterator[Frame | Silence]: ...

    def close(self) -> None:
        """Closes the input."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class SourceDefaults:
    """The parts of `Source` for a source without files, remarks or gaps, which keeps nothing open.
    Sources derive from it and override the parts that differ.
    """

    name: str
    frame_count: int | None

    @property
    def mended(self) -> str | None:
        """No line."""
        return None

    @property
    def remarks(self) -> Sequence[str]:
        """No lines."""
        return ()

    @property
    def gaps(self) -> Sequence[Gap]:
        """No gaps."""
        return ()

    def list_files(self) -> Sequence[InputFile]:
        """Returns no files."""
        return ()

    def describe_stream(self) -> Json:
        """Tells only the number of frames."""
        return {"frame_count": self.frame_count}

    def describe_time_changes(self) -> Json:
        """Returns an empty object: all times are those of the file."""
        return {}

    def explain_no_frames(self) -> str:
        """Says that no picture of the source can be shown."""
        return f"{self.name} has no picture that can be shown."

    def close(self) -> None:
        """Does nothing, because nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
