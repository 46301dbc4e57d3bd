"""Sharpness-aware minimisation: the gradient is taken where the loss is worst nearby.

Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", ICLR 2021.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def climb(net: nn.Module, rho: float) -> Iterator[None]:
    """Inside, the trained weights are `rho` further up their gradient (all of them as one vector)
    and have none; after it, weights, batch statistics and other buffers are as they were before,
    bit for bit, and what gradients arose inside remain. With several ranks, gradients are already
    averages over them, so that all ranks climb alike."""
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
