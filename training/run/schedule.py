"""What a step follows from, all of it from the seed and the step's number: rates, the order of the
examples, and the random source. So a run that was interrupted goes on as if it had not been.
"""

import math

import numpy as np
import torch
from torch import Tensor

from training.config.train_config import TrainConfig
from training.datasets.examples import Examples
from training.network.model import ModelConfig


def learning_rate(config: TrainConfig, step: int, total: int) -> float:
    """One cycle: a straight line up to the peak, half a cosine down to zero (Smith & Topin,
    "Super-Convergence", 2019). Steps: a tenth after every `step_epochs`."""
    if config.schedule == "step":
        epoch = step * config.epochs // total
        return config.learning_rate * 0.1 ** (epoch // config.step_epochs)
    warm = max(1, round(config.warmup * total))
    if step < warm:
        return config.learning_rate * (0.04 + 0.96 * step / warm)
    done = (step - warm) / max(1, total - warm)
    return config.learning_rate * (1 + math.cos(math.pi * done)) / 2


def centre_weight(config: TrainConfig, step: int, total: int) -> float:
    """Lambda at a step: risen to its full value after the share `centre_warmup` of the steps."""
    rising = config.centre_warmup * total
    return config.centre_weight * (min(1.0, step / rising) if rising > 0 else 1.0)


def step_generator(seed: int, purpose: str, number: int, device: torch.device) -> torch.Generator:
    """The random source of one step (or of one epoch's order), from numbers alone."""
    sequence = np.random.SeedSequence([seed, number, *purpose.encode()])
    generator = torch.Generator(device)
    generator.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
    return generator


def kept_features(count: int, config: ModelConfig, generator: torch.Generator) -> Tensor:
    """`(count, d)` factors of dropout on the pooled features, from the step's own generator."""
    shape = (count, config.feature_dim)
    keep = 1.0 - config.dropout
    if keep == 1.0:
        return torch.ones(shape, device=generator.device)
    return torch.rand(shape, generator=generator, device=generator.device).lt(keep) / keep


def epoch_rows(examples: Examples, config: TrainConfig, epoch: int) -> tuple[Tensor, ...]:
    """The batches of an epoch; a last one that would be short is left out. Outliers, where there
    are any, are a share of every batch, all of them in turn in a new order."""
    generator = step_generator(config.seed, "order", epoch, torch.device("cpu"))
    faces = examples.faces
    order = torch.randperm(faces, generator=generator).to(examples.labels.device)
    beside = max(1, round(config.outliers * config.batch_size)) if examples.outliers else 0
    size = min(max(1, config.batch_size - beside), faces)
    batches = torch.split(order[: faces // size * size], size)
    if not beside:
        return batches
    rounds = -(-len(batches) * beside // examples.outliers)
    turns = [torch.randperm(examples.outliers, generator=generator) for _ in range(rounds)]
    outliers = faces + torch.cat(turns).to(order.device)
    others = torch.split(outliers[: len(batches) * beside], beside)
    return tuple(torch.cat(both) for both in zip(batches, others, strict=True))
