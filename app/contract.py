"""Describes a model file's contract: labels, input, calibration and provenance.

`training.export` writes the contract into the metadata of the `.onnx` file, so that one file is the
whole model, and the classifier reads it (`app.recognition.contract_metadata`). Nothing here needs
OpenCV, MediaPipe, PyAV or ONNX Runtime.
"""

import math
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from app.alignment import AlignmentTemplate, ColourMode

CONTRACT_FORMAT = 1
INPUT = "input"  # (N, C, S, S)
LOGITS = "logits"  # an output (N, K)
CAM = "cam"  # an output (N, K, h, w): class activation maps
ATTENTION = "attention"  # an output that a file may have: DACL's weights (N, d)
EMBEDDING = "embedding"  # an output that a file may have: the deep feature (N, d)
MIN_SIZE_PX = 8
MAX_SIZE_PX = 1024
# The limits of a contract's numbers: float32 holds all that is computed from them with ease.
MAX_MEAN = 1e3
MIN_STD = 1e-6
MAX_STD = 1e6
MIN_TEMPERATURE = 1e-3
MAX_TEMPERATURE = 1e3
MAX_LABEL_LETTERS = 64
MAX_PRIOR_CORRECTION = 1.0  # all classes count as equally frequent
# The fall of the largest probability's log odds, in nats, for each nat by which the entropy rises,
# near the limits of doubt: a line through readings of 28 % of FER+'s validation faces.
ODDS_FOR_ENTROPY = 1.6


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The data that a model learned from. `key` identifies the prepared file. `class_shares (K,)`
    are the priors of the training targets in the order of the labels, or empty."""

    dataset: str
    key: str
    class_shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if not all(_finite(share) and share >= 0 for share in self.class_shares):
            raise ValueError("class_shares must be numbers of at least 0")


@dataclass(frozen=True, slots=True)
class EmbeddingFacts:
    """The size and the scale of the output `EMBEDDING`: `mean (d,)` and `std (d,)`, the mean and
    the standard deviation of each feature over validation faces. A feature that is always 0 has
    the deviation 0."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.mean or len(self.mean) != len(self.std):
            raise ValueError("embedding must have as many means as deviations, at least one")
        if not all(map(_finite, self.mean)):
            raise ValueError("the means of embedding must be numbers")
        if not all(_finite(value) and value >= 0 for value in self.std):
            raise ValueError("the deviations of embedding must be numbers of at least 0")

    @property
    def dim(self) -> int:
        """The length d of an embedding."""
        return len(self.mean)


