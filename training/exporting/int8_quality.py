"""How good a quantised file is: made, run on the validation faces, held against its fp32."""

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
from app.files.hashing import sha256_of_file
from app.process.telemetry_off import import_onnx_runtime
from app.recognition.classifier import Classifier
from app.recognition.contract_metadata import write_contract
from training.base.json_values import make_json_safe
from training.datasets.examples import Examples, load_examples
from training.datasets.pack import Pack
from training.datasets.readers import Split
from training.exporting.int8 import Int8Settings, calibration_input, quantised
from training.judge.latency import THREADS, Milliseconds, Spread, face_work, take_turns
from training.judge.predictions import batches, uint8_crops
from training.measures.metrics import Metrics, compute_softmax, fit_temperature, measure_metrics

# The limits of a file that may be shipped, against its fp32.
ACCURACY_LOSS = 0.003
RECALL_LOSS = 0.02
ECE_LIMIT = 0.03
# Largest difference of a logit on the contract's probe crops between machines. Integers are the
# same everywhere, but where a float lies on the edge between two of them, kernels may round it
# either way. Where products of 8-bit numbers overflow (processors without dot-product
# instructions, weights of 8 bits), the difference is larger: then the file does not suit.
PROBE_TOLERANCE = 0.1
NOTE = "; weights and activations quantised to 8-bit integers after training"


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says of the validation faces: `logits (N, K)`, `cam (N, K, h, w)`."""

    logits: NDArray[np.float64]
    cam: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Subject:
    """A model to quantise, with the faces to calibrate and to judge it on, and what it says."""

    path: Path
    contract: Contract
    train: Examples
    valid: Examples
    read: Read
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Quality:
    """`agreement`: share of faces with the label that the fp32 file gives. `gap`: mean over faces
    of the largest difference of a probability. `maps`: mean correlation of the predicted class's
    map with the fp32 file's (NaN where maps are constant)."""

    metrics: Metrics
    agreement: float
    gap: float
    maps: float


def read_all(classifier: Classifier, examples: Examples) -> Read:
    parts = [classifier.run(uint8_crops(examples, rows)) for rows in batches(examples)]
    logits = np.concatenate([part.logits for part in parts]).astype(np.float64)
    return Read(logits, np.concatenate([part.cam for part in parts]))


def subject_of(pack: Pack, path: Path) -> Subject:
    """Raises `DataError` when the model was not trained on this data."""
    classifier = Classifier(path, device="cpu", threads=THREADS)
    contract = classifier.contract
    if contract.training_data.key != pack.meta.key:
        raise DataError("The data is not what the model was trained on; give that file.")

    def faces(split: Split, labels_from: str) -> Examples:
        return load_examples(
            pack,
            split,
            template=contract.template,
            size_px=contract.size_px,
            colour=contract.colour,
            labels_from=labels_from,
        )

    train, valid = faces("train", "soft"), faces("valid", "majority")
    read = read_all(classifier, valid)
    metrics = measure_metrics(read.logits, valid.labels.numpy(), contract.temperature)
    return Subject(path, contract, train, valid, read, metrics)


def compare_with_fp32(subject: Subject, read: Read, temperature: float) -> Quality:
    """`read` and `temperature` are the quantised file's."""
    before = compute_softmax(subject.read.logits, subject.contract.temperature)
    after = compute_softmax(read.logits, temperature)
    faces, labels = np.arange(len(before)), before.argmax(axis=1)
    own, other = (r.cam[faces, labels].reshape(len(faces), -1) for r in (subject.read, read))
    own = own - own.mean(axis=1, keepdims=True)
    other = other - other.mean(axis=1, keepdims=True)
    spread = np.sqrt((own**2).sum(axis=1) * (other**2).sum(axis=1))
    alike = (own * other).sum(axis=1)[spread > 0] / spread[spread > 0]
    return Quality(
        metrics=measure_metrics(read.logits, subject.valid.labels.numpy(), temperature),
        agreement=float((after.argmax(axis=1) == labels).mean()),
        gap=float(np.abs(after - before).max(axis=1).mean()),
        maps=float(alike.mean()) if len(alike) else float("nan"),
    )


