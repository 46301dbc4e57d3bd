"""Makes a quantised file, runs it on the validation faces and compares it with its fp32 file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from app.alignment import normalise
from app.contract import INPUT, LOGITS, Contract, make_probe_crops
from app.errors import DataError, ModelError, TrainingError
from app.files.atomic import describe_write_error
from app.files.hashing import sha256_of_file
from app.process.telemetry_off import import_onnx_runtime
from app.recognition.classifier import Classifier
from app.recognition.contract_metadata import write_contract
from training.datasets.examples import Examples, load_examples
from training.datasets.pack import Pack
from training.datasets.readers import Split
from training.exporting.decision import decide_contract
from training.exporting.embedding_output import add_embedding_output, describe_embeddings
from training.exporting.int8 import Int8Settings, make_calibration_input, quantise_model
from training.judge.latency import THREADS, Milliseconds, Spread, make_face_work, take_turns
from training.judge.predictions import (
    compute_file_embeddings,
    compute_shown_logits,
    iterate_batches,
    make_uint8_crops,
)
from training.measures.metrics import Metrics, compute_softmax, fit_temperature, measure_metrics

# The limits of a file that may be shipped, compared with its fp32 file.
MAX_ACCURACY_LOSS = 0.003  # share of the faces
MAX_RECALL_LOSS = 0.02  # of mean class recall
MAX_ECE = 0.03  # expected calibration error
# The largest difference of a logit on the contract's probe crops between machines. Integers are the
# same everywhere, but kernels may round a float on the edge between two integers either way. Where
# products of 8-bit numbers overflow (weights of 8 bits on processors without dot-product
# instructions), the difference is larger, and the file is refused.
PROBE_TOLERANCE = 0.1
METHOD_NOTE = "; weights and activations quantised to 8-bit integers after training"


@dataclass(frozen=True, slots=True)
class FileOutputs:
    """The outputs of a file for the validation faces: `logits (N, K)`, `cam (N, K, h, w)`."""

    logits: NDArray[np.float64]
    cam: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QuantisationSubject:
    """A model to quantise, the faces to calibrate and to judge it on, and its outputs and
    metrics."""

    path: Path
    contract: Contract
    train: Examples
    valid: Examples
    read: FileOutputs
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class QuantisationQuality:
    """The quality of a quantised file. `agreement` is the share of faces with the label of the fp32
    file, `gap` the mean over faces of the largest difference of a probability, `maps` the mean
    correlation of the predicted class's map with the fp32 file's (NaN where the maps are constant).
    """

    metrics: Metrics
    agreement: float
    gap: float
    maps: float


def run_file(classifier: Classifier, examples: Examples) -> FileOutputs:
    """Runs a file on all examples."""
    parts = [classifier.run(make_uint8_crops(examples, rows)) for rows in iterate_batches(examples)]
    logits = np.concatenate([part.logits for part in parts]).astype(np.float64)
    return FileOutputs(logits, np.concatenate([part.cam for part in parts]))


def load_subject(pack: Pack, path: Path) -> QuantisationSubject:
    """Loads the model and its faces. Raises `DataError` where the model was trained on other
    data."""
    classifier = Classifier(path, device="cpu", threads=THREADS)
    contract = classifier.contract
    if contract.training_data.key != pack.meta.key:
        raise DataError("The data is not what the model was trained on; give that file.")

    def load_faces(split: Split, labels_from: str) -> Examples:
        return load_examples(
            pack,
            split,
            template=contract.template,
            size_px=contract.size_px,
            colour=contract.colour,
            labels_from=labels_from,
        )

    train, valid = load_faces("train", "soft"), load_faces("valid", "majority")
    read = run_file(classifier, valid)
    metrics = measure_metrics(read.logits, valid.labels.numpy(), contract.temperature)
    return QuantisationSubject(path, contract, train, valid, read, metrics)


def compare_with_fp32(
    subject: QuantisationSubject, read: FileOutputs, temperature: float
) -> QuantisationQuality:
    """Compares a quantised file with its fp32 file; `read` and `temperature` are the quantised
    file's."""
    before = compute_softmax(subject.read.logits, subject.contract.temperature)
    after = compute_softmax(read.logits, temperature)
    faces, labels = np.arange(len(before)), before.argmax(axis=1)
    own, other = (r.cam[faces, labels].reshape(len(faces), -1) for r in (subject.read, read))
    own = own - own.mean(axis=1, keepdims=True)
    other = other - other.mean(axis=1, keepdims=True)
    spread = np.sqrt((own**2).sum(axis=1) * (other**2).sum(axis=1))
    alike = (own * other).sum(axis=1)[spread > 0] / spread[spread > 0]
    return QuantisationQuality(
        metrics=measure_metrics(read.logits, subject.valid.labels.numpy(), temperature),
        agreement=float((after.argmax(axis=1) == labels).mean()),
        gap=float(np.abs(after - before).max(axis=1).mean()),
        maps=float(alike.mean()) if len(alike) else float("nan"),
    )


