"""How records came about: NAME.run.json beside them, and the same facts on the report."""

import datetime
import hashlib
import json
import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from app.contract import Contract
from app.files.atomic import reserve, write_text
from app.files.original import Original
from app.sources.camera_address import masked
from app.stage_state import State
from app.types import FrameResult, Image
from app.wording import joined, readable

NOTES_SCHEMA = 1
NO_HASH = "a stream is no file that could be hashed"
PACKAGES = ("numpy", "opencv-python", "mediapipe", "onnxruntime", "onnxruntime-gpu", "av", "scipy")
# What a video says of itself, by the names that `VideoSource` gives it.
STREAM = ("rate", "time_base", "duration_s", "frame_count", "has_audio")


def notes_path(records: Path) -> Path:
    """talk.jsonl -> talk.run.json, beside it."""
    return records.with_name(f"{records.stem}.run.json")


def sha256(path: Path) -> str | None:
    """None where the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def read_notes(records: Path) -> dict[str, Any]:
    """What `notes_path(records)` holds; nothing where it is missing, damaged or absurd."""
    try:
        found = json.loads(notes_path(records).read_text(encoding="utf-8"), parse_int=_small)
        json.dumps(found, ensure_ascii=False).encode()  # fails where a text holds half a character
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _small(digits: str) -> int:
    if len(digits) > 40:
        raise ValueError("no figure of a run has so many digits")
    return int(digits)


class RunNotes:
    """An output that counts a run and describes it, into the file `path` if there is one.

    `source` is the run's, with `files` or `path` where it has them; `settings` are what was asked
    for; `interrupted` and `dropped` (output -> frames that it lacks) are asked at the end, and
    so is `encoder`, for the facts of the one that wrote the annotated video. `more_warnings` are
    those of other outputs. `model_sha256` None: that of the file as it is now.
    """

    dropped = 0
    warning = None

    def __init__(
        self,
        path: Path | None,
        *,
        source: Any,
        model: Path,
        contract: Contract,
        provider: str,
        settings: Mapping[str, Any],
        interrupted: Callable[[], bool],
        overwrite: bool,
        dropped: Callable[[], Mapping[str, int]] = dict,
        command: Sequence[str] | None = None,
        encoder: Callable[[], Mapping[str, Any] | None] = lambda: None,
        more_warnings: Callable[[], Iterable[str | None]] = tuple,
        model_sha256: str | None = None,
    ) -> None:
        if path is not None:
            reserve(path, overwrite=overwrite)
        self.path = path
        self._source = source
        self._model = model
        self._model_sha256 = model_sha256 or sha256(model)
        self._contract = contract
        self._provider = provider
        self._settings = settings
        self._interrupted = interrupted
        self._overwrite = overwrite
        self._dropped = dropped
        self._encoder = encoder
        self._more_warnings = more_warnings
        self._command = [
            readable(masked(word)) for word in (sys.argv if command is None else command)
        ]
        self._begun = _now()
        self._counts: Counter[str] = Counter(frames=0, frames_without_face=0, faces=0)
        self._people: set[tuple[str, int]] = set()
        self._stage_ms: dict[str, float] = {}
        self._doubts: Counter[str] = Counter()
        self._input: dict[str, Any] | None = None
        self._open = True

    def write(self, result: FrameResult, canvas: Image) -> None:
        """`canvas` is not looked at."""
        self._counts["frames"] += 1
        self._counts["frames_without_face"] += not result.faces
        self._counts["faces"] += len(result.faces)
        if result.doubt is not None and result.blurred is not None:
            self._doubts[result.doubt] += 1
        for face in result.faces:
            self._people.add((result.frame.source, face.face_id))
        for stage, milliseconds in result.stage_ms.items():
            self._stage_ms[stage] = self._stage_ms.get(stage, 0.0) + milliseconds

    def state(self) -> State:
        """The counts so far, in values that JSON has, for `restore`."""
        return {
            "begun": self._begun.isoformat(),
            "counts": dict(self._counts),
            "people": sorted(self._people),
            "stage_ms": dict(self._stage_ms),
        }

    def restore(self, state: State) -> None:
        """Goes on with the notes of a run that was taken up again."""
        self._begun = datetime.datetime.fromisoformat(state["begun"])
        self._counts = Counter({str(name): int(n) for name, n in state["counts"].items()})
        self._people = {(str(source), int(face_id)) for source, face_id in state["people"]}
        self._stage_ms = {str(name): float(ms) for name, ms in state["stage_ms"].items()}

    @property
    def counts(self) -> Mapping[str, int]:
        """`frames`, `frames_without_face`, `faces`."""
        return self._counts

    @property
    def blurred_whole(self) -> int:
        """Frames whose faces could not be accounted for."""
        return self._doubts.total()

    def close(self) -> None:
        if self._open and self.path is not None:
            text = json.dumps(self.facts(), indent=1, ensure_ascii=False)
            write_text(self.path, text + "\n", overwrite=self._overwrite)
        self._open = False

    def abort(self) -> None:
        self._open = False

    def facts(self) -> dict[str, Any]:
        """The run up to now, in values that JSON has."""
        if self._input is None:
            self._input = describe_input(self._source)
        contract = asdict(self._contract)
        contract.pop("probe_logits")
        ended = _now()
        seconds = (ended - self._begun).total_seconds()
        frames = self._counts["frames"]
        return {
            "schema": NOTES_SCHEMA,
            "command": self._command,
            "begun": self._begun.isoformat(timespec="seconds"),
            "ended": ended.isoformat(timespec="seconds"),
            "interrupted": self._interrupted(),
            "cut_short": joined(self._source.warning, *self._more_warnings()),
            "versions": versions(),
            "platform": platform.platform(),
            "provider": self._provider,
            "model": {
                "file": self._model.name,
                "sha256": self._model_sha256,
                "contract": contract,
            },
            "encoder": self._encoder(),
            "settings": {name: plain(value) for name, value in self._settings.items()},
            "input": self._input | _read_from(self._source, self._input),
            "counts": {**self._counts, "people": len(self._people)},
            "blurred_whole": dict(self._doubts),
            "gaps": [
                {"after_s": round(gap.after_s, 6), "seconds": round(gap.seconds, 6)}
                for gap in getattr(self._source, "gaps", ())
            ],
            "dropped": dict(self._dropped()),
            "timings": {
                "seconds": round(seconds, 3),
                "frames_per_s": round(frames / seconds, 3) if seconds else None,
                "stage_ms": {
                    stage: round(total / max(1, frames), 4)
                    for stage, total in self._stage_ms.items()
                },
            },
        }


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("expression-recogniser", *PACKAGES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def describe_input(source: Any) -> dict[str, Any]:
    """Name, files with hash and size, and what a video says of itself."""
    stream = {name: plain(getattr(source, name)) for name in STREAM if hasattr(source, name)}
    return {
        "name": source.name,
        "live": source.live,
        "files": _files_of(source),
        "stream": stream,
    }


def _files_of(source: Any) -> list[dict[str, Any]]:
    """Of a video what was opened counts, of pictures what was read, whatever has their names now.
    Pictures that were not read have no hash."""
    original: Original | None = getattr(source, "original", None)
    if original is not None:
        facts = {"name": source.name, "sha256": original.sha256(), "bytes": original.bytes}
        change = original.change()
        return [facts | ({"changed": f"was {change} meanwhile"} if change else {})]
    if getattr(source, "streamed", False):
        return [{"name": source.name, "sha256": None, "bytes": None, "why": NO_HASH}]
    files: Mapping[str, Path] = getattr(source, "files", {})
    digests: Mapping[str, str] = getattr(source, "digests", {})
    return [
        {"name": name, "sha256": digests.get(name), "bytes": _size(file)}
        for name, file in files.items()
    ]


def _read_from(source: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """Known only when a video was read: how its pictures are stored, and which times are mended."""
    found: dict[str, Any] = {"stream": getattr(source, "picture_facts", {}) | known["stream"]}
    changes: dict[str, Any] = getattr(source, "time_changes", {})
    return found | ({"times": changes} if any(changes.values()) else {})


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def plain(value: Any) -> Any:
    """As JSON has it; what it has not, such as fractions and paths, as text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return readable(str(value))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
