"""Which crop of a batch each crop is mixed with, and how: mixup's blend or CutMix's box.

Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018. Yun et al., "CutMix:
Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV 2019.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from training.datasets.examples import NO_LABEL

# A mixed crop keeps its class for the centre loss only while this share of it is one picture.
CLEAR_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Mixing:
    """Drawn once for a batch; says the same of crops of any size. `share (B,)`, half or more, is
    of the crop itself, the rest of the crop `other (B,)`. `box (B, 4)`: left, top, right and
    bottom, in sides of the crop, of the part that is the other's, empty where the two are blended;
    None where all are."""

    share: Tensor
    other: Tensor
    box: Tensor | None = None

    def crops(self, crops: Tensor) -> Tensor:
        """`(B, C, S, S)`."""
        weight = self.share[:, None, None, None]
        others = crops[self.other]
        blended = weight * crops + (1 - weight) * others
        if self.box is None:
            return blended
        inside = self._inside(crops.shape[-1])
        cut = (self.box[:, 2:] > self.box[:, :2]).all(dim=1)
        pasted = torch.where(inside[:, None], others, crops)
        return torch.where(cut[:, None, None, None], pasted, blended)

    def targets(self, targets: Tensor) -> Tensor:
        """`(B, T)` of anything that is mixed as the crops are."""
        return self.share[:, None] * targets + (1 - self.share[:, None]) * targets[self.other]

    def labels(self, labels: Tensor) -> Tensor:
        """`(B,)` for the centre loss: the deep feature of two faces in one belongs to no class's
        centre, so that a crop of which less than `CLEAR_SHARE` is one picture loses its label."""
        return torch.where(self.share >= CLEAR_SHARE, labels, NO_LABEL)

    def _inside(self, size_px: int) -> Tensor:
        """`(B, S, S)`: which pixels' centres lie in the box."""
        assert self.box is not None
        left, top, right, bottom = (self.box * size_px)[:, :, None].unbind(dim=1)
        centres = torch.arange(size_px, device=self.box.device) + 0.5
        columns = (centres >= left) & (centres < right)  # (B, S)
        rows = (centres >= top) & (centres < bottom)
        return rows[:, :, None] & columns[:, None, :]


def draw_mixing(
    count: int, size_px: int, *, mixup: float, cutmix: float, generator: Generator
) -> Mixing:
    """`mixup` and `cutmix` are the alphas of their beta distributions, 0 switches one off; with
    both, a fair coin decides for each crop. Boxes lie on the grid of crops of `size_px`."""
    share = _shares(count, mixup or cutmix, generator)
    other = torch.randperm(count, generator=generator, device=generator.device)
    if not cutmix:
        return Mixing(share, other)
    box = torch.zeros(count, 4, device=generator.device)
    cut = torch.ones(count, dtype=torch.bool, device=generator.device)
    wanted = share
    if mixup:
        wanted = _shares(count, cutmix, generator)
        cut = torch.rand(count, generator=generator, device=generator.device) < 0.5
    side = size_px * (1 - wanted).sqrt()
    middle = size_px * torch.rand(count, 2, generator=generator, device=generator.device)
    low = (middle - side[:, None] / 2).round().clamp(0, size_px)
    high = (middle + side[:, None] / 2).round().clamp(0, size_px)
    box = torch.where(cut[:, None], torch.cat([low, high], dim=1) / size_px, box)
    kept = 1 - (high - low).prod(dim=1) / size_px**2  # what the edges cut off is the crop's own
    return Mixing(torch.where(cut, kept, share), other, box)


def _shares(count: int, alpha: float, generator: Generator) -> Tensor:
    """`(count,)` the larger of u and 1 - u, u of Beta(alpha, alpha), as a ratio of gammas."""
    shape = torch.full((count, 2), alpha, device=generator.device)
    gammas = torch._standard_gamma(shape, generator=generator).clamp(min=1e-12)
    return gammas.amax(dim=1) / gammas.sum(dim=1)
