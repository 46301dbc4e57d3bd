"""A folder of labelled pictures becomes a model in one command, or one line says why not."""

import csv
import io
import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from app.errors import TrainingError
from app.recognition.classifier import Classifier
from app.types import Image
from tests.support.dlib_files import encode_dat, make_layers
from tests.support.shapes import draw
from training import retrain
from training.base.cli import run_entry_point
from training.base.licences import FOLDER_LICENCE
from training.checkpoints.checkpoint import load_checkpoint, load_trained
from training.checkpoints.compact import name_compact, read_compact, write_compact
from training.datasets.pack_reader import read_pack
from training.exporting import onnx_file
from training.making import retraining
from training.making.retrain_folder import is_made_here
from training.measures.metrics import find_wilson_interval
from training.own_pictures.gather import Gathered
from training.run import finetune
from training.run.finetune import (
    choose_patience,
    describe_early_end,
    find_starting_point,
    is_better_of_equals,
    make_fine_tuning_recipe,
)

EPOCHS = 2
PEOPLE = ("ann", "bob", "cyd", "dan")


def command(*words: object) -> int:
    """The command as a shell would see it end."""
    return run_entry_point(lambda: retrain.main([*map(str, words), "--device", "cpu"]))


def shape(label: str, seed: int) -> Picture.Image:
    generator = np.random.default_rng(seed)
    return Picture.fromarray(draw(label, generator, 8.0)).resize((48, 48), Picture.Resampling.BOX)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, clip_frames: dict[int, Image]) -> Path:
    """Crops by label and person; a photo with a face and one without, a copy, a broken file, and
    what is no picture."""
    root = tmp_path_factory.mktemp("pictures")
    for k, label in enumerate(("cross", "disc")):
        for p, person in enumerate(PEOPLE):
            folder = root / label / person
            folder.mkdir(parents=True)
            for number in range(4):
                shape(label, 100 * k + 10 * p + number).save(folder / f"{number}.png")
    Picture.fromarray(clip_frames[0][..., ::-1]).save(root / "cross/photo.jpg")
    Picture.fromarray(clip_frames[145][..., ::-1]).save(root / "cross/nobody.jpg")
    (root / "disc/copy.png").write_bytes((root / "disc/dan/0.png").read_bytes())
    (root / "disc/broken.png").write_bytes(b"no picture")
    (root / "disc/notes.txt").write_text("not looked at")
    return root


