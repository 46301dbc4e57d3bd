"""Several processes as one: torch's own distributed package, started by `torchrun`.

Every rank makes the whole batch from the step's seed and takes its share of it, so that any number
of ranks sees what one rank would. Gradients are averaged by torch's DistributedDataParallel; what
it does not know of (the centres, batch statistics on CPUs, counts of labels) is summed here.
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
    """This process among `count`. One process alone needs no process group."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def mine(self, whole: Tensor) -> Tensor:
        """This rank's share of a batch along its first axis; shares are equal."""
        return whole.chunk(self.count)[self.rank] if self.count > 1 else whole

    def sum(self, value: Tensor) -> Tensor:
        """The sum over all ranks, on each of them; not differentiable."""
        if self.count > 1:
            value = value.clone()
            distributed.all_reduce(value)
        return value

    def share(self, value: T) -> T:
        """The first rank's value, on every rank. Anything that can be pickled."""
        if self.count == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box)
        return box[0]

    def wait(self) -> None:
        """Until all ranks are here."""
        if self.count > 1:
            distributed.barrier()

    def check_batch(self, size: int) -> None:
        if size % self.count:
            raise TrainingError(
                f"A batch of {size} cannot be shared by {self.count} processes. Choose a "
                f"--batch-size that {self.count} divides."
            )

    def wrap(self, net: nn.Module, device: torch.device) -> nn.Module:
        """`net` such that `backward` averages its gradients over all ranks."""
        if self.count == 1:
            return net
        ids = [device] if device.type == "cuda" else None
        return DistributedDataParallel(net, device_ids=ids)


ALONE = Ranks()


@contextmanager
def join_ranks(device: str) -> Iterator[Ranks]:
    """The ranks that `torchrun` started, or this process alone. `device`: "cuda" or "cpu"; each
    rank on CUDA takes the GPU of its local rank."""
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
    """A differentiable sum: what each rank's loss makes of it comes back to all of them."""

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
    """Batch normalisation over all ranks' samples, for devices without torch's own.

    `(B, C)` or `(B, C, H, W)`; every rank has as many samples. Mean and variance are differentiable
    sums over the ranks, in two passes, as one rank with the whole batch would take them.
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
    """`net` with batch statistics over all ranks: torch's SyncBatchNorm on CUDA, which knows no
    other device, and a differentiable sum elsewhere. State dicts keep their names."""
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
