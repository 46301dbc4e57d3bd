"""People and copies stay on one side of the split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.errors import DataError
from training.own_pictures.groups import (
    count_by_group,
    find_one_sided,
    hash_differences,
    pair_equal,
    pair_look_alikes,
    pair_near_hashes,
    split_groups,
    unite_pairs,
)


def test_nothing_makes_no_groups() -> None:
    assert unite_pairs(0, []).tolist() == []
    assert list(pair_equal([])) == []
    assert list(pair_near_hashes(np.zeros(0, np.uint64), np.zeros(0, np.uint64))) == []


def test_unknown_values_are_not_the_same() -> None:
    assert list(pair_equal(["a", None, "b", "a", None, "a"])) == [(0, 3), (0, 5)]


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=12),
        )
    )
)
def test_groups_are_what_pairs_connect(case: tuple[int, list[tuple[int, int]]]) -> None:
    count, pairs = case
    reach = np.eye(count, dtype=bool)
    for a, b in pairs:
        reach[a, b] = reach[b, a] = True
    for _ in range(count):
        reach = reach @ reach
    groups = unite_pairs(count, pairs)
    np.testing.assert_array_equal(groups[:, None] == groups[None], reach)
    firsts = [int(np.flatnonzero(groups == g)[0]) for g in range(groups.max() + 1)]
    assert firsts == sorted(firsts)


def faces(count: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).uniform(0, 200, (count, 24, 27))


def test_hash_sees_through_light_and_contrast_but_not_another_face() -> None:
    one, other = faces(2)
    changed = 0.5 * one + 30  # darker, flatter
    hashes = hash_differences(np.array([one, changed, other, one[:, ::-1]]))
    assert hashes[0] == hashes[1]
    assert list(pair_near_hashes(hashes, hashes)) == [(0, 1)]
    mirrored = hash_differences(np.array([one, changed, other, one[:, ::-1]])[:, :, ::-1])
    assert list(pair_near_hashes(hashes, mirrored)) == [(0, 3), (1, 3)]


@pytest.mark.parametrize(("flipped", "found"), [(8, True), (9, False)])
def test_few_bits_apart_are_near(flipped: int, found: bool) -> None:
    hashes = np.array([0, 2**flipped - 1], np.uint64)
    assert list(pair_near_hashes(hashes, hashes)) == ([(0, 1)] if found else [])


def test_look_alikes_are_the_same_up_to_light_noise_and_a_mirror() -> None:
    blobs = faces(6)
    noise = np.random.default_rng(1).normal(0, 8, (24, 27))
    copies = [
        0.5 * blobs[0] + 60,
        blobs[1][:, ::-1],
        blobs[2] + noise,
        blobs[3][::-1],  # upside down is another picture
    ]
    assert set(pair_look_alikes(np.stack([*blobs, *copies]))) == {(0, 6), (1, 7), (2, 8)}
    assert list(pair_look_alikes(np.zeros((0, 24, 27)))) == []


def test_equal_hashes_of_unlike_pictures_are_not_enough() -> None:
    rows = np.arange(24.0)[:, None] * np.ones((1, 27))
    pair = np.stack([rows, 255 - rows])
    assert hash_differences(pair)[0] == hash_differences(pair)[1]
    assert list(pair_look_alikes(pair)) == []


@st.composite
def groupings(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    classes = draw(st.integers(2, 4))
    # A group may show several labels, as a person does.
    rows = draw(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, classes - 1)), min_size=2, max_size=60)
    )
    groups = unite_pairs(len(rows), pair_equal([group for group, _ in rows]))
    return groups, np.array([label for _, label in rows], np.int64), classes


@given(groupings(), st.floats(0.1, 0.5), st.integers(0, 5))
def test_split_keeps_groups_whole_and_labels_in_training(
    case: tuple[NDArray[np.int64], NDArray[np.int64], int], share: float, seed: int
) -> None:
    groups, labels, classes = case
    try:
        valid = split_groups(groups, labels, classes=classes, share=share, seed=seed)
    except DataError:
        # Right only where every single group is all that some label has.
        table = count_by_group(groups, labels, classes)
        assert ((table == table.sum(axis=0)) & (table > 0)).any(axis=1).all()
        return
    assert valid.any()
    for group in range(groups.max() + 1):
        assert len(set(valid[groups == group].tolist())) == 1
    seen = [k for k in range(classes) if (labels == k).any()]
    assert not set(find_one_sided(valid, labels, classes)[0]) & set(seen)  # all can be learned
    again = split_groups(groups, labels, classes=classes, share=share, seed=seed)
    np.testing.assert_array_equal(again, valid)


def test_each_label_gives_its_share() -> None:
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    valid = split_groups(np.arange(160), labels, classes=3, share=0.2, seed=3)
    for label, wanted in enumerate((20, 10, 2)):
        assert abs(int(valid[labels == label].sum()) - wanted) <= 1


def test_label_of_two_people_stands_on_both_sides() -> None:
    groups = np.repeat([0, 1, 2, 3], [30, 30, 5, 5])
    labels = np.repeat([0, 1], [60, 10])
    valid = split_groups(groups, labels, classes=2, share=0.2, seed=0)
    assert find_one_sided(valid, labels, 2) == ([], [])


def test_one_person_cannot_be_split() -> None:
    with pytest.raises(DataError, match=r"^6 pictures make 1 group .*--group-by picture"):
        split_groups(np.zeros(6, np.int64), np.arange(6) % 2, classes=2, share=0.2, seed=0)
