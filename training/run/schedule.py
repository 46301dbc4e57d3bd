"""Derives everything that a step depends on from the seed and the step's number: rates, the order
of the examples, and the random source. A run that was interrupted therefore goes on as if it had
not been."""

import math

import numpy as np
import torch
from torch import Tensor

from training.config.train_config import TrainConfig
from training.datasets.examples import Examples
from training.network.model import ModelConfig


def compute_learning_rate(config: TrainConfig, step: int, total: int) -> float:
    """Computes the learning rate of a step out of `total` steps.

    One cycle is a straight line up to the peak and half a cosine down to zero (Smith & Topin,
    "Super-Convergence", 2019). With the schedule "step" the rate falls to a tenth after every
    `step_epochs` epochs. Balanced epochs have a half cosine of their own, from the peak to zero.

    >>> config = TrainConfig(learning_rate=0.1, warmup=0.1)
    >>> [round(compute_learning_rate(config, step, 100), 3) for step in (0, 10, 55, 100)]
    [0.004, 0.1, 0.05, 0.0]
    """
    shared = total * (config.epochs - config.balanced_epochs) // config.epochs
    if step >= shared and config.balanced_epochs:
        return config.learning_rate * _fall((step - shared) / (total - shared))
    total = shared
    if config.schedule == "step":
        epoch = step * (config.epochs - config.balanced_epochs) // total
        return config.learning_rate * 0.1 ** (epoch // config.step_epochs)
    warm = max(1, round(config.warmup * total))
    if step < warm:
        return config.learning_rate * (0.04 + 0.96 * step / warm)
    done = (step - warm) / max(1, total - warm)
    return config.learning_rate * _fall(done)


def _fall(done: float) -> float:
    """Computes half a cosine from 1 at `done` = 0 to 0 at 1."""
    return (1 + math.cos(math.pi * done)) / 2


def compute_centre_weight(config: TrainConfig, step: int, total: int) -> float:
    """Computes lambda, the weight of the centre loss, at a step out of `total` steps. Lambda rises
    in a straight line during the share `centre_warmup` of the steps.

    >>> config = TrainConfig(centre_weight=0.2, centre_warmup=0.5)
    >>> [compute_centre_weight(config, step, 100) for step in (0, 25, 50, 100)]
    [0.0, 0.1, 0.2, 0.2]
    """
    rising = config.centre_warmup * total
    return config.centre_weight * (min(1.0, step / rising) if rising > 0 else 1.0)


def make_step_generator(
    seed: int, purpose: str, number: int, device: torch.device
) -> torch.Generator:
    """Makes the random source of one step, or of one epoch's order, from numbers alone.

    >>> cpu = torch.device("cpu")
    >>> a, b = (make_step_generator(0, "step", 7, cpu) for _ in range(2))
    >>> bool(torch.rand(1, generator=a) == torch.rand(1, generator=b))
    True
    """
    sequence = np.random.SeedSequence([seed, number, *purpose.encode()])
    generator = torch.Generator(device)
    generator.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
    return generator


def draw_kept_features(count: int, config: ModelConfig, generator: torch.Generator) -> Tensor:
    """Draws the factors of dropout on the pooled features, from the step's own generator.

    Args:
        count: Samples.
        config: The network; `dropout` is the share of features set to 0.
        generator: The step's generator; its device is the result's.

    Returns:
        `(count, d)` float32: 0, or 1 / (1 - dropout) for the features that are kept.

    >>> generator = make_step_generator(0, "step", 0, torch.device("cpu"))
    >>> kept = draw_kept_features(4, ModelConfig(dropout=0.5), generator)
    >>> kept.shape[0], sorted(set(kept.flatten().tolist()))
    (4, [0.0, 2.0])
    """
    shape = (count, config.feature_dim)
    keep = 1.0 - config.dropout
    if keep == 1.0:
        return torch.ones(shape, device=generator.device)
    return torch.rand(shape, generator=generator, device=generator.device).lt(keep) / keep


def draw_epoch_rows(examples: Examples, config: TrainConfig, epoch: int) -> tuple[Tensor, ...]:
    """Draws the batches of an epoch.

    A last batch that would be short is left out. Where there are outliers, every batch holds a
    share of them; all outliers come in turn, each time in a new order. In balanced epochs, the
    faces with a majority are drawn so that each class is as probable as the others.

    Args:
        examples: The training set.
        config: Batch size, share of outliers and seed.
        epoch: The number of the epoch, from 0.

    Returns:
        The rows of each batch, int64 `(B,)`, on the examples' device.

    >>> examples = Examples(
    ...     pictures=torch.full((4, 1, 48, 48), 7, dtype=torch.uint8),
    ...     sizes=torch.full((4, 2), 48, dtype=torch.int32),
    ...     matrices=torch.eye(2, 3).repeat(4, 1, 1),
    ...     soft=torch.eye(4),
    ...     labels=torch.arange(4),
    ...     size_px=48,
    ... )
    >>> rows = draw_epoch_rows(examples, TrainConfig(batch_size=2), epoch=0)
    >>> sorted(torch.cat(rows).tolist()), [len(batch) for batch in rows]
    ([0, 1, 2, 3], [2, 2])
    """
    generator = make_step_generator(config.seed, "order", epoch, torch.device("cpu"))
    faces = examples.faces
    if epoch >= config.epochs - config.balanced_epochs:
        order = _draw_balanced(examples.labels[:faces].cpu(), generator)
    else:
        order = torch.randperm(faces, generator=generator)
    order = order.to(examples.labels.device)
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


def _draw_balanced(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Draws as many rows as there are `labels (N,)`, each class with the same probability."""
    counts = torch.bincount(labels[labels >= 0])
    weights = torch.where(labels >= 0, 1.0 / counts[labels.clamp(min=0)].double(), 0.0)
    return torch.multinomial(weights, len(labels), replacement=True, generator=generator)
