"""Faces are made unrecognisable for good, and stay so while the detector loses them."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.search import FaceSearch
from app.privacy.blur import CELLS, COVER_HOLD_S, CoveredPlace, FaceBlur
from app.types import Face, Image

SIZE_WH = (320, 240)


def face(x: float = 100, y: float = 80, side: float = 60) -> Face:
    points = np.array([(x + side / 2, y + side / 2)] * 6, np.float32)
    return Face((x, y, x + side, y + side), points, 0.9)


def noise(seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (240, 320, 3)).astype(np.uint8)


def grain(image: Image) -> float:
    """Mean difference of neighbours: what is left of the noise."""
    return float(np.abs(np.diff(image.astype(int), axis=1)).mean())


def test_picture_without_faces_stays_as_it_is() -> None:
    image, blur = noise(), FaceBlur()
    blur.add_frame([], 0.0, SIZE_WH)
    np.testing.assert_array_equal(blur.cover(image), image)


def test_face_and_its_margin_are_covered_and_the_picture_that_came_is_not() -> None:
    image, blur = noise(), FaceBlur()
    before = image.copy()
    blur.add_frame([face()], 0.0, SIZE_WH)
    canvas = blur.cover(image)
    np.testing.assert_array_equal(image, before)
    assert grain(canvas[64:156, 84:176]) < 3  # the box and 16 px around it
    np.testing.assert_array_equal(canvas[:50], image[:50])
    np.testing.assert_array_equal(canvas[:, 190:], image[:, 190:])


def test_what_is_left_are_the_means_of_few_cells() -> None:
    """Pictures that share them are the same afterwards: no one can tell which it was."""
    blur = FaceBlur()
    blur.add_frame([face()], 0.0, SIZE_WH)
    x0, y0, x1, y1 = 79, 59, 181, 161  # 60 px and 35 % of that around it
    a = np.full((240, 320, 3), 128, np.uint8)
    b = a.copy()
    cell = (x1 - x0) // CELLS
    for row in range(CELLS):
        for column in range(CELLS):
            at = slice(y0 + row * cell, y0 + (row + 1) * cell)
            part = b[at, x0 + column * cell : x0 + (column + 1) * cell]
            part[:, ::2] += 100 - 3 * row
            part[:, 1 : cell - cell % 2 : 2] -= 100 - 3 * row
            part[:, -1] = 128 if cell % 2 else part[:, -1]
    assert (a != b).any()
    difference = np.abs(blur.cover(a).astype(int) - blur.cover(b).astype(int))
    assert difference[y0:y1, x0:x1].max() <= 4


@pytest.mark.parametrize(
    ("unseen_s", "covered"), [(0.04, True), (COVER_HOLD_S, True), (2.5, False)]
)
def test_lost_face_stays_covered_for_a_while(unseen_s: float, covered: bool) -> None:
    image, blur = noise(), FaceBlur()
    blur.add_frame([face()], 1.0, SIZE_WH)
    blur.add_frame([], 1.0 + unseen_s, SIZE_WH)
    assert (grain(blur.cover(image)[80:140, 100:160]) < 5) == covered


def test_place_of_a_lost_face_grows_for_who_cannot_be_seen_may_move() -> None:
    image, blur = noise(), FaceBlur()
    blur.add_frame([face()], 0.0, SIZE_WH)
    areas = []
    for time_s in (0.0, 0.5, 1.0, 1.5):
        blur.add_frame([], time_s, SIZE_WH) if time_s else None
        areas.append(int((blur.cover(image) != image).any(axis=2).sum()))
    assert areas == sorted(areas)
    assert areas[-1] > 2.5 * areas[0]


def test_face_that_comes_back_a_little_further_is_covered_all_the_time() -> None:
    image, blur = noise(), FaceBlur()
    blur.add_frame([face(100)], 0.0, SIZE_WH)
    for step in range(1, 26):  # it moves half its width in a second, unseen
        time_s, x = step / 25, 100 + 30 * step / 25
        blur.add_frame([], time_s, SIZE_WH)
        assert grain(blur.cover(image)[85:135, round(x) : round(x) + 60]) < 5
    blur.add_frame([face(130)], 1.04, SIZE_WH)
    assert grain(blur.cover(image)[85:135, 130:190]) < 5


def test_seen_face_leaves_no_trail() -> None:
    image, blur = noise(), FaceBlur()
    for step in range(20):
        blur.add_frame([face(60 + 4 * step)], step / 25, SIZE_WH)
    canvas = blur.cover(image)
    np.testing.assert_array_equal(canvas[:, :100], image[:, :100])
    assert grain(canvas[85:135, 136:196]) < 5


def test_two_faces_of_which_one_is_lost_are_both_covered() -> None:
    image, blur = noise(), FaceBlur()
    blur.add_frame([face(30), face(200)], 0.0, SIZE_WH)
    blur.add_frame([face(30)], 0.5, SIZE_WH)
    canvas = blur.cover(image)
    assert grain(canvas[85:135, 30:90]) < 5
    assert grain(canvas[85:135, 200:260]) < 5


@pytest.mark.parametrize(("time_s", "size_wh"), [(-1.0, SIZE_WH), (0.5, (200, 100))])
def test_jump_back_and_another_size_begin_anew(time_s: float, size_wh: tuple[int, int]) -> None:
    blur = FaceBlur()
    blur.add_frame([face()], 0.0, SIZE_WH)
    blur.add_frame([], time_s, size_wh)
    image = noise()
    np.testing.assert_array_equal(blur.cover(image), image)


@given(
    x=st.floats(-4000, 4000),
    y=st.floats(-4000, 4000),
    side=st.floats(0.1, 5000),
    size_wh=st.tuples(st.integers(1, 80), st.integers(1, 80)),
)
def test_any_place_in_any_picture_can_be_covered(
    x: float, y: float, side: float, size_wh: tuple[int, int]
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (size_wh[1], size_wh[0], 3)).astype(np.uint8)
    blur = FaceBlur()
    blur.add_frame([face(x, y, side)], 0.0, size_wh)
    canvas = blur.cover(image)
    x0, y0, x1, y1 = CoveredPlace((x, y, x + side, y + side), 0.0).find_covered_xyxy(0.0, 1.0)
    inside = np.zeros(image.shape[:2], np.bool_)
    inside[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
    np.testing.assert_array_equal(canvas[~inside], image[~inside])
    if inside.sum() > 4 and max(x1 - x0, y1 - y0) > 2 * CELLS:  # else cells are single pixels
        assert (canvas[inside] != image[inside]).any()


def test_two_frames_of_one_time_do_not_bare_a_lost_face() -> None:
    blur, image = FaceBlur(), noise()
    blur.add_frame([face()], 1.0, SIZE_WH)
    blur.add_frame([], 1.0, SIZE_WH)
    assert (blur.cover(image) != image).any()


def test_detector_finds_no_face_where_one_is_covered(clip_frames: dict[int, Image]) -> None:
    image = clip_frames[60]
    with FaceSearch() as search:
        found = search.detect(image)
        assert len(found) == 1
        blur = FaceBlur()
        blur.add_frame(found, 0.0, (image.shape[1], image.shape[0]))
        canvas = blur.cover(image)
        assert search.detect(canvas) == ()
    x0, y0, x1, y1 = (int(v) for v in found[0].box_xyxy)
    sharp = [cv2.Laplacian(p[y0:y1, x0:x1], cv2.CV_64F).var() for p in (image, canvas)]
    assert sharp[1] < 0.02 * sharp[0]
