"""One command makes a model, goes on where it was stopped, and does nothing twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.classifier import Classifier
from tests.shapes import MACHINE
from training import make
from training.checkpoint import RunConfig, TeachConfig, TrainConfig, load_trained
from training.cli import run
from training.compact import read_compact
from training.model import ModelConfig
from training.pack import Pack, read_pack
from training.recipes import ENSEMBLE, PAIR, RECIPES, Recipe
from training.rehearsal import Cost, shortened, shrunk
from training.teach import file_digest

TINY = TrainConfig(size_px=24, batch_size=16, epochs=4, learning_rate=0.1, average=0.9)
RECIPE = Recipe(
    RunConfig(TINY, ModelConfig(width=4, blocks=1), teach=TeachConfig(teacher_view="live")),
    {
        "wide": RunConfig(replace(TINY, seed=1), ModelConfig(width=6, blocks=1)),
        "large": RunConfig(replace(TINY, size_px=32), ModelConfig(width=4, blocks=1)),
    },
    seeds=(0, 5),
)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "small", RECIPE)


@pytest.fixture
def command(shapes_npz: Path, tmp_path: Path) -> list[str]:
    output = ["-o", str(tmp_path / "m.onnx"), "--runs", str(tmp_path / "runs")]
    return ["small", str(shapes_npz), *output, *MACHINE]


def test_model_is_made_from_data_to_file(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    assert make.main(command) == 0
    said = capsys.readouterr().out
    assert "Plan, 96 training pictures, cpu, fp32:" in said
    assert "teacher wide" in said
    assert "in all, if nothing else runs here" in said
    scores = [json.loads((runs / f"small-seed{s}/result.json").read_text()) for s in (0, 5)]
    best = max((0, 1), key=lambda which: scores[which]["accuracy"])
    contract = Classifier(tmp_path / "m.onnx", device="cpu").contract
    assert contract.recipe["train"]["seed"] == (0, 5)[best]
    teachers = [runs / f"teacher-{name}/best.pt" for name in ("wide", "large")]
    assert contract.recipe["teach"]["teachers"] == [file_digest(file) for file in teachers]
    assert contract.metrics["accuracy"] == pytest.approx(scores[best]["accuracy"], abs=0.04)
    read_compact(tmp_path / "m.onnx")
    report = json.loads((runs / "small-report/report.json").read_text())
    assert (report["split"], report["sha256"]) == ("valid", make.digest(tmp_path / "m.onnx"))

    # Said again, everything is there already.
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*.pt")}
    model = (tmp_path / "m.onnx").stat().st_mtime_ns
    assert make.main(command) == 0
    assert capsys.readouterr().out.count("finished, ") == 4
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*.pt")} == before
    assert (tmp_path / "m.onnx").stat().st_mtime_ns == model


def test_interrupted_command_goes_on_to_the_same_model(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    alone = [*command, "--teachers", "none"]
    assert make.main([*alone, "--runs", str(tmp_path / "whole")]) == 0
    add, count = make.RunFolder.add, 0

    def stop_at_the_sixth(self: make.RunFolder, line: dict[str, float]) -> None:
        nonlocal count
        count += 1
        if count == 6:  # the second student's second epoch
            raise KeyboardInterrupt
        add(self, line)

    monkeypatch.setattr(make.RunFolder, "add", stop_at_the_sixth)
    (tmp_path / "m.onnx").unlink()
    assert make.main(alone) == 130
    assert "Interrupted. The same command goes on." in capsys.readouterr().err
    assert not (tmp_path / "m.onnx").exists()
    assert make.main(alone) == 0
    for seed in (0, 5):
        results = [tmp_path / f"{runs}/small-seed{seed}-alone" for runs in ("runs", "whole")]
        log, whole = ((folder / "log.jsonl").read_text() for folder in results)
        assert log == whole
        assert load_trained(results[0] / "best.pt").config.teach.teachers == ()


def test_given_teachers_take_the_place_of_the_recipes(
    command: list[str], trained: Path, tmp_path: Path
) -> None:
    words = ["--teachers", str(trained / "best.pt"), "--teacher-view", "cached"]
    assert make.main([*command, *words]) == 0
    recipe = Classifier(tmp_path / "m.onnx", device="cpu").contract.recipe
    assert recipe["teach"]["teachers"] == [file_digest(trained / "best.pt")]
    assert recipe["teach"]["teacher_view"] == "cached"
    assert not list((tmp_path / "runs").glob("teacher-*"))


def test_plan_alone_does_nothing(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make.main([*command, "--plan"]) == 0
    assert "student seed5" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--scale 0", "--scale must be above 0 and at most 1."),
        ("--scale 2", "--scale must be above 0 and at most 1."),
        ("-o model.pt", "the output must end in .onnx."),
        ("-o gone/model.onnx", "gone is not a folder. Make it first."),
        ("--teachers gone.pt", "The teacher gone.pt could not be read"),
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
    assert run(lambda: make.main([*command, *said])) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["other.onnx"]


def test_run_of_another_recipe_is_not_written_into(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = [*command, "--teachers", "none", "--scale", "0.5"]
    assert make.main(alone) == 0
    student = replace(RECIPE.student, train=replace(TINY, momentum=0.8))
    monkeypatch.setitem(RECIPES, "small", replace(RECIPE, student=student))
    assert run(lambda: make.main(alone)) == 2
    message = capsys.readouterr().err
    assert "holds another run (train.momentum: 0.9 and 0.8). Choose another --runs." in message


@pytest.fixture
def pack(shapes_npz: Path) -> Pack:
    return read_pack(shapes_npz)


def test_rehearsal_keeps_some_of_both_splits_and_no_test(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.rehearsal.LEAST", 10)
    small = shrunk(pack, 0.25)
    assert [len(small.rows(split)) for split in ("train", "valid", "test")] == [24, 10, 0]
    assert set(small.rows("train")) < set(pack.rows("train"))
    assert small.meta.key != pack.meta.key
    assert {pack.meta.key, shrunk(pack, 0.5).meta.key}.isdisjoint({small.meta.key})
    assert shortened(RunConfig(), 0.1).train.epochs == 4
    assert shortened(RunConfig(), 0.001).train.epochs == 1


def test_cost_is_steps_times_what_they_take() -> None:
    config = RunConfig(TrainConfig(epochs=10, batch_size=100))
    cost = Cost(parameters=1, step_s=0.3)
    assert cost.run_s(config, 1000) == pytest.approx(10 * 10 * 0.3 * 1.1)
    assert cost.run_s(config, 1000, asked_s=cost.ask_s) == pytest.approx(10 * 10 * 0.4 * 1.1)


def test_student_begins_with_the_weights_of_its_teacher(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Path | None] = []
    carry_out = make.carry_out
    monkeypatch.setattr(
        make, "carry_out", lambda job, *rest: (started.append(job.init), carry_out(job, *rest))[1]
    )
    like = RunConfig(TINY, ModelConfig(width=4, blocks=1))
    recipe = Recipe(RECIPE.student, {"a": RECIPE.teachers["wide"], "b": like}, begins_with="b")
    monkeypatch.setitem(RECIPES, "small", replace(recipe, weights="half"))
    assert make.main(command) == 0
    assert Classifier(tmp_path / "m.onnx", device="cpu").contract.recipe["weights"] == "half"
    teacher = tmp_path / "runs/teacher-b/best.pt"
    assert started == [None, None, teacher]
    facts = json.loads((tmp_path / "runs/small-seed0/result.json").read_text())
    assert facts["init"] == file_digest(teacher)
    # Weights of another beginning are not taken for these.
    stage = make.Stage(
        "student", RunConfig.from_dict(facts["config"]), tmp_path / "runs/small-seed0", init=teacher
    )
    assert stage.accuracy(facts["data"]) == facts["accuracy"]
    other = tmp_path / "runs/teacher-a/best.pt"
    assert replace(stage, init=other).accuracy(facts["data"]) is None


def test_recipe_begins_with_one_of_its_teachers() -> None:
    with pytest.raises(ValueError, match="begins with one of its teachers"):
        replace(RECIPE, begins_with="nobody")


def test_ensembles_are_of_different_networks_and_learn_by_dacl() -> None:
    for teachers in (ENSEMBLE, PAIR):
        assert len(set(teachers.values())) == len(teachers) >= 2
        assert all(c.train.loss == "dacl" and c.train.centre_weight > 0 for c in teachers.values())
    assert len({c.train.seed for c in ENSEMBLE.values()}) == len(ENSEMBLE)


def test_student_that_begins_with_a_teacher_is_of_its_shape() -> None:
    for recipe in RECIPES.values():
        if recipe.begins_with is not None:
            assert recipe.student.model == recipe.teachers[recipe.begins_with].model
