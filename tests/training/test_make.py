"""One command makes a model, goes on where it was stopped, and does nothing twice."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.recognition.classifier import Classifier
from tests.support.shapes import MACHINE
from training import make
from training.base.cli import run_entry_point
from training.checkpoints.checkpoint import load_trained
from training.checkpoints.compact import read_compact
from training.checkpoints.digest import hash_checkpoint
from training.config.recipes import ENSEMBLE, RECIPES, Learn, Recipe, WeightMean
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig
from training.config.train_config import TrainConfig
from training.datasets.pack import Pack
from training.datasets.pack_reader import read_pack
from training.judge.evaluation import evaluate
from training.making import finish
from training.making import plan as planning
from training.making.plan import Plan
from training.network.model import ModelConfig
from training.run import job
from training.run.rehearsal import TrainingCost, shorten_recipe, shrink_pack
from training.run.run_folder import RunFolder

TINY = TrainConfig(size_px=24, batch_size=16, epochs=4, learning_rate=0.1, average=0.9)
NARROW = ModelConfig(width=4, blocks=1)
TEACHERS = {
    "wide": Learn(RunConfig(replace(TINY, seed=1), ModelConfig(width=6, blocks=1))),
    "large": Learn(RunConfig(replace(TINY, size_px=32), NARROW)),
}
STUDENT = Learn(RunConfig(TINY, NARROW, teach=TeachConfig(teacher_view="live")), ("wide", "large"))
RECIPE = Recipe({**TEACHERS, "student": STUDENT})


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "small", RECIPE)


@pytest.fixture
def command(shapes_npz: Path, tmp_path: Path) -> list[str]:
    output = ["-o", str(tmp_path / "m.onnx"), "--runs", str(tmp_path / "runs")]
    return ["small", str(shapes_npz), *output, *MACHINE]


@pytest.mark.slow
def test_model_is_made_from_data_to_file(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    assert make.main(command) == 0
    said = capsys.readouterr().out
    assert "Plan, 96 training pictures, cpu, fp32:" in said
    assert "24 px, 4 epochs, taught by wide, large:" in said
    assert "in all, if nothing else runs here" in said
    contract = Classifier(tmp_path / "m.onnx", device="cpu").contract
    teachers = [runs / name / "best.pt" for name in ("wide", "large")]
    assert contract.recipe["teach"]["teachers"] == [hash_checkpoint(file) for file in teachers]
    accuracy = json.loads((runs / "student/result.json").read_text())["accuracy"]
    pack = read_pack(Path(command[1]))
    plain = evaluate(pack, tmp_path / "m.onnx", "valid", as_trained=True)
    assert plain.majority.accuracy == pytest.approx(accuracy, abs=0.04)
    read_compact(tmp_path / "m.onnx")
    report = json.loads((runs / "small-report/report.json").read_text())
    assert contract.metrics["accuracy"] == report["majority"]["accuracy"]
    assert (report["split"], report["sha256"]) == ("valid", finish.read_digest(tmp_path / "m.onnx"))

    # Said again, everything is there already.
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*.pt")}
    model = (tmp_path / "m.onnx").stat().st_mtime_ns
    assert make.main(command) == 0
    assert capsys.readouterr().out.count("finished, ") == 3
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*.pt")} == before
    assert (tmp_path / "m.onnx").stat().st_mtime_ns == model


@pytest.mark.slow
def test_interrupted_command_goes_on_to_the_same_model(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    second = Learn(RunConfig(replace(TINY, seed=5), NARROW), begins_with="first")
    monkeypatch.setitem(
        RECIPES, "small", Recipe({"first": Learn(RunConfig(TINY, NARROW)), "second": second})
    )
    with monkeypatch.context() as patch:
        patch.setattr(make, "finish_model", lambda *_: [])
        assert make.main([*command, "--runs", str(tmp_path / "whole")]) == 0
    add, count = RunFolder.add_line, 0

    def stop_at_the_sixth(self: RunFolder, line: dict[str, float]) -> None:
        nonlocal count
        count += 1
        if count == 6:  # the second step's second epoch
            raise KeyboardInterrupt
        add(self, line)

    monkeypatch.setattr(RunFolder, "add_line", stop_at_the_sixth)
    assert make.main(command) == 130
    assert "Interrupted. The same command goes on." in capsys.readouterr().err
    assert not (tmp_path / "m.onnx").exists()
    assert make.main(command) == 0
    for name in ("first", "second"):
        results = [tmp_path / runs / name for runs in ("runs", "whole")]
        log, whole = ((folder / "log.jsonl").read_text() for folder in results)
        assert log == whole
        assert load_trained(results[0] / "best.pt").config.teach.teachers == ()


@pytest.mark.slow
def test_given_checkpoints_take_the_place_of_steps(
    command: list[str], trained: Path, tmp_path: Path
) -> None:
    given = [f"--given=large={trained / 'best.pt'}", f"--given=wide={trained / 'best.pt'}"]
    assert make.main([*command, *given]) == 0
    recipe = Classifier(tmp_path / "m.onnx", device="cpu").contract.recipe
    assert recipe["teach"]["teachers"] == [hash_checkpoint(trained / "best.pt")] * 2
    assert not (tmp_path / "runs/wide").exists()
    assert not (tmp_path / "runs/large").exists()


@pytest.mark.slow
def test_a_network_that_is_there_already_is_only_exported(
    command: list[str], trained: Path, tmp_path: Path
) -> None:
    assert make.main([*command, f"--given=student={trained / 'best.pt'}"]) == 0
    assert Classifier(tmp_path / "m.onnx", device="cpu").contract.recipe["train"]["loss"] == "dacl"
    assert (tmp_path / "runs/small-report/report.md").exists()


def test_what_only_a_given_step_would_need_is_not_done() -> None:
    recipe = Recipe(
        {
            **TEACHERS,
            "student": STUDENT,
            "last": Learn(RunConfig(TINY, NARROW), ("wide",), begins_with="student"),
        }
    )
    assert Plan(recipe, Path("runs")).list_needed() == ["wide", "large", "student", "last"]
    plan = Plan(recipe, Path("runs"), given={"student": Path("s.pt")})
    assert plan.list_needed() == ["wide", "student", "last"]


def test_plan_alone_does_nothing(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make.main([*command, "--plan"]) == 0
    assert "student" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--scale 0", "--scale must be above 0 and at most 1."),
        ("--scale 2", "--scale must be above 0 and at most 1."),
        ("-o model.pt", "the output must end in .onnx."),
        ("-o gone/model.onnx", "gone is not a folder. Make it first."),
        ("--given wide=gone.pt", "The checkpoint gone.pt is missing."),
        ("--given nobody=gone.pt", "write STEP=FILE.pt, with one of wide, large, student."),
        ("-o {other}", "is there already and not of these runs. Choose another -o, or --over"),
    ],
)
def test_what_cannot_be_is_said_first(
    words: str,
    message: str,
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "other.onnx").write_text("mine")
    said = words.format(other=tmp_path / "other.onnx").split()
    assert run_entry_point(lambda: make.main([*command, *said])) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["other.onnx"]


def test_run_of_another_recipe_is_not_written_into(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def recipe(momentum: float) -> Recipe:
        return Recipe({"one": Learn(RunConfig(replace(TINY, momentum=momentum), NARROW))})

    monkeypatch.setitem(RECIPES, "small", recipe(0.9))
    monkeypatch.setattr(make, "finish_model", lambda *_: [])
    half = [*command, "--scale", "0.5"]
    assert make.main(half) == 0
    monkeypatch.setitem(RECIPES, "small", recipe(0.8))
    assert run_entry_point(lambda: make.main(half)) == 2
    message = capsys.readouterr().err
    assert "holds another run (train.momentum: 0.9 and 0.8). Choose another --runs." in message


@pytest.fixture
def pack(shapes_npz: Path) -> Pack:
    return read_pack(shapes_npz)


def test_rehearsal_keeps_some_of_both_splits_and_no_test(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.run.rehearsal.MIN_PICTURES", 10)
    small = shrink_pack(pack, 0.25)
    assert [len(small.find_rows(split)) for split in ("train", "valid", "test")] == [24, 10, 0]
    assert set(small.find_rows("train")) < set(pack.find_rows("train"))
    assert small.meta.key != pack.meta.key
    assert {pack.meta.key, shrink_pack(pack, 0.5).meta.key}.isdisjoint({small.meta.key})
    assert shorten_recipe(RunConfig(), 0.1).train.epochs == 4
    assert shorten_recipe(RunConfig(), 0.001).train.epochs == 1


def test_cost_is_steps_times_what_they_take() -> None:
    config = RunConfig(TrainConfig(epochs=10, batch_size=100))
    cost = TrainingCost(parameters=1, step_s=0.3)
    assert cost.estimate_run_s(config, 1000) == pytest.approx(10 * 10 * 0.3 * 1.1)
    assert cost.estimate_run_s(config, 1000, teachers_s=cost.teacher_batch_s) == pytest.approx(
        10 * 10 * 0.4 * 1.1
    )


@pytest.mark.slow
def test_steps_begin_with_earlier_ones_are_widened_and_averaged(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Path | None] = []
    carry_out = planning.carry_out
    monkeypatch.setattr(
        planning,
        "carry_out",
        lambda job, *rest: (started.append(job.init), carry_out(job, *rest))[1],
    )

    def gentle(seed: int) -> Learn:
        train = replace(TINY, seed=seed, learning_rate=0.02, epochs=1)
        return Learn(RunConfig(train, NARROW), begins_with="first")

    wider = RunConfig(replace(TINY, epochs=1), replace(NARROW, width=8))
    steps = {
        "first": Learn(RunConfig(TINY, NARROW)),
        "a": gentle(1),
        "b": gentle(2),
        "mean": WeightMean(("a", "b")),
        "wider": Learn(wider, ("a", "mean"), begins_with="mean"),
    }
    recipe = Recipe(steps, weights="half")
    monkeypatch.setitem(RECIPES, "small", recipe)
    assert make.main(command) == 0
    runs = tmp_path / "runs"
    first, begin = runs / "first/best.pt", runs / "wider/begin.pt"
    assert started == [None, first, first, begin]
    assert load_trained(begin).config.model.width == 8
    assert set(load_trained(runs / "mean/best.pt").soup) <= {
        hash_checkpoint(runs / name / "best.pt") for name in ("a", "b")
    }
    assert Classifier(tmp_path / "m.onnx", device="cpu").contract.recipe["weights"] == "half"
    # Weights of another beginning are not taken for these.
    plan = Plan(recipe, runs)
    key = json.loads((runs / "a/result.json").read_text())["data"]
    assert plan.read_accuracy("a", key) is not None
    assert replace(plan, given={"first": runs / "b/best.pt"}).read_accuracy("a", key) is None
    assert plan.read_accuracy("a", "other data") is None


@pytest.mark.slow
def test_command_goes_on_that_was_stopped_before_a_widened_step_had_a_checkpoint(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wider = RunConfig(replace(TINY, epochs=1), replace(NARROW, width=8))
    steps = {
        "first": Learn(RunConfig(replace(TINY, epochs=1), NARROW)),
        "wider": Learn(wider, ("first",), begins_with="first"),
    }
    monkeypatch.setitem(RECIPES, "small", Recipe(steps))

    find = job.find_teaching

    def stopped(config: RunConfig, teachers: Sequence[Path], *rest: object) -> object:
        if teachers:
            raise KeyboardInterrupt
        return find(config, teachers, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(job, "find_teaching", stopped)
        assert make.main(command) == 130
    folder = tmp_path / "runs/wider"
    assert (folder / "begin.pt").exists()
    assert not (folder / "last.pt").exists()
    assert make.main(command) == 0
    assert load_trained(folder / "best.pt").config.model.width == 8


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ({}, "begins with a run"),
        ({"a": WeightMean(())}, "begins with a run"),
        ({"a": STUDENT}, "step a needs wide, which is no step before it"),
        ({"a": replace(TEACHERS["wide"], begins_with="a")}, "step a needs a, which is no step"),
    ],
)
def test_recipe_that_cannot_be_is_refused(
    steps: dict[str, Learn | WeightMean], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Recipe(steps)


def test_steps_of_one_name_are_the_same_in_all_recipes() -> None:
    # They share the folder of their runs.
    known: dict[str, Learn | WeightMean] = {}
    for name in RECIPES.keys() - {"small"}:
        for step, what in RECIPES[name].steps.items():
            assert known.setdefault(step, what) == what


def test_recipes_learn_by_dacl_and_fit_what_they_begin_with() -> None:
    for recipe in RECIPES.values():
        for step in recipe.steps.values():
            if isinstance(step, WeightMean):
                continue
            assert step.config.train.loss == "dacl"
            assert step.config.train.centre_weight > 0
            before = recipe.steps[step.begins_with] if step.begins_with else None
            while isinstance(before, WeightMean):
                before = recipe.steps[before.steps[0]]
            if before is not None:
                width = step.config.model.width
                assert width >= before.config.model.width
                stem = step.config.model.stem
                assert step.config.model == replace(before.config.model, width=width, stem=stem)


def test_ensemble_is_of_different_networks() -> None:
    configs = [step.config for step in ENSEMBLE.values()]
    assert len({config.train.seed for config in configs}) == len(configs) >= 2
    assert len({config.model for config in configs}) >= 2
