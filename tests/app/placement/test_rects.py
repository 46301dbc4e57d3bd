"""Rectangles are compared, cut and tied together as on paper."""

import pytest

from app.placement.rects import Rect, count_shared_px, find_shortest_line, stack_corners


@pytest.mark.parametrize(
    ("a", "b", "pixels"),
    [
        (Rect(0, 0, 10, 10), Rect(5, 5, 10, 10), 25),
        (Rect(0, 0, 10, 10), Rect(10, 0, 10, 10), 0),
        (Rect(-5, -5, 10, 10), Rect(-5, -5, 10, 10), 100),
    ],
)
def test_common_pixels_are_counted(a: Rect, b: Rect, pixels: int) -> None:
    assert count_shared_px(stack_corners([a, a]), stack_corners([b])).tolist() == [
        [pixels],
        [pixels],
    ]
    assert count_shared_px(stack_corners([b]), stack_corners([a, b])).tolist() == [
        [pixels, b.width * b.height]
    ]
    assert count_shared_px(stack_corners([]), stack_corners([b])).shape == (0, 1)
    assert count_shared_px(stack_corners([a]), stack_corners([])).shape == (1, 0)


@pytest.mark.parametrize(
    ("rect", "part"),
    [
        (Rect(10, 10, 20, 20), Rect(10, 10, 20, 20)),
        (Rect(-5, 70, 20, 20), Rect(0, 70, 15, 10)),
        (Rect(200, -50, 20, 20), Rect(99, 0, 1, 1)),
    ],
)
def test_cut_is_the_part_in_the_picture_or_the_nearest_pixel(rect: Rect, part: Rect) -> None:
    assert rect.cut_to(100, 80) == part


@pytest.mark.parametrize(
    ("other", "ends"),
    [
        (Rect(30, 0, 10, 10), ((10, 5), (30, 5))),
        (Rect(-30, 0, 10, 10), ((0, 5), (-20, 5))),
        (Rect(4, 50, 10, 10), ((7, 10), (7, 50))),
        (Rect(30, 40, 10, 10), ((10, 10), (30, 40))),
        (Rect(5, 5, 10, 10), ((7, 7), (7, 7))),
    ],
)
def test_shortest_line_joins_facing_borders(
    other: Rect, ends: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    assert find_shortest_line(Rect(0, 0, 10, 10), other) == ends


def test_around_and_shrunk() -> None:
    assert Rect(0, 0, 10, 10).enclose(Rect(20, -5, 5, 5)) == Rect(0, -5, 25, 15)
    assert Rect(0, 0, 100, 50).shrink(0.1) == Rect(10, 5, 80, 40)
    assert Rect(95, -3, 10, 10).move_inside(100, 80) == Rect(90, 0, 10, 10)
