"""Mixes each crop of a batch with another: mixup's blend or CutMix's box.

Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018. Yun et al., "CutMix:
Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV 2019.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from training.datasets.readers import NO_LABEL

CLEAR_SHARE = 0.9  # of one picture: from here on a mixed crop keeps its class for the centre loss


@dataclass(frozen=True, slots=True)
class Mixing:
    """The mixing of one batch, which fits crops of any size.

    `share (B,)`, half or more, belongs to the crop itself, the rest to the crop `other (B,)`.
    `box (B, 4)` is the other's part: left, top, right and bottom, in sides of the crop. The box is
    empty where the two are blended, and None where all are.
    """

    share: Tensor
    other: Tensor
    box: Tensor | None = None

    def mix_crops(self, crops: Tensor) -> Tensor:
        """Mixes `(B, C, S, S)`."""
        weight = self.share[:, None, None, None]
        others = crops[self.other]
        blended = weight * crops + (1 - weight) * others
        if self.box is None:
            return blended
        inside = self._inside(crops.shape[-1])
        cut = (self.box[:, 2:] > self.box[:, :2]).all(dim=1)
        pasted = torch.where(inside[:, None], others, crops)
        return torch.where(cut[:, None, None, None], pasted, blended)

    def mix_targets(self, targets: Tensor) -> Tensor:
        """Mixes `(B, T)` of any values as the crops are mixed."""
        return self.share[:, None] * targets + (1 - self.share[:, None]) * targets[self.other]

    def drop_unclear_labels(self, labels: Tensor) -> Tensor:
        """Keeps the labels `(B,)` of crops that are at least `CLEAR_SHARE` one picture; others
        become `NO_LABEL`.

        The deep feature of two faces in one crop belongs to no class's centre.
        """
        return torch.where(self.share >= CLEAR_SHARE, labels, NO_LABEL)

    def _inside(self, size_px: int) -> Tensor:
        """Marks the pixels whose centres lie in the box, `(B, S, S)`."""
        assert self.box is not None
        left, top, right, bottom = (self.box * size_px)[:, :, None].unbind(dim=1)
        centres = torch.arange(size_px, device=self.box.device) + 0.5
        columns = (centres >= left) & (centres < right)  # (B, S)
        rows = (centres >= top) & (centres < bottom)
        return rows[:, :, None] & columns[:, None, :]


def draw_mixing(
    count: int, size_px: int, *, mixup: float, cutmix: float, generator: Generator
) -> Mixing:
    """Draws the mixing of a batch.

    Args:
        count: Count of crops.
        size_px: Boxes lie on the grid of crops of this side.
        mixup: Alpha of mixup's beta distribution; 0 switches mixup off.
        cutmix: Alpha of CutMix's; 0 switches it off. With both, a fair coin decides for each crop.
        generator: Draws shares, partners and boxes.

    >>> mixing = draw_mixing(4, 48, mixup=0.2, cutmix=0, generator=Generator().manual_seed(0))
    >>> bool((mixing.share >= 0.5).all()), sorted(mixing.other.tolist()), mixing.box
    (True, [0, 1, 2, 3], None)
    """
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
    kept = 1 - (high - low).prod(dim=1) / size_px**2  # a box ends at the crop's edges
    return Mixing(torch.where(cut, kept, share), other, box)


def _shares(count: int, alpha: float, generator: Generator) -> Tensor:
    """Draws `(count,)` the larger of u and 1 - u, u of Beta(alpha, alpha), as a ratio of gammas."""
    shape = torch.full((count, 2), alpha, device=generator.device)
    gammas = torch._standard_gamma(shape, generator=generator).clamp(min=1e-12)
    return gammas.amax(dim=1) / gammas.sum(dim=1)
