"""Pasted faces are where they are said to be, as large as asked, and do not touch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alignment import FACE_TEMPLATE
from app.types import LANDMARKS
from training.synthetic.paste import (
    BOX_CENTRE,
    BOX_SIDE_SHARE,
    FRAME_WH,
    Grounds,
    Pose,
    arrange_faces,
    cut_face,
)

SIDE = 48


def template_face() -> tuple[np.ndarray, np.ndarray]:
    """A black picture with a white spot in the middle of the box, and its landmarks, which lie
    exactly where the template wants them."""
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    x, y = (round(SIDE * place) for place in BOX_CENTRE)
    picture[y - 2 : y + 2, x - 2 : x + 2] = 255
    landmarks = np.zeros((6, 2), np.float32)
    for name, u, v in FACE_TEMPLATE.points:
        landmarks[LANDMARKS.index(name)] = (SIDE * u, SIDE * v)
    return picture, landmarks


def spot(pixels: np.ndarray) -> np.ndarray:
    """(x, y) of the middle of the light, px."""
    light = pixels[..., 0].astype(float)
    y, x = np.mgrid[: light.shape[0], : light.shape[1]] + 0.5
    return np.array([(x * light).sum(), (y * light).sum()]) / light.sum()


@pytest.mark.slow
@given(size_px=st.floats(40, 300), tilt_deg=st.floats(-60, 60))
def test_middle_of_the_box_follows_scale_and_tilt(size_px: float, tilt_deg: float) -> None:
    picture, landmarks = template_face()
    face = cut_face(picture, landmarks, Pose(size_px, tilt_deg), np.random.default_rng(0))
    zoom = size_px / (BOX_SIDE_SHARE * SIDE)
    np.testing.assert_allclose(spot(face.pixels), face.centre, atol=0.3 * zoom + 1)
    assert face.opacity.max() == pytest.approx(1, abs=1e-3)
    assert face.opacity.min() < 0.05


@pytest.mark.parametrize("size_px", [32, 128, 400])
def test_size_is_the_side_of_the_detectors_box(size_px: float) -> None:
    """The picture's own 48 px are then 1 / 0.81 of it."""
    picture, landmarks = template_face()
    face = cut_face(picture, landmarks, Pose(size_px), np.random.default_rng(0))
    inner = face.opacity > 0.999
    assert inner.any(axis=0).sum() == pytest.approx(size_px / BOX_SIDE_SHARE, rel=0.06, abs=2)


def test_face_without_landmarks_fills_its_frame() -> None:
    picture, landmarks = template_face()
    lost = np.full_like(landmarks, np.nan)
    a, b = (
        cut_face(picture, points, Pose(100), np.random.default_rng(0))
        for points in (landmarks, lost)
    )
    np.testing.assert_allclose(a.centre, b.centre, atol=1)
    assert a.pixels.shape == b.pixels.shape


@pytest.mark.parametrize("covered", [0.2, 0.5])
@pytest.mark.parametrize("seed", range(4))  # of the four sides
def test_cover_takes_its_share_of_the_box(covered: float, seed: int) -> None:
    picture, landmarks = template_face()
    picture[:] = 0
    plain, hidden = (
        cut_face(picture, landmarks, Pose(200, covered=c), np.random.default_rng(seed))
        for c in (0.0, covered)
    )
    changed = (plain.pixels != hidden.pixels).any(axis=2)
    x, y = (round(v - 100) for v in plain.centre)
    assert changed[y : y + 200, x : x + 200].mean() == pytest.approx(covered, abs=0.02)


def test_faces_lie_in_the_frame_and_do_not_touch() -> None:
    picture, landmarks = template_face()
    generator = np.random.default_rng(0)
    grounds = Grounds(generator, count=1)
    faces = [cut_face(picture, landmarks, Pose(90), generator) for _ in range(8)]
    ground = np.zeros_like(grounds.draw(generator))
    frame, placed = arrange_faces(faces, ground, generator, first=5)
    assert frame.shape == (FRAME_WH[1], FRAME_WH[0], 3)
    assert [p.number for p in placed] == list(range(5, 5 + len(placed)))
    assert len(placed) >= 3
    assert not ground.any()
    for p in placed:
        for middle, side in zip(p.centre, FRAME_WH, strict=True):
            assert 44 <= middle <= side - 44
        x, y = (round(v) for v in p.centre)
        assert frame[y - 3 : y + 3, x - 3 : x + 3].mean() > 150
    whole = faces[0].opacity.shape[0]
    for i, a in enumerate(placed):
        for b in placed[:i]:
            assert np.abs(np.subtract(a.centre, b.centre)).max() >= whole - 1


def test_face_larger_than_the_frame_is_placed_too() -> None:
    picture, landmarks = template_face()
    generator = np.random.default_rng(0)
    face = cut_face(picture, landmarks, Pose(600), generator)
    _, placed = arrange_faces([face, face], np.zeros((720, 1280, 3), np.uint8), generator)
    assert [p.number for p in placed] == [0]
