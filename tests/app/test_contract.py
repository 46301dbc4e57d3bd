"""A contract knows where doubt begins, and its test crops are the same on every machine."""

from dataclasses import replace

import numpy as np
import pytest

from app.contract import (
    are_sure,
    check_label,
    compute_entropy_nats,
    make_probe_crops,
)
from tests.support.contracts import CONTRACT


@pytest.mark.parametrize(
    ("probabilities", "below", "above_nats", "wanted"),
    [
        ([1 / 3, 1 / 3, 1 / 3], None, None, True),
        ([0.6, 0.4, 0.0], 0.6, None, True),  # what is at the threshold is sure
        ([0.6, 0.4, 0.0], 0.61, None, False),
        ([0.6, 0.4, 0.0], None, 0.68, True),  # 0.673 nats
        ([0.6, 0.2, 0.2], None, 0.68, False),  # 0.950 nats: the rest is not ruled out
        ([0.6, 0.2, 0.2], 0.5, 1.0, True),
        ([0.45, 0.45, 0.1], 0.5, 1.0, False),
        ([1.0, 0.0, 0.0], 1.0, 0.0, True),
    ],
)
def test_doubt_begins_at_either_threshold(
    probabilities: list[float], below: float | None, above_nats: float | None, wanted: bool
) -> None:
    row = np.array([probabilities])
    assert are_sure(row, below=below, above_nats=above_nats).tolist() == [wanted]
    contract = replace(CONTRACT, unsure_below=below, unsure_above_nats=above_nats)
    assert (contract.measure_sureness_nats(row) >= 0).tolist() == [wanted]


def test_sureness_is_the_lesser_distance_from_doubt() -> None:
    contract = replace(CONTRACT, unsure_below=0.5, unsure_above_nats=0.8)
    even, odds = np.array([[0.5, 0.5]]), np.array([[0.75, 0.25]])
    assert contract.measure_sureness_nats(even).tolist() == [pytest.approx(0, abs=1e-9)]
    assert contract.measure_sureness_nats(odds)[0] == pytest.approx(
        1.6 * (0.8 - compute_entropy_nats(odds)[0])
    )
    only = replace(contract, unsure_above_nats=None)
    assert only.measure_sureness_nats(odds)[0] == pytest.approx(np.log(3))
    none = replace(only, unsure_below=None)
    assert none.measure_sureness_nats(odds).tolist() == [np.inf]
    assert contract.measure_sureness_nats(np.zeros((0, 2))).shape == (0,)


def test_no_faces_raise_no_doubt() -> None:
    assert CONTRACT.is_sure(np.zeros((0, 3), np.float32)).shape == (0,)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("", "every label must be a name, not ''"),
        (" \t", r"every label must be a name, not ' \t'"),
        (7, "every label must be a name, not 7"),
        ("line\nbreak", r"every label must be printable text of at most 64 letters, not 'line\nb"),
    ],
)
def test_a_label_is_a_name(label: object, said: str) -> None:
    check_label("wide awake")
    with pytest.raises(ValueError, match="every label must be") as caught:
        check_label(label)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("probabilities", "nats"),
    [([1.0, 0.0], 0.0), ([0.5, 0.5], np.log(2)), ([0.25] * 4, np.log(4))],
)
def test_entropy_by_hand(probabilities: list[float], nats: float) -> None:
    assert compute_entropy_nats(np.array([probabilities]))[0] == pytest.approx(nats)


@pytest.mark.parametrize("size_px", [8, 48, 112])
def test_probe_crops_are_the_same_everywhere(size_px: int) -> None:
    crops = make_probe_crops(size_px)
    assert crops.shape == (2, size_px, size_px, 3)
    assert crops.dtype == np.uint8
    assert crops[0, 0, 0].tolist() == [0, 0, 0]
    assert np.ptp(crops) > 200
    assert not np.array_equal(crops[0], crops[1])


def test_probe_crops_have_known_pixels() -> None:
    crops = make_probe_crops(48)
    # x=10, y=20 of crop 0: (3x + (5+c)y + xy(1+c)//7) mod 256
    assert crops[0, 20, 10].tolist() == [158, 207, 255]
