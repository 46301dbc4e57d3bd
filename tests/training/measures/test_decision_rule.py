"""The choice of the prior correction and of its temperature, on faces few enough to count."""

import numpy as np
import pytest

from app.contract import MAX_PRIOR_CORRECTION
from app.recognition.classifier import compute_prior_shift
from training.measures import decision_rule
from training.measures.decision_rule import (
    MAX_ACCURACY_COST,
    MIN_FACES,
    choose_rule,
    correct_logits,
    fit_rule,
)
from training.measures.metrics import compute_softmax, measure_nll

SHARES = (0.9, 0.1)  # their log odds are 2.197
COUNT = 2 * MIN_FACES


def make_faces(turning: int) -> tuple[np.ndarray, np.ndarray]:
    """Faces of class 0, of which `turning` are read as class 1 from tau 0.455 on."""
    logits = np.tile([[5.0, 0.0]], (COUNT, 1))
    logits[:turning] = [1.0, 0.0]
    return logits, np.zeros(COUNT, np.int64)


@pytest.fixture
def temperature(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> float:
    """In place of the fitted one, so that faces can be counted."""
    value = getattr(request, "param", 1.0)
    monkeypatch.setattr(decision_rule, "fit_temperature", lambda *_: value)
    return float(value)


@pytest.mark.usefixtures("temperature")
@pytest.mark.parametrize(
    ("turning", "tau"),
    [
        (0, MAX_PRIOR_CORRECTION),
        (round(MAX_ACCURACY_COST * COUNT), MAX_PRIOR_CORRECTION),  # as much as is allowed
        (round(MAX_ACCURACY_COST * COUNT) + 1, 0.45),
    ],
)
def test_strongest_correction_that_costs_little_is_chosen(turning: int, tau: float) -> None:
    logits, labels = make_faces(turning)
    assert choose_rule(logits, logits, labels, shares=SHARES).tau == pytest.approx(tau)


@pytest.mark.parametrize("temperature", [2.0], indirect=True)
def test_temperature_counts(temperature: float) -> None:
    """Logits half as sure of themselves turn at half the strength."""
    logits, labels = make_faces(100)
    found = choose_rule(logits, logits, labels, shares=SHARES)
    assert found == pytest.approx((0.2, temperature))


@pytest.mark.usefixtures("temperature")
def test_later_gains_do_not_make_up_for_a_loss_on_the_way() -> None:
    logits, labels = make_faces(100)
    logits[-200:], labels[-200:] = [1.9, 0.0], 1  # right from tau 0.865 on
    assert choose_rule(logits, logits, labels, shares=SHARES).tau == pytest.approx(0.45)


@pytest.mark.parametrize("shares", [(), (0.5, 0.5)])
def test_unknown_or_equal_shares_ask_for_nothing(shares: tuple[float, ...]) -> None:
    logits, labels = make_faces(0)
    assert choose_rule(logits, logits, labels, shares=shares).tau == 0


def test_few_faces_show_no_loss_and_choose_nothing() -> None:
    logits, labels = make_faces(0)
    few = MIN_FACES - 1
    assert choose_rule(logits[:few], logits[:few], labels[:few], shares=SHARES).tau == 0


def draw_faces(count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits half as large as they should be, of faces that come as `SHARES` say."""
    generator = np.random.default_rng(0)
    labels = (generator.random(count) < SHARES[1]).astype(np.int64)
    evidence = generator.normal(np.where(labels, 1.5, -1.5), 1.7)
    log_odds = np.log(SHARES[1] / SHARES[0]) + 3 * evidence / 1.7**2
    return np.stack([0 * log_odds, log_odds / 2], axis=1), labels


@pytest.mark.parametrize("tau", [0.0, 0.3, 0.6])
def test_temperature_is_the_best_one_for_its_correction(tau: float) -> None:
    logits, labels = draw_faces()
    found = fit_rule(logits, labels, shares=SHARES, tau=tau).temperature
    shift = compute_prior_shift(SHARES, tau).astype(float)

    def nll(temperature: float) -> float:
        return measure_nll(logits / temperature - shift, labels, 1.0)

    assert nll(found) < min(nll(0.97 * found), nll(1.03 * found))


def test_a_correction_wants_a_lower_temperature() -> None:
    logits, labels = draw_faces()
    temperatures = [
        fit_rule(logits, labels, shares=SHARES, tau=tau).temperature for tau in (0.0, 0.3, 0.6)
    ]
    assert temperatures[0] == pytest.approx(0.5, rel=0.1)  # the logits are half as large
    assert temperatures == sorted(temperatures, reverse=True)


def test_shown_readings_decide_and_single_ones_calibrate() -> None:
    logits, labels = draw_faces()
    blunt = 0.5 * logits
    found = choose_rule(logits, blunt, labels, shares=SHARES)
    assert found.temperature == pytest.approx(
        fit_rule(blunt, labels, shares=SHARES, tau=found.tau).temperature
    )
    least = (logits.argmax(axis=1) == labels).mean() - MAX_ACCURACY_COST
    decided = correct_logits(logits, temperature=found.temperature, shares=SHARES, tau=found.tau)
    assert (decided.argmax(axis=1) == labels).mean() >= least


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0])
def test_corrected_logits_give_probabilities_over_shares(tau: float) -> None:
    logits = np.array([[1.0, -0.5], [0.0, 3.0]])
    corrected = correct_logits(logits, temperature=1.7, shares=SHARES, tau=tau)
    wanted = compute_softmax(logits, 1.7) / np.array(SHARES) ** tau
    wanted /= wanted.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(compute_softmax(corrected, 1.7), wanted, rtol=1e-6)
