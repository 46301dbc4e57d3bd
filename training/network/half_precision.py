"""Weights in half precision: a file half as large that computes in single precision as before.

The network's weights are rounded first, with each normalisation taken into the layer before it, as
the exporter does anyway. What the file then holds is exactly the rounded network: its 16-bit
numbers are widened to 32 bits by the first operators of the graph, which ONNX Runtime carries out
once, when the session is made.
"""

import copy
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from app.errors import TrainingError
from training.network.dlib_backbone import DlibBlock
from training.network.model import BasicBlock, DaclNet

Storage = Literal["full", "half"]
LEAST_ELEMENTS = 256  # smaller tensors gain nothing; biases and shapes are among them
SUFFIX = "_half"


def _fused(layer: nn.Module, norm: nn.Module) -> nn.Module | None:
    """One layer for both; None where there is nothing to fuse."""
    if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
        return fuse_conv_bn_eval(layer, norm)
    if isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
        return fuse_linear_bn_eval(layer, norm)
    return None


def _fuse_all(net: nn.Module) -> None:
    for module in net.modules():
        pairs: list[tuple[str, str]] = []
        if isinstance(module, BasicBlock | DlibBlock):
            pairs = [("conv1", "norm1"), ("conv2", "norm2")]
        elif isinstance(module, nn.Sequential):
            names = list(module._modules)
            pairs = list(pairwise(names))
        for layer, norm in pairs:
            one = _fused(getattr(module, layer), getattr(module, norm))
            if one is not None:
                setattr(module, layer, one)
                setattr(module, norm, nn.Identity())


@torch.no_grad()
def round_to_half(net: DaclNet) -> DaclNet:
    """A network for evaluation alone whose weights are 16-bit floats in value, 32-bit in kind;
    biases are as they were. Raises `TrainingError` where a weight is too large for that."""
    result = copy.deepcopy(net).eval()
    _fuse_all(result)
    for name, weight in result.named_parameters():
        if weight.ndim > 1:
            weight.copy_(weight.half())
            if not weight.isfinite().all():
                raise TrainingError(
                    f"The weights {name} are too large for half precision. Export with --weights "
                    "full."
                )
    return result


def store_halved(model: Any) -> None:
    """Stores in 16 bits every larger 32-bit tensor of an ONNX ModelProto that loses nothing by it,
    and widens it before its use."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        full = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = full.astype(np.float16)
        if full.size < LEAST_ELEMENTS or not np.array_equal(half, full):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, name + SUFFIX))
        casts.append(
            helper.make_node("Cast", [name + SUFFIX], [name], name, to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def restore_full(model: Any) -> None:
    """Takes `store_halved` back, for those who look for weights among the tensors."""
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        tensor = tensors.get(node.input[0]) if node.op_type == "Cast" else None
        if tensor is None or tensor.data_type != onnx.TensorProto.FLOAT16:
            nodes.append(node)
            continue
        full = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(full, node.output[0]))
    del graph.node[:]
    graph.node.extend(nodes)
