"""What a model file promises: labels, input, calibration and provenance, in its own metadata.

Written by `training.export`, read by `app.recognition.classifier`; one `.onnx` file is the whole
model. Nothing here needs OpenCV, MediaPipe, PyAV or ONNX Runtime.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.alignment import AlignmentTemplate, ColourMode
from app.errors import ModelError

METADATA_KEY = "expression_contract"
CONTRACT_FORMAT = 1
INPUT, LOGITS, CAM = "input", "logits", "cam"
ATTENTION = "attention"  # an output that a file may have: DACL's weights (N, d)
MAX_SIZE_PX = 1024
# What a contract may ask for; float32 holds it, and what comes of it, with room to spare.
MAX_MEAN = 1e3
MIN_STD, MAX_STD = 1e-6, 1e6
MIN_TEMPERATURE, MAX_TEMPERATURE = 1e-3, 1e3
MAX_LABEL_LETTERS = 64
# How many nats the log odds of the largest probability fall where the entropy rises by one, near
# where doubt begins: a line through readings of 28 % of FER+'s validation faces.
ODDS_FOR_ENTROPY = 1.6


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a model learned from. `key` identifies the prepared file; `class_shares (K,)` are the
    priors of the training targets, in the order of the labels."""

    dataset: str
    key: str
    class_shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if not all(_finite(share) and share >= 0 for share in self.class_shares):
            raise ValueError("class_shares must be numbers of at least 0")


