"""Corruptions are judged on the same faces for every model, and what is said of them adds up."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.alignment import FACE_TEMPLATE
from app.errors import DataError, TrainingError
from tests.support.shapes import train_shapes, write_shapes
from tests.support.tiny_model import tiny_contract, write_tiny_model
from training import evaluate
from training.base.cli import run_entry_point
from training.datasets.examples import Examples
from training.datasets.pack_reader import read_pack
from training.judge import robustness
from training.judge.corruptions import CORRUPTIONS
from training.judge.robustness import (
    RobustnessResult,
    iterate_corrupted_crops,
    judge_robustness,
    open_reader,
    spread_rows,
)
from training.judge.robustness_report import (
    estimate_over_classes,
    estimate_over_faces,
    format_robustness_csv,
    format_robustness_page,
    format_robustness_text,
    list_robustness_rows,
)

TWO = tuple(kind for kind in CORRUPTIONS if kind.name in ("dark", "fog"))


def by_hand(
    right: dict[str, Any], clean: list[int], labels: list[int], **facts: Any
) -> RobustnessResult:
    usual: dict[str, Any] = {
        "model": "ours",
        "sha256": "0" * 64,
        "dataset": "lamps",
        "split": "valid",
        "seed": 0,
        "size_px": 16,
        "colour": "grey",
    }
    return RobustnessResult(
        **(usual | facts),
        kinds=TWO,
        labels=np.array(labels),
        clean=np.array(clean, np.bool_),
        right={name: np.array(rows, np.bool_) for name, rows in right.items()},
    )


LABELS = [0, 0, 0, 1]
OURS = by_hand(
    {
        "dark": [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]],
        "fog": [[1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    },
    [1, 1, 1, 1],
    LABELS,
)
THEIRS = by_hand(
    {"dark": [[1, 1, 1, 0]] * 5, "fog": [[0, 0, 0, 1]] * 5}, [1, 1, 0, 1], LABELS, model="theirs"
)


def test_figures_by_hand() -> None:
    rows = {(row.name, row.strength): row for row in list_robustness_rows(OURS, THEIRS)}
    assert len(rows) == 1 + 3 + 2 * 6
    accuracy = {key: row.figures["accuracy"].value for key, row in rows.items()}
    assert accuracy["clean", 0] == 1
    assert [accuracy["dark", s] for s in range(1, 6)] == [1, 1, 0.75, 0.5, 0.25]
    assert accuracy["dark", 0] == accuracy["mean of seen", 0] == pytest.approx(0.7)
    assert accuracy["fog", 0] == accuracy["mean of unseen", 0] == pytest.approx(0.15)
    assert accuracy["mean of all", 0] == pytest.approx(0.425)
    third = rows["dark", 3].figures
    assert third["recall"].value == pytest.approx(0.5)
    assert third["other_accuracy"].value == pytest.approx(0.75)
    assert third["accuracy_gain"] == (0, 0)
    first = rows["dark", 1].figures["accuracy_gain"]
    assert first == pytest.approx((0.25, np.std([0, 0, 0, 1]) / 2))
    assert rows["clean", 0].figures["recall_gain"].value == pytest.approx(1 / 6)


@pytest.mark.slow
def test_standard_errors_are_those_of_repeated_draws() -> None:
    """Of faces, and of faces within each class."""
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [300, 80, 20])
    chance = np.array([0.9, 0.6, 0.3])[labels]
    draws = [(generator.random(400) < chance).astype(float) for _ in range(3000)]
    for figure in (estimate_over_faces, lambda right: estimate_over_classes(right, labels)):
        found = [figure(right) for right in draws]
        spread = np.std([f.value for f in found])
        # Faces of set classes vary less than faces of any class; `estimate_over_faces` is for faces
        # of any class.
        assert 0.95 < np.mean([f.error for f in found]) / spread < 1.2
    assert estimate_over_classes(np.array([1.0, 0.0]), np.array([4, 7])).value == 0.5


@pytest.mark.parametrize(
    ("count", "faces", "rows"),
    [(5, None, [0, 1, 2, 3, 4]), (5, 9, [0, 1, 2, 3, 4]), (6, 3, [0, 2, 4]), (7, 1, [0])],
)
def test_fewer_faces_are_spread_over_the_split(
    count: int, faces: int | None, rows: list[int]
) -> None:
    assert spread_rows(count, faces).tolist() == rows


@pytest.mark.slow
def test_network_and_its_file_endure_alike(shapes_npz: Path, trained: Path, exported: Path) -> None:
    pack = read_pack(shapes_npz)
    net, file = (
        judge_robustness(pack, open_reader(path), "valid")
        for path in (trained / "best.pt", exported)
    )
    assert list(net.right) == [kind.name for kind in CORRUPTIONS]
    assert net.labels.shape == net.clean.shape == (30,)
    for name, right in net.right.items():
        assert right.shape == (5, 30)
        np.testing.assert_array_equal(right, file.right[name])
    assert net.clean.mean() > 0.9
    means = {
        row.name: row.figures["accuracy"].value
        for row in list_robustness_rows(net)
        if not row.strength
    }
    assert 0.4 < means["mean of all"] < means["clean"]


def test_seed_decides_on_the_damage(shapes_npz: Path, trained: Path) -> None:
    pack, reader = read_pack(shapes_npz), open_reader(trained / "best.pt")
    noisy = tuple(kind for kind in CORRUPTIONS if kind.name in ("noise", "landmark noise"))
    one, again, other = (
        judge_robustness(pack, reader, "valid", seed=seed, corruptions=noisy) for seed in (1, 1, 2)
    )
    assert all((one.right[k.name] == again.right[k.name]).all() for k in noisy)
    assert any((one.right[k.name] != other.right[k.name]).any() for k in noisy)


def test_colour_models_meet_every_kind(tmp_path: Path) -> None:
    npz = write_shapes(tmp_path / "shapes.npz", seed=1)
    folder = train_shapes(npz, tmp_path / "rgb", "--colour", "rgb", "--epochs", "2")
    found = judge_robustness(read_pack(npz), open_reader(folder / "best.pt"), "valid", faces=6)
    assert list(found.right) == [kind.name for kind in CORRUPTIONS]
    assert found.labels.shape == (6,)


def test_file_of_colour_sees_red_as_red(tmp_path: Path) -> None:
    """A model whose second class likes red."""
    contract = tiny_contract(("blue", "red"), colour="rgb")
    weights = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    reader = open_reader(write_tiny_model(tmp_path / "m.onnx", contract, weights))
    red = np.zeros((2, 16, 16, 3), np.uint8)
    red[..., 0] = 255
    assert reader.logits(red).argmax(axis=1).tolist() == [1, 1]


def test_damage_is_the_same_whatever_the_model(shapes_npz: Path, trained: Path) -> None:
    """Two readers of one size are shown the same crops."""
    shown: list[list[int]] = []
    reader = open_reader(trained / "best.pt")
    for _ in range(2):
        seen: list[int] = []

        def watch(crops: Any, seen: list[int] = seen) -> Any:
            seen.append(int(crops.astype(np.int64).sum()))
            return reader.logits(crops)

        judge_robustness(
            read_pack(shapes_npz), replace(reader, logits=watch), "valid", corruptions=TWO
        )
        shown.append(seen)
    assert shown[0] == shown[1]
    assert len(shown[0]) == 11


@pytest.mark.slow
def test_command_writes_page_table_and_figure(
    shapes_npz: Path, trained: Path, exported: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "out"
    command = [shapes_npz, exported, "--corruptions", "--faces", 10, "-o", out]
    command += ["--against", trained / "best.pt"]
    assert evaluate.main([str(part) for part in command]) == 0
    said = capsys.readouterr().out
    assert "shapes.onnx under corruptions" in said
    assert "+0.0 ± 0.0 and +0.0 ± 0.0 points against best.pt" in said
    with open(out / "corruptions.csv", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 4 + 17 * 6
    assert [line["strength"] for line in lines[4:10]] == ["1", "2", "3", "4", "5", "mean"]
    assert {line["group"] for line in lines} == {"clean", "mean", "seen", "unseen", "colour"}
    assert all(float(line["accuracy_gain"]) == 0 for line in lines)
    page = (out / "corruptions.md").read_text(encoding="utf-8")
    assert page.startswith("# shapes.onnx under corruptions\n\n10 faces with a majority label of")
    assert page.count("\n| motion blur | unseen |") == 3
    assert (out / "corruptions.png").stat().st_size > 10_000


def test_texts_of_one_and_of_two_models() -> None:
    assert (
        "  dark            seen     100.0 100.0  75.0  50.0  25.0  70.0 ± "
        in format_robustness_text(OURS)
    )
    page = format_robustness_page(OURS, THEIRS)
    assert "| clean | 100.0 ± 0.0 | 75.0 ± 21.7 | +25.0 ± 21.7 |" in page
    assert "| dark | gamma | 1.8 | 2.7 | 3.8 | 5 | 6.5 |" in page
    assert format_robustness_csv(OURS).splitlines()[0] == (
        "corruption,group,strength,value,accuracy,accuracy_error,recall,recall_error"
    )


def test_models_of_other_faces_are_not_compared() -> None:
    with pytest.raises(DataError, match="ours and theirs were not judged on the same faces"):
        list_robustness_rows(OURS, replace(THEIRS, labels=np.array([0, 0, 1, 1])))


def test_test_split_and_senseless_options_are_refused(
    shapes_npz: Path, exported: Path, tmp_path: Path, capsys: Any
) -> None:
    ledger = tmp_path / "ledger.md"
    base = [shapes_npz, exported, "--ledger", ledger]
    for extra, message in (
        (["--corruptions", "--split", "test"], "Leave --split test out."),
        (["--against", exported], "--against and --faces go with --corruptions."),
        (["--faces", "5"], "--against and --faces go with --corruptions."),
        (["--corruptions", "--faces", "0"], "--faces must be at least 1"),
        (["--corruptions", "--against", tmp_path / "no.onnx"], "no.onnx is missing"),
    ):
        assert (
            run_entry_point(lambda o=[*base, *extra]: evaluate.main([str(part) for part in o])) == 2
        )
        said = capsys.readouterr().err
        assert (said[:7], said.count("\n")) == ("error: ", 1)
        assert message in said
    assert not ledger.exists()
    with pytest.raises(TrainingError, match="not on the test split"):
        judge_robustness(read_pack(shapes_npz), open_reader(exported), "test")


def test_other_labels_are_named_before_anything_is_judged(
    shapes_npz: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("judged")

    monkeypatch.setattr(robustness, "iterate_corrupted_crops", fail)
    other = write_tiny_model(tmp_path / "other.onnx", tiny_contract())
    command = [shapes_npz, exported, "--corruptions", "--against", other]
    with pytest.raises(DataError, match=r"other\.onnx knows dark, bright; the data has frame"):
        evaluate.main([str(part) for part in command])


def test_coloured_light_reaches_a_grey_input_through_its_grey() -> None:
    """Green light makes greys brighter, blue light makes them darker, by the shares of the luma."""
    examples = Examples(
        pictures=torch.full((64, 1, 8, 8), 100, dtype=torch.uint8),
        sizes=torch.full((64, 2), 8, dtype=torch.int32),
        matrices=torch.eye(2, 3).repeat(64, 1, 1),
        soft=torch.eye(64),
        labels=torch.arange(64),
        size_px=8,
    )
    (kind,) = (kind for kind in CORRUPTIONS if kind.needs_colour)
    made = iterate_corrupted_crops(examples, torch.arange(64), FACE_TEMPLATE, (kind,), 0)
    found = [crops for _, damage, _, crops in made if damage is not None]
    assert all(crops.shape == (64, 8, 8, 1) for crops in found)
    weakest, *_, strongest = (crops[:, 0, 0, 0].astype(float) - 100 for crops in found)
    # By 0.1 |0.299 + 0.587 w + 0.114 w²| of 100 at most, with w = e^(2πi/3).
    assert 3 <= abs(weakest).max() <= 4
    assert abs(weakest.mean()) < 1
    assert abs(strongest).max() > 4 * abs(weakest).max()
