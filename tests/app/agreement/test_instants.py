"""Two codings are compared at the same instants, wherever both are known."""

import numpy as np
import pytest

from app.agreement.instants import compare_instants, number_blocks
from app.codings.tracks import Track
from app.errors import DataError
from tests.support.tracks import track


def pairs_at(human: Track, ours: Track, *, step_s: float = 1, outside: str = "none") -> list[str]:
    """Pairs of labels at the same instants, such as "a b", sorted."""
    found = compare_instants([(human, ours)], step_s=step_s, outside=outside, keep_unsure=False)
    names, table = found.labels, found.table
    return [
        f"{a} {b}"
        for m, a in enumerate(names)
        for n, b in enumerate(names)
        for _ in range(int(table[m, n]))
    ]


def test_stretches_are_whole_spans_of_two_seconds_or_more() -> None:
    times = np.arange(0, 10, 0.5)
    said = np.array([0] * 6 + [1] * 2 + [0] * 2 + [2] * 8 + [0] * 2)
    assert number_blocks(times, said).tolist() == [0] * 6 + [1] * 4 + [2] * 8 + [3] * 2


def test_unlike_samplings_meet_at_the_sparser_one() -> None:
    human = track((0, 1, "a"), (1, 2, "b"), instants=(0.0, 0.5, 1.0, 1.5))
    ours = track((0, 1.25, "a"), (1.25, 1.8, "b"), instants=[n / 100 for n in range(200)])
    assert pairs_at(human, ours) == ["a a", "a a", "b a", "b b"]


def test_instants_of_which_one_says_nothing_do_not_count() -> None:
    human = track((0, 1, "a"), instants=(0.0, 0.5, 1.0))
    ours = track((0, 0.4, "a"), instants=(0.0, 0.1, 0.2, 0.3))
    assert pairs_at(human, ours) == ["a a"]


def test_outside_of_coded_spans_a_label_holds() -> None:
    human, ours = track((0, 1, "a")), track((0.5, 2, "a"))
    found = pairs_at(human, ours, step_s=0.5, outside="neutral")
    assert found == ["a a", "a neutral", "neutral a", "neutral a"]


def test_where_nobody_says_anything_is_not_coded() -> None:
    """2 s of a face in a recording of 10 s, of which the human has coded 3."""
    human = track((0, 3, "a"))
    ours = track((0, 2, "a"), instants=np.arange(0, 10, 0.5).tolist())
    found = compare_instants([(human, ours)], step_s=1, outside="none", keep_unsure=False)
    assert (found.coded, found.not_seen, found.coverage) == (6, 2, pytest.approx(4 / 6))


def test_what_a_coder_left_open_is_not_outside() -> None:
    human, ours = track((0, 1, ""), (1, 2, "a")), track((0, 3, "a"))
    assert pairs_at(human, ours) == ["a a", "none a"]


def test_too_many_instants_are_refused() -> None:
    far = track((0, 1e9, "a"))
    with pytest.raises(DataError, match="25000000000 instants would be compared"):
        pairs_at(far, far, step_s=0.04)
