"""ONNX files small enough to reason about: a 1x1 convolution and its mean, with a contract."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.alignment import FACE_TEMPLATE, ColourMode
from app.contract import Contract, EmbeddingFacts, TrainingData
from app.recognition.contract_metadata import write_contract


def tiny_contract(
    labels: tuple[str, ...] = ("dark", "bright"),
    *,
    colour: ColourMode = "grey",
    size_px: int = 16,
    temperature: float = 1.0,
    class_shares: tuple[float, ...] = (),
    unsure_below: float | None = None,
    unsure_above_nats: float | None = None,
    prior_correction: float = 0.0,
    corrected_temperature: float | None = None,
    embedding: EmbeddingFacts | None = None,
) -> Contract:
    channels = 1 if colour == "grey" else 3
    return Contract(
        labels=labels,
        colour=colour,
        size_px=size_px,
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
        template=FACE_TEMPLATE,
        temperature=temperature,
        method="none: a convolution by hand",
        recipe={},
        training_data=TrainingData("none", "", class_shares),
        metrics={},
        licence="MIT",
        unsure_below=unsure_below,
        unsure_above_nats=unsure_above_nats,
        prior_correction=prior_correction,
        corrected_temperature=corrected_temperature,
        embedding=embedding,
    )


def write_tiny_model(
    path: Path,
    contract: Contract | None,
    weights: np.ndarray | None = None,
    *,
    channels: int = 1,
    size_px: int = 16,
    classes: int = 2,
    batch: str | int = "N",
    first_alone: bool = False,
    embedding: tuple[str | int, ...] | None = None,
) -> Path:
    """`weights (K, C)`: logits are their product with the mean of the normalised input. Without
    them, class 0 likes dark crops and class 1 bright ones. `first_alone`: only the first crop of a
    batch gets logits, whatever the file says. `embedding`: the shape that is declared for
    the mean of the input, None leaves this output out."""
    if weights is None:
        weights = np.linspace(-1, 1, classes)[:, None].repeat(channels, axis=1)
    kernel = weights.astype(np.float32)[:, :, None, None]
    classes, channels = weights.shape
    means = "means" if first_alone else "logits"
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "kernel"], ["cam"]),
            helper.make_node("ReduceMean", ["cam", "axes"], [means], keepdims=0),
            *([helper.make_node("Gather", [means, "zero"], ["logits"])] if first_alone else []),
            *(
                [helper.make_node("ReduceMean", ["input", "axes"], ["embedding"], keepdims=0)]
                if embedding
                else []
            ),
        ],
        "tiny",
        [
            helper.make_tensor_value_info(
                "input", TensorProto.FLOAT, [batch, channels, size_px, size_px]
            )
        ],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, classes]),
            helper.make_tensor_value_info(
                "cam", TensorProto.FLOAT, [batch, classes, size_px, size_px]
            ),
            *(
                [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, embedding)]
                if embedding
                else []
            ),
        ],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(np.array([2, 3], np.int64), "axes"),
            *([numpy_helper.from_array(np.array([0]), "zero")] if first_alone else []),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    if contract is not None:
        helper.set_model_props(model, write_contract(contract))
    onnx.save(model, str(path))
    return path
