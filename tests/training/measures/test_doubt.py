"""Doubt, coverage and priors, against tables small enough to count by hand."""

import numpy as np
import pytest

from app.contract import are_sure, compute_entropy_nats
from tests.support.logits import make_logits
from training.judge.evaluation import find_no_temperature
from training.measures.confidence_scores import SCORES, measure_acceptance, measure_auroc
from training.measures.doubt import (
    MAX_BELOW,
    MIN_ABOVE_NATS,
    Thresholds,
    choose_thresholds,
    measure_doubt,
    measure_labelled,
    measure_priors,
    measure_selective,
    measure_weighted_ece,
)
from training.measures.doubt_lines import format_doubt, format_priors

# Ten faces of two classes, the surest first; the network errs on the sixth and the last.
LABELS = np.array([0, 1, 0, 0, 1, 1, 0, 1, 0, 1])
SAID = np.array([0, 1, 0, 0, 1, 0, 0, 1, 0, 0])
SURENESS = np.linspace(0.95, 0.55, 10)


def ten() -> np.ndarray:
    """`(10, 2)` logits of those."""
    return np.concatenate([make_logits(SAID[i : i + 1], 2, SURENESS[i]) for i in range(10)])


def test_accuracy_against_coverage_by_hand() -> None:
    found = measure_selective(ten(), LABELS, SURENESS)
    by_coverage = {point.coverage: point for point in found.points}
    assert by_coverage[0.5].accuracy == 1.0
    assert by_coverage[0.8].accuracy == pytest.approx(7 / 8)
    assert by_coverage[0.9].accuracy == pytest.approx(8 / 9)
    assert by_coverage[0.9].threshold == pytest.approx(SURENESS[8])
    assert by_coverage[0.9].mean_class_recall == pytest.approx((5 / 5 + 3 / 4) / 2)
    assert by_coverage[1.0].accuracy == pytest.approx(0.8)
    risks = [0] * 5 + [1 / 6, 1 / 7, 1 / 8, 1 / 9, 2 / 10]
    assert found.area == pytest.approx(np.mean(risks))
    assert found.least_area == pytest.approx((1 / 9 + 2 / 10) / 10)
    assert found.curve[0] == (0.1, 1.0)
    assert found.curve[-1] == pytest.approx((1.0, 0.8))
    assert found.find_point(0.9) is by_coverage[0.9]


def test_useless_score_costs_area() -> None:
    turned = measure_selective(ten(), LABELS, -SURENESS)
    assert turned.area > measure_selective(ten(), LABELS, SURENESS).area
    assert turned.find_point(1.0).accuracy == pytest.approx(0.8)


@pytest.mark.parametrize("count", [1, 7, 100, 3199])
def test_nine_of_ten_faces_keep_their_label(count: int) -> None:
    generator = np.random.default_rng(count)
    probabilities = generator.dirichlet([0.6, 0.4, 0.3], count)
    found = choose_thresholds(probabilities)
    kept = are_sure(probabilities, below=found.below, above_nats=found.above_nats).mean()
    assert 0.9 <= kept <= (1 if count < 100 else 0.92)


def test_near_certainty_is_not_asked_for() -> None:
    probabilities = np.linspace([0.9, 0.1], [0.999, 0.001], 50)
    found = choose_thresholds(probabilities)
    assert found.below == pytest.approx(MAX_BELOW, abs=1e-3)
    assert found.above_nats == pytest.approx(MIN_ABOVE_NATS, abs=1e-3)
    two_to_one = compute_entropy_nats(np.array([[2 / 3, 1 / 3]]))[0]
    assert pytest.approx(two_to_one) == MIN_ABOVE_NATS


def test_labels_that_are_said_are_counted_alone() -> None:
    said = measure_labelled(ten(), LABELS, temperature=1.0, thresholds=Thresholds(0.8, 9.0))
    assert said.share == pytest.approx((SURENESS >= 0.8).mean())
    assert said.accuracy == 1.0
    nobody = measure_labelled(ten(), LABELS, temperature=1.0, thresholds=Thresholds(1.0, 0.0))
    assert nobody.share == 0
    assert np.isnan(nobody.accuracy)


