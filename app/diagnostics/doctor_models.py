"""Checks recognition for the doctor: the models, a frame through them, and their processors."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from app.defaults import MODELS, ROOT
from app.diagnostics.check import SEE_ABOVE, Check, Status, explain_unloaded
from app.diagnostics.frame_probe import ProbeResult
from app.files.hashing import sha256_of_file
from app.process.machine import has_nvidia_card
from app.process.telemetry_off import OnnxModule, import_onnx_runtime
from app.requirements.shared_libraries import is_loadable, list_needed
from app.requirements.system_needs import INSTALL_GPU, check_machine

if TYPE_CHECKING:
    from app.contract import Contract

FRAME_TIMEOUT_S = 90.0  # a slow disk loads a hundred megabytes of libraries
SLOW_FRAME_MS = 200  # under 5 frames/s
DRIVER = "libcuda.so.1"
OPENED_LATER = ("libcudnn.so.9",)  # opened by other libraries while they run
DETECTORS = ("face_detection_short_range.tflite", "face_detection_full_range_sparse.tflite")
FACE_CHECK = "face_check.onnx"
RESTORE = "Restore the models folder of the project: git checkout -- models"


def read_listed_hashes(card: Path) -> dict[str, str]:
    """Maps each file's name to its SHA-256 in the table of models/README.md, or nothing where that
    file is missing. A row may name several files, and has as many hashes."""
    if not card.is_file():
        return {}
    found: dict[str, str] = {}
    for row in re.findall(r"^\| (`.*) \|$", card.read_text("utf-8"), re.M):
        cells = row.split(" | ")
        names, hashes = re.findall(r"`([^`]+)`", cells[0]), re.findall(r"`(\w{64})`", cells[-1])
        if len(names) == len(hashes):
            found.update(zip(names, hashes, strict=True))
    return found


def check_models(given: Path | None, folder: Path | None = None) -> Iterator[Check]:
    """Compares the models with their card, and opens them.

    A damaged file that the demo needs is a failure, other damage a warning.

    Args:
        given: The model that the user named.
        folder: The folder of models. None: that of the program.
    """
    folder = MODELS if folder is None else folder
    vital = {*DETECTORS, FACE_CHECK, *(("dacl.onnx",) if given is None else ())}
    listed = read_listed_hashes(folder / "README.md")
    there = {p.name for kind in ("onnx", "pt", "tflite", "task") for p in folder.glob(f"*.{kind}")}
    for name in sorted(there | set(listed) | vital):
        path = folder / name
        bad: Status = "failed" if name in vital else "warning"
        if name not in there:
            yield Check(name, bad, "is missing", RESTORE)
            continue
        digest = sha256_of_file(path)
        if name in listed and digest != listed[name]:
            yield Check(name, bad, f"is not what its card says: sha256 {digest[:12]}…", RESTORE)
            continue
        known = "as its card says" if name in listed else "not in models/README.md"
        yield _add_contract(Check(name, "ok", f"{known} · sha256 {digest[:12]}…"), path, bad)
    if given is not None:
        known = f"sha256 {sha256_of_file(given)[:12]}…" if given.is_file() else ""
        yield _add_contract(Check(str(given), "ok", known), given, "failed")


def _add_contract(check: Check, path: Path, bad: Status) -> Check:
    """Adds the contract of an ONNX file to its check."""
    if path.suffix != ".onnx" and path.is_file():
        return check
    try:
        from app.errors import RecogniserError
        from app.recognition.classifier import Classifier
    except ImportError as error:
        return Check(
            check.name, check.status, f"{check.detail} · not opened: {explain_unloaded(error)}"
        )
    try:
        contract = Classifier(path, device="cpu").contract
    except ImportError as error:  # ONNX Runtime is loaded only now
        return Check(
            check.name, check.status, f"{check.detail} · not opened: {explain_unloaded(error)}"
        )
    except RecogniserError as error:
        what, _, remedy = str(error).partition(". ")
        return Check(check.name, bad, what, remedy or None)
    promise = f"{len(contract.labels)} labels, {contract.colour}, {contract.size_px} px"
    accuracy = contract.metrics.get("accuracy")
    if isinstance(accuracy, float):
        promise += f", accuracy {accuracy:.3f}{_word_test_data(contract)}"
    return Check(check.name, "ok", f"{check.detail} · {promise}")


def _word_test_data(contract: "Contract") -> str:
    """Words the faces on which a contract's accuracy was measured, as far as it tells."""
    split, faces = contract.metrics.get("split"), contract.metrics.get("faces")
    named = " ".join(word for word in (contract.training_data.dataset, split) if word)
    count = f"{faces:,} faces" if isinstance(faces, int) else ""
    told = " of ".join(part for part in (count, named) if part)
    return f" on {told}" if told and split else ""


