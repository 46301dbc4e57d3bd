"""People of two codings are paired."""

import pytest

from app.agreement.people import pair_people
from app.errors import DataError
from tests.support.tracks import track


def test_people_are_paired_by_name_by_word_or_alone() -> None:
    a = track((0, 1, "a"))
    assert pair_people({"": a}, {"7": a}, {}) == {"": "7"}
    assert pair_people({"1": a}, {"1": a, "2": a}, {}) == {"1": "1"}
    assert pair_people({"face 2": a, "1": a}, {"1": a, "2": a}, {}) == {"face 2": "2", "1": "1"}
    assert pair_people({"2": a, "Ann": a}, {"face 1": a, "face 2": a}, {"Ann": "1"}) == {
        "2": "face 2",
        "Ann": "face 1",
    }
    assert pair_people({"": a}, {"1": a, "2": a}, {"": "2"}) == {"": "2"}
    assert pair_people({"Ann": a, "2": a}, {"1": a, "2": a}, {"Ann": "1"}) == {"Ann": "1", "2": "2"}
    assert pair_people({"1": a, "2": a}, {"1": a, "2": a}, {"1": "2"}) == {"1": "2"}
    # Of people who are named, others may be left out.
    assert pair_people({"Ann": a, "Ben": a}, {"1": a, "2": a}, {"Ann": "1"}) == {"Ann": "1"}


@pytest.mark.parametrize(
    ("human", "named", "message"),
    [
        ({"Ann"}, {}, "is of Ann, ours of 1, 2. Say who is who by --pair Ann=1."),
        ({"Ann M", "gaze"}, {}, "'=1. If these are tiers, name the one"),
        ({"Ann"}, {"Ben": "1"}, "has no person 'Ben'. It is of Ann."),
        ({"Ann"}, {"Ann": "9"}, "ours of 1, 2"),
        ({"Ann", "Ben"}, {"Ann": "1", "Ben": "1"}, "'Ann' and 'Ben' of the human's coding are bo"),
        ({"face 1", "1"}, {}, "'1' and 'face 1' of the human's coding are both our '1'"),
        (set(), {}, "says nothing of anybody"),
    ],
)
def test_people_without_a_counterpart_are_asked_for(
    human: set[str], named: dict[str, str], message: str
) -> None:
    a = track((0, 1, "a"))
    with pytest.raises(DataError) as caught:
        pair_people(dict.fromkeys(sorted(human), a), {"1": a, "2": a}, named)
    assert message.replace("'=1", "=1") in str(caught.value).replace("'=1", "=1")
