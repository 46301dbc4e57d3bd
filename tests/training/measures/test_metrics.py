"""Figures of merit, against tables small enough to count by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.logits import make_logits
from training.measures.metrics import (
    bin_reliability,
    compute_softmax,
    fit_temperature,
    measure_calibration_error,
    measure_metrics,
    measure_nll,
)

# Ten samples of three classes: true and predicted.
TRUE = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
SAID = np.array([0, 0, 0, 1, 1, 1, 0, 2, 1, 1])


def test_counts_by_hand() -> None:
    m = measure_metrics(make_logits(SAID, 3), TRUE)
    assert m.count == 10
    assert m.confusion == ((3, 1, 0), (1, 2, 0), (0, 2, 1))
    assert m.accuracy == pytest.approx(0.6)
    assert m.standard_error == pytest.approx(math.sqrt(0.6 * 0.4 / 10))
    assert m.recall == pytest.approx((3 / 4, 2 / 3, 1 / 3))
    assert m.precision == pytest.approx((3 / 4, 2 / 5, 1))
    assert m.mean_class_recall == pytest.approx((3 / 4 + 2 / 3 + 1 / 3) / 3)
    # F1 of each class: 2 hits / (true + said)
    assert m.macro_f1 == pytest.approx((6 / 8 + 4 / 8 + 2 / 4) / 3)
    assert m.nll == pytest.approx(-(6 * math.log(0.8) + 4 * math.log(0.1)) / 10)
    assert m.ece == pytest.approx(0.8 - 0.6)


def test_perfect_classes() -> None:
    m = measure_metrics(make_logits(TRUE, 3, 1 - 1e-12), TRUE)
    assert (m.accuracy, m.mean_class_recall, m.macro_f1, m.standard_error) == (1, 1, 1, 0)
    assert m.ece == pytest.approx(0, abs=1e-9)
    assert m.nll == pytest.approx(0, abs=1e-9)


def test_class_without_examples_takes_no_part_in_means() -> None:
    true, said = np.array([0, 0, 1]), np.array([0, 2, 1])
    m = measure_metrics(make_logits(said, 4), true)
    assert m.recall[:2] == (0.5, 1.0)
    assert all(map(math.isnan, m.recall[2:]))
    assert m.precision[:3] == (1.0, 1.0, 0.0)
    assert math.isnan(m.precision[3])
    assert m.mean_class_recall == pytest.approx(0.75)
    assert m.macro_f1 == pytest.approx((2 / 3 + 1) / 2)
    assert m.confusion[3] == (0, 0, 0, 0)


def test_class_that_is_never_said_has_no_precision_and_f1_of_0() -> None:
    m = measure_metrics(make_logits(np.array([0, 0]), 2), np.array([0, 1]))
    assert m.precision[0] == 0.5
    assert math.isnan(m.precision[1])
    assert m.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_single_sample() -> None:
    m = measure_metrics(np.array([[0.0, 1.0]]), np.array([1]))
    assert (m.count, m.accuracy, m.standard_error, m.mean_class_recall) == (1, 1, 0, 1)


def test_reliability_bins_by_hand() -> None:
    top = np.array([0.55, 0.60, 0.65, 0.95, 1.00])
    probabilities = np.stack([top, 1 - top], axis=1)
    labels = np.array([0, 1, 0, 0, 0])
    bins = bin_reliability(probabilities, labels, bins=10)
    assert [b.count for b in bins] == [0, 0, 0, 0, 0, 2, 1, 0, 0, 2]
    assert (bins[5].low, bins[5].high) == (0.5, 0.6)  # its upper end belongs to it
    assert bins[5].confidence == pytest.approx(0.575)
    assert bins[5].accuracy == pytest.approx(0.5)
    assert (bins[0].confidence, bins[0].accuracy) == (0, 0)
    gaps = 2 * abs(0.5 - 0.575) + abs(1 - 0.65) + 2 * abs(1 - 0.975)
    assert measure_calibration_error(bins) == pytest.approx(gaps / 5)


def test_no_samples_have_no_calibration_error() -> None:
    assert measure_calibration_error(bin_reliability(np.zeros((0, 2)), np.zeros(0, int))) == 0


@pytest.mark.parametrize("temperature", [0.25, 0.8, 1.0, 2.5, 8.0])
def test_temperature_is_recovered(temperature: float) -> None:
    """Labels drawn from softmax(z / T) are best explained by T."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2 * temperature, (20_000, 5))
    cumulated = compute_softmax(logits, temperature).cumsum(axis=1)
    labels = (generator.random((len(logits), 1)) > cumulated).sum(axis=1).clip(max=4)
    fitted = fit_temperature(logits, labels)
    assert fitted == pytest.approx(temperature, rel=0.05)
    assert measure_nll(logits, labels, fitted) <= measure_nll(logits, labels, temperature) + 1e-12
    m = measure_metrics(logits, labels, fitted)
    assert m.ece < 0.02
    if temperature != 1.0:
        assert measure_metrics(logits, labels).ece > 2 * m.ece
    assert m.confusion == measure_metrics(logits, labels).confusion


@pytest.mark.parametrize(("wrong", "low", "high"), [(False, 0.3, 0.9), (True, 1.2, 4.0)])
def test_a_few_samples_do_not_ask_for_certainty(wrong: bool, low: float, high: float) -> None:
    """Ten samples, all right or all wrong: without a prior, as sharp or as flat as can be."""
    said = 1 - TRUE.clip(max=1) if wrong else TRUE.clip(max=1)
    assert low < fit_temperature(make_logits(said, 2), TRUE.clip(max=1)) < high


@given(st.lists(st.floats(-800, 800), min_size=2, max_size=6), st.floats(0.05, 20))
def test_softmax_is_a_distribution_at_any_scale(logits: list[float], temperature: float) -> None:
    probabilities = compute_softmax(np.array([logits]), temperature)
    assert probabilities.sum() == pytest.approx(1)
    assert (probabilities >= 0).all()
    label = np.array([int(np.argmax(logits))])
    value = measure_nll(np.array([logits]), label, temperature)
    assert value == pytest.approx(-math.log(probabilities.max()), abs=1e-9)


def test_softmax_by_hand() -> None:
    np.testing.assert_allclose(compute_softmax(np.log([[1.0, 3.0]])), [[0.25, 0.75]])
    np.testing.assert_allclose(compute_softmax(np.log([[1.0, 9.0]]), 2.0), [[0.25, 0.75]])
