"""Losses are compared over paired seeds, with intervals that say what they can."""

import csv
import json
import math
import shutil
from pathlib import Path

import pytest
import torch

from app.errors import DataError, SinkError, TrainingError
from tests.support.dlib_files import encode_dat, make_layers
from tests.support.shapes import RECIPE, write_shapes
from tests.support.training_runs import FP32, assert_same_bits
from training import compare
from training.base.cli import run_entry_point
from training.checkpoints.checkpoint import load_checkpoint
from training.checkpoints.digest import hash_checkpoint
from training.config.run_config import RunConfig
from training.datasets.pack_reader import read_pack
from training.measures.comparison import (
    Interval,
    VariantResult,
    describe_difference,
    measure_difference,
)
from training.run.options import read_recipe
from training.studies.variant_runs import run_variants
from training.studies.variants import Variant


def result(variant: str, seed: int, accuracy: float) -> VariantResult:
    return VariantResult(
        variant, seed, accuracy, accuracy / 2, 0, 0, 1, 2, 0.5, *[float("nan")] * 8
    )


@pytest.mark.parametrize(
    ("values", "mean", "half"),
    [
        ([0.5], 0.5, math.nan),
        ([1.0, 1.0, 1.0], 1.0, 0.0),
        ([1.0, 2.0, 3.0], 2.0, 4.302653 / math.sqrt(3)),  # Student's t, two degrees of freedom
    ],
)
def test_interval_of_small_tables(values: list[float], mean: float, half: float) -> None:
    found = Interval.from_values(values)
    assert (found.mean, found.count) == (mean, len(values))
    assert found.half == pytest.approx(half, abs=1e-6, nan_ok=True)


def test_differences_are_paired_by_seed() -> None:
    """Runs vary by ten points from seed to seed, the losses by one: pairing shows it."""
    results = [
        *(result("dacl", seed, 0.61 + 0.1 * seed) for seed in (2, 0, 1)),
        *(result("softmax", seed, 0.60 + 0.1 * seed) for seed in (0, 1, 2)),
    ]
    found = measure_difference(results, "dacl", "softmax", "accuracy")
    assert found.mean == pytest.approx(0.01)
    assert found.half == pytest.approx(0, abs=1e-9)
    assert describe_difference(found) == "better"


@pytest.mark.parametrize(
    ("mean", "half", "said"),
    [
        (0.01, 0.005, "better"),
        (-0.01, 0.005, "worse"),
        (0.01, 0.02, "no difference shown"),
        (0.01, math.nan, "one run tells nothing"),
    ],
)
def test_only_clear_differences_are_claimed(mean: float, half: float, said: str) -> None:
    assert describe_difference(Interval(mean, half, 3)) == said


def test_variant_changes_what_it_names() -> None:
    variant = Variant.parse("dacl, λ 0.1: loss=dacl centre-weight=0.1 width=24 erase=0")
    config = variant.apply_to(RunConfig())
    assert (config.train.centre_weight, config.model.width, config.augment.erase) == (0.1, 24, 0)
    assert config.train.epochs == RunConfig().train.epochs
    assert variant.slug == "dacl_λ_0.1"


