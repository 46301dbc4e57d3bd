"""Turns crops into probabilities with an ONNX Runtime session and the contract of its file."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.alignment import normalise
from app.contract import ATTENTION, CAM, EMBEDDING, INPUT, LOGITS, make_probe_crops
from app.defaults import DEFAULT_MODEL, MODELS, list_shipped_models
from app.errors import ModelError
from app.process.fork_safety import NOT_IN_FORKS, HomeProcess
from app.process.machine import count_cores, give_memory_back
from app.recognition.contract_metadata import check_shapes, read_contract
from app.recognition.onnx_guard import check_model, check_size
from app.recognition.onnx_session import Device, open_session
from app.types import Floats

__all__ = [
    "DEFAULT_MODEL",
    "MODELS",
    "Classifier",
    "Device",
    "NetworkOutputs",
    "apply_softmax",
    "compute_prior_shift",
    "format_no_embedding",
]

MIN_PRIOR = 1e-3  # lower shares of a class in training count as this one
MAX_THREADS = 4  # more threads gain nothing on crops this small
MAX_LOGIT = 1e30  # a larger one overflows when it is divided by a small temperature
MAX_CAUSE_LETTERS = 200  # of ONNX Runtime's message in an error


class NetworkOutputs(NamedTuple):
    """The network's answer for N crops and K labels."""

    logits: Floats  # (N, K), not divided by the temperature
    cam: Floats  # (N, K, h, w) class activation maps, whose mean over (h, w) are the logits
    attention: Floats | None = None  # (N, d) in 0..1, where the file was exported with it
    embedding: Floats | None = None  # (N, d), where it was asked for


def apply_softmax(logits: Floats, temperature: float) -> Floats:
    """Turns logits into probabilities.

    Args:
        logits: `(N, K)` float32.
        temperature: The number that divides the logits.

    Returns:
        `(N, K)` float32; each row sums to 1.

    >>> apply_softmax(np.array([[0.0, 0.0], [2.0, 0.0]], np.float32), 1.0).round(2)
    array([[0.5 , 0.5 ],
           [0.88, 0.12]], dtype=float32)
    """
    scaled = logits / np.float32(temperature)
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


def compute_prior_shift(shares: Sequence[float], tau: float) -> Floats:
    """Computes the shift of the logits that corrects for the training priors.

    Subtracted after the temperature, the shift turns probabilities p_k into p_k / share_k^tau,
    normalised. With tau 1, all classes count as equally frequent (Saerens et al., "Adjusting the
    Outputs of a Classifier to New a Priori Probabilities", Neural Computation 2002; Menon et al.,
    "Long-tail learning via logit adjustment", ICLR 2021).

    Args:
        shares: `(K,)` training priors. A share under `MIN_PRIOR` counts as `MIN_PRIOR`, so that a
            class that was hardly ever seen does not become the answer to everything.
        tau: The strength, 0 for none.

    Returns:
        `(K,)` float32, to be subtracted.

    >>> compute_prior_shift((0.5, 0.5), 1.0).round(3)
    array([-0.693, -0.693], dtype=float32)
    """
    floored = np.maximum(np.asarray(shares, np.float64), MIN_PRIOR)
    return np.asarray(tau * np.log(floored), np.float32)


