"""What networks know together: the mean of their probabilities, judged on validation."""

import re
from pathlib import Path

import numpy as np
import pytest

from app.errors import TrainingError
from tests.support.shapes import MACHINE, train_shapes
from training import ensemble
from training.datasets.pack_reader import read_pack
from training.judge.evaluation import evaluate
from training.studies import ensembles


def shares(*winners: float) -> np.ndarray:
    """`(N, 2)` probabilities whose first column is given."""
    first = np.array(winners)
    return np.stack([first, 1 - first], axis=1)


def test_mean_is_right_where_the_surer_network_is() -> None:
    labels = np.array([0, 0, 1, 1])
    a = shares(0.9, 0.4, 0.4, 0.1)  # wrong about the second face, by little
    b = shares(0.4, 0.9, 0.55, 0.8)  # wrong about the first, third and fourth
    said = np.stack([np.stack([a, a]), np.stack([b, a])])
    found = ensembles.compare_networks(("a", "b"), said, labels)
    accuracies = {row.name: row.accuracy for row in (*found.alone, *found.together)}
    assert accuracies == {
        "a": 0.75,
        "a, mirror image too": 0.75,
        "b": 0.25,
        "b, mirror image too": 1.0,
        "mean of 2": 1.0,
        "mean of 2, mirror images too": 1.0,
    }
    assert found.missed_by_all == 0.0
    assert found.missed_by_any == 1.0


def test_equal_networks_know_no_more_together() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    one = rng.dirichlet(np.ones(3), 200)
    found = ensembles.compare_networks(("a", "b"), np.stack([np.stack([one, one])] * 2), labels)
    assert {row.accuracy for row in (*found.alone, *found.together)} == {found.alone[0].accuracy}
    assert found.missed_by_all == found.missed_by_any == pytest.approx(1 - found.alone[0].accuracy)
    kept = np.argsort(-one.max(axis=1), kind="stable")[:180]
    assert found.alone[0].sure_accuracy == np.mean(one.argmax(axis=1)[kept] == labels[kept])


def test_command_judges_networks_of_different_sizes(
    shapes_npz: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = trained / "best.pt"
    second = train_shapes(shapes_npz, tmp_path / "run", "--epochs", "1", "--size-px", "40")
    files = [str(first), str(second / "best.pt")]
    assert ensemble.main([str(shapes_npz), *files, *MACHINE]) == 0
    lines = capsys.readouterr().out.splitlines()
    lines = lines[lines.index("|---|---|---|---|") + 1 :]
    alone = evaluate(read_pack(shapes_npz), first, "valid").majority
    assert lines[0].startswith(f"| {first} | {100 * alone.accuracy:.2f} ±")
    assert f"| {alone.mean_class_recall:.3f} |" in lines[0]
    assert [line.split(" | ")[0] for line in lines[4:6]] == [
        "| mean of 2",
        "| mean of 2, mirror images too",
    ]
    assert lines[-1].endswith("% by one at least.")


def test_one_network_is_no_ensemble(
    shapes_npz: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = trained / "best.pt"
    for files, message in (
        ([file], "needs two checkpoints"),
        ([file, trained / ".." / trained.name / "best.pt"], "given twice"),
        ([file, trained], "is a folder. Give a file in it, such as a run's best.pt"),
    ):
        with pytest.raises(TrainingError, match=re.escape(message)):
            ensemble.main([str(shapes_npz), *map(str, files), *MACHINE])
    assert capsys.readouterr().out == ""
