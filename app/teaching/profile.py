"""Writes and reads NAME.profile: what one person's lesson has taught.

The file is JSON. It holds the correction, a rough sketch of the resting face, the place where the
face sat, and what the lesson showed; no picture, no embedding. It is bound to one model's file by
that file's SHA-256, and ends with a digest of the rest, so that a file that was cut short or
changed by hand is not used. The digest is no signature.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.contract import Contract
from app.errors import ProfileError
from app.files.atomic import write_text
from app.files.no_file import describe_no_file
from app.teaching.head import PersonalHead
from app.teaching.learning import TaughtExpression, Verdict
from app.teaching.profile_name import MAX_NAME_LETTERS, PROFILE_SUFFIX
from app.teaching.resting_sketch import SKETCH_DECIMALS, SKETCH_SIZE
from app.types import Json

PROFILE_FORMAT = 1
MAX_PROFILE_BYTES = 1 << 20  # real ones hold some 10 kB
MAX_NATS = 1e3  # of any number of a correction; real ones are below 1
MAX_LABELS = 1000
MAX_DIM = 1 << 16
AGAIN = "Teach it again."


@dataclass(frozen=True, slots=True, eq=False)
class FaceProfile:
    """The correction of one person's readings, for one model.

    Attributes:
        name: The name that the user gave.
        model_sha256: The SHA-256 of the model's file.
        labels: The labels of the model.
        head: The correction.
        sketch: The sketch of the resting face, float64 `(SKETCH_SIZE,)`; None where the model has
            no class for it.
        place: Where the face sat: centre x and y, and the side of its box, in widths of the
            picture.
        expressions: What the lesson showed.
        sha256: The SHA-256 of the profile's text.
        file: The file that it was read from, for errors; empty where it is new.
    """

    name: str
    model_sha256: str
    labels: tuple[str, ...]
    head: PersonalHead
    sketch: NDArray[np.float64] | None
    place: tuple[float, float, float]
    expressions: tuple[TaughtExpression, ...]
    sha256: str = ""
    file: str = ""

    @property
    def learned(self) -> tuple[str, ...]:
        """The labels that were learned."""
        return tuple(one.label for one in self.expressions if one.verdict is Verdict.LEARNED)

    def describe(self) -> Json:
        """Describes the profile for the notes of a run."""
        return {"name": self.name, "sha256": self.sha256, "learned": list(self.learned)}


def find_profile(text: str) -> Path:
    """Finds the file that a user means by a path or by a name: `ann` is the file ann.profile."""
    path = Path(text)
    if path.name.endswith(PROFILE_SUFFIX) or not path.name:
        return path
    try:
        if path.is_file():
            return path
    except OSError:  # a name that is too long, or lies in a closed folder: reading it says so
        pass
    return path.with_name(path.name + PROFILE_SUFFIX)


def format_profile(profile: FaceProfile) -> str:
    """Formats the text of a profile's file."""
    head = profile.head
    facts: Json = {
        "format": PROFILE_FORMAT,
        "name": profile.name,
        "model_sha256": profile.model_sha256,
        "labels": list(profile.labels),
        "dim": int(head.weights.shape[0]),
        "weights": _encode(head.weights),
        "offsets": _encode(head.offsets),
        "resting_sketch": None
        if profile.sketch is None
        else [round(float(value), SKETCH_DECIMALS) for value in profile.sketch],
        "place": [round(value, 2) for value in profile.place],
        "expressions": [
            {
                "label": one.label,
                "verdict": one.verdict.value,
                "seconds": one.seconds,
                "right_before": one.before,
                "right_after": one.after,
                "reads_as": one.other,
            }
            for one in profile.expressions
        ],
    }
    return json.dumps({**facts, "digest": _digest(facts)}, indent=1, ensure_ascii=False) + "\n"


def save_profile(profile: FaceProfile, path: Path, *, overwrite: bool) -> FaceProfile:
    """Writes a profile, whole or not at all.

    Returns:
        The profile as it is read back, with the hash of its text.

    Raises:
        SinkError: The file exists already, or cannot be written.
    """
    write_text(path, format_profile(profile), overwrite=overwrite)
    return read_back_profile(profile)


def read_back_profile(profile: FaceProfile) -> FaceProfile:
    """Returns a profile as it is read from its file, with the hash of its text."""
    return parse_profile(format_profile(profile).encode(), profile.name)


def load_profile(path: Path) -> FaceProfile:
    """Reads a profile. Raises `ProfileError` for a file that is missing, damaged or changed."""
    try:
        if path.exists() and not path.is_file():  # a named pipe would never end
            raise ProfileError(
                f"The profile {path} {describe_no_file(path)}. Name a {PROFILE_SUFFIX} file."
            )
        with path.open("rb") as file:
            content = file.read(MAX_PROFILE_BYTES + 1)
    except FileNotFoundError as cause:
        raise ProfileError(
            f"The profile {path} is missing. The key t in the window, or --teach NAME, makes one."
        ) from cause
    except (OSError, ValueError) as cause:  # ValueError: a zero byte in the name
        reason = getattr(cause, "strerror", None) or str(cause)
        raise ProfileError(
            f"The profile {path} cannot be read: {reason}. Name another {PROFILE_SUFFIX} file."
        ) from cause
    return parse_profile(content, str(path))


