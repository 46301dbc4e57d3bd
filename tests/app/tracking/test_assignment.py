"""Rows and columns are paired as SciPy pairs them."""

import numpy as np
import pytest

from app.tracking.assignment import solve_assignment


@pytest.mark.parametrize(
    "kind", ["random", "few values", "most impossible", "all the same"], ids=lambda kind: kind
)
def test_pairs_are_those_of_scipy(kind: str) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(0)
    for _ in range(300):
        shape = rng.integers(0, 9, 2)
        cost = {
            "random": lambda s: 3 * rng.random(s),
            "few values": lambda s: rng.integers(0, 4, s).astype(np.float64),
            "most impossible": lambda s: np.where(rng.random(s) < 0.7, 1e6, rng.random(s)),
            "all the same": lambda s: np.full(s, 0.3),
        }[kind](shape)
        rows, columns = optimize.linear_sum_assignment(cost)
        assert solve_assignment(cost) == list(zip(rows, columns, strict=True))


def test_a_crowd_is_paired_at_the_least_cost() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    cost = np.random.default_rng(1).random((60, 45))
    rows, columns = optimize.linear_sum_assignment(cost)
    assert solve_assignment(cost) == list(zip(rows, columns, strict=True))


@pytest.mark.parametrize("cost", [np.nan, np.inf, -np.inf])
def test_costs_are_numbers(cost: float) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        solve_assignment(np.array([[1.0, cost], [1.0, 1.0]]))