@dataclass(frozen=True, slots=True)
class Contract:
    """The promises of one model file, checked on construction.

    `mean` and `std` have one value per input channel, for pixels in 0..1. `temperature` divides the
    logits before the softmax (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).
    `unsure_below` and `unsure_above_nats` are the limits of doubt (`are_sure`), None in older
    files. `prior_correction` is the tau of the decision rule (`app.recognition.classifier`), 0 in
    older files; the limits of doubt are those of the probabilities that it gives. A correction
    lessens the confidence, so `corrected_temperature` takes the place of `temperature` with it;
    None without a correction.
    `probe_logits (P, K)` are the answers of the exported network to `make_probe_crops`.

    `embedding` describes the output `EMBEDDING`, None where the file has none. An embedding is the
    mean of the last feature map over its places, after the ReLU: no feature is below 0, and nothing
    is scaled to a length. The logits are a linear function of it, up to rounding.

    Raises:
        ValueError: A promise contradicts another, or is out of its range.
    """

    labels: tuple[str, ...]
    colour: ColourMode
    size_px: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    template: AlignmentTemplate
    temperature: float
    method: str
    recipe: dict[str, Any]  # JSON, which only people read
    training_data: TrainingData
    metrics: dict[str, Any]  # JSON, in which each reader checks the figures that it takes
    licence: str
    probe_logits: tuple[tuple[float, ...], ...] = ()
    unsure_below: float | None = None
    unsure_above_nats: float | None = None
    prior_correction: float = 0.0
    corrected_temperature: float | None = None
    embedding: EmbeddingFacts | None = None
    format: int = field(default=CONTRACT_FORMAT)

    def __post_init__(self) -> None:
        k, c = len(self.labels), self.channels
        if k < 2 or len(set(self.labels)) != k:
            raise ValueError("labels must be at least two different names")
        for label in self.labels:
            check_label(label)
        if isinstance(self.size_px, bool) or not isinstance(self.size_px, int):
            raise ValueError("size_px must be a whole number")
        if not MIN_SIZE_PX <= self.size_px <= MAX_SIZE_PX:
            raise ValueError(f"size_px must be in {MIN_SIZE_PX}..{MAX_SIZE_PX}, not {self.size_px}")
        if len(self.mean) != c or len(self.std) != c:
            raise ValueError(f"mean and std need {c} values each for {self.colour} input")
        if not all(_finite(value) and abs(value) <= MAX_MEAN for value in self.mean):
            raise ValueError(f"mean must be numbers in -{MAX_MEAN:g}..{MAX_MEAN:g}")
        if not all(_finite(value) and MIN_STD <= value <= MAX_STD for value in self.std):
            raise ValueError(f"std must be positive numbers in {MIN_STD:g}..{MAX_STD:g}")
        _check_temperature("temperature", self.temperature)
        if len(self.training_data.class_shares) not in (0, k):
            raise ValueError(f"class_shares must have {k} values, one per label")
        if any(len(row) != k or not all(map(_finite, row)) for row in self.probe_logits):
            raise ValueError(f"probe_logits must have {k} finite values a row")
        below, above = self.unsure_below, self.unsure_above_nats
        if below is not None and not (_finite(below) and 0 <= below <= 1):
            raise ValueError("unsure_below must be a probability")
        if above is not None and not (_finite(above) and above >= 0):
            raise ValueError("unsure_above_nats must be a number of at least 0")
        tau = self.prior_correction
        if not (_finite(tau) and 0 <= tau <= MAX_PRIOR_CORRECTION):
            raise ValueError(
                f"prior_correction must be a number in 0..{MAX_PRIOR_CORRECTION:g}, not {tau!r}"
            )
        if tau and not self.training_data.class_shares:
            raise ValueError("prior_correction needs class_shares")
        if self.corrected_temperature is not None:
            _check_temperature("corrected_temperature", self.corrected_temperature)
        if self.format != CONTRACT_FORMAT:
            raise ValueError(f"format must be {CONTRACT_FORMAT}")

    @property
    def channels(self) -> int:
        """The number of input channels: 1 for grey, 3 for rgb. Raises `ValueError` for another
        colour."""
        try:
            return {"grey": 1, "rgb": 3}[self.colour]
        except (KeyError, TypeError):
            raise ValueError(f"colour must be grey or rgb, not {self.colour!r}") from None

    def find_temperature(self, tau: float) -> float:
        """Finds the temperature for a prior correction of the strength `tau`.

        `temperature` was fitted for 0 and `corrected_temperature` for `prior_correction`. The best
        temperatures of other strengths lie close to the straight line through both.
        """
        if not self.prior_correction or self.corrected_temperature is None:
            return self.temperature
        share = tau / self.prior_correction
        found = self.temperature + share * (self.corrected_temperature - self.temperature)
        return min(max(found, self.temperature / 2), 2 * self.temperature)

    @property
    def decision_temperature(self) -> float:
        """The temperature with the file's own prior correction."""
        return self.find_temperature(self.prior_correction)

    def is_sure(self, probabilities: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Tells for each row of `probabilities (N, K)` whether a label is shown, as bools `(N,)`.
        See `are_sure`."""
        return are_sure(probabilities, below=self.unsure_below, above_nats=self.unsure_above_nats)

    def measure_sureness_nats(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Measures how far each row of `probabilities (N, K)` is from doubt, as nats `(N,)`.

        The result is the lesser of two distances: of the largest probability's log odds, and of the
        entropy in the same unit. It is at least 0 where `is_sure`, and infinite where the contract
        knows no doubt.
        """
        p = np.asarray(probabilities, np.float64)
        far = np.full(len(p), np.inf)
        if self.unsure_below is not None:
            far = np.minimum(
                far, compute_log_odds(p.max(axis=1)) - compute_log_odds(self.unsure_below)
            )
        if self.unsure_above_nats is not None:
            far = np.minimum(
                far, ODDS_FOR_ENTROPY * (self.unsure_above_nats - compute_entropy_nats(p))
            )
        return far


def check_label(label: object) -> None:
    """Raises `ValueError` if a label is no name, or cannot be written on pictures and into
    files."""
    if not (isinstance(label, str) and label.strip()):
        raise ValueError(f"every label must be a name, not {label!a:.{MAX_LABEL_LETTERS}}")
    if not label.isprintable() or len(label) > MAX_LABEL_LETTERS:
        raise ValueError(
            f"every label must be printable text of at most {MAX_LABEL_LETTERS} letters, "
            f"not {label[:MAX_LABEL_LETTERS]!a}"
        )


def are_sure(
    probabilities: NDArray[np.floating], *, below: float | None, above_nats: float | None
) -> NDArray[np.bool_]:
    """Tells which readings are beyond doubt.

    Args:
        probabilities: `(N, K)`; each row sums to 1.
        below: Doubt begins where the largest probability is lower. None: no such limit.
        above_nats: Doubt begins where the entropy in nats is higher. None: no such limit.

    Returns:
        `(N,)`: True where there is no doubt.

    The largest probability tells the first two classes apart. The entropy also tells whether the
    other classes are ruled out, as they are for most faces and seldom for other things.

    >>> readings = np.array([[0.9, 0.1, 0.0], [0.4, 0.3, 0.3]])
    >>> are_sure(readings, below=0.5, above_nats=None)
    array([ True, False])
    """
    p = probabilities.astype(np.float64)
    result = np.ones(len(p), np.bool_)
    if below is not None:
        result &= p.max(axis=1) >= below
    if above_nats is not None:
        result &= compute_entropy_nats(p) <= above_nats
    return result


def compute_entropy_nats(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Computes the entropy of each row of `probabilities (N, K)`, as nats `(N,)` in 0..log K.

    >>> compute_entropy_nats(np.array([[1.0, 0.0], [0.5, 0.5]])).round(4)
    array([-0.    ,  0.6931])
    """
    p = np.asarray(probabilities, np.float64)
    return np.asarray(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=1), np.float64)


def compute_log_odds(probability: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Computes log(p / (1 - p)) in nats, elementwise. The result is finite at 0 and 1, too.

    >>> compute_log_odds(np.array([0.5, 0.9])).round(3)
    array([0.   , 2.197])
    """
    p = np.clip(np.asarray(probability, np.float64), 1e-12, 1 - 1e-12)
    return np.asarray(np.log(p / (1 - p)), np.float64)


def make_probe_crops(size_px: int, count: int = 2) -> NDArray[np.uint8]:
    """Makes test pictures of waves, for which an exported file must give the contract's logits.

    Integer arithmetic alone makes them, so that they are the same on every machine.

    Args:
        size_px: The side S of each crop.
        count: The number of crops.

    Returns:
        `(count, S, S, 3)` uint8 BGR.

    >>> make_probe_crops(48)[:, 1, 2, 0]
    array([11, 13], dtype=uint8)
    """
    y, x = np.mgrid[:size_px, :size_px].astype(np.int64) * 48 // size_px
    planes = [
        [(x * (3 + i) + y * (5 + c) + x * y * (1 + c) // (7 + i)) % 256 for c in range(3)]
        for i in range(count)
    ]
    return np.asarray(planes, np.uint8).transpose(0, 2, 3, 1).copy()


def _check_temperature(name: str, value: object) -> None:
    """Raises `ValueError` for a value that is no temperature."""
    if not (_finite(value) and MIN_TEMPERATURE <= value <= MAX_TEMPERATURE):
        raise ValueError(
            f"{name} must be a positive number in {MIN_TEMPERATURE:g}..{MAX_TEMPERATURE:g}"
        )


def _finite(value: object) -> TypeGuard[float]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False