@pytest.fixture(scope="module")
def shapes_model(exported: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network that knows frames, discs and crosses, with its compact checkpoint."""
    model = tmp_path_factory.mktemp("models") / "shapes.onnx"
    model.write_bytes(exported.read_bytes())
    write_compact(trained / "best.pt", name_compact(model))
    return model


@pytest.fixture(scope="module")
def made(
    pictures: Path, shapes_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """(model, run's folder) of one whole retraining."""
    folder = tmp_path_factory.mktemp("made")
    model, kept = folder / "mine.onnx", folder / "run"
    options = ("-o", model, "--run", kept, "--from", shapes_model, "--epochs", EPOCHS)
    assert command(pictures, *options) == 1  # something was skipped
    return model, kept


def table(kept: Path) -> dict[str, dict[str, str]]:
    rows = csv.DictReader(io.StringIO((kept / "pictures.csv").read_text(encoding="utf-8")))
    return {row["path"]: row for row in rows}


@pytest.mark.slow
def test_model_runs_and_still_knows_the_shapes(made: tuple[Path, Path]) -> None:
    model, _ = made
    classifier = Classifier(model, device="cpu")
    assert classifier.contract.labels == ("cross", "disc")
    assert classifier.contract.training_data.dataset.startswith("pictures")
    assert "Fine-tuned from: Learned from the maker's own" in classifier.contract.licence
    crops = np.stack(
        [
            np.asarray(shape(label, 1000 + n).convert("RGB").resize((24, 24)))
            for n in range(10)
            for label in ("cross", "disc")
        ]
    )
    said = classifier.predict(crops).argmax(axis=1)
    assert (said == np.arange(20) % 2).mean() >= 0.9
    assert load_trained(name_compact(model)).facts.labels == ("cross", "disc")


def test_table_says_what_became_of_each_picture(made: tuple[Path, Path]) -> None:
    rows = table(made[1])
    assert len(rows) == 2 * 16 + 4
    special = {
        name: (rows[name]["status"], rows[name]["split"] != "")
        for name in ("cross/photo.jpg", "cross/nobody.jpg", "disc/broken.png")
    }
    assert special == {
        "cross/photo.jpg": ("face", True),
        "cross/nobody.jpg": ("no face", False),
        "disc/broken.png": ("unreadable", False),
    }
    drawn = [row for row in rows.values() if row["path"].count("/") == 2]
    assert all(row["split"] for row in drawn)
    assert "whole frame" in {row["status"] for row in drawn}  # small, so used without a face
    assert "is text, not a picture" in rows["disc/broken.png"]["reason"]
    packed = read_pack(made[1] / "data.npz")
    assert set(packed.names) == {name for name, row in rows.items() if row["split"]}


def test_people_and_copies_stand_on_one_side(made: tuple[Path, Path]) -> None:
    rows = table(made[1])
    sides: dict[str, set[str]] = {}
    for row in rows.values():
        if row["split"]:
            sides.setdefault(row["group"], set()).add(row["split"])
    assert all(len(side) == 1 for side in sides.values())
    assert {
        (rows[f"{label}/ann/{n}.png"]["group"]) for label in ("cross", "disc") for n in "0123"
    } == {"ann"}
    assert rows["disc/copy.png"]["group"] == "dan"
    for label in ("cross", "disc"):
        assert {r["split"] for r in rows.values() if r["label"] == label} >= {"train", "valid"}


def test_report_needs_nothing_else(made: tuple[Path, Path]) -> None:
    model, kept = made
    page = (kept / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|https?://|src=\"(?!data:)|url\(", page)
    accuracy = Classifier(model, device="cpu").contract.metrics["accuracy"]
    assert f"<b>{100 * accuracy:.1f} %</b>" in page
    for text in (
        "cross/nobody.jpg",
        "Worst mistakes",
        "labels carried over: cross, disc",
        f"python run_demo.py --model {model}",
        "1 x .txt",
    ):
        assert text in page
    assert page.count("<svg") == 3


def test_log_has_a_line_an_epoch(made: tuple[Path, Path]) -> None:
    lines = (made[1] / "training/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, EPOCHS]


@pytest.mark.slow
def test_training_may_begin_with_dlibs_network(pictures: Path, tmp_path: Path) -> None:
    weights = tmp_path / "faces.dat"
    weights.write_bytes(encode_dat(make_layers()))
    model, run = tmp_path / "mine.onnx", tmp_path / "run"
    words = ("-o", model, "--run", run, "--from", weights, "--epochs", 1)
    assert command(pictures, *words) == 1  # something was skipped
    contract = Classifier(model, device="cpu").contract
    assert contract.recipe["model"]["backbone"] == "dlib"
    assert contract.size_px == 112
    assert contract.recipe["began_with"][0]["name"] == "faces.dat"
    assert contract.method.endswith("began with faces.dat")
    assert contract.licence == (
        f"{FOLDER_LICENCE} Began with the weights faces.dat, which others made: check their terms."
    )
    assert read_compact(model)[0].origins[0].kind == "dlib"
    assert "145 tensors taken" in (run / "report.html").read_text()


@pytest.mark.slow
def test_ctrl_c_then_resume_gives_the_same_model(
    made: tuple[Path, Path],
    pictures: Path,
    shapes_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, kept = tmp_path / "mine.onnx", tmp_path / "run"
    words = (pictures, "-o", model, "--run", kept, "--from", shapes_model, "--epochs", EPOCHS)

    def pressed(lines: list[dict[str, Any]]) -> bool:
        signal.raise_signal(signal.SIGINT)
        return is_better_of_equals(lines)

    with monkeypatch.context() as patch:
        patch.setattr(finetune, "is_better_of_equals", pressed)
        assert command(*words) == 130
    assert capsys.readouterr().err == "Interrupted. The same command with --resume goes on.\n"
    assert not model.exists()
    assert load_checkpoint(kept / "training/last.pt")["step"] > 0

    assert command(*words) == 2
    assert "holds a run. Go on with it by --resume" in capsys.readouterr().err
    assert command(*words, "--seed", "1", "--resume") == 2
    assert "begun otherwise (seed: 0 then, 1 now)" in capsys.readouterr().err

    # Stopped a second time, between the model and its report.
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retraining, "write_retrain_report", stopped)
        assert command(*words, "--resume") == 130
    assert is_made_here(model, kept)
    assert command(*words, "--resume") == 1
    assert (kept / "report.html").is_file()
    ours, theirs = (
        load_trained(kept / "training/best.pt"),
        load_trained(made[1] / "training/best.pt"),
    )
    assert ours.step == theirs.step
    for name, tensor in ours.net.state_dict().items():
        torch.testing.assert_close(tensor, theirs.net.state_dict()[name], atol=0, rtol=0)
    assert not list(tmp_path.rglob("*partial*"))


@pytest.mark.slow
def test_early_end_is_said_and_resumed_as_one(
    pictures: Path,
    shapes_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, kept = tmp_path / "mine.onnx", tmp_path / "run"
    words = (pictures, "-o", model, "--run", kept, "--from", shapes_model, "--epochs", 30)

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retraining, "export_model", stopped)
        assert command(*words, "--patience", 1) == 130
    out = capsys.readouterr().out
    (said,) = [line for line in out.splitlines() if line.startswith("Training ended")]
    epochs = len((kept / "training/log.jsonl").read_text().splitlines())
    assert said.startswith(f"Training ended after epoch {epochs} of 30: ")
    assert said.endswith(" --patience sets how long it waits.")
    assert command(*words, "--patience", 1, "--resume") == 1
    assert len((kept / "training/log.jsonl").read_text().splitlines()) == epochs
    assert said.partition(" --patience")[0] in (kept / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_model_that_fails_its_check_leaves_the_old_one(
    pictures: Path,
    shapes_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = tmp_path / "mine.onnx"
    model.write_bytes(b"the old one")

    monkeypatch.setattr(onnx_file, "MAX_LOGIT_DIFFERENCE", -1.0)
    words = ("-o", model, "--run", tmp_path / "run", "--from", shapes_model, "--epochs", 1)
    assert command(pictures, *words) == 2
    assert "mine.onnx is there already" in capsys.readouterr().err
    assert command(pictures, *words, "--overwrite") == 2
    assert re.fullmatch(
        r"error: The exported file differs.* as it was\.\n", capsys.readouterr().err
    )
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["mine.onnx"]
    assert model.read_bytes() == b"the old one"


def broken(root: Path) -> None:
    for n in range(3):
        (root / "disc" / f"broken{n}.png").write_bytes(b"")


def half_split(root: Path) -> None:
    (root / "train").mkdir()
    shape("disc", 0).save(root / "train/0.png")


def nothing(_: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "options", "said"),
    [
        (lambda root: (root / "cross/a.png").unlink(), [], "cross holds no pictures"),
        (half_split, [], "as if it were split"),
        (nothing, ["--group-by", "("], r"regular expression, and '\(' is none"),
        (nothing, ["--group-by", "x+"], "is found in no file's name"),
        (broken, [], r"3 of 5 pictures cannot be read, more than 10 %.*--max-unreadable"),
        (nothing, ["--from", "gone.onnx"], r"gone\.onnx"),
        (nothing, ["--from", "gone.pt"], r"gone\.pt are missing"),
        (nothing, ["--from", "gone.dat"], r"gone\.dat are missing"),
        (nothing, ["--valid-share", "1"], "between 0 and 1"),
        (nothing, ["--patience", "-1"], "--patience must be at least 0"),
        (nothing, ["--epochs", "0"], "--epochs must be above 0"),
        (nothing, ["--max-unreadable", "nan"], "is a share"),
        (nothing, ["-o", "mine.bin"], r"must end in \.onnx"),
        (nothing, ["-o", "nowhere/mine.onnx"], "nowhere is not a folder"),
        (nothing, ["-o", "m" * 300 + ".onnx"], r"too long\. Choose another -o"),
        (nothing, ["--run", "pictures"], "is not empty and holds no run"),
        (nothing, ["--run", "pictures", "--overwrite"], "is not empty and holds no run"),
        (nothing, ["--resume"], "holds no run to go on from"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    spoil: Callable[[Path], object],
    options: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "pictures"
    for label in ("cross", "disc"):
        (root / label).mkdir(parents=True)
        shape(label, 0).save(root / label / "a.png")
    spoil(root)
    before = sorted(root.rglob("*"))
    assert command(root, "-o", "mine.onnx", "--run", "run", "--from", "none", *options) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(rf"error: .*{said}.*\n", error), error
    assert sorted(root.rglob("*")) == before
    assert not list(tmp_path.rglob("*.onnx"))


def test_run_that_did_not_come_to_training_may_simply_be_tried_again(
    pictures: Path, shapes_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, kept = tmp_path / "mine.onnx", tmp_path / "run"
    options = ("-o", model, "--run", kept, "--from", shapes_model)
    assert command(tmp_path / "typo", *options) == 2
    reached: list[Path] = []

    def learn(*arguments: Any, **_: Any) -> None:
        reached.append(arguments[3])
        raise TrainingError("far enough")

    monkeypatch.setattr(retraining, "fine_tune", learn)
    assert command(pictures, *options) == 2
    assert reached == [kept / "training"]


@pytest.mark.parametrize(
    ("pictures", "epochs", "batch"), [(8, 40, 8), (200, 30, 32), (400, 15, 64), (5000, 10, 64)]
)
def test_recipe_follows_the_number_of_pictures(pictures: int, epochs: int, batch: int) -> None:
    train = make_fine_tuning_recipe(make_fine_tuning_recipe(None, 1), pictures).train
    assert (train.epochs, train.batch_size) == (epochs, batch)
    assert train.learning_rate == pytest.approx(0.01 * batch / 32)


def test_of_equal_epochs_the_one_of_least_loss_is_kept() -> None:
    def line(accuracy: float, loss: float, plain: float = 0.0) -> dict[str, Any]:
        return {
            "valid_accuracy": plain,
            "valid_accuracy_averaged": accuracy,
            "valid_nll_averaged": loss,
        }

    lines = [line(0.5, 0.9), line(0.75, 0.6), line(0.75, 0.5), line(0.75, 0.7), line(0.7, 0.1)]
    kept = [is_better_of_equals(lines[: n + 1]) for n in range(len(lines))]
    assert kept == [True, True, True, False, False]
    assert not is_better_of_equals([line(0.5, 0.9, plain=0.8), line(0.75, 0.6)])


def seen(*readings: tuple[float, float]) -> list[dict[str, Any]]:
    return [{"valid_accuracy_averaged": a, "valid_nll_averaged": loss} for a, loss in readings]


@pytest.mark.parametrize(
    ("readings", "patience", "ended"),
    [
        ([(1.0, 0.5 / n) for n in range(1, 6)], 9, None),
        ([(1.0, 0.5 / n) for n in range(1, 7)], 9, "all validation pictures have been right for 6"),
        ([(1.0, 0.5 / n) for n in range(1, 4)], 2, "all validation pictures have been right for 3"),
        ([(0.9, 0.5)] * 3, 3, None),
        ([(0.9, 0.5)] * 4, 3, "validation was no better for 3 epochs"),
        ([(0.9, 0.5), (0.8, 0.1), (0.9, 0.499), (0.7, 0.1)], 3, "no better for 3"),
        ([(0.9, 0.5), (0.8, 0.1), (0.9, 0.4), (0.7, 0.1)], 3, None),  # less loss
        ([(0.9, 0.5), (0.8, 0.1), (0.95, 0.9), (0.7, 0.1)], 3, None),  # more right
        ([(1.0, 0.5)] * 9, 0, None),
        ([(1.0, 0.5)] * 20, 5, None),  # all that were planned
    ],
)
def test_training_ends_where_validation_gets_no_better(
    readings: list[tuple[float, float]], patience: int, ended: str | None
) -> None:
    said = describe_early_end(seen(*readings), 20, patience)
    assert said is None if ended is None else ended in (said or "")
    if said is not None:
        assert said.startswith(f"Training ended after epoch {len(readings)} of 20: ")


def test_a_line_says_what_a_training_begins_from() -> None:
    assert find_starting_point("none").description == "from chance, as asked"
    shipped = find_starting_point(None).description
    assert shipped == f"from {finetune.DEFAULT_MODEL}, which had learned from the data FER+"


def test_patience_is_a_third_of_the_epochs() -> None:
    assert [choose_patience(make_fine_tuning_recipe(None, 1, epochs=n)) for n in (2, 15, 40)] == [
        5,
        5,
        14,
    ]


@pytest.mark.parametrize(
    ("hits", "count", "wanted"),
    [(0, 10, (0.0, 0.2775)), (5, 10, (0.2366, 0.7634)), (10, 10, (0.7225, 1.0))],
)
def test_interval_is_wilsons(hits: int, count: int, wanted: tuple[float, float]) -> None:
    assert find_wilson_interval(hits, count) == pytest.approx(wanted, abs=1e-4)


def test_test_pictures_are_left_for_a_last_command(
    made: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model, kept = made
    pack = read_pack(kept / "data.npz")
    gathered = Gathered(pack.meta, kept / "data.npz", (), (), left_out=False)
    retraining.say_result(model, Classifier(model, device="cpu").contract, kept, gathered, tests=3)
    assert (
        f"3 test pictures for a last test: python -m training.evaluate {kept}/data.npz {model} "
        f"--split test --ledger {kept}/test_ledger.md\n"
    ) in capsys.readouterr().out
