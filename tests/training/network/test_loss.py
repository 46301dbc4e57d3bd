"""The losses are their formulas, in value, in gradient and in how the centres move."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from training.network.loss import SparseCentreLoss, compute_soft_cross_entropy

K, D = 4, 5


def batch(seed: int, labels: list[int]) -> tuple[SparseCentreLoss, Tensor, Tensor, Tensor]:
    """A loss with random centres, `x (B, D)`, `a (B, D)` in (0, 1) and labels, in float64."""
    generator = torch.Generator().manual_seed(seed)
    loss = SparseCentreLoss(K, D).double()
    loss.centres.normal_(generator=generator)
    x = torch.randn(len(labels), D, dtype=torch.float64, generator=generator)
    a = torch.rand(len(labels), D, dtype=torch.float64, generator=generator)
    return loss, x, a, torch.tensor(labels, dtype=torch.int64)


def slow_loss(centres: Tensor, x: Tensor, a: Tensor, labels: Tensor) -> float:
    """1 / (2m) sum_i sum_j a_ij (x_ij - c_{y_i j})^2, over the m samples with a label."""
    m, total = 0, 0.0
    for i, label in enumerate(labels.tolist()):
        if label < 0:
            continue
        m += 1
        for j in range(D):
            total += float(a[i, j]) * (float(x[i, j]) - float(centres[label, j])) ** 2
    return total / (2 * m) if m else 0.0


def slow_centres(centres: Tensor, x: Tensor, a: Tensor, labels: Tensor, rate: float) -> Tensor:
    """c_k - rate * sum_{y_i = k} a_i (c_k - x_i) / (1 + n_k)."""
    moved = centres.clone()
    for k in range(K):
        n, pull = 0, [0.0] * D
        for i, label in enumerate(labels.tolist()):
            if label == k:
                n += 1
                for j in range(D):
                    pull[j] += float(a[i, j]) * (float(centres[k, j]) - float(x[i, j]))
        for j in range(D):
            moved[k, j] -= rate * pull[j] / (1 + n)
    return moved


labels_of_a_batch = st.lists(st.integers(-1, K - 1), min_size=1, max_size=9)


@given(st.integers(0, 10_000), labels_of_a_batch)
def test_loss_is_its_formula(seed: int, labels: list[int]) -> None:
    loss, x, a, y = batch(seed, labels)
    assert float(loss(x, a, y)) == pytest.approx(slow_loss(loss.centres, x, a, y), rel=1e-12)


@given(st.integers(0, 10_000), labels_of_a_batch, st.floats(0, 1))
def test_centres_move_by_their_formula(seed: int, labels: list[int], rate: float) -> None:
    loss, x, a, y = batch(seed, labels)
    expected = slow_centres(loss.centres, x, a, y, rate)
    loss.update(x, a, y, rate)
    torch.testing.assert_close(loss.centres, expected)


@pytest.mark.parametrize("labels", [[0, 3, 3, 1], [2, -1, 2, -1], [-1, -1]])
def test_gradients_of_features_and_attention_are_those_of_finite_differences(
    labels: list[int],
) -> None:
    loss, x, a, y = batch(3, labels)
    x.requires_grad_()
    a.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, a: loss(x, a, y), (x, a))


def test_gradients_in_closed_form() -> None:
    loss, x, a, y = batch(4, [1, 0, -1, 1])
    x.requires_grad_()
    a.requires_grad_()
    loss(x, a, y).backward()
    away = (x - loss.centres[y.clamp(min=0)]).detach() * (y >= 0)[:, None]
    torch.testing.assert_close(x.grad, a.detach() * away / 3)
    torch.testing.assert_close(a.grad, away**2 / 6)  # never negative: it pulls attention down
    assert not loss.centres.requires_grad


def test_samples_without_a_label_take_no_part() -> None:
    loss, x, a, y = batch(5, [0, -1, 2, -1])
    alone = loss(x[[0, 2]], a[[0, 2]], y[[0, 2]])
    torch.testing.assert_close(loss(x, a, y), alone)
    other = SparseCentreLoss(K, D).double()
    other.centres.copy_(loss.centres)
    loss.update(x, a, y, 0.5)
    other.update(x[[0, 2]], a[[0, 2]], y[[0, 2]], 0.5)
    torch.testing.assert_close(loss.centres, other.centres)


def test_batch_without_labels_costs_nothing_and_moves_nothing() -> None:
    loss, x, a, y = batch(6, [-1, -1, -1])
    before = loss.centres.clone()
    assert float(loss(x, a, y)) == 0
    loss.update(x, a, y, 1.0)
    assert torch.equal(loss.centres, before)


def test_full_attention_is_the_plain_centre_loss() -> None:
    loss, x, _, y = batch(7, [0, 1, 1, 3])
    plain = ((x - loss.centres[y]) ** 2).sum() / (2 * len(x))
    torch.testing.assert_close(loss(x, torch.ones_like(x), y), plain)


def test_no_attention_costs_nothing() -> None:
    loss, x, _, y = batch(8, [0, 1])
    assert float(loss(x, torch.zeros_like(x), y)) == 0


@pytest.mark.parametrize(("count", "reached"), [(1, 1 / 2), (2, 2 / 3), (9, 9 / 10)])
def test_rare_class_does_not_jump(count: int, reached: float) -> None:
    """From 0, at rate 1 and full attention, n samples at 1 pull their centre to n / (1 + n)."""
    loss = SparseCentreLoss(2, 3)
    ones = torch.ones(count, 3)
    loss.update(ones, ones, torch.zeros(count, dtype=torch.int64), 1.0)
    torch.testing.assert_close(loss.centres, torch.tensor([[reached] * 3, [0.0] * 3]))


def test_centres_settle_in_the_weighted_mean_of_their_class() -> None:
    loss, x, a, y = batch(9, [2, 2, 2])
    for _ in range(200):
        loss.update(x, a, y, 0.5)
    torch.testing.assert_close(loss.centres[2], (a * x).sum(dim=0) / a.sum(dim=0))


def test_centres_are_saved_but_not_trained() -> None:
    loss = SparseCentreLoss(K, D)
    assert list(loss.state_dict()) == ["centres"]
    assert list(loss.parameters()) == []
    assert torch.equal(loss.centres, torch.zeros(K, D))


def test_soft_cross_entropy_of_one_label_is_the_usual_one() -> None:
    logits = torch.randn(6, K, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 3, 1, 2, 2, 0])
    targets = functional.one_hot(labels, K).float()
    expected = functional.cross_entropy(logits, labels)
    torch.testing.assert_close(compute_soft_cross_entropy(logits, targets), expected)


@pytest.mark.parametrize(
    ("logits", "targets", "expected"),
    [
        ([0.0, 0.0, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4], math.log(4)),
        ([math.log(3), 0.0], [0.5, 0.5], math.log(4) - math.log(3) / 2),
        ([1000.0, 0.0], [0.0, 1.0], 1000.0),
        ([1000.0, 0.0], [1.0, 0.0], 0.0),
    ],
)
def test_soft_cross_entropy_by_hand(
    logits: list[float], targets: list[float], expected: float
) -> None:
    value = compute_soft_cross_entropy(torch.tensor([logits]), torch.tensor([targets]))
    assert float(value) == pytest.approx(expected, rel=1e-6)
