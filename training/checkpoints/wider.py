"""Widens networks so that they say the same.

Chen et al., "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016. Channels are there
more than once; what reads them shares its weights out among the copies at random, so that they
learn different things from the first step on. The attention network's layers do not grow in step,
so it begins anew.
"""

from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from app.errors import TrainingError
from training.checkpoints.checkpoint import Trained, build_network, load_trained, save_checkpoint
from training.network.model import DaclNet


def list_copies(channels: int, wide: int) -> Tensor:
    """`(wide,)`: of which of the `channels` each of the wider network's is a copy."""
    return torch.arange(wide) % channels


def spread_inputs(weight: Tensor, wide: int, generator: Generator) -> Tensor:
    """`(O, I, ...)` -> `(O, wide, ...)`: on copies of the input it gives the same. The shares of a
    channel's copies are positive, random and add up to 1."""
    outputs, inputs = weight.shape[:2]
    source = list_copies(inputs, wide)
    drawn = torch.rand((outputs, wide), generator=generator).double() + 1e-3
    whole = torch.zeros(outputs, inputs, dtype=torch.float64).index_add_(1, source, drawn)
    share = (drawn / whole[:, source]).reshape(outputs, wide, *(1,) * (weight.ndim - 2))
    return (share * weight.double()[:, source]).to(weight.dtype)


@torch.no_grad()
def widen_network(trained: Trained, width: int, seed: int) -> Trained:
    """The same network with `width` channels in its first stage and as many more in the others.
    Raises `TrainingError`."""
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
    """A checkpoint like any other, without centres. Raises `TrainingError`."""
    wide = widen_network(load_trained(source), width, seed)
    state = {
        "config": asdict(wide.config),
        "facts": asdict(wide.facts),
        "step": wide.step,
        "recommended": "weights",
        "weights": wide.net.state_dict(),
    }
    save_checkpoint(output, state)
    return wide
