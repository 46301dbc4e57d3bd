"""Figures of agreement, against worked examples and other libraries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agreement.figures import estimate_intervals, measure_pairs, measure_table

coders = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1)


def test_kappa_of_a_worked_example() -> None:
    """20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.7, by chance 0.5."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = measure_pairs(pairs)
    assert (found.count, found.labels) == (50, ("n", "y"))
    assert found.confusion == ((15, 10), (5, 20))
    assert found.accuracy == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_alpha_of_krippendorffs_own_example() -> None:
    """Two observers, twelve articles, five values (Krippendorff 2011, section B)."""
    first = "a a b b d c c c e d d a".split()
    second = "b a b b b c c c e d d d".split()
    assert measure_pairs(list(zip(first, second, strict=True))).alpha == pytest.approx(
        0.692, abs=5e-4
    )


@given(coders)
def test_alpha_is_that_of_the_library(pairs: list[tuple[str, str]]) -> None:
    krippendorff = pytest.importorskip("krippendorff")
    values = np.array([["abcd".index(label) for label in pair] for pair in pairs], float).T
    found = measure_pairs(pairs).alpha
    if len(np.unique(values)) == 1:
        assert found is None
    else:
        theirs = krippendorff.alpha(reliability_data=values, level_of_measurement="nominal")
        assert found == pytest.approx(theirs)


@given(coders)
def test_kappa_is_that_of_the_library(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    if (found := measure_pairs(pairs).kappa) is not None:
        assert found == pytest.approx(metrics.cohen_kappa_score(*zip(*pairs, strict=True)))


@pytest.mark.parametrize(
    ("pairs", "accuracy", "kappa"),
    [([], None, None), ([("a", "a")] * 3, 1.0, None), ([("a", "b")] * 3, 0.0, 0.0)],
)
def test_what_chance_explains_has_no_kappa(
    pairs: list[tuple[str, str]], accuracy: float | None, kappa: float | None
) -> None:
    found = measure_pairs(pairs)
    assert (found.accuracy, found.kappa) == (accuracy, kappa)


def test_f1_of_labels_is_that_of_the_library() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    pairs = [("a", "a")] * 5 + [("a", "b")] * 3 + [("b", "b")] * 2 + [("c", "b")] + [("b", "d")]
    found = measure_pairs(pairs)
    human, ours = zip(*pairs, strict=True)
    theirs = metrics.f1_score(human, ours, labels=list("abcd"), average=None, zero_division=0)
    assert [one.f1 for one in found.by_label] == pytest.approx(list(theirs))
    assert found.mean_f1 == pytest.approx(theirs[:3].mean())  # d is no label of the human's
    first = found.by_label[0]
    assert (first.human, first.ours, first.precision, first.recall) == (8, 5, 1.0, 5 / 8)
    assert found.by_label[2].precision is None


def test_intervals_hold_what_resampling_whole_stretches_gives() -> None:
    """Stretches of one unit each are independent units, whose interval scipy gives, too."""
    scipy = pytest.importorskip("scipy.stats")
    right = np.arange(60) < 42
    blocks = np.zeros((60, 2, 2))
    blocks[right, 0, 0] = blocks[~right, 0, 1] = 1
    found = estimate_intervals(("a", "b"), blocks)
    theirs = scipy.bootstrap(
        (right.astype(float),), np.mean, n_resamples=2000, method="percentile", rng=1
    )
    limits = theirs.confidence_interval
    assert found.figures["accuracy"] == pytest.approx((limits.low, limits.high), abs=0.02)
    assert found.blocks == 60
    assert estimate_intervals(("a", "b"), blocks) == found
    # Ten frames a stretch are ten times the units, and tell no more.
    more = estimate_intervals(("a", "b"), 10 * blocks)
    assert more.figures["accuracy"] == found.figures["accuracy"]


def test_few_stretches_have_no_interval() -> None:
    blocks = np.ones((9, 2, 2))
    assert estimate_intervals(("a", "b"), blocks).figures == {}
    assert estimate_intervals(("a", "b"), np.concatenate([blocks, np.zeros((5, 2, 2))])).blocks == 9


def test_labels_that_neither_used_have_no_row() -> None:
    found = measure_table(("a", "b", "c"), np.array([[2.0, 0, 1], [0, 0, 0], [0, 0, 0]]))
    assert (found.labels, found.confusion) == (("a", "c"), ((2, 1), (0, 0)))