def make_int8_contract(
    subject: Subject, settings: Int8Settings, temperature: float, metrics: Metrics
) -> Contract:
    """The fp32 file's contract with what the quantisation changed; without probe logits."""
    onnxruntime = import_onnx_runtime()
    old = subject.contract
    figures = {k: v for k, v in old.metrics.items() if k in ("split", "protocol")}
    figures["faces"] = metrics.count
    for name in old.metrics:
        if hasattr(metrics, name):
            figures[name] = make_json_safe(getattr(metrics, name))
    made = {
        **asdict(settings),
        "made_from_sha256": sha256_of_file(subject.path),
        "made_by": f"onnxruntime {onnxruntime.__version__}",
        "probe_tolerance": PROBE_TOLERANCE,
    }
    return replace(
        old,
        temperature=temperature,
        method=old.method + NOTE,
        recipe=old.recipe | {"int8": made},
        metrics=figures,
        probe_logits=(),
    )


def write_model(model: Any, contract: Contract, path: Path) -> None:
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, write_contract(contract))
    model.doc_string = contract.method
    try:
        onnx.save_model(model, str(path))
    except OSError as cause:
        raise TrainingError(f"{path} could not be written: {cause.strerror or cause}.") from cause


def unfused_difference(path: Path, contract: Contract) -> float:
    """The largest difference of a logit on the probe crops to the same file without ONNX Runtime's
    fusions: what another machine's kernels may come to."""
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


def make(subject: Subject, settings: Int8Settings, path: Path) -> Quality:
    """Writes the quantised file with its contract and says how good it is. Raises `ModelError`,
    `TrainingError`."""
    model = quantised(
        subject.path, calibration_input(subject.train, subject.contract, settings), settings
    )
    write_model(model, subject.contract, path)
    classifier = Classifier(path, device="cpu", threads=THREADS)
    read = read_all(classifier, subject.valid)
    temperature = fit_temperature(read.logits, subject.valid.labels.numpy())
    quality = compare_with_fp32(subject, read, temperature)
    probes = classifier.run(make_probe_crops(subject.contract.size_px)).logits
    contract = replace(
        make_int8_contract(subject, settings, temperature, quality.metrics),
        probe_logits=tuple(map(tuple, probes.astype(np.float64).tolist())),
    )
    write_model(model, contract, path)
    difference = unfused_difference(path, contract)
    if not difference <= PROBE_TOLERANCE:
        raise ModelError(
            f"{path} depends on the machine: its probe logits differ by {difference:.2f} without "
            f"ONNX Runtime's fusions, more than {PROBE_TOLERANCE}. Try other settings."
        )
    return quality


def time_in_turn(
    files: Mapping[str, Path], rounds: int, threads: int = THREADS
) -> dict[str, Milliseconds]:
    """Single faces on the CPU."""
    return take_turns(
        {
            name: face_work(Classifier(path, device="cpu", threads=threads))
            for name, path in files.items()
        },
        rounds,
    )


def faults(before: Metrics, after: Metrics, speed: Spread) -> list[str]:
    """Why a file may not be shipped; `speed` is its time over the fp32 file's."""
    found = []
    lost = before.accuracy - after.accuracy
    if lost > ACCURACY_LOSS:
        found.append(
            f"accuracy falls by {100 * lost:.2f} points (at most {100 * ACCURACY_LOSS:.1f})"
        )
    lost = before.mean_class_recall - after.mean_class_recall
    if lost > RECALL_LOSS:
        found.append(f"mean class recall falls by {lost:.3f} (at most {RECALL_LOSS})")
    if after.ece > ECE_LIMIT:
        found.append(f"ECE is {after.ece:.3f} (at most {ECE_LIMIT})")
    if not speed.median < 1:
        found.append(f"it takes {speed.says()} of the fp32 file's time")
    return found
