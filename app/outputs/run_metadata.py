"""Writes NAME.run.json beside the records: the run, its program, its model and its input.

The report shows the same facts.
"""

import datetime
import json
import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

from app.actions.names import ACTIONS_NOTE
from app.contract import Contract
from app.errors import RecogniserError
from app.files.atomic import add_text, make_write_error, reserve
from app.files.hashing import sha256_of_file
from app.files.hidden import DisplacedError, settle_file
from app.sources.base import Gap, InputFile, Source
from app.sources.camera_address import mask_addresses
from app.stage_state import SavedState, State
from app.types import FrameResult, Image, Json, JsonValue
from app.wording import escape_surrogates, join_warnings

NOTES_SCHEMA = 1
MAX_DIGITS = 40  # of a whole number in notes; more are no figure of a run
# The packages whose versions are noted.
PACKAGES = ("numpy", "opencv-contrib-python", "mediapipe", "onnxruntime", "onnxruntime-gpu", "av")


def name_notes(records: Path) -> Path:
    """Names the notes that lie beside records.

    >>> name_notes(Path("talk.jsonl")).name
    'talk.run.json'
    """
    return records.with_name(f"{records.stem}.run.json")


def hash_file(path: Path) -> str | None:
    """Computes the SHA-256 of a file, or returns None where the file cannot be read."""
    try:
        return sha256_of_file(path)
    except OSError:
        return None


def read_notes(records: Path) -> SavedState:
    """Reads the notes beside `records`; empty if they are missing or damaged."""
    if not name_notes(records).is_file():  # a named pipe of this name would never end
        return {}
    try:
        text = name_notes(records).read_text(encoding="utf-8")
        found = json.loads(text, parse_int=_parse_int)
        json.dumps(found, ensure_ascii=False).encode()  # fails if a text holds half a character
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _parse_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


