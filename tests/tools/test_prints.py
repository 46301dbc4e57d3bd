"""Keyframes, matrices and layers of the clips that are made here."""

import numpy as np
import pytest

from tools.prints import (
    cut_out,
    interpolate_keys,
    paste,
    project,
    reduce_canvas,
    round_corners,
    shift,
    turn,
    zoom,
)

KEYS = ((0.0, 0.0), (1.0, 10.0), (2.0, 10.0), (4.0, -6.0))


@pytest.mark.parametrize(
    ("time_s", "value"), [(-1, 0), (0, 0), (1, 10), (1.5, 10), (2, 10), (3, 2), (4, -6), (9, -6)]
)
def test_keyframes_are_met_and_kept(time_s: float, value: float) -> None:
    assert interpolate_keys(KEYS, time_s).tolist() == pytest.approx([value])


def test_no_value_overshoots_a_keyframe() -> None:
    values = [float(interpolate_keys(KEYS, time_s)[0]) for time_s in np.linspace(0, 4, 401)]
    assert min(values) == pytest.approx(-6)
    assert max(values) == pytest.approx(10)
    assert np.abs(np.diff(values)).max() < 0.16  # 15 a second at most: no jump


@pytest.mark.parametrize(
    ("matrix", "xy"),
    [(shift(2, 3), (3, 3)), (zoom(4), (4, 0)), (turn(90), (0, 1)), (zoom(2) @ turn(180), (-2, 0))],
)
def test_matrices_lead_a_point_on(matrix: np.ndarray, xy: tuple[float, float]) -> None:
    np.testing.assert_allclose(project(np.array([[1.0, 0.0]]), matrix), [xy], atol=1e-12)


def test_a_print_lies_where_its_matrix_says_and_casts_a_shadow_below() -> None:
    paper = np.zeros((60, 40), np.float32)
    paper[20:40, 10:30] = 1
    layer = cut_out(np.full((60, 40, 3), 0.9, np.float32), paper, 10)
    canvas = np.full((100, 100, 3), 0.5, np.float32)
    paste(canvas, layer, shift(30, 20))
    np.testing.assert_allclose(canvas[40:60, 40:60], 0.9, atol=1e-6)
    assert canvas[61, 50, 0] < canvas[38, 50, 0] < 0.5  # the shadow is deeper under the print
    np.testing.assert_allclose(canvas[:19], 0.5)
    frame = reduce_canvas(canvas, (50, 50))
    assert (frame.shape, frame[25, 25].tolist(), frame[0, 0].tolist()) == (
        (50, 50, 3),
        [230, 230, 230],  # 0.9 of 255
        [128, 128, 128],
    )


def test_round_corners_cover_the_middle_and_not_the_corner() -> None:
    cover = round_corners((30, 40), 5, 8)
    assert (cover[15, 20], cover[5, 5], cover[15, 5], cover[15, 4]) == (1, 0, 1, 0)
    assert cover.sum() == pytest.approx(20 * 30 - (4 - np.pi) * 8**2, rel=0.01)
