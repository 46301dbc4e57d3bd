"""Every shape of network goes the whole way: trained, exported, judged, compact, begun from."""

from pathlib import Path

import pytest

from tests.support.shapes import LABELS, MACHINE, RECIPE, train_shapes
from training import benchmark, evaluate, export
from training.checkpoints.checkpoint import load_trained
from training.checkpoints.compact import name_compact


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ("--stem", "fine", "--excite", "4", "--blocks", "2", "--growth", "1.5"),
        ("--stem", "standard", "--size-px", "40", "--colour", "rgb"),
    ],
    ids=" ".join,
)
def test_network_goes_from_data_to_file(
    options: tuple[str, ...],
    shapes_npz: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = train_shapes(shapes_npz, tmp_path / "run", *options, "--epochs", "2")
    model = tmp_path / "model.onnx"
    words = [str(shapes_npz), str(run / "best.pt"), "-o", str(model), "--compact", "--attention"]
    assert export.main(words) == 0
    assert evaluate.main([str(shapes_npz), str(model)]) == 0
    assert load_trained(name_compact(model)).config == load_trained(run / "best.pt").config
    capsys.readouterr()
    again = (*options, "--epochs", "1", "--init", str(name_compact(model)))
    train_shapes(shapes_npz, tmp_path / "next", *again)
    said = capsys.readouterr().err
    assert f"labels carried over: {', '.join(LABELS)}." in said
    assert "missing" not in said
    timed = ["--steps", "1", "--rounds", "1", *MACHINE, *RECIPE, *options]
    assert benchmark.main([str(shapes_npz), *timed]) == 0