class RunNotes:
    """Counts a run and describes it: an output, and the facts for the report.

    Args:
        path: The file to write when the run is over; None for no file.
        source: The source of the run.
        model: The file of the model.
        contract: The contract that the model declares.
        provider: The name of the device that runs the model, such as "CPU".
        settings: The options of the run by their names.
        interrupted: Tells at the end whether the user ended the run.
        overwrite: Whether a file at `path` may be replaced.
        dropped: Gives at the end, for each output, the number of frames that it lacks.
        command: The words of the command; None for those of this process.
        find_gaps: Gives at the end the times without pictures; None: those of the source.
        encoder: Gives at the end the facts of the encoder of the annotated video, if there is one.
        more_warnings: Gives at the end the warnings of other outputs.
        model_sha256: The hash of the model that runs; None for the hash of the file as it is.
        prior_correction: The prior correction that the run uses; None for the contract's.
        records: The records that the notes describe; None for no file.
        profile: Gives at the end the facts of the profile that corrected one person's readings, if
            there was one.
    """

    dropped = 0
    warning = None

    def __init__(
        self,
        path: Path | None,
        *,
        source: Source,
        model: Path,
        contract: Contract,
        provider: str,
        settings: Mapping[str, object],
        interrupted: Callable[[], bool],
        overwrite: bool,
        dropped: Callable[[], Mapping[str, int]] = dict,
        command: Sequence[str] | None = None,
        find_gaps: Callable[[], Sequence[Gap]] | None = None,
        encoder: Callable[[], Json | None] = lambda: None,
        more_warnings: Callable[[], Iterable[str | None]] = tuple,
        model_sha256: str | None = None,
        prior_correction: float | None = None,
        records: Path | None = None,
        profile: Callable[[], Json | None] = lambda: None,
    ) -> None:
        if path is not None:
            reserve(path, overwrite=overwrite)
        self.path = path
        self._source = source
        self._model = model
        self._model_sha256 = model_sha256 or hash_file(model)
        self._contract = contract
        self._prior_correction = (
            contract.prior_correction if prior_correction is None else prior_correction
        )
        self._provider = provider
        self._settings = settings
        self._interrupted = interrupted
        self._overwrite = overwrite
        self._dropped = dropped
        self._find_gaps = find_gaps or (lambda: source.gaps)
        self._encoder = encoder
        self._profile = profile
        self._more_warnings = more_warnings
        self._command = [
            escape_surrogates(mask_addresses(word))
            for word in (sys.argv if command is None else command)
        ]
        self._begun = _now()
        self._counts: Counter[str] = Counter(frames=0, frames_without_face=0, faces=0)
        self._people: set[tuple[str, int]] = set()
        self._stage_ms: dict[str, float] = {}
        self._doubts: Counter[str] = Counter()
        self._files: list[Json] | None = None
        self._open = True
        self._records = records
        self._written: Path | None = None  # the name that the file got

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Counts a result. `canvas` plays no part."""
        self._counts["frames"] += 1
        self._counts["frames_without_face"] += not result.faces
        self._counts["faces"] += len(result.faces)
        if result.doubt is not None and result.blurred is not None:
            self._doubts[result.doubt] += 1
        for face in result.faces:
            self._people.add((result.frame.source, face.face_id))
            if face.taught:
                self._counts["faces_with_profile"] += 1
        for stage, milliseconds in result.stage_ms.items():
            self._stage_ms[stage] = self._stage_ms.get(stage, 0.0) + milliseconds

    def state(self) -> State:
        """Gives the counts so far for `restore`."""
        return {
            "begun": self._begun.isoformat(),
            "counts": dict(self._counts),
            "people": sorted(self._people),
            "stage_ms": dict(self._stage_ms),
        }

    def restore(self, state: SavedState) -> None:
        """Goes on with the counts of an earlier run over the same input."""
        self._begun = datetime.datetime.fromisoformat(state["begun"])
        self._counts = Counter({str(name): int(n) for name, n in state["counts"].items()})
        self._people = {(str(source), int(face_id)) for source, face_id in state["people"]}
        self._stage_ms = {str(name): float(ms) for name, ms in state["stage_ms"].items()}

    @property
    def counts(self) -> Mapping[str, int]:
        """The counts so far, by the names `frames`, `frames_without_face` and `faces`."""
        return self._counts

    @property
    def blurred_whole(self) -> int:
        """The number of frames that were blurred as a whole, because a face may be missing."""
        return self._doubts.total()

    def close(self) -> None:
        """Writes the description of the run, if there is a path. Raises `SinkError`."""
        if self._open and self.path is not None:
            text = json.dumps(self.describe(), indent=1, ensure_ascii=False)
            self._open = False
            try:
                add_text(self.path, text + "\n", overwrite=self._overwrite)
            except DisplacedError as error:
                self._written = error.other
                raise
            self._written = self.path
        self._open = False

    def follow_records(self, failures: Iterable[RecogniserError]) -> None:
        """Gives the written notes the name that goes with the records, where these got another one
        than they were to have. `failures` are the errors of the outputs that were completed. Raises
        `SinkError`."""
        for error in failures:
            if (
                isinstance(error, DisplacedError)
                and self.path == name_notes(error.path)
                and error.path == self._records
                and self._written is not None
            ):
                target = name_notes(error.other)
                try:
                    settle_file(self._written, target, overwrite=False)
                except OSError as cause:
                    raise make_write_error(target, cause) from cause
                self._written = target

    def abort(self) -> None:
        """Ends the notes without a file."""
        self._open = False

    def describe(self) -> Json:
        """Describes the run up to now, as NAME.run.json has it."""
        if self._files is None:  # hashed once; every description has the same
            self._files = list_input_files(self._source)
        contract = asdict(self._contract)
        for name in ("probe_logits", "embedding"):  # which tell nothing about the run
            contract.pop(name)
        ended = _now()
        seconds = (ended - self._begun).total_seconds()
        frames = self._counts["frames"]
        profile = self._profile()
        return {
            "schema": NOTES_SCHEMA,
            "command": self._command,
            "begun": self._begun.isoformat(timespec="seconds"),
            "ended": ended.isoformat(timespec="seconds"),
            "interrupted": self._interrupted(),
            "cut_short": join_warnings(self._source.warning, *self._more_warnings()),
            "mended": self._source.mended,
            "versions": dict(list_versions()),
            "platform": platform.platform(),
            "provider": self._provider,
            "model": {
                "file": self._model.name,
                "sha256": self._model_sha256,
                "contract": contract,
                "decision_rule": {
                    "prior_correction": self._prior_correction,
                    "temperature": self._contract.find_temperature(self._prior_correction),
                    "mirror_images": not self._source.mode.is_stream,
                },
            },
            **({} if profile is None else {"profile": profile}),
            "encoder": self._encoder(),
            "settings": {name: make_json_value(value) for name, value in self._settings.items()},
            **({"actions_note": ACTIONS_NOTE} if self._settings.get("actions") else {}),
            "input": describe_input(self._source, self._files),
            "counts": {**self._counts, "people": len(self._people)},
            "blurred_whole": dict(self._doubts),
            "gaps": [
                {"after_s": round(gap.after_s, 6), "seconds": round(gap.seconds, 6)}
                for gap in self._find_gaps()
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


@cache
def list_versions() -> Mapping[str, str]:
    """Lists the versions of Python, of this program and of `PACKAGES`, as far as installed."""
    from importlib import metadata  # here, because it takes 20 ms, and the first frame needs none

    found = {"python": platform.python_version()}
    for name in ("expression-recogniser", *PACKAGES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def describe_input(source: Source, files: list[Json]) -> Json:
    """Describes the input as far as it was read: its name, its files, the form of its pictures, and
    the times of frames that are not those of the file, if there are any. `files` is the result of
    `list_input_files`."""
    known: Json = {
        "name": source.name,
        "live": source.mode.is_live,
        "files": files,
        "stream": source.describe_stream(),
    }
    changes = source.describe_time_changes()
    return known | ({"times": changes} if changes else {})


def list_input_files(source: Source) -> list[Json]:
    """Lists the files of the input with hash and size."""
    return [_describe_file(file) for file in source.list_files()]


def _describe_file(file: InputFile) -> Json:
    facts: Json = {"name": file.name, "sha256": file.sha256, "bytes": file.size_bytes}
    if file.change is not None:
        facts["changed"] = f"was {file.change} meanwhile"
    if file.why_no_hash is not None:
        facts["why"] = file.why_no_hash
    return facts


def make_json_value(value: object) -> JsonValue:
    """Turns a value into one that JSON has; values of other kinds, such as paths, become texts.

    >>> make_json_value((1, None, Path("in.mp4")))
    [1, None, 'in.mp4']
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [make_json_value(one) for one in value]
    return escape_surrogates(str(value))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
