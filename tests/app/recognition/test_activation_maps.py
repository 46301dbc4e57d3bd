"""The map of a face lies on the face, wherever and however large it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alignment import FACE_TEMPLATE
from app.overlay.map_paint import paint_map
from app.recognition.activation_maps import make_face_map
from app.types import LANDMARKS, Face, Floats


def face(x: float, y: float, side: float, turn_deg: float = 0.0) -> Face:
    """One whose crop is the square at (x, y), turned about its middle."""
    points = np.full((len(LANDMARKS), 2), 0.5)
    points[FACE_TEMPLATE.indices()] = FACE_TEMPLATE.targets()
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    placed = (points - 0.5) @ np.array([[c, s], [-s, c]]) * side + (x + side / 2, y + side / 2)
    return Face((x, y, x + side, y + side), placed.astype(np.float32), 0.9)


def corner(row: int, column: int) -> Floats:
    cam = np.full((3, 3), -1.0, np.float32)
    cam[row, column] = 2.0
    return cam


@pytest.mark.parametrize(
    ("cell", "turn_deg", "place_xy"),
    [
        ((1, 1), 0, (150, 150)),
        ((0, 1), 0, (150, 117)),
        ((1, 0), 0, (117, 150)),
        ((0, 1), 90, (183, 150)),  # clockwise on the picture
        ((0, 1), 180, (150, 183)),
    ],
)
def test_evidence_is_painted_where_it_lies(
    cell: tuple[int, int], turn_deg: float, place_xy: tuple[int, int]
) -> None:
    canvas = np.zeros((300, 300, 3), np.uint8)
    paint_map(canvas, make_face_map(corner(*cell), face(100, 100, 100, turn_deg), FACE_TEMPLATE))
    rows, columns = np.nonzero(canvas.any(axis=2))
    light = canvas.sum(axis=2)[rows, columns].astype(float)
    middle = np.average(columns, weights=light), np.average(rows, weights=light)
    assert middle == pytest.approx(place_xy, abs=6)
    outside = canvas.copy()
    outside[95:206, 95:206] = 0
    assert not outside.any()


def test_evidence_against_is_not_shown() -> None:
    canvas = np.full((300, 300, 3), 90, np.uint8)
    paint_map(
        canvas, make_face_map(np.full((3, 3), -1, np.float32), face(100, 100, 100), FACE_TEMPLATE)
    )
    assert (canvas == 90).all()


@given(
    x=st.floats(-600, 600),
    y=st.floats(-600, 600),
    side=st.floats(3, 900),
    turn=st.floats(-180, 180),
)
def test_any_face_can_be_painted(x: float, y: float, side: float, turn: float) -> None:
    canvas = np.zeros((60, 80, 3), np.uint8)
    paint_map(canvas, make_face_map(corner(0, 2), face(x, y, side, turn), FACE_TEMPLATE))
    assert canvas.shape == (60, 80, 3)
