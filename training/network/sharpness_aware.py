"""Moves the weights uphill for sharpness-aware minimisation: the gradient is taken where the loss
nearby is worst.

Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", ICLR 2021.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def climb(net: nn.Module, rho: float) -> Iterator[None]:
    """Moves the trained weights `rho` up their gradient while the context lasts.

    All weights count as one vector, and their gradients are None on entry. On exit, weights, batch
    statistics and other buffers are restored bit for bit; gradients from inside remain. With
    several ranks, the gradients are averages over them already, so that all ranks move alike.

    Args:
        net: Has gradients.
        rho: Length of the step.
    """
    with torch.no_grad():
        climbing = [p for p in net.parameters() if p.grad is not None]
        before = [p.clone() for p in climbing]
        buffers = [b.clone() for b in net.buffers()]
        norm = torch.stack([p.grad.norm() for p in climbing if p.grad is not None]).norm()
        step = rho / (norm + 1e-12)
        for parameter in climbing:
            assert parameter.grad is not None
            parameter.add_(parameter.grad * step)
            parameter.grad = None
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, old in zip(climbing, before, strict=True):
                parameter.copy_(old)
            for buffer, old in zip(net.buffers(), buffers, strict=True):
                buffer.copy_(old)
