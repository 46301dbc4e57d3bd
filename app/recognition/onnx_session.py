"""Opens ONNX Runtime sessions, on the CPU or with CUDA, with bounded memory."""

import functools
import io
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from app.errors import DeviceError, ModelError
from app.process.machine import has_nvidia_gpu
from app.process.memory_room import format_memory_line, lacks_memory
from app.process.native_stderr import quiet_stderr
from app.process.telemetry_off import OnnxModule, import_onnx_runtime

Device = Literal["auto", "cpu", "cuda"]
MAX_WORKING_BYTES = 4 << 30  # of all models together, on the CPU; a small file can ask for any sum
LOG_FATAL = 4  # ONNX Runtime's severity: failures come back as exceptions, with their reason
_ONE_AT_A_TIME = threading.Lock()
Session: TypeAlias = Any  # onnxruntime's InferenceSession: the package has no types


def _share_bounded_memory(ort: OnnxModule) -> None:
    """Registers one allocator with a limit for all sessions of this process, once."""
    with _ONE_AT_A_TIME:
        _register_allocator(ort)


@functools.cache
def _register_allocator(ort: OnnxModule) -> None:
    where = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(where, ort.OrtArenaCfg({"max_mem": MAX_WORKING_BYTES}))


def open_session(
    model: Path, content: bytes, device: Device, threads: int
) -> tuple[Session, str, str | None]:
    """Opens a model.

    Args:
        model: The file's name for errors.
        content: The file.
        device: "cpu", "cuda" or "auto".
        threads: For the CPU.

    Returns:
        The session, "CPU" or "CUDA", and the reason for which "auto" did not take CUDA although
        ONNX Runtime has it and the machine has a GPU; else None.

    Raises:
        ModelError: ONNX Runtime cannot open the file.
        DeviceError: CUDA was asked for and does not work, or memory is lacking.
    """
    with quiet_stderr():
        ort = import_onnx_runtime()
        ort.set_default_logger_severity(LOG_FATAL)
        has_cuda = "CUDAExecutionProvider" in ort.get_available_providers()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin while they wait double the processor time, and take it from the
        # detector on a machine of few cores (docs/speed.md).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = LOG_FATAL
        _share_bounded_memory(ort)
        options.add_session_config_entry("session.use_env_allocators", "1")
        # Without a GPU, an attempt would load the network twice.
        tries_cuda = device != "cpu" and has_cuda and has_nvidia_gpu()
        session = _open_with_cuda(ort, model, content, options) if tries_cuda else None
        if session is not None and session.get_providers()[0] == "CUDAExecutionProvider":
            return session, "CUDA", None
        if device != "cuda":
            if session is None:
                session = _session(ort, model, content, options, [])
            # ONNX Runtime keeps the file, 13 MB of the default model, to open it once more where
            # another processor fails. Here the CPU is the only one.
            session._model_bytes = None
            return session, "CPU", "CUDA does not work here" if tries_cuda else None
    reason = (
        "its libraries or a GPU were not found; the `gpu` extra brings the libraries"
        if has_cuda
        else "this build of ONNX Runtime has none; install onnxruntime-gpu"
    )
    raise DeviceError(f"CUDA does not work here: {reason}. Go on with --device cpu.")


def _open_with_cuda(
    ort: OnnxModule,
    model: Path,
    content: bytes,
    options: Any,  # onnxruntime's SessionOptions: the package has no types
) -> Session | None:
    """Opens a session with CUDA. ONNX Runtime gives one for the CPU where CUDA's libraries cannot
    be loaded. None where CUDA does not compute."""
    with redirect_stdout(io.StringIO()):  # it prints the names of missing libraries
        ort.preload_dlls()  # CUDA and cuDNN as pip packages
    session = _session(ort, model, content, options, ["CUDAExecutionProvider"])
    has_begun = session.get_providers()[0] == "CUDAExecutionProvider"
    return None if has_begun and not _runs(session) else session


def _runs(session: Session) -> bool:
    """Tells whether the session computes. A GPU that is too old or too full, or a missing library,
    may show only at the first run."""
    value = session.get_inputs()[0]
    shape = [side if isinstance(side, int) else 1 for side in value.shape]
    try:
        session.run(None, {value.name: np.zeros(shape, np.float32)})
    except Exception:  # ONNX Runtime has no error type of its own
        return False
    return True


def _session(
    ort: OnnxModule,
    model: Path,
    content: bytes,
    options: Any,  # onnxruntime's SessionOptions: the package has no types
    providers: list[str],
) -> Session:
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
