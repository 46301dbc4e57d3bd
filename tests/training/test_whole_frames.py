"""The same pictures without alignment."""

from pathlib import Path

import pytest

from app.alignment import FACE_TEMPLATE
from training import whole_frames
from training.base.cli import run_entry_point
from training.datasets.examples import load_examples
from training.datasets.pack_reader import read_pack

SIZE = 48


def test_copies_differ_in_framing_alone(
    shapes_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_pack(shapes_npz)
    output = tmp_path / "frames.npz"
    assert whole_frames.main([str(shapes_npz), "-o", str(output)]) == 0
    assert f"{len(before)} pictures, whole frames" in capsys.readouterr().out
    after = read_pack(output)
    assert after.names == before.names
    assert (after.votes == before.votes).all()
    assert (after.blob == before.blob).all()
    assert after.meta.key != before.meta.key
    found = load_examples(
        after,
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
    assert run_entry_point(lambda: whole_frames.main([str(shapes_npz), "-o", str(shapes_npz)])) == 2
    assert "is there already" in capsys.readouterr().err