class Classifier:
    """A model file, ready to use.

    `provider` is the processor that computes, "CPU" or "CUDA". `fallback` is the reason for which
    "auto" did not take CUDA although this build of ONNX Runtime has it and the machine has a GPU;
    else None. `sha256` is that of the file. `inferences`, `crops_read` and `inference_s` count the
    session's runs, their crops and their seconds. `prior_correction` is the tau that is
    used. `embedding_dim` is the length d of the embeddings, None where the file gives none.

    Args:
        model: The `.onnx` file.
        device: "cpu", "cuda" (an error where CUDA does not work) or "auto" (CUDA where it works).
        threads: For the CPU. None: one per core, at most `MAX_THREADS`.
        prior_correction: The tau of `compute_prior_shift`; 0 leaves the probabilities as learned,
            None takes the contract's.

    Raises:
        ModelError: The file cannot be used, it gives no numbers for two test crops
            (`app.contract.make_probe_crops`), or it fails later.
        DeviceError: The device does not work, or the classifier is used in a fork of the process
            that loaded it.
    """

    def __init__(
        self,
        model: Path = DEFAULT_MODEL,
        *,
        device: Device = "auto",
        threads: int | None = None,
        prior_correction: float | None = None,
    ) -> None:
        self.path = model
        self._home = HomeProcess()
        self.threads = threads or max(1, min(MAX_THREADS, count_cores()))
        self.inferences, self.crops_read, self.inference_s = 0, 0, 0.0
        if not model.is_file():
            kind = "is a folder, not a model file" if model.is_dir() else "is missing"
            raise ModelError(
                f"The model {model} {kind}. Give an .onnx file with --model, or one of "
                f"{', '.join(list_shipped_models())}."
            )
        content = _read_checked(model)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._session, self.provider, self.fallback = open_session(
            model, content, device, self.threads
        )
        NOT_IN_FORKS.add(self._session)
        del content
        meta = self._session.get_modelmeta().custom_metadata_map
        self.contract = read_contract(meta, str(model))
        outputs = {value.name: list(value.shape) for value in self._session.get_outputs()}
        check_shapes(
            self.contract,
            str(model),
            {value.name: list(value.shape) for value in self._session.get_inputs()},
            outputs,
        )
        shares = self.contract.training_data.class_shares
        tau = self.contract.prior_correction if prior_correction is None else prior_correction
        self.prior_correction = tau
        if tau and not shares:
            raise ModelError(
                f"{model} does not say how frequent its classes were in training. Leave "
                "--prior-correction out, or export the model again."
            )
        self._shift = compute_prior_shift(shares, tau) if tau else None
        self._temperature = self.contract.find_temperature(tau)
        self._outputs = [name for name in (LOGITS, CAM, ATTENTION) if name in outputs]
        self.embedding_dim: int | None = outputs[EMBEDDING][1] if EMBEDDING in outputs else None
        self._answer(make_probe_crops(self.contract.size_px))
        give_memory_back()  # several times the file was taken while it was opened

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the K classes, in the order of the probabilities."""
        return self.contract.labels

    def run(self, crops: NDArray[np.uint8], *, with_embedding: bool = False) -> NetworkOutputs:
        """Computes the network's outputs for `crops (N, S, S, 3)` uint8 BGR. N = 0 is valid.

        Raises `ModelError` where an embedding is asked for and the file has none.
        """
        if with_embedding and self.embedding_dim is None:
            raise ModelError(format_no_embedding(self.path))
        contract = self.contract
        size = contract.size_px
        if crops.shape[1:] != (size, size, 3):
            raise ValueError(f"crops must be (N, {size}, {size}, 3), got {crops.shape}")
        if not len(crops):
            k = len(contract.labels)
            return NetworkOutputs(
                np.zeros((0, k), np.float32),
                np.zeros((0, k, 1, 1), np.float32),
                embedding=np.zeros((0, self.embedding_dim or 0), np.float32)
                if with_embedding
                else None,
            )
        self._home.check()
        began_s = time.perf_counter()
        found = self._answer(crops, with_embedding=with_embedding)
        self.inference_s += time.perf_counter() - began_s
        self.inferences += 1
        self.crops_read += len(crops)
        return found

    def _answer(self, crops: NDArray[np.uint8], *, with_embedding: bool = False) -> NetworkOutputs:
        """Computes the outputs for at least one crop, and checks their shapes and numbers."""
        contract = self.contract
        x = normalise(crops, colour=contract.colour, mean=contract.mean, std=contract.std)
        names = [*self._outputs, EMBEDDING] if with_embedding else self._outputs
        try:
            values = self._session.run(names, {INPUT: x})
        except Exception as cause:  # ONNX Runtime has no error type of its own
            reason = " ".join(str(cause).split())[:MAX_CAUSE_LETTERS]
            raise ModelError(
                f"{self.path} could not be run on {self.provider}: {reason}"
            ) from cause
        found = NetworkOutputs(**dict(zip(names, values, strict=True)))
        n, k = len(crops), len(contract.labels)
        for name, value, wanted in (
            (LOGITS, found.logits, (n, k)),
            (CAM, found.cam, (n, k, *found.cam.shape[2:4])),
        ):
            if value.shape != wanted or value.dtype != np.float32:
                raise ModelError(
                    f"{self.path} contradicts its contract: for {n} crops and {k} labels its "
                    f"{name} are {value.dtype} {value.shape}. Export the model again."
                )
        # Written so that NaN fails.
        if not (
            float(np.abs(found.logits).max()) <= MAX_LOGIT
            and np.isfinite(found.cam).all()
            and (found.embedding is None or np.isfinite(found.embedding).all())
        ):
            raise ModelError(
                f"{self.path} gives no numbers: what it computes overflows or is not a number. Its "
                "weights are damaged or its training failed; give another model."
            )
        return found

    def predict(self, crops: NDArray[np.uint8]) -> Floats:
        """Reads `crops (N, S, S, 3)` uint8 BGR; N = 0 is valid. Returns `(N, K)` calibrated
        probabilities, corrected for the training priors if that was asked for."""
        return self.predict_with_maps(crops)[0]

    def predict_with_maps(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Reads crops as `predict` does. Returns the probabilities, and the class activation maps
        `(N, K, h, w)` without any correction."""
        found = self.run(crops)
        return self._calibrated(found.logits), found.cam

    def predict_with_embeddings(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
        """Reads crops as `predict` does. Returns the probabilities, the class activation maps
        `(N, K, h, w)`, and the embeddings `(N, d)` that `app.contract.Contract` describes.

        Raises `ModelError` where the file gives no embedding.
        """
        found = self.run(crops, with_embedding=True)
        assert found.embedding is not None
        return self._calibrated(found.logits), found.cam, found.embedding

    def _calibrated(self, logits: Floats) -> Floats:
        temperature = self._temperature
        if not len(logits):
            return logits
        if self._shift is not None:
            return apply_softmax(logits / np.float32(temperature) - self._shift, 1.0)
        return apply_softmax(logits, temperature)


def format_no_embedding(model: Path) -> str:
    """Formats the error for a file whose embeddings are asked for and that gives none."""
    return f"{model} gives no embeddings. Use a shipped model, or export the model again."


def _read_checked(model: Path) -> bytes:
    """Reads and checks a file. The session gets these very bytes, not the file once more."""
    try:
        check_size(model.stat().st_size, str(model))
        content = model.read_bytes()
    except OSError as cause:
        raise ModelError(f"The model {model} cannot be read: {cause.strerror}.") from cause
    check_model(content, str(model))
    return content
