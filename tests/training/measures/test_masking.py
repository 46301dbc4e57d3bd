"""Orders name every pixel once, and fillings leave nothing of what they cover."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.measures.masking import (
    cover_pixels,
    enlarge_maps,
    make_filling,
    order_centre_first,
    order_largest_first,
    reverse_order,
)

GENERATOR_SEED = 3
CROPS = np.random.default_rng(1).integers(0, 256, (3, 12, 12, 3), np.uint8)


@given(
    arrays(np.float32, (2, 5, 5), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0])),
    st.integers(0, 100),
)
def test_order_names_every_pixel_once_and_never_rises(values: np.ndarray, seed: int) -> None:
    order = order_largest_first(values, np.random.default_rng(seed))
    for ranks, picture in zip(order, values, strict=True):
        assert sorted(ranks.ravel()) == list(range(25))
        assert (np.diff(picture.ravel()[np.argsort(ranks.ravel())]) <= 0).all()
    np.testing.assert_array_equal(reverse_order(reverse_order(order)), order)


def test_equal_values_come_in_one_order_that_is_not_the_pictures() -> None:
    order = order_largest_first(
        np.zeros((2, 6, 6), np.float32), np.random.default_rng(GENERATOR_SEED)
    )
    np.testing.assert_array_equal(order[0], order[1])
    assert (order[0].ravel() != np.arange(36)).any()


@pytest.mark.parametrize(("size_px", "count", "side"), [(8, 4, 2), (8, 16, 4), (7, 9, 3)])
def test_square_grows_from_the_middle(size_px: int, count: int, side: int) -> None:
    order = order_centre_first(size_px, np.random.default_rng(GENERATOR_SEED))
    rows, columns = np.nonzero(order[0] < count)
    low = (size_px - side) // 2
    assert (rows.min(), columns.min()) == (low, low)
    assert (rows.max(), columns.max()) == (low + side - 1, low + side - 1)


def test_map_is_enlarged_about_the_middles_of_its_cells() -> None:
    maps = np.array([[[0.0, 3.0], [0.0, 3.0]]], np.float32)
    np.testing.assert_allclose(enlarge_maps(maps, 4)[0, 0], [0, 0.75, 2.25, 3])
    assert enlarge_maps(maps[:0], 4).shape == (0, 4, 4)


def test_grey_is_each_crops_own_mean() -> None:
    grey = make_filling(CROPS, "grey")
    for crop, fill in zip(CROPS, grey, strict=True):
        wanted = crop.reshape(-1, 3).mean(axis=0).round()
        np.testing.assert_array_equal(fill, np.broadcast_to(wanted, fill.shape))


def test_blur_keeps_plain_crops_and_flattens_others() -> None:
    plain = np.full((1, 12, 12, 3), (10, 120, 250), np.uint8)
    np.testing.assert_array_equal(make_filling(plain, "blurred"), plain)
    blurred = make_filling(CROPS, "blurred")
    assert blurred.std() < 0.3 * CROPS.std()
    assert abs(blurred.mean() - CROPS.mean()) < 8


def test_blur_treats_rows_and_columns_alike() -> None:
    turned = make_filling(CROPS.transpose(0, 2, 1, 3).copy(), "blurred")
    difference = turned.transpose(0, 2, 1, 3).astype(int) - make_filling(CROPS, "blurred")
    assert abs(difference).max() <= 1


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.25, 36), (0.5, 72), (1.0, 144)])
def test_share_is_a_number_of_pixels(share: float, count: int) -> None:
    order = order_largest_first(CROPS[..., 0].astype(np.float32), np.random.default_rng(0))
    filling = np.zeros_like(CROPS)
    seen = cover_pixels(CROPS.clip(1), filling, order, share)
    assert [(picture == 0).all(axis=2).sum() for picture in seen] == [count] * 3
    kept = (seen != 0).all(axis=3)
    np.testing.assert_array_equal(seen[kept], CROPS.clip(1)[kept])
