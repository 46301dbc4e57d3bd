"""The similarity fit, the crop's geometry and the pixels' normalisation."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.alignment import (
    FACE_TEMPLATE,
    MAX_OVERSAMPLING,
    AlignmentTemplate,
    fit_crop_matrix,
    fit_frame_matrix,
    fit_similarity,
    normalise,
    oversampling,
)
from app.types import LANDMARKS

Points = NDArray[np.float64]


def similarity(angle: float, scale: float, x: float, y: float) -> Points:
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def moved(matrix: Points, points: Points) -> Points:
    return points @ matrix[:, :2].T + matrix[:, 2]


coordinates = st.floats(-1000, 1000)
similarities = st.builds(
    similarity, st.floats(-math.pi, math.pi), st.floats(0.02, 50), coordinates, coordinates
)


@st.composite
def clouds(draw: st.DrawFn, count: int | None = None) -> Points:
    """`(P, 2)` points that do not coincide."""
    n = draw(st.integers(2, 8)) if count is None else count
    values = draw(st.lists(coordinates, min_size=2 * n, max_size=2 * n))
    points = np.array(values).reshape(n, 2)
    assume(np.ptp(points, axis=0).max() > 1)
    return points


@given(clouds(), similarities)
def test_fit_recovers_a_similarity(points: Points, matrix: Points) -> None:
    fitted = fit_similarity(points, moved(matrix, points))
    np.testing.assert_allclose(moved(fitted, points), moved(matrix, points), atol=1e-6)
    np.testing.assert_allclose(fitted[:, :2], matrix[:, :2], rtol=1e-6, atol=1e-9)


@given(clouds(count=5), clouds(count=5))
def test_fit_turns_and_scales_but_never_reflects(src: Points, dst: Points) -> None:
    (a, b, _), (c, d, _) = fit_similarity(src, dst)
    assert (a, b) == (d, -c)  # a rotation times a scale, whose determinant is a^2 + c^2


@given(clouds(count=4), clouds(count=4), st.integers(0, 3), st.sampled_from([-1e-3, 1e-3]))
def test_no_similarity_nearby_fits_better(
    src: Points, dst: Points, which: int, change: float
) -> None:
    fitted = fit_similarity(src, dst)
    other = fitted.copy()
    if which == 0:
        other[:, :2] *= 1 + change
    elif which == 1:
        other[:, :2] = similarity(change, 1, 0, 0)[:, :2] @ other[:, :2]
    else:
        other[which - 2, 2] += change
    errors = [((moved(matrix, src) - dst) ** 2).sum() for matrix in (fitted, other)]
    assert errors[0] <= errors[1] * (1 + 1e-9) + 1e-9


def test_mirrored_points_are_not_matched_by_a_reflection() -> None:
    square = np.array([(0, 0), (2, 0), (2, 1)], float)
    fitted = fit_similarity(square, square * (-1, 1))
    assert np.linalg.det(fitted[:, :2]) >= 0
    assert np.abs(moved(fitted, square) - square * (-1, 1)).max() > 0.5


TWO = [(0.0, 0.0), (1.0, 1.0)]


@pytest.mark.parametrize(
    ("src", "dst", "message"),
    [
        ([(3.0, 4.0)] * 4, TWO * 2, "coincide"),
        ([(1e6, 1e6), (1e6 + 1e-4, 1e6)], TWO, "coincide"),
        ([(0.0, math.nan), (1.0, 1.0)], TWO, "finite"),
        (TWO, [(0.0, math.inf), (1.0, 1.0)], "finite"),
        (TWO[:1], TWO[:1], r"got \(1, 2\), \(1, 2\)"),
        ([], [], "P >= 2"),
        (TWO, TWO * 2, r"got \(2, 2\), \(4, 2\)"),
        ([(0.0, 0.0, 0.0)] * 2, [(0.0, 0.0, 0.0)] * 2, r"got \(2, 3\)"),
    ],
    ids=["one place", "nearly", "nan", "infinite", "one", "none", "lengths", "3-D"],
)
def test_points_that_say_nothing_are_refused(src: Any, dst: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_similarity(src, dst)


@given(similarities, st.sampled_from([24, 48, 112]))
def test_align_puts_landmarks_on_the_template(matrix: Points, size_px: int) -> None:
    landmarks = np.full((6, 2), np.nan)  # the ears take no part
    landmarks[FACE_TEMPLATE.indices()] = moved(matrix, FACE_TEMPLATE.targets())
    to_crop = fit_crop_matrix(landmarks, FACE_TEMPLATE, size_px)
    np.testing.assert_allclose(
        moved(to_crop, landmarks[:4]) / size_px,
        [(0.327, 0.389), (0.673, 0.389), (0.5, 0.581), (0.5, 0.758)],
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (48, 48, 48, [[1, 0, 0], [0, 1, 0]]),
        (24, 24, 48, [[2, 0, 0], [0, 2, 0]]),
        (100, 50, 50, [[0.5, 0, 0], [0, 0.5, 12.5]]),
        (50, 100, 50, [[0.5, 0, 12.5], [0, 0.5, 0]]),
    ],
)
def test_whole_frame_fits_centred(
    width: float, height: float, size: int, expected: list[list[float]]
) -> None:
    np.testing.assert_allclose(fit_frame_matrix(width, height, size), expected)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (similarity(0, 3, 0, 0), 1),
        (similarity(0, 1, 5, 5), 1),
        (similarity(0, 0.7, 0, 0), 1),
        (similarity(0, 0.65, 0, 0), 2),
        (similarity(1, 0.5, 0, 0), 2),
        (similarity(2, 1 / 8, 9, 9), 8),
        (similarity(0, 0.25, 0, 0) * [[-1, 1, 1], [1, 1, 1]], 4),
        (similarity(0, 1e-3, 0, 0), MAX_OVERSAMPLING),
        (np.zeros((2, 3)), MAX_OVERSAMPLING),
    ],
)
def test_oversampling_follows_the_shrink_factor(matrix: Points, expected: int) -> None:
    assert oversampling(matrix) == expected


def test_grey_is_luma_brought_to_the_mean_and_spread() -> None:
    crops = np.full((2, 1, 3, 3), (10, 20, 30), np.uint8)  # B, G, R
    crops[1] = 255
    x = normalise(crops, colour="grey", mean=(0.5,), std=(0.25,))
    luma = 0.114 * 10 + 0.587 * 20 + 0.299 * 30  # 21.85
    assert (x.shape, x.dtype, x.flags.c_contiguous) == ((2, 1, 1, 3), np.float32, True)
    np.testing.assert_allclose(x[0], (luma / 255 - 0.5) / 0.25, rtol=1e-5)
    np.testing.assert_allclose(x[1], 2.0, rtol=1e-5)


def test_colour_comes_as_red_green_blue_with_a_mean_and_spread_each() -> None:
    crops = np.full((1, 2, 2, 3), (51, 102, 255), np.uint8)
    x = normalise(crops, colour="rgb", mean=(0.5, 0.4, 0.1), std=(0.5, 1.0, 0.1))
    assert x.shape == (1, 3, 2, 2)
    np.testing.assert_allclose(x[0, :, 0, 0], [1.0, 0.0, 1.0], atol=1e-6)


@pytest.mark.parametrize(("colour", "channels"), [("grey", 1), ("rgb", 3)])
def test_no_crops_give_no_input(colour: Any, channels: int) -> None:
    x = normalise(np.zeros((0, 8, 8, 3), np.uint8), colour=colour, mean=(0.5,), std=(0.25,))
    assert (x.shape, x.dtype) == ((0, channels, 8, 8), np.float32)


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 8, 8, 1), (1, 3, 8, 8)])
def test_crops_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="crops must be"):
        normalise(np.zeros(shape, np.uint8), colour="grey", mean=(0.5,), std=(0.25,))


EYES = (("right_eye", 0.3, 0.4), ("left_eye", 0.7, 0.4))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ((), "two different"),
        (EYES[:1], "two different"),
        (EYES[:1] * 2, "two different"),
        ((*EYES, ("chin", 0.5, 0.9)), "'chin'"),
        ((("right_eye", 0.5, 0.5), ("left_eye", 0.5, 0.5)), "coincide"),
        ((EYES[0], ("left_eye", 30.0, 40.0)), "fractions"),
        ((EYES[0], ("left_eye", math.nan, 0.4)), "fractions"),
    ],
)
def test_impossible_template_is_refused(points: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AlignmentTemplate(points)


def test_template_names_rows_of_the_landmarks() -> None:
    assert FACE_TEMPLATE.indices() == [0, 1, 2, 3]
    assert AlignmentTemplate(EYES[::-1]).indices() == [1, 0]
    assert [LANDMARKS[row] for row in FACE_TEMPLATE.indices()][:2] == ["right_eye", "left_eye"]


def test_template_that_keeps_less_is_the_same_about_its_centre() -> None:
    tight = FACE_TEMPLATE.scale_crop(0.8)
    np.testing.assert_allclose(
        0.8 * (tight.targets() - 0.5), FACE_TEMPLATE.targets() - 0.5, atol=1e-12
    )
    assert tight.indices() == FACE_TEMPLATE.indices()
    assert FACE_TEMPLATE.scale_crop(1) == FACE_TEMPLATE
    points = np.array([(30, 40), (70, 42), (50, 60), (51, 80), (10, 50), (90, 50)], np.float32)
    whole, near = (fit_crop_matrix(points, t, 48) for t in (FACE_TEMPLATE, tight))
    centre = np.linalg.solve(whole[:, :2], 24 - whole[:, 2])
    np.testing.assert_allclose(near[:, :2] @ centre + near[:, 2], 24, atol=1e-9)
    np.testing.assert_allclose(near[:, :2], whole[:, :2] / 0.8, atol=1e-12)


def test_mirrored_template_is_the_one_of_mirrored_faces() -> None:
    leaning = AlignmentTemplate((("right_eye", 0.2, 0.4), ("mouth_centre", 0.4, 0.8)))
    assert leaning.mirror().points == (("left_eye", 0.8, 0.4), ("mouth_centre", 0.6, 0.8))
    for template in (leaning, FACE_TEMPLATE):
        twice = template.mirror().mirror()
        np.testing.assert_allclose(twice.targets(), template.targets())
        assert twice.indices() == template.indices()
    # The shipped template is symmetric: mirroring trades its eyes and changes nothing else.
    places = {name: (x, y) for name, x, y in FACE_TEMPLATE.mirror().points}
    for name, x, y in FACE_TEMPLATE.points:
        assert places[name] == pytest.approx((x, y))
