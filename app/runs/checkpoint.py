"""Keeps in a file beside a video's results how far a run came, so that another run can go on.

The file holds JSON: the `RunFingerprint` of the run, and a `Checkpoint` with all that the stages
remember. The file is written after the rows that it counts are on the disk, replaced as a whole,
and removed when every result has its final name. A file from somebody else can make results wrong,
but nothing in the file is ever run.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.errors import SinkError, SourceError
from app.files.atomic import make_write_error, replace_durably
from app.files.hidden import build_hidden_path
from app.outputs.run_metadata import hash_file, list_versions, read_notes
from app.sources.video import VideoSource
from app.stage_state import SavedState
from app.types import JsonValue

SCHEMA = 1  # of the file; other ones are not read
MAX_BYTES = 64 << 20  # of a file that is read; real ones hold some kilobytes a face
# Options that decide where results go and how fast; all others decide what the results are.
WITHOUT_EFFECT = frozenset(
    "video output records episodes report overwrite resume jobs shard no_window json no_stills "
    "list_cameras doctor benchmark demo camera image record_dir events realtime osc osc_prefix "
    "osc_immediately lsl virtual_camera teach".split()
)


@dataclass(frozen=True, slots=True)
class RunFingerprint:
    """The facts that make records what they are: equal facts give equal records.

    `video` holds the facts of `describe_video`, `model` the SHA-256 of the model's file, `settings`
    the options that decide what the results are. The versions of the program and of its packages
    are facts, too.
    """

    video: Mapping[str, object]
    model: str | None
    provider: str
    settings: Mapping[str, object]

    @staticmethod
    def of(
        video: Mapping[str, object],
        model_sha256: str,
        provider: str,
        settings: Mapping[str, object],
    ) -> "RunFingerprint":
        """Describes a run by all of its settings; those without effect on the rows are left out."""
        return RunFingerprint(video, model_sha256, provider, keep_effective(settings))

    def as_json(self) -> dict[str, object]:
        """Returns the facts in values that JSON has."""
        return {
            "video": dict(self.video),
            "model": self.model,
            "provider": self.provider,
            "settings": dict(self.settings),
            "versions": dict(list_versions()),
        }

    def describe_difference(self, other: Mapping[str, object]) -> str | None:
        """Names for people the first fact in which `as_json()` of another run differs, such as
        "another model"; None if nothing differs."""
        mine = self.as_json()
        for name, what in (
            ("video", "another video, or this one before it was changed"),
            ("model", "another model"),
            ("provider", "another device"),
            ("versions", "other versions of the program or its packages"),
        ):
            if mine[name] != other.get(name):
                return what
        return name_different_setting(self.settings, other.get("settings"))


def keep_effective(settings: Mapping[str, object]) -> dict[str, object]:
    """Keeps the settings that decide what the results are.

    >>> keep_effective({"every": 2, "jobs": 4})
    {'every': 2}
    """
    return {name: value for name, value in settings.items() if name not in WITHOUT_EFFECT}


def name_different_setting(mine: Mapping[str, object], others: object) -> str | None:
    """Names for people an option that the other run had not, or had with another value; None if
    there is none.

    >>> name_different_setting({"max_faces": 1, "jobs": 4}, {"max_faces": None})
    'another --max-faces'
    """
    if not isinstance(others, Mapping):
        return "other settings"
    for name, value in keep_effective(mine).items():
        if others.get(name) != value:
            return f"another --{name.replace('_', '-')}"
    return None


def describe_video(source: VideoSource) -> dict[str, object]:
    """Returns the facts by which a video is known again: its size, its time of change and a hash of
    both ends. No stream comes twice. Raises `SourceError`."""
    original = source.original
    if original is None:
        return {"stream": time.time_ns()}
    try:
        ends = original.compute_ends_sha256()
    except OSError as error:
        raise SourceError(f"{source.name} cannot be read: {error.strerror}.") from error
    return {
        "bytes": original.bytes,
        "changed_ns": original.changed_ns,
        "ends_sha256": ends,
    }


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a run over a video.

    `next_frame` is the index of the first frame that is not in the results; `complete` says that
    there is no such frame. `size_wh` is the size in px of the last picture. `records`, `notes` and
    `stages` are the states of those.
    """

    next_frame: int
    complete: bool
    size_wh: tuple[int, int]
    records: SavedState | None
    notes: SavedState | None
    stages: SavedState | None


class ResumeFile:
    """Saves and loads the checkpoint of one video, in a hidden file beside `first`, the first of
    the video's results."""

    def __init__(self, first: Path) -> None:
        self._first = first
        self.path = build_hidden_path(first, ".resume")
        self._partial = build_hidden_path(first, ".resume.new")

    def exists(self) -> bool:
        """Tells whether there is a checkpoint."""
        return os.path.exists(self.path)

    def save(self, fingerprint: RunFingerprint, at: Checkpoint) -> None:
        """Replaces the file by a new one, as a whole. Raises `SinkError`."""
        content = {
            "schema": SCHEMA,
            "identity": fingerprint.as_json(),
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

    def load(self, fingerprint: RunFingerprint) -> Checkpoint:
        """Loads the checkpoint. Raises `SinkError` where the file is damaged, or belongs to a run
        that is not as `fingerprint` says."""
        try:
            with self.path.open("rb") as file:
                content = json.loads(file.read(MAX_BYTES))
            if content["schema"] != SCHEMA:
                raise ValueError(f"the schema must be {SCHEMA}, got {content['schema']}")
            difference = fingerprint.describe_difference(content["identity"])
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
            raise self.make_refusal("it is damaged") from error
        if difference is not None:
            raise self.make_refusal(f"it was begun with {difference}")
        return found

    def read_video_facts(self) -> Mapping[str, JsonValue]:
        """Reads the facts of `describe_video` of the video that was read; empty where the file is
        damaged. Raises `OSError`."""
        try:
            with self.path.open("rb") as file:
                found = json.loads(file.read(MAX_BYTES))["identity"]["video"]
        except (KeyError, TypeError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def make_refusal(self, why: str) -> SinkError:
        """Makes the error for a checkpoint from which no run can go on."""
        return SinkError(
            f"The run in {self.path} cannot go on: {why}. Say the command as it was, or add "
            "--overwrite instead of --resume to begin anew."
        )

    def remove(self) -> None:
        """Removes the file if there is one."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


def is_finished(outputs: Iterable[Path], resume: ResumeFile) -> bool:
    """Tells whether all results of a video are there: a result has its final name when it is
    whole."""
    return not resume.exists() and all(map(os.path.exists, outputs))


def check_finished(
    records: Path | None, video: Path | None, model: Path, settings: Mapping[str, object]
) -> None:
    """Raises `SinkError` where the notes beside finished records say that another run made them.

    `video` is the file that was read, None if that is not on this machine. `model` is the model's
    file. Records without notes pass.
    """
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
    why = why or name_different_setting(settings, notes.get("settings"))
    if why is not None:
        raise SinkError(
            f"{records} was made with {why}. Choose another name, or add --overwrite instead of "
            "--resume."
        )
