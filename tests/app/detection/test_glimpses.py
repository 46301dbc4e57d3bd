"""Small samples tell cuts and covered faces."""

import numpy as np
import pytest

from app.detection.glimpses import glimpse_face, glimpse_frame, show_different_scenes
from app.frames.orientation import Orientation
from app.types import Face, Frame, Image


def noise(seed: int, low: int = 0, high: int = 255) -> Image:
    return np.random.default_rng(seed).integers(low, high, (36, 64)).astype(np.uint8)


@pytest.mark.parametrize(
    ("other", "differ"),
    [
        (noise(0), False),
        (noise(0) // 2, False),  # darker
        (np.roll(noise(0), 1, axis=1), True),
        (noise(1), True),
        (np.zeros((36, 64), np.uint8), True),
    ],
)
def test_another_pattern_is_another_scene_and_another_light_is_not(
    other: Image, differ: bool
) -> None:
    assert show_different_scenes(noise(0), other) is differ


def test_noise_is_no_other_scene() -> None:
    assert not show_different_scenes(noise(0, 80, 90), noise(1, 80, 90))


def test_a_face_is_sampled_where_it_is() -> None:
    grey = np.zeros((100, 200), np.uint8)
    grey[20:60, 100:140] = 200
    points = np.zeros((6, 2), np.float32)
    inside = Face((112.0, 32.0, 128.0, 48.0), points, 0.9)
    assert glimpse_face(grey, inside).min() == 200
    assert glimpse_face(grey, Face((20.0, 20.0, 60.0, 60.0), points, 0.9)).max() == 0


@pytest.mark.parametrize("x", [-500.0, -20.0, 180.0, 900.0])
def test_a_face_outside_of_the_frame_is_sampled_at_its_edge(x: float) -> None:
    grey = np.full((100, 200), 70, np.uint8)
    face = Face((x, -30.0, x + 60, 30.0), np.zeros((6, 2), np.float32), 0.9)
    assert set(glimpse_face(grey, face).ravel().tolist()) == {70}


def test_a_plain_frame_is_sampled_in_one_of_its_colours() -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[..., 1] = 50
    assert glimpse_frame(Frame(image, 0, 0.0, "made").rough_grey).max() == 50


@pytest.mark.parametrize("number", range(1, 9))
def test_a_view_of_a_stored_picture_is_what_turning_it_gives(number: int) -> None:
    plane = np.arange(12, dtype=np.uint8).reshape(3, 4)
    orientation = Orientation.from_exif(number)
    assert np.array_equal(orientation.view(plane), orientation.apply(plane))
    assert np.shares_memory(orientation.view(plane), plane)