def parse_profile(content: bytes, name: str) -> FaceProfile:
    """Makes a profile of the text of its file; `name` names the file in errors.

    Raises:
        ProfileError: The text is not that of a profile, or not that which was saved.
    """
    if len(content) > MAX_PROFILE_BYTES:
        raise ProfileError(f"{name} is too large to be a profile. Name a {PROFILE_SUFFIX} file.")
    try:
        facts = json.loads(content)
        found = facts["format"]
        digest = facts.pop("digest")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as cause:
        raise ProfileError(f"{name} is no profile, or was cut short. {AGAIN}") from cause
    if isinstance(found, int) and found > PROFILE_FORMAT:
        raise ProfileError(
            f"{name} has profile format {found}, this program reads up to {PROFILE_FORMAT}. Update "
            "the program, or teach it again with this version."
        )
    try:
        if digest != _digest(facts):
            raise ProfileError(f"{name} was changed since it was saved. {AGAIN}")
        if found != PROFILE_FORMAT:
            raise ValueError(f"there is no profile format {found!r}")
        return _make_profile(facts, hashlib.sha256(content).hexdigest(), name)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as cause:
        raise ProfileError(f"{name} is damaged: {cause}. {AGAIN}") from cause


class LoadedModel(Protocol):
    """A model's file, as far as a profile is bound to it. `embedding_dim` is None where the file
    gives no embeddings."""

    path: Path
    sha256: str
    contract: Contract
    prior_correction: float
    embedding_dim: int | None


def check_profile_fits(profile: FaceProfile, model: LoadedModel) -> None:
    """Checks that a profile was taught with a model's file.

    Raises:
        ProfileError: It was taught with another file.
    """
    if (
        profile.model_sha256 != model.sha256
        or profile.labels != model.contract.labels
        or model.contract.embedding is None
        or profile.head.weights.shape[0] != model.embedding_dim
    ):
        raise ProfileError(
            f"The profile {profile.file or profile.name} was taught with another model than "
            f"{model.path}. Choose that one with --model, or teach it again with this one."
        )


def _encode(values: NDArray[np.float64]) -> str:
    return base64.b64encode(values.astype("<f2").tobytes()).decode("ascii")


def _decode(text: object, shape: tuple[int, ...]) -> NDArray[np.float64]:
    try:
        content = base64.b64decode(str(text), validate=True)
    except binascii.Error as cause:
        raise ValueError("its numbers cannot be read") from cause
    values = np.frombuffer(content, "<f2").reshape(shape).astype(np.float64)
    if not (np.abs(values) <= MAX_NATS).all():  # written so that NaN fails
        raise ValueError("its numbers are out of their range")
    return values


def _digest(facts: Mapping[str, object]) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _make_profile(
    facts: Mapping[str, Any],  # Any: whatever JSON holds
    sha256: str,
    file: str,
) -> FaceProfile:
    labels = tuple(str(label) for label in facts["labels"])
    dim = int(facts["dim"])
    if not (1 < len(labels) <= MAX_LABELS and 0 < dim <= MAX_DIM):
        raise ValueError("its sizes are out of their range")
    weights = _decode(facts["weights"], (dim, len(labels)))
    sketch = facts["resting_sketch"]
    return FaceProfile(
        name=str(facts["name"])[:MAX_NAME_LETTERS],
        model_sha256=str(facts["model_sha256"]),
        labels=labels,
        head=PersonalHead(weights, _decode(facts["offsets"], (len(labels),))),
        sketch=None if sketch is None else _read_numbers(sketch, SKETCH_SIZE),
        place=_read_place(facts["place"]),
        expressions=tuple(_read_expression(one) for one in facts["expressions"]),
        sha256=sha256,
        file=file,
    )


def _read_numbers(values: Sequence[Any], count: int) -> NDArray[np.float64]:  # Any: as above
    found = np.array([float(value) for value in values], np.float64)
    if found.shape != (count,) or not (np.abs(found) <= MAX_NATS).all():
        raise ValueError(f"{count} numbers are wanted, got {len(found)}, or one out of its range")
    return found


def _read_place(values: Sequence[Any]) -> tuple[float, float, float]:  # Any: as above
    x, y, side = _read_numbers(values, 3).tolist()
    return x, y, side


def _read_expression(facts: Mapping[str, Any]) -> TaughtExpression:  # Any: as above
    other = facts["reads_as"]
    return TaughtExpression(
        str(facts["label"]),
        Verdict(facts["verdict"]),
        int(facts["seconds"]),
        int(facts["right_before"]),
        int(facts["right_after"]),
        None if other is None else str(other),
    )
