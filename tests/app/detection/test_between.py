"""Between two looks a face lies on a straight line, if it hardly moved and looks the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.between import interpolate_face, is_steady, looks_alike
from app.detection.refused_hints import make_thumb
from app.types import Face


def face(x: float, y: float = 0.0, side: float = 100.0, score: float = 0.9) -> Face:
    points = np.array([(x + 0.3 * side, y + 0.4 * side)] * 6, np.float32)
    return Face((x, y, x + side, y + side), points, score, key=5)


@pytest.mark.parametrize(
    ("after", "steady"),
    [
        (face(0), True),
        (face(5), True),
        (face(7), False),
        (face(0, 7), False),
        (face(-3, -3, 106), True),
        (face(-5, -5, 110), False),
        (face(5, 5, 90), False),
    ],
)
def test_a_face_is_steady_that_moves_and_grows_little(after: Face, steady: bool) -> None:
    assert is_steady(face(0), after) is steady


@given(
    st.floats(-500, 500),
    st.floats(-500, 500),
    st.floats(8, 400),
    st.floats(8, 400),
    st.floats(0, 1),
)
def test_corners_and_landmarks_stay_between_the_two_looks(
    x: float, u: float, side: float, other: float, share: float
) -> None:
    one, two = face(x, side=side), face(u, side=other)
    here = interpolate_face(one, two, share)
    for low, value, high in zip(one.box_xyxy, here.box_xyxy, two.box_xyxy, strict=True):
        assert min(low, high) - 1e-3 <= value <= max(low, high) + 1e-3
    low, high = np.minimum(one.landmarks, two.landmarks), np.maximum(one.landmarks, two.landmarks)
    assert (here.landmarks >= low - 1e-2).all()
    assert (here.landmarks <= high + 1e-2).all()
    assert (here.seen, here.key, here.landmarks.dtype) == (False, 5, np.float32)


def test_the_ends_are_the_looks_themselves() -> None:
    one, two = face(0, score=0.5), face(10, score=0.75)
    for share, end in ((0.0, one), (1.0, two)):
        here = interpolate_face(one, two, share)
        assert (here.box_xyxy, here.score) == (end.box_xyxy, end.score)
        assert np.array_equal(here.landmarks, end.landmarks)


def test_light_does_not_change_a_face_and_a_hand_does() -> None:
    image = np.random.default_rng(0).integers(40, 200, (100, 100, 3)).astype(np.uint8)
    image = np.repeat(np.repeat(image[::10, ::10], 10, 0), 10, 1)
    before = make_thumb(image, face(0))
    assert looks_alike(before, make_thumb(image + np.uint8(30), face(0)))
    covered = image.copy()
    covered[30:] = 10
    assert not looks_alike(before, make_thumb(covered, face(0)))
