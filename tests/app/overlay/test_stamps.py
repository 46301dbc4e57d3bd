"""Stamps put on a picture at once what single strokes put there one after the other."""

import numpy as np
import pytest

from app.overlay.grounds import fill_rect
from app.overlay.stamps import Stamp
from app.overlay.text import BOLD, MEDIUM, SOFT_WHITE, WHITE, Colour, put_text
from app.placement.rects import Rect
from app.types import Image


def make_noise() -> Image:
    return np.random.default_rng(3).integers(0, 256, (60, 200, 3), np.uint8)


@pytest.mark.parametrize("colour", [WHITE, SOFT_WHITE, (10, 200, 30)])
@pytest.mark.parametrize("at", [(0, 0), (17, 9), (-30, -6), (150, 45), (300, 300)])
def test_pixels_are_those_of_single_strokes(at: tuple[int, int], colour: Colour) -> None:
    one, other = make_noise(), make_noise()
    x, y = at
    stamp = Stamp(180, 40)
    stamp.put_text("Ärger 10 %", (4, 20), 14, weight=BOLD, colour=colour)
    stamp.put_text("fear", (120, 36), 12, weight=MEDIUM, colour=WHITE)
    stamp.fill((90, 25, 20, 8), colour)
    stamp.lay_on(one, at)
    put_text(other, "Ärger 10 %", (x + 4, y + 20), 14, weight=BOLD, colour=colour)
    put_text(other, "fear", (x + 120, y + 36), 12, weight=MEDIUM, colour=WHITE)
    fill_rect(other, Rect(x + 90, y + 25, 20, 8), colour)
    np.testing.assert_array_equal(one, other)


def test_bar_covers_its_track() -> None:
    stamp, canvas = Stamp(9, 3), np.full((3, 9, 3), 240, np.uint8)
    stamp.lighten((1, 1, 7, 1), 34)
    stamp.fill((1, 1, 3, 1), (5, 6, 7))
    stamp.fill((1, 2, 0, 1), (5, 6, 7))  # nothing
    stamp.lay_on(canvas, (0, 0))
    assert canvas[1, :, 0].tolist() == [240, 5, 5, 5, 255, 255, 255, 255, 240]
    assert (canvas[::2] == 240).all()
