"""Softmax loss and sparse (attentive) centre loss.

Farzaneh & Qi, WACV 2021, after Wen et al., "A Discriminative Feature Learning Approach for Deep
Face Recognition", ECCV 2016. Total: L = L_S + lambda * L_SC.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def compute_soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over the batch of -sum_k t_k log softmax(z)_k; `logits`, `targets` (B, K)."""
    return -(targets * logits.log_softmax(dim=1)).sum(dim=1).mean()


def compute_distillation(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """T^2 times the mean cross-entropy of softmax(z / T) to `taught (B, K)`, which the teachers
    softened by the same T; the factor keeps the gradient's size. Hinton et al., 2015. At T = 1,
    a share of it is as good as that share of the target."""
    return temperature**2 * compute_soft_cross_entropy(logits / temperature, taught)


def compute_attention_entropy(attention: Tensor) -> Tensor:
    """Mean over samples and feature elements of the binary entropy of a weight, in nats: ln 2 where
    nothing is decided, 0 where every element is wholly kept or left. `attention` (B, d)."""
    a = attention.clamp(1e-6, 1 - 1e-6)
    return -(a * a.log() + (1 - a) * (1 - a).log()).mean()


def compute_attention_pull(attention: Tensor, keep: float) -> Tensor:
    """Mean over samples of (mean_j a_ij - keep)^2. L_SC alone only ever pushes attention down, for
    dL_SC/da_ij = (x_ij - c_j)^2 / 2m >= 0; this holds on to a share `keep` of the elements."""
    return (attention.mean(dim=1) - keep).square().mean()


class SparseCentreLoss(nn.Module):
    """L_SC = 1 / (2m) sum_i sum_j a_ij (x_ij - c_{y_i j})^2 over the m samples with a label.

    With a = 1 it is the centre loss. The centres are no parameters of the network: `update` moves
    them by their own rule at a rate that is an argument. Whether lambda scales it is the caller's
    choice; in the authors' code, whose backward ignores the incoming gradient, it does not.
    """

    centres: Tensor

    def __init__(self, classes: int, feature_dim: int) -> None:
        super().__init__()
        self.register_buffer("centres", torch.zeros(classes, feature_dim))

    def forward(
        self,
        embedding: Tensor,
        attention: Tensor,
        labels: Tensor,
        labelled_count: Tensor | float | None = None,
    ) -> Tensor:
        """`embedding`, `attention` (B, d), `labels` (B,); negative labels do not take part. A
        batch without labels costs 0. `labelled_count`: the m to divide by, where the batch is a
        share of a larger one; None counts the labels of this one."""
        labelled = labels >= 0
        distance = (embedding - self.centres[labels.clamp(min=0)]) ** 2  # (B, d)
        cost = (attention * distance).sum(dim=1) * labelled
        count = labelled.sum().clamp(min=1) if labelled_count is None else labelled_count
        return cost.sum() / (2 * count)

    @torch.no_grad()
    def update(
        self,
        embedding: Tensor,
        attention: Tensor,
        labels: Tensor,
        rate: float,
        total_over: Callable[[Tensor], Tensor] = lambda own: own,
    ) -> None:
        """c_k <- c_k - rate * sum_{y_i = k} a_i (c_k - x_i) / (1 + n_k), n_k samples of class k.
        The one in the denominator keeps a class that is rare in the batch from jumping.
        `total_over` sums over the processes that share a batch."""
        labelled = labels >= 0
        kept = labels[labelled]
        pull = attention[labelled] * (self.centres[kept] - embedding[labelled])
        total = torch.zeros_like(self.centres).index_add_(0, kept, pull.to(self.centres.dtype))
        counts = torch.bincount(kept, minlength=len(self.centres)).to(total.dtype)
        total, counts = total_over(total), total_over(counts)
        self.centres -= rate * total / (1 + counts)[:, None]