def make_int8_contract(
    subject: QuantisationSubject, settings: Int8Settings, temperature: float
) -> Contract:
    """Makes the contract of the quantised file from the fp32 file's, without probe logits and
    figures."""
    onnxruntime = import_onnx_runtime()
    old = subject.contract
    made = {
        **asdict(settings),
        "made_from_sha256": sha256_of_file(subject.path),
        "made_by": f"onnxruntime {onnxruntime.__version__}",
        "probe_tolerance": PROBE_TOLERANCE,
    }
    return replace(
        old,
        temperature=temperature,
        method=old.method + METHOD_NOTE,
        recipe=old.recipe | {"int8": made},
        metrics={},
        probe_logits=(),
    )


def write_model(model: Any, contract: Contract, path: Path) -> None:
    """Writes an ONNX ModelProto with its contract. Raises `TrainingError`."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, write_contract(contract))
    model.doc_string = contract.method
    try:
        onnx.save_model(model, str(path))
    except OSError as cause:
        raise TrainingError(describe_write_error(path, cause)) from cause


def measure_unfused_difference(path: Path, contract: Contract) -> float:
    """Measures the largest difference of a logit on the probe crops to the same file without ONNX
    Runtime's fusions. The kernels of another machine may differ by as much."""
    onnxruntime = import_onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    x = normalise(
        make_probe_crops(contract.size_px),
        colour=contract.colour,
        mean=contract.mean,
        std=contract.std,
    )
    plain = session.run([LOGITS], {INPUT: x})[0]
    return float(np.abs(plain - np.array(contract.probe_logits)).max())


def make_int8_file(
    subject: QuantisationSubject, settings: Int8Settings, path: Path
) -> QuantisationQuality:
    """Writes the quantised file with its contract to `path`, and measures its quality. Raises
    `ModelError` where the file depends on the machine, or `TrainingError`."""
    model = quantise_model(
        subject.path, make_calibration_input(subject.train, subject.contract, settings), settings
    )
    add_embedding_output(model, str(subject.path))
    write_model(model, subject.contract, path)
    classifier = Classifier(path, device="cpu", threads=THREADS)
    read = run_file(classifier, subject.valid)
    temperature = fit_temperature(read.logits, subject.valid.labels.numpy())
    quality = compare_with_fp32(subject, read, temperature)
    probes = classifier.run(make_probe_crops(subject.contract.size_px)).logits
    # The same correction as in the fp32 file, so that both give the same labels.
    contract = decide_contract(
        make_int8_contract(subject, settings, temperature),
        compute_shown_logits(classifier, subject.valid),
        read.logits,
        subject.valid.labels.numpy(),
        tau=subject.contract.prior_correction,
    )
    contract = replace(
        contract,
        probe_logits=tuple(map(tuple, probes.astype(np.float64).tolist())),
        embedding=describe_embeddings(compute_file_embeddings(classifier, subject.valid)),
    )
    write_model(model, contract, path)
    difference = measure_unfused_difference(path, contract)
    if not difference <= PROBE_TOLERANCE:
        raise ModelError(
            f"{path} depends on the machine: its probe logits differ by {difference:.2f} without "
            f"ONNX Runtime's fusions, more than {PROBE_TOLERANCE}. Try other settings."
        )
    return quality


def time_files(
    files: Mapping[str, Path], rounds: int, threads: int = THREADS
) -> dict[str, Milliseconds]:
    """Times the files in turn, on single faces on the CPU. Returns each file's time in every round,
    ms."""
    return take_turns(
        {
            name: make_face_work(Classifier(path, device="cpu", threads=threads))
            for name, path in files.items()
        },
        rounds,
    )


def find_faults(before: Metrics, after: Metrics, speed: Spread) -> list[str]:
    """Lists the reasons why a file may not be shipped; `speed` is its time over that of the fp32
    file."""
    found = []
    lost = before.accuracy - after.accuracy
    if lost > MAX_ACCURACY_LOSS:
        found.append(
            f"accuracy falls by {100 * lost:.2f} points (at most {100 * MAX_ACCURACY_LOSS:.1f})"
        )
    lost = before.mean_class_recall - after.mean_class_recall
    if lost > MAX_RECALL_LOSS:
        found.append(f"mean class recall falls by {lost:.3f} (at most {MAX_RECALL_LOSS})")
    if after.ece > MAX_ECE:
        found.append(f"ECE is {after.ece:.3f} (at most {MAX_ECE})")
    if not speed.median < 1:
        found.append(f"it takes {speed.format()} of the fp32 file's time")
    return found
