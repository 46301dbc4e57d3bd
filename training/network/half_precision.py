"""Stores weights in half precision: the file is half as large and computes in single precision.

First the network's weights are rounded, with each normalisation folded into the layer before it, as
the exporter does anyway. The file then holds exactly the rounded network. The first operators of
its graph widen the 16-bit numbers to 32 bits; ONNX Runtime does this once, when it makes the
session.
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
MIN_HALVED_ELEMENTS = 256  # smaller tensors, such as biases and shapes, save nothing
SUFFIX = "_half"  # of the names of stored 16-bit tensors


def _fused(layer: nn.Module, norm: nn.Module) -> nn.Module | None:
    """Fuses a layer with its norm into one layer; None where the two do not fuse."""
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
    """Copies a network and rounds its weights to 16-bit floats, which it keeps as 32-bit numbers.
    Biases stay. The copy is for evaluation alone.

    Raises `TrainingError` for a weight that is too large for half precision.
    """
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
    """Stores in 16 bits every larger 32-bit tensor of an ONNX ModelProto that loses nothing, and
    adds the operator that widens the tensor before its use. Changes `model` in place."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        full = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = full.astype(np.float16)
        if full.size < MIN_HALVED_ELEMENTS or not np.array_equal(half, full):
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
    """Undoes `store_halved`, for code that looks for weights among the tensors. Changes `model`
    in place."""
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
