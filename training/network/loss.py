"""Computes the softmax loss and the sparse (attentive) centre loss.

Farzaneh & Qi, WACV 2021, after Wen et al., "A Discriminative Feature Learning Approach for Deep
Face Recognition", ECCV 2016. The total is L = L_S + lambda * L_SC.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def compute_soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Computes the mean over the batch of -sum_k t_k log softmax(z)_k.

    Args:
        logits: `(B, K)`, z.
        targets: `(B, K)`, t; rows usually sum to 1.

    Returns:
        A scalar, in nats.

    >>> loss = compute_soft_cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))
    >>> round(float(loss), 3)
    0.693
    """
    return -(targets * logits.log_softmax(dim=1)).sum(dim=1).mean()


def compute_log_shares(shares: Sequence[float]) -> Tensor:
    """Computes the logs of class shares, less their mean.

    Menon et al. ("Long-tail learning via logit adjustment", ICLR 2021, section 5) add their tau
    times log shares to the logits in the loss, and leave it out afterwards. A classifier has biases
    of its own. Beginning them with this term, and correcting for the shares afterwards as the app's
    decision rule does, is therefore the same loss.

    Args:
        shares: `(K,)`, in 0..1; a class that never comes counts as one face in a million.

    Returns:
        `(K,)` float32, in nats.

    >>> [round(value, 3) for value in compute_log_shares([0.8, 0.2]).tolist()]
    [0.693, -0.693]
    """
    logs = torch.tensor(shares).clamp(min=1e-6).log()
    return logs - logs.mean()


def compute_distillation(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Computes T^2 times the mean cross-entropy of softmax(z / T) to the teachers' probabilities.

    The factor keeps the gradient's size (Hinton et al., 2015). At T = 1 a share of this loss equals
    the same share of the target.

    Args:
        logits: `(B, K)`, z.
        taught: `(B, K)`, which the teachers softened by the same T.
        temperature: T.

    Returns:
        `()`, in nats times T^2.

    >>> taught = torch.tensor([[0.5, 0.5]])
    >>> round(float(compute_distillation(torch.zeros(1, 2), taught, 2.0)), 3)
    2.773
    """
    return temperature**2 * compute_soft_cross_entropy(logits / temperature, taught)


def compute_attention_entropy(attention: Tensor) -> Tensor:
    """Computes the mean binary entropy of attention weights, in nats: ln 2 where nothing is
    decided, 0 where every element is wholly kept or left out.

    Args:
        attention: `(B, d)` in 0..1.

    >>> round(float(compute_attention_entropy(torch.tensor([[0.5, 0.5]]))), 3)
    0.693
    """
    a = attention.clamp(1e-6, 1 - 1e-6)
    return -(a * a.log() + (1 - a) * (1 - a).log()).mean()


def compute_attention_pull(attention: Tensor, keep: float) -> Tensor:
    """Computes the mean over samples of (mean_j a_ij - keep)^2.

    L_SC alone only ever lowers the attention, because dL_SC/da_ij = (x_ij - c_j)^2 / 2m >= 0. This
    term holds on to a share `keep` of the elements.

    Args:
        attention: `(B, d)`, a, in 0..1.
        keep: The mean attention to hold.

    Returns:
        `()`, at least 0.

    >>> float(compute_attention_pull(torch.tensor([[0.0, 0.5]]), keep=0.5))
    0.0625
    """
    return (attention.mean(dim=1) - keep).square().mean()


class SparseCentreLoss(nn.Module):
    """L_SC = 1 / (2m) sum_i sum_j a_ij (x_ij - c_{y_i j})^2 over the m samples with a label.

    With a = 1 this is the centre loss. The centres are no parameters of the network: `update` moves
    them by their own rule at a rate that is an argument. The caller decides whether lambda scales
    the rate; in the authors' code, whose backward ignores the incoming gradient, it does not.
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
        """Computes the loss of a batch; 0 for a batch without labels.

        Args:
            embedding: `(B, d)`.
            attention: `(B, d)` in 0..1.
            labels: `(B,)` int64; samples with a negative label do not count.
            labelled_count: The m to divide by, where the batch is a share of a larger one; None
                counts the labels of this batch.
        """
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
        """Moves the centres: c_k <- c_k - rate * sum_{y_i = k} a_i (c_k - x_i) / (1 + n_k).

        n_k counts the samples of class k. The one in the denominator keeps a class that is rare in
        the batch from jumping.

        Args:
            embedding: `(B, d)`, x.
            attention: `(B, d)`, a.
            labels: `(B,)` int64; negative ones do not count.
            rate: The step, in 0..1.
            total_over: Sums over the processes that share a batch.
        """
        labelled = labels >= 0
        kept = labels[labelled]
        pull = attention[labelled] * (self.centres[kept] - embedding[labelled])
        total = torch.zeros_like(self.centres).index_add_(0, kept, pull.to(self.centres.dtype))
        counts = torch.bincount(kept, minlength=len(self.centres)).to(total.dtype)
        total, counts = total_over(total), total_over(counts)
        self.centres -= rate * total / (1 + counts)[:, None]
