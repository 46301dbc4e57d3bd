"""Adds the embedding to an exported network as an output of its own, and describes its numbers.

The embedding is the mean of the last feature map, which the convolution of the class activation
maps reads. So the output works alike for files of today and of before, in floats and in integers,
and the way to the logits stays as it is, bit for bit.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from app.contract import CAM, EMBEDDING, LOGITS, EmbeddingFacts
from app.errors import ModelError

AXES = "embedding_axes"  # the tensor that names the axes of height and width
DIGITS = 4  # of the means and deviations in the contract, which so take 6 kB and not 20


def add_embedding_output(model: Any, name: str) -> None:
    """Adds the output `EMBEDDING` to an ONNX ModelProto, in place. A model that has it stays as
    it is.

    Args:
        model: The model; a convolution gives its class activation maps.
        name: The file's name in errors.

    Raises:
        ModelError: No convolution gives the maps, or its weights are not in the file.
    """
    graph = model.graph
    if any(output.name == EMBEDDING for output in graph.output):
        return
    makers = {output: node for node in graph.node for output in node.output}
    classifier = makers.get(CAM)
    if classifier is None or classifier.op_type != "Conv":
        raise ModelError(f"{name} has no convolution that gives {CAM}. Export the model again.")
    weight = classifier.input[1]
    while weight in makers:  # through the operators that widen stored weights
        weight = makers[weight].input[0]
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    if weight not in shapes:
        raise ModelError(f"{name} does not hold the weights of {CAM}. Export the model again.")
    dim = shapes[weight][1]
    graph.initializer.append(numpy_helper.from_array(np.array([2, 3], np.int64), AXES))
    graph.node.append(
        helper.make_node("ReduceMean", [classifier.input[0], AXES], [EMBEDDING], keepdims=0)
    )
    (logits,) = (output for output in graph.output if output.name == LOGITS)
    axis = logits.type.tensor_type.shape.dim[0].dim_param
    graph.output.append(
        helper.make_tensor_value_info(EMBEDDING, onnx.TensorProto.FLOAT, [axis, dim])
    )


def describe_embeddings(embeddings: NDArray[np.float64]) -> EmbeddingFacts:
    """Describes embeddings `(N, d)` of faces, for a contract.

    >>> describe_embeddings(np.array([[0.0, 1.0], [2.0, 1.0]]))
    EmbeddingFacts(mean=(1.0, 1.0), std=(1.0, 0.0))
    """
    return EmbeddingFacts(
        mean=tuple(_round(value) for value in embeddings.mean(axis=0).tolist()),
        std=tuple(_round(value) for value in embeddings.std(axis=0).tolist()),
    )


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
