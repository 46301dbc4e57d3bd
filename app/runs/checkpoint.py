"""Where a run over a video stands, in a file beside its results, so that another run can go on.

The file holds JSON: what the run was asked for and with what (`Identity`), and how far it came with
all that its stages remember. It is written after the rows that it counts are on the disk, replaced
as a whole, and removed when every result has its final name. A file from somebody else can make
results wrong, but nothing in it is ever run.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import SinkError, SourceError
from app.files.atomic import make_write_error, replace_durably
from app.files.hidden import build_hidden_path
from app.files.original import Original
from app.outputs.run_metadata import hash_file, list_versions, read_notes
from app.stage_state import SavedState

SCHEMA = 1
MAX_BYTES = 64 << 20
# Options that say where results go and how fast; all others say what the results are.
WITHOUT_EFFECT = frozenset(
    "video output records episodes report overwrite resume jobs no_window json no_stills "
    "list_cameras doctor benchmark demo camera image record_dir".split()
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes records what they are. `video`: size, time of change and a hash of both ends;
    `settings` as JSON has them."""

    video: Mapping[str, Any]
    model: str | None
    provider: str
    settings: Mapping[str, Any]
    versions: Mapping[str, str]

    @staticmethod
    def of(
        video: Mapping[str, Any], model_sha256: str, provider: str, settings: Mapping[str, Any]
    ) -> "Identity":
        return Identity(video, model_sha256, provider, what_counts(settings), list_versions())

    def as_json(self) -> dict[str, Any]:
        return {
            "video": dict(self.video),
            "model": self.model,
            "provider": self.provider,
            "settings": dict(self.settings),
            "versions": dict(self.versions),
        }

    def difference(self, other: Mapping[str, Any]) -> str | None:
        """What is not the same in `as_json()` of another run, for people; None where all is."""
        mine = self.as_json()
        for name, what in (
            ("video", "another video, or this one before it was changed"),
            ("model", "another model"),
            ("provider", "another device"),
            ("versions", "other versions of the program or its packages"),
        ):
            if mine[name] != other.get(name):
                return what
        return different_setting(self.settings, other.get("settings"))


def what_counts(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in WITHOUT_EFFECT}


def different_setting(mine: Mapping[str, Any], others: object) -> str | None:
    """An option that was not given, or not so, in the other run."""
    if not isinstance(others, Mapping):
        return "other settings"
    for name, value in what_counts(mine).items():
        if others.get(name) != value:
            return f"another --{name.replace('_', '-')}"
    return None


def video_facts(source: Any) -> dict[str, Any]:
    """What the video of a `VideoSource` is known by; no stream comes twice. Raises
    `SourceError`."""
    original: Original | None = source.original
    if original is None:
        return {"stream": time.time_ns()}
    try:
        ends = original.ends_sha256()
    except OSError as error:
        raise SourceError(f"{source.name} cannot be read: {error.strerror}.") from error
    return {
        "bytes": original.bytes,
        "changed_ns": original.changed_ns,
        "ends_sha256": ends,
    }


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`next_frame`: the first that is not in the results; `complete`: there is no such frame.
    `records`, `notes`, `stages`: the states of those. `size_wh` of the last picture."""

    next_frame: int
    complete: bool
    size_wh: tuple[int, int]
    records: SavedState | None
    notes: SavedState | None
    stages: SavedState | None


class ResumeFile:
    """The checkpoint of one video. `first` is the first of its results, which names it."""

    def __init__(self, first: Path) -> None:
        self._first = first
        self.path = build_hidden_path(first, ".resume")
        self._partial = build_hidden_path(first, ".resume.new")

    def exists(self) -> bool:
        return os.path.exists(self.path)

    def save(self, identity: Identity, at: Checkpoint) -> None:
        """Raises `SinkError`."""
        content = {
            "schema": SCHEMA,
            "identity": identity.as_json(),
            "next_frame": at.next_frame,
            "complete": at.complete,
            "size_wh": list(at.size_wh),
            "records": at.records,
            "notes": at.notes,
            "stages": at.stages,
        }
        try:
            replace_durably(self.path, json.dumps(content).encode(), partial=self._partial)
        except OSError as error:
            raise make_write_error(self._first, error) from error

    def load(self, identity: Identity) -> Checkpoint:
        """Raises `SinkError` where it is of another run than this one, or damaged."""
        try:
            with self.path.open("rb") as file:
                content = json.loads(file.read(MAX_BYTES))
            if content["schema"] != SCHEMA:
                raise ValueError("of another version")
            difference = identity.difference(content["identity"])
            width, height = content["size_wh"]
            found = Checkpoint(
                int(content["next_frame"]),
                bool(content["complete"]),
                (int(width), int(height)),
                content["records"],
                content["notes"],
                content["stages"],
            )
        except OSError as error:
            raise SinkError(f"{self.path} cannot be read: {error.strerror}.") from error
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise self.unusable("it is damaged") from error
        if difference is not None:
            raise self.unusable(f"it was begun with {difference}")
        return found

    def unusable(self, why: str) -> SinkError:
        return SinkError(
            f"The run in {self.path} cannot go on: {why}. Say the command as it was, or add "
            "--overwrite instead of --resume to begin anew."
        )

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


def is_finished(outputs: Iterable[Path], resume: ResumeFile) -> bool:
    """Whether all results of a video are there: a result has its final name when it is whole."""
    return not resume.exists() and all(map(os.path.exists, outputs))


def check_finished(
    records: Path | None, video: Path | None, model: Path, settings: Mapping[str, Any]
) -> None:
    """Raises `SinkError` where the notes beside finished records say that another run made them.
    `video` None: it is not on this machine."""
    if records is None or not (notes := read_notes(records)):
        return
    try:
        then = notes["input"]["files"][0]["bytes"], notes["model"]["sha256"]
        now = then[0] if video is None else video.stat().st_size, hash_file(model)
    except (KeyError, IndexError, TypeError, OSError):
        return
    why = None
    if then != now:
        why = "another model" if then[0] == now[0] else "another video"
    why = why or different_setting(settings, notes.get("settings"))
    if why is not None:
        raise SinkError(
            f"{records} was made with {why}. Choose another name, or add --overwrite instead of "
            "--resume."
        )
