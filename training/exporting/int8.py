"""Turns an exported model into one that computes with 8-bit integers, calibrated on real crops.

This is post-training static quantisation: the range of the values between layers is measured on
training faces once and becomes a fixed scale (Jacob et al., "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018). The convolution that gives
the class activation maps can stay as it is, so that maps and logits keep their full precision and
their exact relation.
"""

import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch

from app.alignment import normalise
from app.contract import CAM, INPUT, Contract
from app.errors import ModelError
from app.process.telemetry_off import import_onnx_runtime
from app.types import Floats
from training.datasets.examples import Examples
from training.judge.predictions import make_uint8_crops
from training.network.half_precision import restore_full

# The operators that are computed in integers. All others (sigmoids, means, the attention network)
# stay in floats.
OPERATORS = ("Conv", "Relu", "Clip", "Add", "Mul", "MaxPool", "Concat")
CALIBRATION_BATCH = 64  # faces at a time

Activations = Literal["uint8", "int8"]
Calibration = Literal["minmax", "percentile", "entropy"]
KeepFloat = Literal["none", "maps", "stem", "both"]


@dataclass(frozen=True, slots=True)
class Int8Settings:
    """The settings of a quantisation. Raises `ValueError` for values that cannot be."""

    activations: Activations = field(
        default="uint8", metadata={"help": "numbers between layers; weights are always int8"}
    )
    per_channel: bool = field(
        default=True, metadata={"help": "a scale for each output channel's weights, or one a layer"}
    )
    weight_bits: Literal[7, 8] = field(
        default=7,
        metadata={
            "help": "7 leaves a bit free, so that sums of two products cannot overflow on "
            "processors without dot-product instructions; with 8 such ones say something else"
        },
    )
    calibration: Calibration = field(
        default="percentile",
        metadata={
            "help": "range of the numbers between layers: all that was seen, without the "
            "outermost 0.001 %, or of least divergence (entropy)"
        },
    )
    keep_float: KeepFloat = field(
        default="maps",
        metadata={
            "help": "what is left as it is: the convolution that gives maps and logits, the first "
            "convolution (stem), both or none"
        },
    )
    faces: int = field(default=512, metadata={"help": "training faces to calibrate on"})
    seed: int = field(default=0, metadata={"help": "which faces these are"})

    def __post_init__(self) -> None:
        if self.faces < 1:
            raise ValueError("faces must be at least 1")
        if self.seed < 0:
            raise ValueError("seed must be at least 0")


def make_calibration_input(
    examples: Examples, contract: Contract, settings: Int8Settings
) -> Floats:
    """Makes the input to calibrate on: `settings.faces` of the examples, or all where there are
    fewer, as the app feeds them to the model.

    Returns:
        `(n, C, S, S)` float32, normalised.
    """
    count = min(settings.faces, len(examples))
    drawn = np.random.default_rng(settings.seed).choice(len(examples), count, replace=False)
    crops = make_uint8_crops(examples, torch.from_numpy(np.sort(drawn)))
    return normalise(crops, colour=contract.colour, mean=contract.mean, std=contract.std)


def find_map_nodes(graph: Any, name: str) -> list[Any]:
    """Finds the nodes that lead to the output `CAM` of `graph`, an ONNX GraphProto, in the file's
    order. Raises `ModelError` where no convolution gives that output; `name` stands in the message.
    """
    maker = {output: node for node in graph.node for output in node.output}
    wanted, found = [CAM], set()
    while wanted:
        node = maker.get(wanted.pop())
        if node is not None and node.output[0] not in found:
            found.add(node.output[0])
            wanted.extend(node.input)
    if CAM not in maker or maker[CAM].op_type != "Conv":
        raise ModelError(f"{name} has no convolution that gives {CAM}. Export the model again.")
    return [node for node in graph.node if node.output[0] in found]


def choose_int8_nodes(graph: Any, keep_float: KeepFloat, name: str) -> list[str]:
    """Chooses the names of the nodes to compute in integers. Raises `ModelError` where no
    convolution is left."""
    nodes = find_map_nodes(graph, name)
    left = set()
    if keep_float in ("maps", "both"):
        left |= {node.name for node in nodes if CAM in node.output}
    if keep_float in ("stem", "both"):
        left |= {node.name for node in nodes if node.op_type == "Conv" and INPUT in node.input}
    chosen = [n.name for n in nodes if n.op_type in OPERATORS and n.name not in left]
    if not any(n.op_type == "Conv" and n.name in chosen for n in nodes):
        raise ModelError(
            f"{name} has nothing to compute in integers with --keep-float {keep_float}."
        )
    return chosen


def read_float_model(path: Path) -> Any:
    """Reads the ONNX ModelProto of `path` and names every node. Raises `ModelError` where the model
    is quantised already."""
    model = onnx.load(str(path))
    restore_full(model)
    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        raise ModelError(f"{path} is quantised already. Give the file that it was made from.")
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
    return model


class _Batches:
    """Feeds ONNX Runtime's calibration: a dictionary of inputs a call, None at the end. The
    calibration's histograms need batches of one size, so a few of the faces may be left out."""

    def __init__(self, x: Floats) -> None:
        count = -(-len(x) // CALIBRATION_BATCH)
        size = len(x) // count
        self._parts = iter(np.split(x[: count * size], count))

    def get_next(self) -> dict[str, Floats] | None:
        """Gives the next batch."""
        part = next(self._parts, None)
        return None if part is None else {INPUT: part}


@contextmanager
def _silence_quantiser() -> Iterator[None]:
    """Silences the quantiser, which prints its progress and advises steps that exported files do
    not need."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def quantise_model(path: Path, x: Floats, settings: Int8Settings) -> Any:
    """Quantises a model.

    Args:
        path: The exported model.
        x: `(n, C, S, S)` float32, the input to calibrate on.
        settings: What is quantised, and how.

    Returns:
        The ONNX ModelProto in integers, with the metadata of `path`.

    Raises:
        ModelError: The model is quantised already, or the quantiser failed.
    """
    import_onnx_runtime()
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    model = read_float_model(path)
    names = choose_int8_nodes(model.graph, settings.keep_float, str(path))
    with tempfile.TemporaryDirectory() as folder, _silence_quantiser():
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save_model(model, str(source))
        try:
            quantize_static(
                str(source),
                str(target),
                _Batches(x),
                # QDQ uses ONNX's own operators, which are fused on loading; the app refuses others.
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(OPERATORS),
                nodes_to_quantize=names,
                per_channel=settings.per_channel,
                reduce_range=settings.weight_bits == 7,
                activation_type={"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}[
                    settings.activations
                ],
                weight_type=QuantType.QInt8,
                calibrate_method={
                    "minmax": CalibrationMethod.MinMax,
                    "percentile": CalibrationMethod.Percentile,
                    "entropy": CalibrationMethod.Entropy,
                }[settings.calibration],
            )
        except Exception as cause:  # the quantiser documents no error types
            raise ModelError(f"{path} could not be quantised: {cause}") from cause
        result = onnx.load(str(target))
    result.producer_name, result.producer_version = "training.quantise", ""
    return result
