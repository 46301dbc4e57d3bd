"""Turning and mirroring stored pictures, against Pillow for EXIF and numpy for quarter turns."""

from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageOps

from app.frames.orientation import UPRIGHT, Orientation

PICTURE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
NUMBERS = range(1, 9)


@pytest.mark.parametrize("number", NUMBERS)
def test_exif_turns_as_in_pillow(number: int) -> None:
    picture = Image.fromarray(PICTURE)
    picture.getexif()[0x112] = number
    upright = ImageOps.exif_transpose(picture)
    orientation = Orientation.from_exif(number)
    assert np.array_equal(orientation.apply(PICTURE), np.asarray(upright))
    assert orientation.turn_size((3, 2)) == upright.size
    assert orientation.exif == number


@pytest.mark.parametrize("number", [-1, 0, 9, 65535])
def test_numbers_that_exif_does_not_know_turn_nothing(number: int) -> None:
    assert Orientation.from_exif(number) == UPRIGHT


@pytest.mark.parametrize("count", range(-1, 5))
def test_quarter_turns_go_anticlockwise(count: int) -> None:
    turned = Orientation.from_quarter_turns(count).apply(PICTURE)
    assert np.array_equal(turned, np.rot90(PICTURE, count))


@pytest.mark.parametrize("number", NUMBERS)
def test_display_matrix_moves_each_corner_where_it_says(number: int) -> None:
    corners = np.array([[0, 0], [3, 0], [0, 2], [3, 2]])  # x, y of a picture of 3 x 2 px
    marks = np.arange(6, dtype=np.uint8).reshape(2, 3)
    for matrix in ([[a, 0], [0, d]] for a, d in product((1, -1), repeat=2)):
        _check_matrix(np.array(matrix), marks, corners)
    for matrix in ([[0, b], [c, 0]] for b, c in product((65536, -65536), repeat=2)):
        _check_matrix(np.array(matrix), marks, corners)


def _check_matrix(matrix: np.ndarray, marks: np.ndarray, corners: np.ndarray) -> None:
    turned = Orientation.from_display_matrix(matrix).apply(marks)
    moved = np.sign(corners - [1.5, 1]) @ np.sign(matrix)
    for (x, y), (right, down) in zip(corners, moved, strict=True):
        mark = marks[-1 if y else 0, -1 if x else 0]
        assert turned[-1 if down > 0 else 0, -1 if right > 0 else 0] == mark


def test_slanted_matrix_gives_the_nearest_quarter_turn() -> None:
    angle = np.deg2rad(80)
    matrix = np.zeros((3, 3))
    matrix[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    assert Orientation.from_display_matrix(matrix) == Orientation.from_exif(6)
    assert Orientation.from_display_matrix(np.zeros((3, 3))) == UPRIGHT


@pytest.mark.parametrize(("first", "second"), [*product(NUMBERS, NUMBERS)])
def test_one_after_the_other(first: int, second: int) -> None:
    one, other = Orientation.from_exif(first), Orientation.from_exif(second)
    assert np.array_equal(one.then(other).apply(PICTURE), other.apply(one.apply(PICTURE)))


@pytest.mark.parametrize("number", NUMBERS)
def test_inverse_leads_back(number: int) -> None:
    one = Orientation.from_exif(number)
    assert one.then(one.inverse) == one.inverse.then(one) == UPRIGHT


@pytest.mark.parametrize("number", NUMBERS)
def test_part_of_the_turned_picture_is_the_turned_part(number: int) -> None:
    one = Orientation.from_exif(number)
    for x0, y0, x1, y1 in ((0, 0, 3, 2), (1, 0, 3, 1), (0, 1, 1, 2)):
        left, top, right, bottom = one.turn_corners((x0, y0, x1, y1), (3, 2))
        part = one.apply(np.ascontiguousarray(PICTURE[y0:y1, x0:x1]))
        assert np.array_equal(one.apply(PICTURE)[top:bottom, left:right], part)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, ""),
        (2, "mirrored left to right"),
        (3, "turned 180 degrees"),
        (5, "turned 90 degrees clockwise and mirrored left to right"),
        (6, "turned 90 degrees clockwise"),
        (8, "turned 90 degrees anticlockwise"),
    ],
)
def test_orientation_is_told_in_words(number: int, words: str) -> None:
    assert Orientation.from_exif(number).words == words


def test_upright_pictures_are_not_copied() -> None:
    assert UPRIGHT.apply(PICTURE) is PICTURE
    assert UPRIGHT.is_upright
    assert not Orientation.from_exif(2).is_upright
