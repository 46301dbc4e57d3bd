"""OpenCV's crop in the app and torch's in training are one crop, and neither aliases."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app import alignment
from app import crops as app_warp
from app.alignment import FACE_TEMPLATE
from app.types import Face, Image
from training.datasets import crops as torch_warp

SIZE = 48


def about_centre(
    image: Image, *, shrink: float, angle_deg: float = 0.0, off_px: tuple[float, float] = (0, 0)
) -> NDArray[np.float64]:
    """`(2, 3)`: a turned square of `shrink * SIZE` px about the picture's centre, moved off it."""
    angle = math.radians(angle_deg)
    linear = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear /= shrink
    centre = np.array([image.shape[1] / 2 + off_px[0], image.shape[0] / 2 + off_px[1]])
    return np.column_stack([linear, SIZE / 2 - linear @ centre])


def torch_crop(
    image: Image, matrix: NDArray[np.float64], canvas_px: int = 0
) -> NDArray[np.float32]:
    """`(SIZE, SIZE, 3)` of the training side; the canvas around the picture is white."""
    height, width = image.shape[:2]
    side = max(height, width, canvas_px)
    canvas = torch.full((1, 3, side, side), 255, dtype=torch.uint8)
    canvas[0, :, :height, :width] = torch.from_numpy(image.copy()).permute(2, 0, 1)
    crops = torch_warp.warp_batch(
        canvas,
        torch.tensor([[width, height]], dtype=torch.int32),
        torch.from_numpy(matrix[None].astype(np.float32)),
        SIZE,
    )
    return crops[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("angle_deg", [0, 33, 180])
@pytest.mark.parametrize("shrink", [0.25, 0.8, 1, 1.3, 2, 3, 4, 5.2, 6, 7, 8])
def test_both_sides_cut_the_same_crop(
    clip_frames: dict[int, Image], shrink: float, angle_deg: float
) -> None:
    frame = clip_frames[239]
    matrix = about_centre(frame, shrink=shrink, angle_deg=angle_deg, off_px=(-140.3, 10.7))
    ours = app_warp.warp(frame, matrix, SIZE)
    theirs = torch_crop(frame, matrix)
    assert ours.std() > 10  # there is something in it
    difference = np.abs(ours - theirs)
    assert difference.mean() < 1
    assert np.quantile(difference, 0.99) < 8


@pytest.mark.parametrize(
    "off_px", [(-300, 0), (310, 235), (0, -900)], ids=["left", "corner", "out"]
)
@pytest.mark.parametrize("shrink", [0.5, 2, 6])
def test_both_sides_repeat_the_edge(
    clip_frames: dict[int, Image], shrink: float, off_px: tuple[float, float]
) -> None:
    frame = clip_frames[0]
    matrix = about_centre(frame, shrink=shrink, angle_deg=10, off_px=off_px)
    difference = np.abs(app_warp.warp(frame, matrix, SIZE) - torch_crop(frame, matrix, 700))
    assert difference.mean() < 1
    assert difference.max() < 30  # the white canvas beside the picture is never seen


@pytest.mark.parametrize("shrink", [2, 3, 4, 8])
def test_shrinking_does_not_alias(shrink: int) -> None:
    rows, columns = np.indices((SIZE * shrink + 40,) * 2)
    board = np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
    matrix = about_centre(board, shrink=shrink, angle_deg=0, off_px=(0.2, 0.4))
    for crop in (app_warp.warp(board, matrix, SIZE), torch_crop(board, matrix)):
        assert crop.mean() == pytest.approx(127.5, abs=1.5)
        assert np.ptp(crop) < 40 / shrink


@pytest.mark.parametrize("turn", [0, 1])
def test_whole_pixels_come_through_untouched(turn: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    matrix = about_centre(image, shrink=1, angle_deg=90 * turn)
    wanted = np.rot90(image, -turn)
    np.testing.assert_array_equal(app_warp.warp(image, matrix, SIZE), wanted)
    np.testing.assert_allclose(torch_crop(image, matrix), wanted, atol=0.05)


@pytest.mark.parametrize(
    ("shrink", "is_same"), [(1.0, True), (1.4, True), (2.0, False), (3.0, True)]
)
def test_a_quick_crop_differs_only_where_it_shrinks_a_little(shrink: float, is_same: bool) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (120, 120, 3), dtype=np.uint8)
    matrix = np.array([[1 / shrink, 0, 0], [0, 1 / shrink, 0]])
    plain = app_warp.warp(image, matrix, 30)
    quick = app_warp.warp(image, matrix, 30, is_quick=True)
    assert np.array_equal(plain, quick) == is_same
    smooth = np.full((120, 120, 3), 77, np.uint8)
    assert np.unique(app_warp.warp(smooth, matrix, 30, is_quick=True)).tolist() == [77]


def test_no_faces_give_no_crops() -> None:
    crops = app_warp.align_faces(np.zeros((10, 10, 3), np.uint8), [], FACE_TEMPLATE, SIZE)
    assert (crops.shape, crops.dtype) == ((0, SIZE, SIZE, 3), np.uint8)


def test_each_face_is_cut_from_its_own_place() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 100:] = 200

    def face(x: float) -> Face:
        points = np.zeros((6, 2), np.float32)
        points[:4] = FACE_TEMPLATE.targets() * 60 + (x, 20)
        return Face((x, 20, x + 60, 80), points, 1.0)

    crops = app_warp.align_faces(image, [face(20), face(120)], FACE_TEMPLATE, SIZE)
    assert crops.shape == (2, SIZE, SIZE, 3)
    assert np.unique(crops[0]).tolist() == [0]
    assert np.unique(crops[1]).tolist() == [200]


