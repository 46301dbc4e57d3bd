"""Crops to probabilities: an ONNX Runtime session and the contract of its file."""

import functools
import hashlib
import io
import threading
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.alignment import normalise
from app.contract import ATTENTION, CAM, INPUT, LOGITS, Contract, make_probe_crops
from app.defaults import DEFAULT_MODEL, MODELS, list_shipped_models
from app.errors import DeviceError, ModelError
from app.process.fork_safety import NOT_IN_FORKS, HomeProcess
from app.process.machine import count_cores, give_memory_back, has_nvidia_gpu
from app.process.memory_room import format_memory_line, lacks_memory
from app.process.native_stderr import quiet_stderr
from app.process.telemetry_off import import_onnx_runtime
from app.recognition.onnx_guard import check_model, check_size
from app.types import Floats

__all__ = [
    "DEFAULT_MODEL",
    "MODELS",
    "Classifier",
    "Device",
    "NetworkOutputs",
    "apply_softmax",
    "compute_prior_shift",
]

Device = Literal["auto", "cpu", "cuda"]
MIN_SHARE = 1e-3
MAX_THREADS = 4  # more threads than this gain nothing on crops this small
MAX_LOGIT = 1e30  # what is larger overflows when it is divided by a small temperature
MAX_CAUSE = 200  # letters of what ONNX Runtime says
MAX_WORKING_BYTES = 4 << 30  # of all models together, on the CPU; a small file can ask for any sum
_ONE_AT_A_TIME = threading.Lock()


class NetworkOutputs(NamedTuple):
    logits: Floats  # (N, K), not divided by the temperature
    cam: Floats  # (N, K, h, w) class activation maps, whose mean over (h, w) are the logits
    attention: Floats | None = None  # (N, d) in 0..1, where the file was exported with it


def apply_softmax(logits: Floats, temperature: float) -> Floats:
    """`(N, K)` logits -> probabilities; rows sum to 1."""
    scaled = logits / np.float32(temperature)
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


def compute_prior_shift(shares: Sequence[float], tau: float) -> Floats:
    """`(K,)` what to take off the logits, after the temperature, so that probabilities become
    p_k / share_k^tau, normalised: tau 1 is as if every class were as frequent as any other (Saerens
    et al., "Adjusting the Outputs of a Classifier to New a Priori Probabilities", Neural
    Computation 2002; Menon et al., "Long-tail learning via logit adjustment", ICLR 2021).

    `shares (K,)` are the training priors; one under `MIN_SHARE` counts as that, so that a class
    that was hardly ever seen is not made the answer to everything."""
    floored = np.maximum(np.asarray(shares, np.float64), MIN_SHARE)
    return np.asarray(tau * np.log(floored), np.float32)


