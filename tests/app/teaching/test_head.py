"""The correction begins at the model as it is, and moves as far as the seconds justify."""

import numpy as np
import pytest

from app.contract import EmbeddingFacts
from app.teaching.head import (
    PersonalHead,
    compute_balance,
    fit_head,
    normalise_logs,
    standardise_embeddings,
)
from tests.support.taught import DIM, make_seconds

EVEN = (1 / 3, 1 / 3, 1 / 3)


def test_fit_is_the_maximum_of_the_posterior() -> None:
    """Its gradient is zero: the prior's pull equals the likelihood's."""
    seconds = make_seconds({0: 0, 1: 1, 2: 2}, logs=dict.fromkeys(range(3), EVEN), spread=0.5)
    std, offset, weight = 2.0, 0.3, 0.1
    head = fit_head(
        seconds.features,
        seconds.logs,
        seconds.classes,
        feature_std=std,
        offset_std=offset,
        second_weight=weight,
    )
    moved = normalise_logs(seconds.logs + head.compute_shifts(seconds.features))
    missing = weight * (np.eye(3)[seconds.classes] - np.exp(moved))
    variance = std**2 / DIM
    np.testing.assert_allclose(head.weights, variance * seconds.features.T @ missing, atol=2e-3)
    np.testing.assert_allclose(head.offsets, offset**2 * missing.sum(axis=0), atol=1e-3)


def test_seconds_that_read_as_asked_move_nothing() -> None:
    sure = {n: tuple(np.where(np.arange(3) == n, 0.9998, 0.0001)) for n in range(3)}
    seconds = make_seconds({0: 0, 1: 1, 2: 2}, logs=sure)
    head = fit_head(seconds.features, seconds.logs, seconds.classes)
    assert np.abs(head.compute_shifts(seconds.features)).max() < 0.01


def test_misread_seconds_read_better_and_a_stronger_prior_moves_less() -> None:
    seconds = make_seconds({0: 0, 1: 1}, logs={0: (0.3, 0.6, 0.1), 1: (0.1, 0.8, 0.1)})
    gains = []
    for std in (0.5, 2.0, 8.0):
        head = fit_head(seconds.features, seconds.logs, seconds.classes, feature_std=std)
        moved = normalise_logs(seconds.logs + head.compute_shifts(seconds.features))
        gains.append(float((moved - seconds.logs)[seconds.classes == 0, 0].mean()))
    assert 0 < gains[0] < gains[1] < gains[2]


def test_fixed_classes_keep_the_weights_of_the_model() -> None:
    seconds = make_seconds({0: 0, 1: 1}, logs=dict.fromkeys(range(2), EVEN))
    head = fit_head(seconds.features, seconds.logs, seconds.classes, fixed=[2])
    assert not head.weights[:, 2].any()
    assert head.offsets[2] == 0
    assert head.weights[:, :2].any()


def test_one_second_of_one_class_and_features_of_nothing_can_be_fitted() -> None:
    head = fit_head(np.zeros((1, DIM)), np.log([EVEN]), np.array([1]))
    assert head.offsets[1] > 0
    assert not head.weights.any()


def test_balance_undoes_what_is_left_of_the_priors() -> None:
    shares = (0.6, 0.3, 0.1)
    corrected = np.log(np.array(shares) / np.array(shares) ** 0.4)  # the rule has taken off 0.4
    balanced = normalise_logs(corrected[None] + compute_balance(shares, 0.4))
    np.testing.assert_allclose(np.exp(balanced), [EVEN], atol=1e-9)


@pytest.mark.parametrize(
    ("value", "feature"), [(2.0, 2.0), (1e9, 10.0), (-1e9, -10.0)], ids=["usual", "high", "low"]
)
def test_features_are_bounded(value: float, feature: float) -> None:
    facts = EmbeddingFacts(mean=(0.0, 5.0), std=(1.0, 0.0))
    found = standardise_embeddings(np.array([[value, 7.0]], np.float32), facts)
    assert found.tolist() == [[feature, 0.0]]


def test_correction_is_linear_so_that_it_can_be_interpolated() -> None:
    random = np.random.default_rng(0)
    head = PersonalHead(random.standard_normal((DIM, 3)), random.standard_normal(3))
    one, other = random.standard_normal((2, DIM))
    between = head.compute_shifts((0.25 * one + 0.75 * other)[None])
    ends = head.compute_shifts(np.stack([one, other]))
    np.testing.assert_allclose(between[0], 0.25 * ends[0] + 0.75 * ends[1], atol=1e-12)