@pytest.mark.parametrize("side", [30, 90, 200, 400])
def test_grey_crops_are_the_luma_of_those_in_colour(
    clip_frames: dict[int, Image], side: int
) -> None:
    points = np.zeros((6, 2), np.float32)
    points[:4] = FACE_TEMPLATE.targets() * side + (150.3, 40.6)
    seen = Face((0, 0, 1, 1), points, 1.0)
    grey, colour = (
        app_warp.align_faces(clip_frames[0], [seen], FACE_TEMPLATE, SIZE, colour=kind)[0]
        for kind in ("grey", "rgb")
    )
    assert (grey == grey[..., :1]).all()
    assert np.abs(grey[..., 0] - colour @ alignment.LUMA_BGR).max() <= 1.5


numbers = st.floats(-3, 3, width=32)


@st.composite
def affine_maps(draw: st.DrawFn) -> torch.Tensor:
    """`(1, 2, 3)` float64, safely invertible: a turn and a stretch of each axis."""
    angle, shift_x, shift_y = draw(numbers), draw(numbers), draw(numbers)
    stretch = draw(st.floats(0.2, 5)), draw(st.floats(-5, -0.2) | st.floats(0.2, 5))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return torch.from_numpy(np.column_stack([turn * stretch, (shift_x, shift_y)])[None])


def apply(matrix: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
    return matrix[0, :, :2] @ point + matrix[0, :, 2]


@pytest.mark.slow
@given(affine_maps(), affine_maps(), numbers, numbers)
def test_composition_is_one_map_after_the_other(
    outer: torch.Tensor, inner: torch.Tensor, x: float, y: float
) -> None:
    point = torch.tensor([x, y], dtype=torch.float64)
    composed = torch_warp.compose_maps(outer, inner)
    torch.testing.assert_close(apply(composed, point), apply(outer, apply(inner, point)))


@given(affine_maps())
def test_inverse_leads_back(matrix: torch.Tensor) -> None:
    there_and_back = torch_warp.compose_maps(torch_warp.invert_maps(matrix), matrix)
    torch.testing.assert_close(there_and_back, torch.eye(2, 3, dtype=torch.float64)[None])


@given(st.lists(affine_maps(), min_size=1, max_size=4))
def test_oversampling_is_the_apps_rule(matrices: list[torch.Tensor]) -> None:
    small = [matrix / 3 for matrix in matrices]
    expected = [alignment.oversampling(matrix[0].numpy()) for matrix in small]
    assert torch_warp.choose_oversampling(torch.cat(small)).tolist() == expected


def test_mixed_shrink_factors_keep_their_rows(clip_frames: dict[int, Image]) -> None:
    frame = clip_frames[0]
    matrices = [about_centre(frame, shrink=s, off_px=(-60, 0)) for s in (8, 0.5, 2, 8)]
    planes = torch.from_numpy(frame).permute(2, 0, 1)
    together = torch_warp.warp_batch(
        planes.expand(4, -1, -1, -1),
        torch.tensor([[640, 480]] * 4),
        torch.from_numpy(np.stack(matrices).astype(np.float32)),
        SIZE,
    )
    for crop, matrix in zip(together, matrices, strict=True):
        np.testing.assert_allclose(
            crop.permute(1, 2, 0).numpy(), torch_crop(frame, matrix), atol=0.05
        )
