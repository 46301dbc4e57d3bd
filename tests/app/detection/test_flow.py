"""Between two looks a face of a live stream moves with the picture."""

import cv2
import numpy as np
import pytest

from app.detection.flow import Patch, cut_patch, measure_shift
from app.types import Face, Image


def face(x: float = 200.0, y: float = 150.0, side: float = 100.0) -> Face:
    return Face((x, y, x + side, y + side), np.zeros((6, 2), np.float32), 0.9)


def scene(x: float, y: float, seed: int = 0) -> Image:
    """A picture with detail of all sizes, moved by (x, y) px."""
    rng = np.random.default_rng(seed)
    dots = rng.uniform(0, 255, (40, 60, 3)).astype(np.float32)
    large = cv2.resize(dots, (720, 480), interpolation=cv2.INTER_CUBIC)
    moved = cv2.warpAffine(large, np.array([[1.0, 0.0, x], [0.0, 1.0, y]]), (640, 400))
    return np.clip(moved, 0, 255).astype(np.uint8)


def cut(image: Image, at: Face, moved_xy: tuple[float, float] = (0.0, 0.0)) -> Patch:
    patch = cut_patch(image, at, moved_xy)
    assert patch is not None
    return patch


@pytest.mark.parametrize("way", [(0.0, 0.0), (2.5, 0.0), (-4.0, 3.0), (6.0, -6.0), (0.4, 0.2)])
def test_the_way_of_a_face_is_found_to_a_share_of_a_pixel(way: tuple[float, float]) -> None:
    before, after = scene(0, 0), scene(*way)
    shift = measure_shift(cut(before, face()), cut(after, face()))
    assert shift is not None
    again = measure_shift(cut(before, face()), cut(after, face(), (shift.x, shift.y)))
    assert again is not None
    assert (again.x, again.y) == pytest.approx(way, abs=0.5)
    assert not again.has_changed


@pytest.mark.parametrize("side", [64.0, 120.0, 250.0])
def test_faces_of_all_sizes_are_measured_in_pixels_of_the_frame(side: float) -> None:
    step = side / 20
    one = cut(scene(0, 0), face(100, 60, side))
    other = cut(scene(step, 0), face(100, 60, side))
    shift = measure_shift(one, other)
    assert shift is not None
    assert shift.x == pytest.approx(step, abs=0.03 * side)


def test_light_is_no_change_and_another_face_is() -> None:
    dim, bright = scene(0, 0) // 2, scene(0, 0) // 2 + 40
    shift = measure_shift(cut(dim, face()), cut(bright, face()))
    assert shift is not None
    assert not shift.has_changed
    mixed = (0.6 * scene(0, 0) + 0.4 * scene(0, 0, seed=1)).astype(np.uint8)
    shift = measure_shift(cut(scene(0, 0), face()), cut(mixed, face()))
    assert shift is not None
    assert shift.has_changed


def test_of_two_pictures_without_anything_in_common_nothing_is_known_but_the_change() -> None:
    shift = measure_shift(cut(scene(0, 0), face()), cut(scene(0, 0, seed=1), face()))
    assert shift is None or shift.has_changed


def test_nothing_is_known_of_a_plain_wall() -> None:
    wall = np.full((400, 640, 3), 90, np.uint8)
    shift = measure_shift(cut(wall, face()), cut(wall, face()))
    assert shift is None or (round(shift.x, 3), round(shift.y, 3)) == (0, 0)


@pytest.mark.parametrize("at", [face(-60), face(600), face(200, 360), face(200, 0, 500)])
def test_a_face_that_is_hardly_in_the_frame_has_no_patch(at: Face) -> None:
    assert cut_patch(scene(0, 0), at) is None


@pytest.mark.parametrize("at", [face(-5), face(545), face(200, 310), face(200, -10)])
def test_a_face_at_the_edge_is_followed_too(at: Face) -> None:
    shift = measure_shift(cut(scene(0, 0), at), cut(scene(3, -2), at))
    assert shift is not None
    again = measure_shift(cut(scene(0, 0), at), cut(scene(3, -2), at, (shift.x, shift.y)))
    assert again is not None
    assert (again.x, again.y) == pytest.approx((3, -2), abs=1)


def test_a_cameras_noise_is_no_change() -> None:
    rng = np.random.default_rng(0)
    noisy = [
        np.clip(scene(0, 0) + rng.normal(0, 10, (400, 640, 3)), 0, 255).astype(np.uint8)
        for _ in range(2)
    ]
    shift = measure_shift(cut(noisy[0], face()), cut(noisy[1], face()))
    assert shift is not None
    assert not shift.has_changed


def test_patches_of_two_sizes_are_not_compared() -> None:
    one, other = cut(scene(0, 0), face()), cut(scene(0, 0), face(side=80))
    assert measure_shift(one, other) is None
