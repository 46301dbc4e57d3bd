"""Whatever a camera delivers becomes BGR of eight bits, or nothing."""

from typing import Any

import numpy as np
import pytest

from app.frames.to_bgr import convert_to_bgr, letterbox

GREY = np.array([[0, 100], [200, 255]], np.uint8)
BGR = np.stack([GREY, GREY // 2, GREY // 4], axis=2)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (BGR, BGR),
        (BGR[:, ::-1], BGR[:, ::-1]),  # not contiguous
        (GREY, np.dstack([GREY] * 3)),
        (GREY[..., None], np.dstack([GREY] * 3)),
        (np.dstack([BGR, GREY]), BGR),
        (BGR.astype(np.uint16) * 257, BGR),
        (GREY.astype(np.uint16) * 257, np.dstack([GREY] * 3)),
        (BGR.astype(np.float32) / 255, BGR),
        (np.array([[np.nan, 2.0]]), np.dstack([np.array([[0, 255]], np.uint8)] * 3)),
        (GREY > 150, np.dstack([np.array([[0, 0], [255, 255]], np.uint8)] * 3)),
    ],
)
def test_pictures_of_any_kind_become_bgr(raw: Any, wanted: np.ndarray) -> None:
    image = convert_to_bgr(raw)
    assert image is not None
    assert image.flags.c_contiguous
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, wanted)


def test_yuyv_as_a_camera_sends_it_becomes_bgr() -> None:
    yuyv = np.array([[(81, 90), (81, 240), (145, 54), (145, 34)]], np.uint8)  # red, then green
    image = convert_to_bgr(yuyv)
    assert image is not None
    np.testing.assert_allclose(image[0], [(0, 0, 255)] * 2 + [(0, 255, 0)] * 2, atol=2)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "picture",
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((5, 0), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((5, 5, 2), np.uint8),
        np.zeros((1, 5, 5, 3), np.uint8),
        np.zeros((5, 5, 3), np.int64),
        np.zeros((5, 5), object),
    ],
)
def test_what_is_no_picture_is_none(raw: Any) -> None:
    assert convert_to_bgr(raw) is None


def test_good_pictures_are_not_copied() -> None:
    assert convert_to_bgr(BGR) is BGR
    assert letterbox(BGR, (2, 2)) is BGR


@pytest.mark.parametrize(
    ("shape", "size_wh", "inside"),
    [
        ((10, 40), (20, 20), (slice(7, 12), slice(0, 20))),
        ((40, 10), (20, 20), (slice(0, 20), slice(7, 12))),
        ((5, 5), (20, 10), (slice(0, 10), slice(5, 15))),
        ((1, 1000), (20, 20), (slice(9, 10), slice(0, 20))),
    ],
)
def test_letterbox_keeps_the_shape(
    shape: tuple[int, int], size_wh: tuple[int, int], inside: tuple[slice, slice]
) -> None:
    box = letterbox(np.full((*shape, 3), 200, np.uint8), size_wh)
    assert box.shape == (size_wh[1], size_wh[0], 3)
    wanted = np.zeros_like(box)
    wanted[inside] = 200
    np.testing.assert_array_equal(box, wanted)