class Classifier:
    """A model file, ready to use.

    `device`: "cpu", "cuda" (an error where CUDA does not work) or "auto" (CUDA where it works).
    `provider` says which one runs, `fallback` why "auto" did not take CUDA though this build of
    ONNX Runtime has it and the machine a GPU for it. `sha256` is the file's. `threads` None: one
    per core, at most `MAX_THREADS`. `prior_correction` is the tau of `compute_prior_shift`; 0
    leaves the probabilities as they were learned. `inferences`, `crops_read` and `inference_s`
    count the session's runs, their crops and their seconds.
    Raises `ModelError` and `DeviceError`: for a file that cannot be used, also where two made crops
    (`app.contract.make_probe_crops`) get no numbers of it, and when it fails later; `DeviceError`
    also in a fork of the process that loaded it.
    """

    def __init__(
        self,
        model: Path = DEFAULT_MODEL,
        *,
        device: Device = "auto",
        threads: int | None = None,
        prior_correction: float = 0.0,
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
        content = _checked(model)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._session, self.provider, self.fallback = _open(model, content, device, self.threads)
        NOT_IN_FORKS.add(self._session)
        del content
        meta = self._session.get_modelmeta().custom_metadata_map
        self.contract = Contract.from_metadata(meta, str(model))
        outputs = {value.name: list(value.shape) for value in self._session.get_outputs()}
        self.contract.check_shapes(
            str(model),
            {value.name: list(value.shape) for value in self._session.get_inputs()},
            outputs,
        )
        shares = self.contract.training_data.class_shares
        if prior_correction and not shares:
            raise ModelError(
                f"{model} does not say how frequent its classes were in training. Leave "
                "--prior-correction out, or export the model again."
            )
        self._shift = compute_prior_shift(shares, prior_correction) if prior_correction else None
        self._outputs = [name for name in (LOGITS, CAM, ATTENTION) if name in outputs]
        self._answer(make_probe_crops(self.contract.size_px))
        give_memory_back()  # several times the file was taken while it was opened

    @property
    def labels(self) -> tuple[str, ...]:
        return self.contract.labels

    def run(self, crops: NDArray[np.uint8]) -> NetworkOutputs:
        """`crops (N, S, S, 3)` uint8 BGR. N = 0 is valid."""
        contract = self.contract
        size = contract.size_px
        if crops.shape[1:] != (size, size, 3):
            raise ValueError(f"crops must be (N, {size}, {size}, 3), got {crops.shape}")
        if not len(crops):
            k = len(contract.labels)
            return NetworkOutputs(np.zeros((0, k), np.float32), np.zeros((0, k, 1, 1), np.float32))
        self._home.check()
        began_s = time.perf_counter()
        found = self._answer(crops)
        self.inference_s += time.perf_counter() - began_s
        self.inferences += 1
        self.crops_read += len(crops)
        return found

    def _answer(self, crops: NDArray[np.uint8]) -> NetworkOutputs:
        """The network's outputs for at least one crop, which are numbers and of the right shape."""
        contract = self.contract
        x = normalise(crops, colour=contract.colour, mean=contract.mean, std=contract.std)
        try:
            found = NetworkOutputs(*self._session.run(self._outputs, {INPUT: x}))
        except Exception as cause:  # ONNX Runtime has no error type of its own
            said = " ".join(str(cause).split())[:MAX_CAUSE]
            raise ModelError(f"{self.path} could not be run on {self.provider}: {said}") from cause
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
        if not (float(np.abs(found.logits).max()) <= MAX_LOGIT and np.isfinite(found.cam).all()):
            raise ModelError(
                f"{self.path} gives no numbers: what it computes overflows or is not a number. Its "
                "weights are damaged or its training failed; give another model."
            )
        return found

    def predict(self, crops: NDArray[np.uint8]) -> Floats:
        """`(N, K)` calibrated probabilities of `crops (N, S, S, 3)` uint8 BGR, corrected for the
        training priors where that was asked for; N = 0 is valid."""
        return self.predict_with_maps(crops)[0]

    def predict_with_maps(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """The same with the class activation maps `(N, K, h, w)`, which nothing is corrected in."""
        found = self.run(crops)
        return self._calibrated(found.logits), found.cam

    def _calibrated(self, logits: Floats) -> Floats:
        temperature = self.contract.temperature
        if not len(logits):
            return logits
        if self._shift is not None:
            return apply_softmax(logits / np.float32(temperature) - self._shift, 1.0)
        return apply_softmax(logits, temperature)


def _checked(model: Path) -> bytes:
    """The very bytes that were looked over are what runs."""
    try:
        check_size(model.stat().st_size, str(model))
        content = model.read_bytes()
    except OSError as cause:
        raise ModelError(f"The model {model} cannot be read: {cause.strerror}.") from cause
    check_model(content, str(model))
    return content


def _bound_memory(ort: Any) -> None:
    """One allocator with a limit for every session of this process that asks for it."""
    with _ONE_AT_A_TIME:
        _bind_memory(ort)


@functools.cache
def _bind_memory(ort: Any) -> None:
    where = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(where, ort.OrtArenaCfg({"max_mem": MAX_WORKING_BYTES}))


def _open(model: Path, content: bytes, device: Device, threads: int) -> tuple[Any, str, str | None]:
    """(session, "CPU" or "CUDA", why "auto" fell back)."""
    with quiet_stderr():
        ort = import_onnx_runtime()
        ort.set_default_logger_severity(4)  # failures come back as exceptions, with their reason
        has_cuda = "CUDAExecutionProvider" in ort.get_available_providers()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that wait by turning in circles double the processor time, and take it from the
        # detector's on a machine of few cores (docs/speed.md).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        _bound_memory(ort)
        options.add_session_config_entry("session.use_env_allocators", "1")
        if device != "cpu" and has_cuda:
            if hasattr(ort, "preload_dlls"):
                with redirect_stdout(io.StringIO()):  # it prints what it does not find
                    ort.preload_dlls()  # CUDA and cuDNN as pip packages
            session = _session(ort, model, content, options, ["CUDAExecutionProvider"])
            if session.get_providers()[0] == "CUDAExecutionProvider" and _runs(session):
                return session, "CUDA", None
            session = _session(ort, model, content, options, [])
        elif device != "cuda":
            return _session(ort, model, content, options, []), "CPU", None
    if device == "cuda":
        reason = (
            "its libraries or a GPU were not found; the `gpu` extra brings the libraries"
            if has_cuda
            else "this build of ONNX Runtime has none; install onnxruntime-gpu"
        )
        raise DeviceError(f"CUDA does not work here: {reason}. Go on with --device cpu.")
    return session, "CPU", "CUDA does not work here" if has_nvidia_gpu() else None


def _runs(session: Any) -> bool:
    """A GPU that is too old or too full, or a library that is missing, may show only now."""
    value = session.get_inputs()[0]
    shape = [side if isinstance(side, int) else 1 for side in value.shape]
    try:
        session.run(None, {value.name: np.zeros(shape, np.float32)})
    except Exception:  # ONNX Runtime has no error type of its own
        return False
    return True


def _session(ort: Any, model: Path, content: bytes, options: Any, providers: list[str]) -> Any:
    try:
        return ort.InferenceSession(
            content, options, providers=[*providers, "CPUExecutionProvider"]
        )
    except Exception as cause:  # ONNX Runtime has no error type of its own
        if lacks_memory(cause):
            raise DeviceError(format_memory_line(f"to open {model}")) from cause
        raise ModelError(
            f"{model} is not a model that ONNX Runtime can open: it is damaged or of another kind."
        ) from cause
