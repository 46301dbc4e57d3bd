"""Lets several processes train as one, by torch's distributed package; `torchrun` starts them.

Every rank makes the whole batch from the step's seed and computes its share, so that any number of
ranks sees the same pictures as one rank. torch's DistributedDataParallel averages the gradients.
This module sums what that class does not know: the centres, batch statistics on CPUs, and counts of
labels.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from app.errors import TrainingError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process, number `rank` among `count`. A process alone needs no process group."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """True on the rank that writes files and messages."""
        return self.rank == 0

    def take_share(self, whole: Tensor) -> Tensor:
        """Takes this rank's share of `whole`, a batch along its first axis. All shares have the
        same size."""
        return whole.chunk(self.count)[self.rank] if self.count > 1 else whole

    def sum_over_ranks(self, value: Tensor) -> Tensor:
        """Sums `value` over all ranks; every rank gets the sum. The result is not
        differentiable."""
        if self.count > 1:
            value = value.clone()
            distributed.all_reduce(value)
        return value

    def broadcast(self, value: T) -> T:
        """Gives every rank the first rank's value, which may be anything that can be pickled."""
        if self.count == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box)
        return box[0]

    def wait_for_all(self) -> None:
        """Waits until all ranks have come to this call."""
        if self.count > 1:
            distributed.barrier()

    def check_batch(self, size: int) -> None:
        """Raises `TrainingError` for a batch that the ranks cannot share equally."""
        if size % self.count:
            raise TrainingError(
                f"A batch of {size} cannot be shared by {self.count} processes. Choose a "
                f"--batch-size that {self.count} divides."
            )

    def wrap(self, net: nn.Module, device: torch.device) -> nn.Module:
        """Wraps `net` so that `backward` averages its gradients over all ranks."""
        if self.count == 1:
            return net
        ids = [device] if device.type == "cuda" else None
        return DistributedDataParallel(net, device_ids=ids)


ALONE = Ranks()


@contextmanager
def join_ranks(device: str) -> Iterator[Ranks]:
    """Joins the ranks that `torchrun` started; a process that was started otherwise stays alone.

    Args:
        device: "cuda" or "cpu". On CUDA each rank takes the GPU of its local rank.

    Yields:
        This process among its ranks. The process group ends with the context.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield Ranks()
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


class _SumOverRanks(torch.autograd.Function):
    """Sums over all ranks, differentiably: each rank's gradient of the sum returns to all ranks."""

    @staticmethod
    def forward(_: Any, own: Tensor) -> Tensor:
        total = own.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total


class _SharedNorm(nn.BatchNorm1d):
    """Normalises batches over all ranks' samples, on devices for which torch has no such layer.

    The input is `(B, C)` or `(B, C, H, W)` with the same B on every rank. Mean and variance are
    differentiable sums over the ranks, in two passes, as one rank with the whole batch would
    compute them.
    """

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - the name of torch
        if input.dim() not in (2, 4):
            raise ValueError(f"expected (B, C) or (B, C, H, W), got {tuple(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        self._check_input_dim(input)
        if not self.training:
            return super().forward(input)
        axes = [0] if input.dim() == 2 else [0, 2, 3]
        shape = [1, -1] + [1] * (input.dim() - 2)
        ranks = distributed.get_world_size()
        count = input.numel() // input.shape[1] * ranks
        exact = input if input.dtype == torch.float64 else input.float()
        mean = _SumOverRanks.apply(exact.sum(axes)) / count  # type: ignore[no-untyped-call]
        centred = exact - mean.view(shape)
        variance = _SumOverRanks.apply(centred.square().sum(axes)) / count  # type: ignore[no-untyped-call]
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            share = self.momentum or 0.0
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean.detach(), share)
            self.running_var.lerp_(variance.detach() * count / max(1, count - 1), share)
        result: Tensor = centred * (variance.view(shape) + self.eps).rsqrt()
        result = result * self.weight.view(shape) + self.bias.view(shape)
        return result.to(input.dtype)


def share_norms(net: nn.Module, ranks: Ranks, device: torch.device) -> nn.Module:
    """Gives `net` batch statistics over all ranks; the names in its state dict stay.

    On CUDA this is torch's SyncBatchNorm, which supports no other device; elsewhere it is a
    differentiable sum.
    """
    if ranks.count == 1:
        return net
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(net)  # type: ignore[no-untyped-call]
        return converted
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                shared = _SharedNorm(child.num_features, eps=child.eps, momentum=child.momentum)
                shared.load_state_dict(child.state_dict())
                module.add_module(name, shared.to(next(child.parameters())))
    return net
