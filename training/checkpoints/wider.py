"""Widens networks without changing their outputs.

Chen et al., "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016. Channels are
copied, and the next layer's weights are shared out among the copies at random, so that the copies
learn different things from the first step on. The attention network's layers do not grow in the
same ratio, so that it begins anew.
"""

from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from app.errors import TrainingError
from training.checkpoints.checkpoint import Trained, build_network, load_trained, save_checkpoint
from training.checkpoints.origins import write_origins
from training.network.model import DaclNet


def list_copies(channels: int, wide: int) -> Tensor:
    """Lists, for each channel of the wider network, the channel that it copies. Returns `(wide,)`
    int64.

    >>> list_copies(3, 5).tolist()
    [0, 1, 2, 0, 1]
    """
    return torch.arange(wide) % channels


def spread_inputs(weight: Tensor, wide: int, generator: Generator) -> Tensor:
    """Widens a layer's inputs such that copies of the old inputs give the old outputs.

    Args:
        weight: `(O, I, ...)`.
        wide: Count of new inputs, at least I.
        generator: Draws the shares of a channel's copies, which are positive and sum to 1.

    Returns:
        `(O, wide, ...)` of the same dtype.

    >>> spread = spread_inputs(torch.ones(1, 2), 4, Generator().manual_seed(0))
    >>> round(float(spread[0, 0] + spread[0, 2]), 5)
    1.0
    """
    outputs, inputs = weight.shape[:2]
    source = list_copies(inputs, wide)
    drawn = torch.rand((outputs, wide), generator=generator).double() + 1e-3
    whole = torch.zeros(outputs, inputs, dtype=torch.float64).index_add_(1, source, drawn)
    share = (drawn / whole[:, source]).reshape(outputs, wide, *(1,) * (weight.ndim - 2))
    return (share * weight.double()[:, source]).to(weight.dtype)


@torch.no_grad()
def widen_network(trained: Trained, width: int, seed: int) -> Trained:
    """Widens a network to `width` channels in its first stage, and the other stages in the same
    ratio.

    Raises `TrainingError` for a network that cannot be widened, or is not narrower.
    """
    narrow = trained.config.model
    if narrow.backbone != "resnet":
        raise TrainingError(f"A network of the kind {narrow.backbone} cannot be widened.")
    if width <= narrow.width:
        raise TrainingError(
            f"A network of width {narrow.width} is widened to more than that, not to {width}."
        )
    if narrow.excite:
        raise TrainingError("A network with squeeze-excitation cannot be widened.")
    config = replace(trained.config, model=replace(narrow, width=width))
    generator = Generator().manual_seed(seed)
    torch.manual_seed(seed)  # of the attention network
    wide = build_network(config, len(trained.facts.labels)).eval()
    modules = dict(wide.named_modules())
    for name, module in trained.net.named_modules():
        if name.startswith("attention"):
            continue
        other = modules[name]
        if isinstance(module, nn.Conv2d) and isinstance(other, nn.Conv2d):
            weight = module.weight[list_copies(module.out_channels, other.out_channels)]
            if other.in_channels != module.in_channels:  # not the picture's own channels
                weight = spread_inputs(weight, other.in_channels, generator)
            other.weight.copy_(weight)
        elif isinstance(module, nn.BatchNorm2d) and isinstance(other, nn.BatchNorm2d):
            source = list_copies(module.num_features, other.num_features)
            other.load_state_dict(
                {
                    key: value[source] if value.ndim else value
                    for key, value in module.state_dict().items()
                }
            )
    own: DaclNet = trained.net
    inputs = wide.classifier.in_features
    wide.classifier.weight.copy_(spread_inputs(own.classifier.weight, inputs, generator))
    wide.classifier.bias.copy_(own.classifier.bias)
    return replace(trained, net=wide, config=config)


def write_wide(source: Path, output: Path, width: int, seed: int) -> Trained:
    """Widens the network of a checkpoint and writes a checkpoint like any other, without
    centres. Raises `TrainingError`."""
    wide = widen_network(load_trained(source), width, seed)
    state = {
        "config": asdict(wide.config),
        "facts": asdict(wide.facts),
        "step": wide.step,
        "recommended": "weights",
        "weights": wide.net.state_dict(),
        "origins": write_origins(wide.origins),
    }
    save_checkpoint(output, state)
    return wide
