"""What a decision rule and mirror images gain, on faces few enough to count."""

import numpy as np
import pytest

from tests.support.logits import make_logits
from training.measures.decision_rule import STEPS
from training.measures.doubt import Thresholds
from training.measures.rule_gains import (
    RuleReport,
    format_rule_report,
    measure_gain,
    measure_rule,
)

LABELS = np.array([0, 0, 0, 1])


def say(*classes: int) -> np.ndarray:
    return np.eye(2)[list(classes)] * 0.8 + 0.1


def test_gain_by_hand() -> None:
    gain = measure_gain(say(0, 0, 0, 1), say(1, 0, 0, 0), LABELS)
    assert gain.accuracy == pytest.approx(2 / 4)
    assert gain.accuracy_error == pytest.approx(np.sqrt(1 / 4 / 4))
    assert gain.recall == pytest.approx((1 / 3 + 1) / 2)
    assert gain.recall_error == pytest.approx(np.sqrt(2 / 9 / 3) / 2)  # one face of class 1: none
    assert gain.nll == pytest.approx(-2 / 4 * np.log(9))


def test_faces_that_neither_reading_changes_leave_no_error() -> None:
    gain = measure_gain(say(0, 1, 0, 1), say(0, 1, 0, 1), LABELS)
    assert (gain.accuracy, gain.accuracy_error, gain.recall, gain.nll) == (0, 0, 0, 0)


def test_error_of_the_recall_is_that_of_drawing_faces_again() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 400, p=[0.8, 0.15, 0.05])
    before, after = (rng.dirichlet([1, 1, 1], 400) + np.eye(3)[labels] for _ in range(2))
    before, after = before / 2, after / 2
    again = []
    for _ in range(400):
        rows = [rng.choice(np.flatnonzero(labels == k), (labels == k).sum()) for k in range(3)]
        drawn = np.concatenate(rows)
        again.append(measure_gain(after[drawn], before[drawn], labels[drawn]).recall)
    assert measure_gain(after, before, labels).recall_error == pytest.approx(np.std(again), rel=0.2)


def compare(thresholds: Thresholds | None = None, shares: tuple[float, ...] = ()) -> RuleReport:
    """Four faces that the network reads rightly with mirror images, and one of them wrongly
    without."""
    shown = make_logits(LABELS, 2, 0.8)
    single = shown.copy()
    single[3] = [0.3, 0.0]
    return measure_rule(
        shown,
        single,
        LABELS,
        tau=0.5 if shares else 0.0,
        find_temperature=lambda tau: 1.0 - tau / 10,
        shares=shares,
        thresholds=thresholds,
    )


def test_mirror_images_are_compared_with_single_readings() -> None:
    found = compare(Thresholds(0.7, 0.69))
    assert [one.metrics.accuracy for one in found.readings] == [0.75, 1, 0.75, 1, 0.75, 1]
    assert [one.labelled.share for one in found.readings[:2] if one.labelled] == [0.75, 1]
    assert (found.mirror_gain.accuracy, found.rule_gain.accuracy) == (0.25, 0)
    assert (found.far_share, found.turned_share) == (0.25, 0.25)
    assert found.steps == ()
    lines = format_rule_report(found)
    assert len(lines) == 12
    assert lines[2].startswith("| once, as trained | 0 | 1.000 | 75.00 ± 21.65 | 0.500 |")
    assert lines[2].endswith("| 75.0; 100.00 |")
    assert lines[-1] == (
        "25.0 % of the faces differ by more than 0.1 from their mirror images, 25.0 % in the "
        "likeliest class"
    )


def test_every_correction_that_is_tried_is_told() -> None:
    found = compare(shares=(0.9, 0.1))
    assert [step.tau for step in found.steps] == pytest.approx(
        [(n + 1) / STEPS for n in range(STEPS)]
    )
    assert [(one.tau, one.temperature) for one in found.readings] == [
        (0.0, 1.0),
        (0.0, 1.0),
        (0.5, 0.95),
        (0.5, 0.95),
        (0.5, 1.0),
        (0.5, 1.0),
    ]
    assert found.readings[2].metrics.accuracy == 1  # the correction is for the rarer class
    lines = format_rule_report(found)
    assert lines[-STEPS].startswith("| 0.05 | ")
    assert lines[2].endswith("| – |")
