"""Episodes of two codings are paired by their overlap and compared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agreement.episodes import compare_episodes, match_episodes
from app.codings.tracks import Span
from tests.support.tracks import spans, track


@pytest.mark.parametrize(
    ("human", "ours", "expected"),
    [
        ([], [(0, 1, "a")], []),
        ([(0, 1, "a")], [(0, 1, "b")], [(0, 0)]),
        ([(0, 1, "a")], [(0.9, 2, "a")], []),
        ([(0, 4, "a")], [(0, 1, "a"), (1, 4, "a")], [(0, 1)]),
        ([(0.1, 0.5, "a")], [(0.4, 0.5, "a")], [(0, 0)]),  # 0.25, but for binary rounding
        ([(0, 2, "a"), (2, 4, "b")], [(0, 2.1, "a"), (2.1, 4, "b")], [(0, 0), (1, 1)]),
    ],
)
def test_episodes_are_matched_one_to_one(human: list, ours: list, expected: list) -> None:
    assert match_episodes(spans(*human), spans(*ours), 0.25) == expected


@pytest.mark.slow
@given(st.lists(st.floats(0, 9), min_size=2, max_size=9), st.lists(st.floats(0, 9), max_size=9))
def test_pairs_of_episodes_overlap_the_most(human: list[float], ours: list[float]) -> None:
    """As the solution of the assignment problem has it."""
    optimize = pytest.importorskip("scipy.optimize")

    def episodes(times: list[float]) -> tuple[Span, ...]:
        times = sorted(times)
        pairs = zip(times[::2], times[1::2], strict=False)
        return tuple(Span(a, b, "a") for a, b in pairs if b > a)

    one, other = episodes(human), episodes(ours)
    shares = np.zeros((len(one), len(other)))
    for m, a in enumerate(one):
        for n, b in enumerate(other):
            common = min(a.offset_s, b.offset_s) - max(a.onset_s, b.onset_s)
            union = max(a.offset_s, b.offset_s) - min(a.onset_s, b.onset_s)
            shares[m, n] = max(0.0, common) / union
    rows, columns = optimize.linear_sum_assignment(-shares)
    found = match_episodes(one, other, 0.0)
    assert sum(shares[m, n] for m, n in found) == pytest.approx(shares[rows, columns].sum())
    assert len({m for m, _ in found}) == len({n for _, n in found}) == len(found)


def test_episodes_are_judged_by_label_and_by_time() -> None:
    human = track((0, 2, "a"), (2, 4, "b"), (4, 6, "none"), (8, 9, "a"))
    ours = track((0.1, 2.2, "a"), (2.2, 4, "a"), (4, 6, "unsure"), (20, 21, "a"))
    found = compare_episodes([(human, ours)], min_overlap=0.25, outside="none")
    assert (found.human, found.ours, found.right, found.pairs.count) == (3, 3, 1, 2)
    assert found.onset_difference_s == pytest.approx(0.15)
    assert found.offset_difference_s == pytest.approx(0.1)
