"""The same faces, framed otherwise."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alignment import FACE_TEMPLATE, crop_matrix
from app.types import LANDMARKS
from training import reframe
from training.cli import run
from training.data import load_examples
from training.pack import read_pack

SIZE = 48


def face(centre: tuple[float, float], side: float, degrees: float) -> np.ndarray:
    """`(6, 2)` landmarks that the template puts exactly where it wants them."""
    at = dict(zip(FACE_TEMPLATE.indices(), FACE_TEMPLATE.targets() - 0.5, strict=True))
    places = np.array([at.get(row, (0.1, 0.2)) for row in range(len(LANDMARKS))])
    turn = np.radians(degrees)
    turned = places @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.float32(turned * side + centre)


@given(
    side=st.floats(20, 200),
    degrees=st.floats(-180, 180),
    keep=st.floats(0.5, 2),
    x=st.floats(-50, 300),
)
def test_crop_keeps_its_centre_and_takes_in_more(
    side: float, degrees: float, keep: float, x: float
) -> None:
    points = face((x, 70.0), side, degrees)
    before = crop_matrix(points, FACE_TEMPLATE, SIZE)
    after = crop_matrix(reframe.reframed(points[None], keep)[0], FACE_TEMPLATE, SIZE)
    middle = np.array([x, 70.0, 1.0])
    assert before @ middle == pytest.approx([SIZE / 2, SIZE / 2], abs=0.05)
    assert after @ middle == pytest.approx([SIZE / 2, SIZE / 2], abs=0.05)
    assert after[:, :2] == pytest.approx(before[:, :2] / keep, rel=1e-2, abs=1e-3)


def test_unknown_faces_stay_unknown() -> None:
    assert np.isnan(reframe.reframed(np.full((2, 6, 2), np.nan, np.float32), 1.5)).all()


def test_copies_differ_in_framing_alone(
    shapes_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_pack(shapes_npz)
    for words in (["--whole-frames"], ["--keep", "1.5"]):
        output = tmp_path / f"{words[-1]}.npz"
        assert reframe.main([str(shapes_npz), "-o", str(output), *words]) == 0
        after = read_pack(output)
        assert after.names == before.names
        assert (after.votes == before.votes).all()
        assert (after.blob == before.blob).all()
        assert after.meta.key != before.meta.key
    assert f"{len(before)} pictures, framing 1.5" in capsys.readouterr().out
    found = load_examples(
        read_pack(tmp_path / "--whole-frames.npz"),
        "valid",
        template=FACE_TEMPLATE,
        size_px=SIZE,
        colour="grey",
        labels_from="majority",
    )
    sizes = found.sizes.numpy()
    assert found.matrices.numpy()[:, 0, 0] == pytest.approx(SIZE / sizes.max(axis=1), rel=1e-5)


def test_what_is_there_is_not_replaced(
    shapes_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(shapes_npz), "-o", str(shapes_npz), "--keep", "2"]
    assert run(lambda: reframe.main(words)) == 2
    assert "is there already" in capsys.readouterr().err
