"""Writes the network of random weights that costs are compared with."""

from pathlib import Path

import torch

from app.alignment import FACE_TEMPLATE
from app.contract import Contract, TrainingData
from training.base.device import PIXEL_MEAN, PIXEL_STD
from training.checkpoints.checkpoint import Trained, build_network
from training.config.run_config import DataFacts, RunConfig
from training.config.train_config import TrainConfig
from training.exporting.onnx_file import write_onnx
from training.network.model import BasicBlock, ModelConfig

REFERENCE_SIZES_PX = (224, 112)  # sides of the input: ImageNet's, and half of it
REFERENCE_CLASSES = 8  # as FER+ has


def name_reference(size_px: int) -> str:
    """Names the reference network of an input size.

    >>> name_reference(224)
    'ResNet-18 at 224 px'
    """
    return f"ResNet-18 at {size_px} px"


def write_reference(size_px: int, path: Path, *, width: int = 64) -> Path:
    """Writes a standard ResNet-18 (7 x 7 stem, max pooling, colour) of random weights, as
    `training.export` writes a trained network. He et al., "Deep Residual Learning for Image
    Recognition", CVPR 2016. Returns `path`."""
    labels = tuple(f"class {number}" for number in range(1, REFERENCE_CLASSES + 1))
    config = RunConfig(
        train=TrainConfig(size_px=size_px, colour="rgb"),
        # The attention network is not exported; reading the pooled feature keeps it small.
        model=ModelConfig(width=width, stem="standard", attention_reads="pooled"),
    )
    net = build_network(config, len(labels)).eval()
    for module in net.modules():
        if isinstance(module, BasicBlock):  # a new block computes its shortcut alone
            torch.nn.init.ones_(module.norm2.weight)
    contract = Contract(
        labels=labels,
        colour="rgb",
        size_px=size_px,
        mean=(PIXEL_MEAN,) * 3,
        std=(PIXEL_STD,) * 3,
        template=FACE_TEMPLATE,
        temperature=1.0,
        method="random weights, for timing alone",
        recipe={},
        training_data=TrainingData("none", "", ()),
        metrics={},
        licence="",
    )
    facts = DataFacts(dataset="none", key="", labels=labels, class_shares=())
    write_onnx(Trained(net, config, facts, 0), contract, path)
    return path