@pytest.mark.parametrize(
    ("coverage", "accepted"), [(0.25, 0.0), (0.5, 0.5), (0.75, 0.5), (1.0, 1.0)]
)
def test_others_are_accepted_at_the_faces_threshold(coverage: float, accepted: float) -> None:
    faces, others = np.array([0.9, 0.5, 0.4, 0.1]), np.array([0.6, 0.2])
    assert measure_acceptance(faces, others, coverage) == accepted


@pytest.mark.parametrize(
    ("faces", "others", "area"),
    [([2.0, 3.0], [0.0, 1.0], 1.0), ([0.0], [1.0], 0.0), ([1.0], [1.0], 0.5), ([2, 0], [1], 0.5)],
)
def test_auroc_by_hand(faces: list[float], others: list[float], area: float) -> None:
    assert measure_auroc(np.array(faces), np.array(others)) == area


@pytest.mark.parametrize("name", SCORES)
def test_every_score_is_higher_where_one_class_stands_out(name: str) -> None:
    flat, sharp = np.array([[1.0, 1.0, 1.0]]), np.array([[6.0, -2.0, -2.0]])
    assert SCORES[name](sharp, 1.0)[0] > SCORES[name](flat, 1.0)[0]


def test_energy_by_hand() -> None:
    logits = np.log(np.array([[1.0, 2.0, 5.0]]))
    assert SCORES["energy"](logits, 0.5)[0] == pytest.approx(np.log(8))
    assert SCORES["margin"](logits, 1.0)[0] == pytest.approx(3 / 8)


def test_prior_correction_trades_the_frequent_class_for_the_rare_one() -> None:
    """Class 1 is a tenth of training. One of its two faces is found at tau 1, and one of eight
    faces of class 0 lost."""
    shares = (0.9, 0.1)
    p1 = np.array([0.01] * 7 + [0.2] + [0.3, 0.05])
    labels = np.array([0] * 8 + [1] * 2)
    logits = np.log(np.stack([1 - p1, p1], axis=1))
    plain, corrected = measure_priors(
        logits,
        labels,
        find_temperature=find_no_temperature,
        shares=shares,
        thresholds=Thresholds(0.75, 9.0),
        taus=(0.0, 1.0),
    )
    assert (plain.accuracy, plain.mean_class_recall) == (0.8, 0.5)
    assert corrected.accuracy == pytest.approx(0.8)
    assert corrected.mean_class_recall == pytest.approx((7 / 8 + 1 / 2) / 2)
    assert plain.sure == pytest.approx(0.9)  # 0.3 leaves 0.7
    odds = p1 / (1 - p1) * 9
    top = np.maximum(odds, 1) / (1 + odds)
    assert corrected.sure == pytest.approx((top >= 0.75).mean())


def test_weights_of_classes_enter_the_calibration_error() -> None:
    confidence, right = np.array([0.9, 0.9, 0.9]), np.array([True, True, False])
    even, uneven = np.full(3, 1 / 3), np.array([0.25, 0.25, 0.5])
    assert measure_weighted_ece(confidence, right, even) == pytest.approx(0.9 - 2 / 3)
    assert measure_weighted_ece(confidence, right, uneven) == pytest.approx(0.4)


def test_lines_say_what_was_found() -> None:
    report = measure_doubt(
        ten(),
        LABELS,
        find_temperature=lambda tau: 1.0,
        shares=(0.5, 0.5),
        thresholds=Thresholds(0.8, 9.0),
    )
    at_coverage, said = format_doubt(report)
    assert at_coverage.startswith("at 90 % coverage: accuracy 88.89 % (± 10.48)")
    assert said.startswith("unsure below 0.800 or above 9.000 nats: 40.0 % get a label")
    note, *table = format_priors("m.onnx", report, missing=["fear"])
    assert "of the classes that have faces here, which fear lacks" in note
    assert len(table) == 2 + 11
    bare = measure_doubt(
        ten(), LABELS, find_temperature=lambda tau: 1.0, shares=(), thresholds=None
    )
    assert (bare.said, bare.priors, len(format_doubt(bare))) == (None, (), 1)