@dataclass(frozen=True, slots=True)
class Contract:
    """The promises of one model file, checked on construction (`ValueError`).

    `mean`, `std`: one value per input channel, for pixels in 0..1. `temperature` divides the
    logits before the softmax (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).
    `unsure_below` and `unsure_above_nats` are where doubt begins (`are_sure`); None in older files.
    `probe_logits (P, K)` are what the exporting run's own network gave for `make_probe_crops`.
    """

    labels: tuple[str, ...]
    colour: ColourMode
    size_px: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    template: AlignmentTemplate
    temperature: float
    method: str
    recipe: dict[str, Any]
    training_data: TrainingData
    metrics: dict[str, Any]
    licence: str
    probe_logits: tuple[tuple[float, ...], ...] = ()
    unsure_below: float | None = None
    unsure_above_nats: float | None = None
    format: int = field(default=CONTRACT_FORMAT)

    def __post_init__(self) -> None:
        k, c = len(self.labels), self.channels
        if k < 2 or len(set(self.labels)) != k:
            raise ValueError("labels must be at least two different names")
        if not all(isinstance(label, str) and label.strip() for label in self.labels):
            raise ValueError("every label must be a name")
        for label in self.labels:
            check_label(label)
        if isinstance(self.size_px, bool) or not isinstance(self.size_px, int):
            raise ValueError("size_px must be a whole number")
        if not 8 <= self.size_px <= MAX_SIZE_PX:
            raise ValueError(f"size_px must be in 8..{MAX_SIZE_PX}, not {self.size_px}")
        if len(self.mean) != c or len(self.std) != c:
            raise ValueError(f"mean and std need {c} values each for {self.colour} input")
        if not all(_finite(value) and abs(value) <= MAX_MEAN for value in self.mean):
            raise ValueError(f"mean must be numbers in -{MAX_MEAN:g}..{MAX_MEAN:g}")
        if not all(_finite(value) and MIN_STD <= value <= MAX_STD for value in self.std):
            raise ValueError(f"std must be positive numbers in {MIN_STD:g}..{MAX_STD:g}")
        if not (
            _finite(self.temperature) and MIN_TEMPERATURE <= self.temperature <= MAX_TEMPERATURE
        ):
            raise ValueError(
                f"temperature must be a positive number in {MIN_TEMPERATURE:g}..{MAX_TEMPERATURE:g}"
            )
        if len(self.training_data.class_shares) not in (0, k):
            raise ValueError(f"class_shares must have {k} values, one per label")
        if any(len(row) != k or not all(map(_finite, row)) for row in self.probe_logits):
            raise ValueError(f"probe_logits must have {k} finite values a row")
        below, above = self.unsure_below, self.unsure_above_nats
        if below is not None and not (_finite(below) and 0 <= below <= 1):
            raise ValueError("unsure_below must be a probability")
        if above is not None and not (_finite(above) and above >= 0):
            raise ValueError("unsure_above_nats must be a number of at least 0")
        if self.format != CONTRACT_FORMAT:
            raise ValueError(f"format must be {CONTRACT_FORMAT}")

    @property
    def channels(self) -> int:
        """1 for grey, 3 for rgb; `ValueError` for anything else."""
        try:
            return {"grey": 1, "rgb": 3}[self.colour]
        except (KeyError, TypeError):
            raise ValueError(f"colour must be grey or rgb, not {self.colour!r}") from None

    def is_sure(self, probabilities: NDArray[np.floating]) -> NDArray[np.bool_]:
        """`(N,)` for `probabilities (N, K)`: whether a label is said; see `are_sure`."""
        return are_sure(probabilities, below=self.unsure_below, above_nats=self.unsure_above_nats)

    def sureness_nats(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """`(N,)` for `probabilities (N, K)`: how far they are from where doubt begins, at least 0
        where `is_sure`. The lesser of two distances: of the largest probability's log odds, and of
        the entropy in the same unit. Infinite where the contract knows no doubt."""
        p = np.asarray(probabilities, np.float64)
        far = np.full(len(p), np.inf)
        if self.unsure_below is not None:
            far = np.minimum(far, log_odds(p.max(axis=1)) - log_odds(self.unsure_below))
        if self.unsure_above_nats is not None:
            far = np.minimum(far, ODDS_FOR_ENTROPY * (self.unsure_above_nats - entropy_nats(p)))
        return far

    def to_metadata(self) -> dict[str, str]:
        """The entries to put into the ONNX file's `metadata_props`."""
        return {METADATA_KEY: json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> Self:
        """The contract in an ONNX file's metadata. `name` is how errors call the file. Raises
        `ModelError` when there is none, when it is of a newer format, or when it is not valid."""
        text = metadata.get(METADATA_KEY)
        if text is None:
            raise ModelError(
                f"{name} has no contract: it does not say which labels and which input it has. "
                "Use a model that `python -m training.export` wrote."
            )
        try:
            facts = json.loads(text)
            found = facts["format"]
        except (ValueError, KeyError, TypeError, RecursionError) as cause:
            raise ModelError(f"{name} has a damaged contract. Export the model again.") from cause
        if isinstance(found, int) and found > CONTRACT_FORMAT:
            raise ModelError(
                f"{name} has contract format {found}, this program reads up to {CONTRACT_FORMAT}. "
                "Update the program, or export the model again with this version."
            )
        try:
            data = facts["training_data"]
            return cls(
                labels=tuple(facts["labels"]),
                colour=facts["colour"],
                size_px=facts["size_px"],
                mean=tuple(facts["mean"]),
                std=tuple(facts["std"]),
                template=AlignmentTemplate(
                    tuple((name, float(x), float(y)) for name, x, y in facts["template"]["points"])
                ),
                temperature=facts["temperature"],
                method=str(facts["method"]),
                recipe=dict(facts["recipe"]),
                training_data=TrainingData(
                    dataset=str(data["dataset"]),
                    key=str(data["key"]),
                    class_shares=tuple(data["class_shares"]),
                ),
                metrics=dict(facts["metrics"]),
                licence=str(facts["licence"]),
                probe_logits=tuple(tuple(row) for row in facts["probe_logits"]),
                unsure_below=facts.get("unsure_below"),
                unsure_above_nats=facts.get("unsure_above_nats"),
                format=found,
            )
        except KeyError as cause:
            raise ModelError(
                f"The contract of {name} lacks {cause.args[0]!r}. Export the model again."
            ) from cause
        except (ValueError, TypeError, AttributeError, OverflowError) as cause:
            raise ModelError(
                f"The contract of {name} is not valid: {cause}. Export the model again."
            ) from cause

    def check_shapes(
        self, name: str, inputs: Mapping[str, list[Any]], outputs: Mapping[str, list[Any]]
    ) -> None:
        """Raises `ModelError` when the graph's input and outputs (name -> shape, where an axis of
        free length is not a whole number) contradict this contract."""
        k, size = len(self.labels), self.size_px

        def must(held: bool, what: str) -> None:
            if not held:
                raise ModelError(
                    f"{name} contradicts its contract: {what}. Export the model again."
                )

        must(list(inputs) == [INPUT], f"its inputs are {list(inputs)}, not ['{INPUT}']")
        wanted = [self.channels, size, size]
        shape = inputs[INPUT]
        must(
            len(shape) == 4 and shape[1:] == wanted,
            f"its input is {_shape(shape)}, the contract says {_shape(['N', *wanted])}",
        )
        must(not isinstance(shape[0], int), f"its batch size is fixed at {shape[0]}")
        for output, axes in ((LOGITS, 2), (CAM, 4)):
            must(output in outputs, f"it has no output {output}")
            shape = outputs[output]
            must(
                len(shape) == axes and shape[1] == k,
                f"its {output} are {_shape(shape)}, for {k} labels",
            )
        if ATTENTION in outputs:
            shape = outputs[ATTENTION]
            must(len(shape) == 2, f"its {ATTENTION} is {_shape(shape)}, not (N, d)")


def check_label(label: str) -> None:
    """Raises `ValueError` for a label that cannot be written on pictures and into files."""
    if not label.isprintable() or len(label) > MAX_LABEL_LETTERS:
        raise ValueError(
            f"every label must be printable text of at most {MAX_LABEL_LETTERS} letters, "
            f"not {label[:MAX_LABEL_LETTERS]!a}"
        )


def are_sure(
    probabilities: NDArray[np.floating], *, below: float | None, above_nats: float | None
) -> NDArray[np.bool_]:
    """`(N,)` for `probabilities (N, K)`: no doubt, for the largest is not under `below` and their
    entropy, in nats, not over `above_nats`. None asks for nothing.

    The largest says whether the first two classes are told apart; the entropy also whether the rest
    is ruled out, which it is for most faces and seldom for what is none.
    """
    p = probabilities.astype(np.float64)
    result = np.ones(len(p), np.bool_)
    if below is not None:
        result &= p.max(axis=1) >= below
    if above_nats is not None:
        result &= entropy_nats(p) <= above_nats
    return result


def entropy_nats(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """`(N,)` for `(N, K)`; between 0 and log K."""
    p = np.asarray(probabilities, np.float64)
    return np.asarray(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=1), np.float64)


def log_odds(probability: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """log p / (1 - p), finite also at 0 and 1."""
    p = np.clip(np.asarray(probability, np.float64), 1e-12, 1 - 1e-12)
    return np.asarray(np.log(p / (1 - p)), np.float64)


def make_probe_crops(size_px: int, count: int = 2) -> NDArray[np.uint8]:
    """`(count, S, S, 3)` uint8 BGR made by integer arithmetic alone, the same on every machine:
    waves that no face looks like. The exported file must give the contract's logits for them."""
    y, x = np.mgrid[:size_px, :size_px].astype(np.int64) * 48 // size_px
    planes = [
        [(x * (3 + i) + y * (5 + c) + x * y * (1 + c) // (7 + i)) % 256 for c in range(3)]
        for i in range(count)
    ]
    return np.asarray(planes, np.uint8).transpose(0, 2, 3, 1).copy()


def _finite(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _shape(axes: list[Any]) -> str:
    return "(" + ", ".join(str(axis) for axis in axes) + ")"