def test_variant_switches_a_switch() -> None:
    assert Variant.parse("a: scale-centres").apply_to(RunConfig()).train.scale_centres
    assert not Variant.parse("a: no-nesterov").apply_to(RunConfig()).train.nesterov


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dacl", "is not a variant"),
        (": loss=dacl", "is not a variant"),
        ("a: loss", "expected one argument"),
        ("a: loss=cosine", "invalid choice"),
        ("a: lambda=1", "unknown option --lambda"),
        ("a: centre-rate=7", "centre rate must be in 0..1"),
        ("a: seed=5", "every variant has the same seeds"),
        ("..: loss=dacl", "is no name for a variant"),
        ("a\nb: loss=dacl", "is no name for a variant"),
        ("a|b: loss=dacl", "is no name for a variant"),
        ("$x^$: loss=dacl", "is no name for a variant"),
        ("\udcff: loss=dacl", "is no name for a variant"),
        (f"{'x' * 61}: loss=dacl", "at most 60 letters"),
    ],
)
def test_variant_that_cannot_be_is_one_line(text: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message) as caught:
        Variant.parse(text).apply_to(RunConfig())
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_command_writes_table_and_figures_and_keeps_finished_runs(
    shapes_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(shapes_npz), "-o", str(tmp_path / "out"), "--runs", str(tmp_path / "runs")]
    words += ["--seeds", "2", "--device", "cpu", "--precision", "fp32", *RECIPE, "--epochs", "2"]
    assert compare.main(words) == 0
    names = {"comparison.md", "comparison.csv", "accuracy.png", "embedding.png"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == names | {
        "attention.png",
        "profiles.png",
    }
    with open(tmp_path / "out" / "comparison.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["variant"], row["seed"]) for row in rows] == [
        (loss, seed) for seed in "01" for loss in ("softmax", "centre", "dacl")
    ]
    kept = json.loads((tmp_path / "runs" / "dacl" / "seed1" / "result.json").read_text())
    assert float(rows[-1]["accuracy"]) == pytest.approx(kept["accuracy"], abs=1e-5)
    assert 0 < kept["attention_mean"] < 1
    page = (tmp_path / "out" / "comparison.md").read_text()
    assert "| dacl − centre |" in page
    capsys.readouterr()

    assert "| dacl − centre |" in page[page.index("With the decision rule") :]

    older = {name: value for name, value in kept.items() if not name.startswith("rule_")}
    (tmp_path / "runs" / "dacl" / "seed1" / "result.json").write_text(json.dumps(older))
    assert compare.main(words) == 0
    assert json.loads((tmp_path / "runs" / "dacl" / "seed1" / "result.json").read_text()) == kept
    capsys.readouterr()

    kept["accuracy"] = 0.123
    (tmp_path / "runs" / "dacl" / "seed1" / "result.json").write_text(json.dumps(kept))
    assert compare.main(words) == 0
    assert "dacl, seed 1: accuracy 12.30 %" in capsys.readouterr().out


@pytest.mark.slow
def test_all_losses_of_a_seed_begin_alike(shapes_npz: Path, tmp_path: Path) -> None:
    """The first epoch's pictures and weights are the same, so softmax differs only by its loss."""
    words = [str(shapes_npz), "-o", str(tmp_path / "out"), "--runs", str(tmp_path / "runs")]
    words += ["--seeds", "1", "--device", "cpu", "--precision", "fp32", *RECIPE, "--epochs", "1"]
    words += ["--variant", "softmax: loss=softmax", "--variant", "zero: loss=dacl centre-weight=0"]
    assert compare.main(words) == 0
    with open(tmp_path / "out" / "comparison.csv", newline="", encoding="utf-8") as file:
        softmax, zero = csv.DictReader(file)
    for name in ("accuracy", "nll", "intra", "inter"):
        assert softmax[name] == zero[name]


@pytest.mark.slow
def test_variants_may_have_teachers_and_be_held_against_one(
    shapes_npz: Path, trained: Path, tmp_path: Path
) -> None:
    teacher = trained / "best.pt"
    words = [str(shapes_npz), "-o", str(tmp_path / "out"), "--runs", str(tmp_path / "runs")]
    words += ["--seeds", "1", "--device", "cpu", "--precision", "fp32", *RECIPE, "--epochs", "1"]
    words += ["--variant", "a: loss=dacl", "--variant", f"b: teacher={teacher}"]
    words += ["--variant", "c: mixup=0", "--against", "b"]
    assert compare.main(words) == 0
    config = RunConfig.from_dict(load_checkpoint(tmp_path / "runs/b/seed0/last.pt")["config"])
    assert config.teach.teachers == (hash_checkpoint(teacher),)
    page = (tmp_path / "out/comparison.md").read_text()
    assert [f"| {a} − b |" in page for a in "abc"] == [True, False, True]
    assert "− a |" not in page


def test_baseline_that_is_no_variant_is_said(shapes_npz: Path, tmp_path: Path) -> None:
    words = [str(shapes_npz), "-o", str(tmp_path / "out"), "--against", "nobody"]
    with pytest.raises(TrainingError, match="there is no variant of this name"):
        compare.main(words)


@pytest.mark.slow
def test_runs_may_begin_with_trained_weights(
    shapes_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An epoch at a rate of next to nothing leaves the weights as they were given."""
    monkeypatch.chdir(tmp_path)
    words = [str(shapes_npz), "--seeds", "1", "--device", "cpu", "--precision", "fp32", *RECIPE]
    words += ["--variant", "softmax: loss=softmax"]
    assert compare.main([*words, "-o", "a", "--epochs", "2"]) == 0
    last = Path("runs/compare/softmax/seed0/last.pt")
    given = load_checkpoint(last)
    words += ["--init", str(last), "--epochs", "1", "--seed", "7", "--learning-rate", "1e-9"]
    assert compare.main([*words, "-o", "b"]) == 0
    (folder,) = Path("runs").glob("compare-????????")
    ended = load_checkpoint(folder / "softmax" / "seed7" / "last.pt")["net"]
    for name, weights in given[given["recommended"]].items():
        if name.endswith("weight"):
            torch.testing.assert_close(ended[name], weights, rtol=0, atol=1e-6)


def test_weights_that_are_missing_are_said_before_training(
    shapes_npz: Path, tmp_path: Path
) -> None:
    words = [str(shapes_npz), "-o", str(tmp_path / "out"), "--init", str(tmp_path / "no")]
    with pytest.raises(TrainingError, match="no could not be read"):
        compare.main(words)


SHORT = ("--seeds", "1", "--device", "cpu", "--precision", "fp32", *RECIPE, "--epochs", "1")


@pytest.mark.slow
def test_finished_run_is_kept_only_for_the_same_question(
    shapes_npz: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, other = tmp_path / "runs", write_shapes(tmp_path / "other.npz", seed=1)

    def ask(*words: object, data: Path = shapes_npz, variant: str = "a: loss=softmax") -> str:
        given = [str(word) for word in (data, "-o", tmp_path / "out", "--runs", runs, *SHORT)]
        capsys.readouterr()
        code = run_entry_point(
            lambda: compare.main([*given, "--variant", variant, *map(str, words)])
        )
        out, err = capsys.readouterr()
        assert (code, err.count("\n")) in {(0, 0), (2, 1)}
        return out if code == 0 else err

    first = ask()
    checkpoint = (runs / "a" / "seed0" / "last.pt").read_bytes()
    for judged in (True, False):
        for message, found in (
            ("another recipe (train.learning_rate", ask(variant="a: loss=softmax learning-rate=1")),
            ("another recipe (train.epochs", ask("--epochs", "2")),
            ("other data", ask(data=other)),
            ("began with other weights", ask("--init", trained / "best.pt")),
        ):
            assert message in found
            assert "Choose another --runs" in found
        if judged:
            assert ask() == first
            (runs / "a" / "seed0" / "result.json").unlink()
    assert (runs / "a" / "seed0" / "last.pt").read_bytes() == checkpoint
    assert ask() == first


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, "{", "null", '{"variant": 3}', "another's"])
def test_damaged_result_is_judged_again(
    shapes_npz: Path, tmp_path: Path, content: str | None
) -> None:
    words = [str(shapes_npz), "-o", str(tmp_path / "out"), "--runs", str(tmp_path / "runs")]
    words += [*SHORT, "--variant", "a: loss=softmax"]
    assert compare.main(words) == 0
    path = tmp_path / "runs/a/seed0/result.json"
    good = path.read_text()
    if content == "another's":
        path.write_text(json.dumps(json.loads(good) | {"variant": "b", "accuracy": 0.9}))
    elif content is None:
        path.write_text(json.dumps(json.loads(good) | {"accuracy": None}))
    else:
        path.write_text(content)
    assert compare.main(words) == 0
    assert path.read_text() == good


@pytest.mark.slow
def test_run_that_was_killed_before_its_first_checkpoint_goes_on(
    shapes_npz: Path, tmp_path: Path
) -> None:
    words = [str(shapes_npz), "-o", str(tmp_path / "out"), "--runs", str(tmp_path / "runs")]
    words += [*SHORT, "--variant", "a: loss=softmax"]
    assert compare.main(words) == 0
    folder = tmp_path / "runs/a/seed0"
    whole = load_checkpoint(folder / "last.pt")
    for path in folder.iterdir():
        if path.name not in ("run.json", ".lock"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert compare.main(words) == 0
    assert_same_bits(load_checkpoint(folder / "last.pt"), whole)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("--variant", "b: own-votes=5"), DataError, "no labels of FER2013's own"),
        (("--variant", "b: width=4", "--init", "best.pt"), TrainingError, "fits this network"),
        (
            ("--variant", "b: logit-adjustment=1", "--init", "best.pt"),
            TrainingError,
            "Leave --logit-adjustment out",
        ),
        (("--variant", "A: loss=dacl"), TrainingError, "names that give one folder"),
        (("--variant", "b: loss=dacl", "--init", "d.dat"), TrainingError, "--backbone dlib"),
    ],
)
def test_variant_that_cannot_be_is_said_before_the_first_is_trained(
    shapes_npz: Path,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(trained / "best.pt", "best.pt")
    Path("d.dat").write_bytes(encode_dat(make_layers()))
    with pytest.raises(error, match=message):
        compare.main([str(shapes_npz), "-o", "out", *SHORT, "--variant", "a: loss=softmax", *words])
    assert not list(Path("runs").rglob("*.pt"))


def test_each_variant_gets_its_own_outliers(shapes_npz: Path, tmp_path: Path) -> None:
    """The pack has none, which only the reading of the second variant's pictures can tell."""
    base = read_recipe(vars(compare.parser().parse_args(["x", "-o", "y", *SHORT])), RunConfig())
    variants = [Variant.parse("a: loss=softmax"), Variant.parse("b: loss=softmax outliers=0.1")]
    with pytest.raises(DataError, match="Leave --outliers out"):
        run_variants(read_pack(shapes_npz), base, variants, 1, FP32, tmp_path)
    assert (tmp_path / "a/seed0/result.json").exists()


def test_output_that_cannot_be_written_is_said_before_training(
    shapes_npz: Path, tmp_path: Path
) -> None:
    (tmp_path / "out" / "comparison.md").mkdir(parents=True)
    with pytest.raises(SinkError, match=r"comparison\.md is a folder"):
        compare.main([str(shapes_npz), "-o", str(tmp_path / "out"), *SHORT])
    with pytest.raises(TrainingError, match="could not be made"):
        compare.main([str(shapes_npz), "-o", str(shapes_npz), *SHORT])
