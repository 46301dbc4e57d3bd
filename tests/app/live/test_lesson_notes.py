"""What a lesson shows stays readable, also where its last line is long."""

import numpy as np
import pytest

from app.live.lesson_notes import draw_lesson_summary
from app.types import Image

ROWS = ["anger: as before; what you showed reads as happiness"] * 8
PATH = "/home/ann/Videos/lessons of the winter/ann"
SAVED = f"Saved {PATH}.profile, and in use. Next time: --profile {PATH}"


def draw(lines: list[str], size_wh: tuple[int, int] = (1280, 720), px: int = 20) -> Image:
    width, height = size_wh
    screen = np.full((height, width, 3), 200, np.uint8)
    draw_lesson_summary(screen, lines, px)
    return screen


def measure_panel(screen: Image) -> tuple[int, int]:
    """Measures the width and the height of the dark panel, px."""
    dark = (screen != 200).any(axis=2)
    return int(dark.any(axis=0).sum()), int(dark.any(axis=1).sum())


def test_long_last_line_breaks_instead_of_making_all_small() -> None:
    _, short = measure_panel(draw([*ROWS, "Saved ann.profile, and in use."]))
    wide, high = measure_panel(draw([*ROWS, f"{SAVED} {SAVED}"]))
    assert (high - short) % 32 == 0  # whole rows more, of 1.6 times 20 px
    assert high > short
    assert wide <= 1280 - 20


@pytest.mark.parametrize("size_wh", [(160, 120), (320, 240), (360, 640)])
@pytest.mark.parametrize("last", ["x" * 300, "\U0001f600 " * 40])
def test_small_window_and_strange_names_are_drawn(size_wh: tuple[int, int], last: str) -> None:
    screen = draw([*ROWS, last], size_wh, 14)
    assert screen.shape == (size_wh[1], size_wh[0], 3)
    assert (screen != 200).any()