def _run_probe(model: Path | None) -> ProbeResult:
    check_machine()
    done = subprocess.run(
        [sys.executable, "-m", "app.diagnostics.frame_probe", *([str(model)] if model else [])],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=FRAME_TIMEOUT_S,
        check=True,
    )
    found: ProbeResult = json.loads(done.stdout)
    return found


def check_frame(
    model: Path | None, probe: Callable[[Path | None], ProbeResult] = _run_probe
) -> Iterator[Check]:
    """Sends one frame of the portrait clip through all stages, in another process, with `probe`."""
    name = "portrait clip"
    try:
        found = probe(model)
    except subprocess.TimeoutExpired:
        yield Check(name, "failed", f"no result within {FRAME_TIMEOUT_S:.0f} s", "Try again.")
        return
    except subprocess.CalledProcessError as error:
        yield Check(name, "failed", _word_end(error), SEE_ABOVE)
        return
    if "error" in found:
        what, _, remedy = found["error"].partition(". ")
        yield Check(name, "failed", what, remedy or None)
        return
    if not found["faces"]:
        yield Check(name, "failed", "its face was not found", RESTORE)
        return
    total_ms = sum(found["stages"].values())
    yield Check(
        name, "ok", f"{found['label']}; first result after {found['start_ms'] / 1000:.1f} s"
    )
    times = ", ".join(f"{stage} {ms:.1f}" for stage, ms in found["stages"].items())
    yield Check(
        "stages, ms",
        "warning" if total_ms > SLOW_FRAME_MS else "ok",
        f"{times}; {total_ms:.0f} in all",
        "Close other programs; smaller pictures are found faster."
        if total_ms > SLOW_FRAME_MS
        else None,
    )
    why = f" ({found['fallback']})" if found["fallback"] else ""
    yield Check("runs on", "ok", f"{found['provider']}{why}")


def _word_end(error: subprocess.CalledProcessError) -> str:
    """Words how the other process ended."""
    if error.returncode < 0:
        return f"a library crashed with {signal.Signals(-error.returncode).name}"
    said = [line for line in (error.stderr or "").splitlines() if line.strip()]
    return (
        said[-1].strip().removeprefix("error: ")
        if said
        else f"ended with exit code {error.returncode}"
    )


def check_providers(
    available: list[str] | None = None,
    library: Path | None = None,
    loads: Callable[[str], bool] = is_loadable,
    has_card: Callable[[], bool] = has_nvidia_card,
) -> Iterator[Check]:
    """Lists the processors of this build of ONNX Runtime, and the libraries that CUDA lacks here.

    Args:
        available: ONNX Runtime's providers. None asks the library.
        library: Its CUDA part. None searches the installed package.
        loads: Tells whether the system has a library.
        has_card: Tells whether an NVIDIA GPU is built in, with or without a driver.
    """
    if available is None:
        onnxruntime = import_onnx_runtime()
        available = list(onnxruntime.get_available_providers())
        _preload(onnxruntime)
    short = ", ".join(one.removesuffix("ExecutionProvider") for one in available)
    yield Check("ONNX Runtime", "ok", f"built with {short}")
    if "CUDAExecutionProvider" not in available:
        return
    if library is None:
        spec = importlib.util.find_spec("onnxruntime")
        assert spec is not None
        assert spec.origin is not None
        library = Path(spec.origin).parent / "capi" / "libonnxruntime_providers_cuda.so"
    if not library.is_file() or not (names := list_needed(library)):
        return  # not Linux, where only a run tells
    lost = [name for name in dict.fromkeys((*names, DRIVER, *OPENED_LATER)) if not loads(name)]
    if DRIVER in lost:
        yield _check_driver(has_card)
    elif lost:
        yield Check(
            "CUDA",
            "warning",
            f"cannot be used: {', '.join(lost)} not found",
            INSTALL_GPU,
        )
    else:
        yield Check("CUDA", "ok", "its libraries are there")


def _check_driver(has_card: Callable[[], bool]) -> Check:
    """Words the lack of NVIDIA's driver. It is no fault of a machine without such a GPU."""
    if not has_card():
        return Check("CUDA", "ok", "no NVIDIA GPU here, so the CPU is used")
    return Check(
        "CUDA",
        "warning",
        f"the NVIDIA GPU of this machine has no driver ({DRIVER}), so the CPU is used",
        f"Install NVIDIA's driver, then: {INSTALL_GPU}",
    )


def _preload(onnxruntime: OnnxModule) -> None:
    import io
    from contextlib import redirect_stdout, suppress

    with redirect_stdout(io.StringIO()), suppress(Exception):  # it prints missing names
        onnxruntime.preload_dlls()
