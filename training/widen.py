"""A wider network that says the same: python -m training.widen models/dacl.pt -o wide.pt

Chen et al., "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016. Every channel is
there several times; what reads it shares its weights out among the copies at random, so that they
learn different things from the first step on. Training goes on from it with
`training.train --width N --init wide.pt`. The attention network's layers do not grow in step, so it
begins anew.
"""

import argparse
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from app.types import TrainingError
from training.checkpoint import Trained, build, load_trained, save
from training.cli import run
from training.model import DaclNet


def shares(times: int, weight: Tensor, generator: Generator) -> Tensor:
    """`(times, *weight.shape)` positive random shares that add up to 1 over the copies."""
    drawn = torch.rand((times, *weight.shape[:2]), generator=generator).double() + 1e-3
    drawn = drawn / drawn.sum(dim=0)
    return drawn.reshape(times, *weight.shape[:2], *(1,) * (weight.ndim - 2))


def spread_inputs(weight: Tensor, times: int, generator: Generator) -> Tensor:
    """`(O, I, ...)` -> `(O, times * I, ...)`: on copies of the input it gives the same."""
    parts = shares(times, weight, generator) * weight.double()
    return torch.cat(list(parts), dim=1).to(weight.dtype)


def repeated(tensor: Tensor, times: int) -> Tensor:
    return torch.cat([tensor] * times)


@torch.no_grad()
def widen(trained: Trained, times: int, seed: int) -> Trained:
    """The same network with `times` as many channels in every stage. Raises `TrainingError`."""
    if times < 2:
        raise TrainingError("A wider network has at least twice the channels.")
    if trained.config.model.excite:
        raise TrainingError("A network with squeeze-excitation cannot be widened.")
    model = replace(trained.config.model, width=trained.config.model.width * times)
    if model.widths != tuple(times * width for width in trained.config.model.widths):
        raise TrainingError(f"The stages of a growth of {model.growth:g} cannot be widened evenly.")
    config = replace(trained.config, model=model)
    generator = Generator().manual_seed(seed)
    torch.manual_seed(seed)  # of the attention network
    wide = build(config, len(trained.facts.labels)).eval()
    modules = dict(wide.named_modules())
    for name, module in trained.net.named_modules():
        if name.startswith("attention"):
            continue
        other = modules[name]
        if isinstance(module, nn.Conv2d) and isinstance(other, nn.Conv2d):
            weight = repeated(module.weight, times)
            if other.in_channels != module.in_channels:  # not the picture's own channels
                weight = spread_inputs(weight, times, generator)
            other.weight.copy_(weight)
        elif isinstance(module, nn.BatchNorm2d) and isinstance(other, nn.BatchNorm2d):
            other.load_state_dict(
                {
                    key: repeated(value, times) if value.ndim else value
                    for key, value in module.state_dict().items()
                }
            )
    own: DaclNet = trained.net
    wide.classifier.weight.copy_(spread_inputs(own.classifier.weight, times, generator))
    wide.classifier.bias.copy_(own.classifier.bias)
    return replace(trained, net=wide, config=config)


def write_wide(source: Path, output: Path, times: int, seed: int) -> Trained:
    """A checkpoint like any other, without centres. Raises `TrainingError`."""
    wide = widen(load_trained(source), times, seed)
    state = {
        "config": asdict(wide.config),
        "facts": asdict(wide.facts),
        "step": wide.step,
        "recommended": "weights",
        "weights": wide.net.state_dict(),
    }
    save(output, state)
    return wide


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m training.widen",
        description="Write a wider network that says the same, to go on training from.",
    )
    top.add_argument("checkpoint", type=Path, metavar="FILE.pt", help="the narrow network")
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="WIDE.pt", help="the file to write"
    )
    top.add_argument("--times", type=int, default=2, help="channels for each (default: 2)")
    top.add_argument("--seed", type=int, default=0, help="of the shares (default: 0)")
    top.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    return top


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.output.exists() and not options.overwrite:
        raise TrainingError(f"{options.output} is there already. Choose another, or --overwrite.")
    wide = write_wide(options.checkpoint, options.output, options.times, options.seed)
    millions = sum(p.numel() for p in wide.net.backbone.parameters()) / 1e6
    print(f"{options.output}: width {wide.config.model.width}, {millions:.1f} M parameters.")
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
