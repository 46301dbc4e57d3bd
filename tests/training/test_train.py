"""Training learns, goes on exactly where it was stopped, and says in one line what it cannot do."""

import argparse
import importlib
import json
import math
import re
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from app.defaults import ROOT
from app.errors import DataError, TrainingError
from tests.support.shapes import LABELS, MACHINE, RECIPE, train_shapes, write_shapes
from tests.support.training_runs import CONFIG, FP32, assert_same_bits, read_training_error
from training import train
from training.base.cli import run_entry_point
from training.base.device import ComputeDevice
from training.base.files import write_text_file
from training.checkpoints import checkpoint
from training.checkpoints.checkpoint import load_checkpoint, load_trained
from training.checkpoints.initial_weights import read_weights
from training.config.run_config import RunConfig
from training.config.train_config import TrainConfig
from training.datasets.examples import Examples
from training.datasets.pack import Pack
from training.datasets.pack_reader import read_pack
from training.datasets.split_pair import gather_facts, load_pair
from training.run.loop import fit
from training.run.options import RECIPE_MAKERS, read_recipe
from training.run.predict import predict
from training.run.run_folder import read_log
from training.run.schedule import compute_centre_weight, compute_learning_rate, draw_epoch_rows
from training.run.trainer import Trainer

STEPS = 18  # three epochs of 96 pictures, 16 a step


@pytest.fixture(scope="module")
def pack(shapes_npz: Path) -> Pack:
    return read_pack(shapes_npz)


@pytest.fixture(scope="module")
def pair(pack: Pack) -> tuple[Examples, Examples]:
    return load_pair(pack, CONFIG, torch.device("cpu"))


def begin(pack: Pack, pair: tuple[Examples, Examples], config: RunConfig = CONFIG) -> Trainer:
    return Trainer(config, gather_facts(pack, pair[0]), FP32)


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_training_learns(trained: Path) -> None:
    lines = log_of(trained)
    assert [line["epoch"] for line in lines] == list(range(1, 13))
    assert lines[-1]["step"] == 72
    assert lines[0]["valid_accuracy"] < 0.8
    assert lines[-1]["valid_accuracy"] > 0.9
    assert lines[-1]["valid_accuracy_averaged"] > 0.9
    assert lines[-1]["loss"] < lines[0]["loss"] / 4
    assert 0.1 < lines[-1]["attention_mean"] < 0.9
    assert lines[-1]["attention_spread"] > 0.02
    assert {"best.pt", "last.pt", "log.jsonl"} <= {p.name for p in trained.iterdir()}
    assert not list(trained.rglob("*.partial"))


def test_best_checkpoint_is_the_one_that_was_best_on_validation(trained: Path) -> None:
    accuracy = [
        max(line["valid_accuracy"], line["valid_accuracy_averaged"]) for line in log_of(trained)
    ]
    best = load_checkpoint(trained / "best.pt")
    assert best["best_accuracy"] == pytest.approx(max(accuracy), abs=1e-5)
    assert best["step"] == 6 * (accuracy.index(max(accuracy)) + 1)  # the first of equals
    network = load_trained(trained / "best.pt")
    assert network.facts.labels == LABELS
    assert network.facts.class_shares == pytest.approx([1 / 3] * 3)
    assert network.config.train.loss == "dacl"
    assert not network.net.training


def test_training_never_reads_the_test_split(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    rows = Pack.find_rows
    monkeypatch.setattr(
        Pack, "find_rows", lambda self, split: (asked.append(split), rows(self, split))[1]
    )
    load_pair(pack, CONFIG, torch.device("cpu"))
    assert sorted(asked) == ["train", "valid"]


@pytest.fixture(scope="module")
def whole_run(
    pack: Pack, pair: tuple[Examples, Examples], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[dict[str, Any]]]:
    """A run that nobody interrupts: its folder and its log."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, list(fit(begin(pack, pair), *pair, folder))


@pytest.mark.slow
@pytest.mark.parametrize("stops", [(1,), (6,), (4, 11, 17), (18,)], ids=str)
def test_training_resumes_exactly(
    pack: Pack,
    pair: tuple[Examples, Examples],
    whole_run: tuple[Path, list[dict[str, Any]]],
    tmp_path: Path,
    stops: tuple[int, ...],
) -> None:
    folder, log = whole_run
    lines = []
    for stop in (*stops, None):
        part = begin(pack, pair)
        if stop is not stops[0]:
            part.restore(load_checkpoint(tmp_path / "last.pt"))
        torch.manual_seed(123)  # nothing hangs on what was drawn before
        lines += fit(part, *pair, tmp_path, checkpoint_s=0, stop_after_steps=stop)
    assert lines == log
    assert_same_bits(load_checkpoint(tmp_path / "last.pt"), load_checkpoint(folder / "last.pt"))
    assert_same_bits(load_checkpoint(tmp_path / "best.pt"), load_checkpoint(folder / "best.pt"))


@pytest.mark.slow
def test_resumed_run_remembers_its_best(
    pack: Pack, pair: tuple[Examples, Examples], tmp_path: Path
) -> None:
    first = begin(pack, pair)
    first.best_accuracy = 1.0
    list(fit(first, *pair, tmp_path, checkpoint_s=0, stop_after_steps=3))
    second = begin(pack, pair)
    second.restore(load_checkpoint(tmp_path / "last.pt"))
    list(fit(second, *pair, tmp_path))
    assert load_checkpoint(tmp_path / "last.pt")["step"] == STEPS
    assert not (tmp_path / "best.pt").exists()  # nothing was better


def test_seed_decides_the_run(
    pack: Pack,
    pair: tuple[Examples, Examples],
    whole_run: tuple[Path, list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    other = replace(CONFIG, train=replace(CONFIG.train, seed=1, epochs=1))
    (line,) = fit(begin(pack, pair, other), *pair, tmp_path)
    assert line["loss"] != whole_run[1][0]["loss"]


@pytest.mark.slow
def test_interrupted_command_resumes_exactly(
    shapes_npz: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-u", "-m", "training.train", str(shapes_npz), "-o", str(folder)]
    process = subprocess.Popen(
        [*command, *MACHINE, *RECIPE, "--checkpoint-minutes", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()  # one epoch is through
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.splitlines()[-1]) == (130, "Interrupted.")
    assert "Traceback" not in err
    assert 0 < load_checkpoint(folder / "last.pt")["step"] < 72

    options = [str(shapes_npz), "-o", str(folder), "--resume", *MACHINE]
    assert train.main(options) == 0
    assert capsys.readouterr().out.endswith("best.pt: 100.00 % on validation.\n")
    assert log_of(folder) == log_of(trained)
    for name in ("last.pt", "best.pt"):
        assert_same_bits(load_checkpoint(folder / name), load_checkpoint(trained / name))
    # A run that is through has nothing left to do.
    assert train.main(options) == 0
    assert log_of(folder) == log_of(trained)


@pytest.mark.slow
def test_log_line_after_the_last_checkpoint_is_done_again(shapes_npz: Path, tmp_path: Path) -> None:
    """Killed between an epoch's line and its checkpoint, a run does that epoch twice, and logs it
    once."""
    train_shapes(shapes_npz, tmp_path / "run", "--epochs", "2")
    wanted = log_of(tmp_path / "run")
    state = load_checkpoint(tmp_path / "run" / "last.pt")
    log = tmp_path / "run" / "log.jsonl"
    log.write_text(
        "".join(json.dumps(line) + "\n" for line in [*wanted, wanted[-1] | {"step": 18}])
    )
    assert state["step"] == 12
    assert train.main([str(shapes_npz), "-o", str(tmp_path / "run"), "--resume", *MACHINE]) == 0
    assert read_log(log, 12) == wanted


def test_losses_differ_in_what_they_train(
    pack: Pack, pair: tuple[Examples, Examples], tmp_path: Path
) -> None:
    runs: dict[str, Trainer] = {}
    attention = "attention.encoder.0.weight"
    untrained = begin(pack, pair).net.state_dict()[attention].clone()
    for loss in ("softmax", "centre", "dacl"):
        config = replace(CONFIG, train=replace(CONFIG.train, loss=loss, centre_weight=0.5))
        runs[loss] = begin(pack, pair, config)
        for rows in draw_epoch_rows(pair[0], config.train, 0)[:3]:
            runs[loss].step(pair[0], rows, STEPS)
    weights = [run.net.backbone.stem[0].weight for run in runs.values()]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not torch.equal(weights[a], weights[b])
    centres = {loss: run.centre_loss.centres.abs().sum() for loss, run in runs.items()}
    assert centres["softmax"] == 0
    assert centres["dacl"] > 0
    assert centres["centre"] > centres["dacl"]  # full attention pulls harder
    trains_attention = {
        loss: not torch.equal(run.net.state_dict()[attention], untrained)
        for loss, run in runs.items()
    }
    assert trains_attention == {"softmax": False, "centre": False, "dacl": True}
    assert "centre_loss" not in runs["softmax"].sums


def test_lambda_does_not_scale_the_centre_update(
    pack: Pack, pair: tuple[Examples, Examples]
) -> None:
    centres = []
    for weight in (0.0, 0.01, 10.0):
        config = replace(CONFIG, train=replace(CONFIG.train, centre_weight=weight))
        run = begin(pack, pair, config)
        run.step(pair[0], torch.arange(16), STEPS)
        centres.append(run.centre_loss.centres)
    assert centres[0].abs().sum() > 0
    assert torch.equal(centres[0], centres[1])
    assert torch.equal(centres[0], centres[2])


def test_half_precision_trains_too(pack: Pack, pair: tuple[Examples, Examples]) -> None:
    machine = replace(FP32, autocast=True)
    run = Trainer(CONFIG, gather_facts(pack, pair[0]), machine)
    for rows in draw_epoch_rows(pair[0], CONFIG.train, 0)[:2]:
        run.step(pair[0], rows, STEPS)
    assert math.isfinite(run.sums["loss"])
    assert run.net.classifier.weight.dtype == torch.float32
    assert run.centre_loss.centres.dtype == torch.float32


def test_epoch_shows_every_picture_once_in_a_new_order(pair: tuple[Examples, Examples]) -> None:
    config = replace(CONFIG.train, batch_size=36)
    first, second = (torch.cat(draw_epoch_rows(pair[0], config, epoch)) for epoch in (0, 1))
    assert [len(rows) for rows in draw_epoch_rows(pair[0], config, 0)] == [36, 36]  # of 96
    assert len(first.unique()) == 72
    assert not torch.equal(first, second)
    assert torch.equal(first, torch.cat(draw_epoch_rows(pair[0], config, 0)))
    assert [len(r) for r in draw_epoch_rows(pair[0], replace(config, batch_size=500), 0)] == [96]


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.04), (10, 0.52), (20, 1.0), (60, 0.5), (99, 0.0004), (100, 0.0)]
)
def test_learning_rate_goes_up_in_a_line_and_down_in_a_cosine(step: int, rate: float) -> None:
    config = TrainConfig(learning_rate=2.0, warmup=0.2)
    assert compute_learning_rate(config, step, 100) == pytest.approx(2 * rate, abs=1e-4)


def test_average_follows_quickly_at_first(pack: Pack, pair: tuple[Examples, Examples]) -> None:
    run = begin(pack, pair)
    before = run.net.classifier.weight.detach().clone()
    run.step(pair[0], torch.arange(16), STEPS)
    after = run.net.classifier.weight
    torch.testing.assert_close(run.averaged.classifier.weight, 0.1 * before + 0.9 * after)
    run.config = replace(CONFIG, train=replace(CONFIG.train, average=0.05))
    mean = run.averaged.classifier.weight.clone()
    run.step(pair[0], torch.arange(16), STEPS)
    now = run.net.classifier.weight
    torch.testing.assert_close(run.averaged.classifier.weight, 0.05 * mean + 0.95 * now)


def test_folder_with_something_in_it_is_not_written_into(
    shapes_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").touch()
    assert "is not empty. Choose another -o" in read_training_error(
        capsys, shapes_npz, "-o", tmp_path
    )
    for path in (tmp_path / "notes.txt", tmp_path / "notes.txt" / "run"):
        assert "is not a folder. Choose another -o." in read_training_error(
            capsys, shapes_npz, "-o", path
        )
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
    message = read_training_error(capsys, shapes_npz, "-o", tmp_path, "--resume")
    assert "holds no checkpoint to go on from" in message


def test_run_is_resumed_only_as_it_began(
    shapes_npz: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resume = ("-o", trained, "--resume", *MACHINE)
    message = read_training_error(capsys, shapes_npz, *resume, "--width", "32", "--seed", "0")
    assert "has another recipe (model.width: 8 and 32 asked for)" in message
    assert train.main([str(option) for option in (shapes_npz, *resume, *RECIPE)]) == 0
    other = write_shapes(tmp_path / "other.npz", seed=1)
    assert "other.npz is not the data that the run began with" in read_training_error(
        capsys, other, *resume
    )


def test_run_is_resumed_with_the_weights_that_it_began_with_or_none(
    shapes_npz: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init, run = trained / "best.pt", tmp_path / "run"
    train_shapes(shapes_npz, run, "--epochs", "1", "--init", str(init))
    other = train_shapes(shapes_npz, tmp_path / "other", "--epochs", "1") / "best.pt"
    resume = ("-o", run, "--resume", *MACHINE)
    for wrong, message in (
        (other, "did not begin with"),
        (tmp_path / "gone.pt", "could not be read"),
    ):
        assert message in read_training_error(capsys, shapes_npz, *resume, "--init", wrong)
    plain = ("-o", tmp_path / "other", "--resume", *MACHINE, "--init", init)
    assert "did not begin with" in read_training_error(capsys, shapes_npz, *plain)
    for right in ((), ("--init", init)):
        assert train.main([str(word) for word in (shapes_npz, *resume, *right)]) == 0


def test_run_that_was_stopped_before_its_first_checkpoint_begins_as_it_was_asked_to(
    shapes_npz: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init, run = trained / "best.pt", tmp_path / "run"
    train_shapes(shapes_npz, run, "--epochs", "1", "--init", str(init))
    whole = load_checkpoint(run / "last.pt")
    facts = (run / "run.json").read_text()
    other = train_shapes(shapes_npz, tmp_path / "other", "--epochs", "1") / "best.pt"

    def stop_early(folder: str) -> Path:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "run.json").write_text(facts)
        return tmp_path / folder

    words = ("--resume", *MACHINE)
    again = stop_early("again")
    assert train.main([str(word) for word in (shapes_npz, "-o", again, *words)]) == 0
    assert_same_bits(load_checkpoint(again / "last.pt"), whole)
    capsys.readouterr()
    options = [str(word) for word in (shapes_npz, "-o", stop_early("wrong"), *words)]
    assert run_entry_point(lambda: train.main([*options, "--init", str(other)])) == 2
    assert "began with other weights" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", ["dlib", "paper"])
def test_recipe_of_a_resumed_run_is_no_other(
    shapes_npz: Path, trained: Path, capsys: pytest.CaptureFixture[str], recipe: str
) -> None:
    resume = ("-o", trained, "--resume", *MACHINE, "--recipe", recipe)
    message = read_training_error(capsys, shapes_npz, *resume)
    assert "has another recipe (train." in message
    assert message.count(" and ") <= 3
    assert re.search(r"; \d+ more asked for\)", message)


def test_dlibs_network_without_its_weights_is_said(
    shapes_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--recipe", "dlib", "--size-px", "64", "--epochs", "1", "--batch-size", "96")
    words = (shapes_npz, "-o", tmp_path / "run", *MACHINE, *options, "--loss", "softmax")
    assert train.main([str(word) for word in words]) == 0
    assert "Note: dlib's network begins with random weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--epochs 0", "epochs must be at least 1"),
        ("--batch-size 1", "the batch size at least 2"),
        ("--size-px 4", "the size must be in 8..1024"),
        ("--size-px 5000", "the size must be in 8..1024"),
        ("--learning-rate 0", "the learning rate must be positive"),
        ("--learning-rate nan", "the learning rate must be positive"),
        ("--centre-weight -1", "must not be negative"),
        ("--weight-decay -1", "must not be negative"),
        ("--centre-rate 1.5", "the centre rate must be in 0..1"),
        ("--momentum 0", "momentum must be between 0 and 1"),
        ("--average 1", "average and warmup must be in 0..1"),
        ("--warmup nan", "average and warmup must be in 0..1"),
        ("--seed -1", "the seed must be a whole number"),
        ("--sam -1", "sam must not be negative"),
        ("--outliers 0.6", "outliers are a share of each batch, in 0..0.5"),
        ("--width 0", "width and blocks must be at least 1"),
        ("--dropout 1", "dropout must be in 0..1"),
        ("--rotation-deg -5", "the rotation must be in 0..180 degrees"),
        ("--scale -2", "must not be negative"),
        ("--erase 2", "erase is a share"),
        ("--mixup -1", "must not be negative"),
        ("--cutmix -1", "must not be negative"),
        ("--growth 9", "growth must be in 1..4"),
        ("--excite -2", "excite must be 0 or"),
    ],
)
def test_impossible_recipe_is_named(
    shapes_npz: Path,
    tmp_path: Path,
    options: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = read_training_error(capsys, shapes_npz, "-o", tmp_path / "run", *options.split())
    assert said.startswith("The recipe cannot be: ")
    assert message in said


def test_missing_device_is_named(
    shapes_npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = read_training_error(capsys, shapes_npz, "-o", tmp_path / "run", "--device", "cuda")
    assert message == "No CUDA device works here. Try --device cpu."
    assert ComputeDevice.choose("auto", "fp32", False).device.type == "cpu"


def test_missing_data_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no.npz is missing" in read_training_error(
        capsys, tmp_path / "no.npz", "-o", tmp_path / "run"
    )


def test_loss_that_runs_away_ends_the_run(
    pack: Pack, pair: tuple[Examples, Examples], tmp_path: Path
) -> None:
    config = replace(CONFIG, train=replace(CONFIG.train, learning_rate=1e30, warmup=0))
    with pytest.raises(TrainingError, match="The loss is not finite at step"):
        list(fit(begin(pack, pair, config), *pair, tmp_path))


def test_network_that_runs_away_in_its_last_step_is_not_kept(
    pack: Pack, pair: tuple[Examples, Examples], tmp_path: Path
) -> None:
    """The loss is measured before a step, so that validation alone sees the last one."""
    train = replace(CONFIG.train, learning_rate=1e30, warmup=0, batch_size=96, epochs=1)
    with pytest.raises(TrainingError, match=r"no finite numbers after epoch 1\. Lower --learn"):
        list(fit(begin(pack, pair, replace(CONFIG, train=train)), *pair, tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("weights", ["net", "averaged"])
def test_weights_that_are_no_numbers_are_not_judged(
    pack: Pack, pair: tuple[Examples, Examples], weights: str
) -> None:
    trainer = begin(pack, pair)
    trainer.add_validation({"epoch": 3}, pair[1])
    with torch.no_grad():
        getattr(trainer, weights).classifier.bias[1] = math.nan
    with pytest.raises(TrainingError, match="gives no finite numbers after epoch 3"):
        trainer.add_validation({"epoch": 3}, pair[1])


@pytest.mark.parametrize(
    ("name", "failure", "message"),
    [
        ("step", torch.OutOfMemoryError("CUDA out of memory"), "memory is too small for this. Lo"),
        ("forward", RuntimeError("No compiler\nmore"), "does not work here (No compiler)."),
    ],
)
def test_machine_that_cannot_is_named(
    shapes_npz: Path,
    tmp_path: Path,
    name: str,
    failure: Exception,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*arguments: object) -> None:
        raise failure

    if name == "step":
        monkeypatch.setattr(Trainer, "step", fail)
    monkeypatch.setattr(torch, "compile", lambda net: fail)
    with pytest.raises(TrainingError) as caught:
        train_shapes(shapes_npz, tmp_path / "run", "--compile")
    assert message in str(caught.value)


def test_failed_write_keeps_the_last_checkpoint(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.pt"
    checkpoint.save_checkpoint(path, {"step": 1})

    def fill_the_disk(state: object, file: Any) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    def fill_the_disk_as_torch_tells(state: object, file: Any) -> None:
        try:
            fill_the_disk(state, file)
        except OSError:
            raise RuntimeError("[enforce fail] . unexpected pos 704 vs 598")  # noqa: B904

    for save in (fill_the_disk, fill_the_disk_as_torch_tells):
        monkeypatch.setattr(torch, "save", save)
        with pytest.raises(TrainingError, match=r"last\.pt could not be written: No space left"):
            checkpoint.save_checkpoint(path, {"step": 2})
    assert load_checkpoint(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]


def test_log_that_cannot_be_written_or_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="could not be written: No such file"):
        write_text_file(tmp_path / "gone" / "log.jsonl", "{}")
    (tmp_path / "log.jsonl").write_text("{")
    with pytest.raises(TrainingError, match=r"is damaged\. Move it away"):
        read_log(tmp_path / "log.jsonl", 1)
    assert read_log(tmp_path / "none.jsonl", 1) == []


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_damaged_checkpoint_is_named(trained: Path, tmp_path: Path, share: float) -> None:
    content = (trained / "best.pt").read_bytes()
    path = tmp_path / "best.pt"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(TrainingError, match=r"best\.pt is not a checkpoint"):
        load_trained(path)


@pytest.mark.parametrize("content", [b"hello", b"}\x00bc", b"\x80\x02]0.", b"PK\x03\x04" * 20])
def test_other_file_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(TrainingError, match=r"x\.pt is not a checkpoint of this program"):
        load_checkpoint(tmp_path / "x.pt")


def packed_zeros(path: Path) -> None:
    """A checkpoint of 100 MB of zeros, in a file of 100 kB."""
    plain = path.with_name("plain.pt")
    torch.save({"format": 1, "zeros": torch.zeros(25_000_000)}, plain)
    with zipfile.ZipFile(plain) as whole, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as small:
        for entry in whole.infolist():
            small.writestr(entry.filename, whole.read(entry))
    plain.unlink()


@pytest.mark.slow
def test_checkpoint_that_unpacks_to_more_than_it_is_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed_zeros(tmp_path / "small.pt")
    assert (tmp_path / "small.pt").stat().st_size < 1 << 20
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(TrainingError, match=r"small\.pt is not a checkpoint of this program"):
        load_checkpoint(tmp_path / "small.pt")
    with pytest.raises(TrainingError, match=r"small\.pt holds no weights that can be read safely"):
        read_weights(tmp_path / "small.pt")


def test_checkpoint_of_another_version_is_named(trained: Path, tmp_path: Path) -> None:
    torch.save({"format": 2}, tmp_path / "new.pt")
    with pytest.raises(TrainingError, match="not a checkpoint that this version"):
        load_checkpoint(tmp_path / "new.pt")
    state = load_checkpoint(trained / "best.pt")
    state["config"]["train"]["wings"] = 2
    checkpoint.save_checkpoint(tmp_path / "wings.pt", state)
    with pytest.raises(TrainingError, match=r"recipe does not fit this version.*wings"):
        load_trained(tmp_path / "wings.pt")


def test_single_picture_is_not_enough(pack: Pack) -> None:
    rows = pack.find_rows("train")[1:]
    split = pack.split.copy()
    split[rows] = 2
    with pytest.raises(DataError, match="a single usable training picture"):
        load_pair(replace(pack, split=split), CONFIG, torch.device("cpu"))


def commands() -> list[tuple[Any, list[str], argparse.ArgumentParser]]:
    """(module, sub-command, parser) of everything in `training` that is a command."""
    found = []
    for path in sorted((ROOT / "training").glob("*.py")):
        if "def parser()" not in path.read_text(encoding="utf-8"):
            continue
        module = importlib.import_module(f"training.{path.stem}")
        parser = module.parser()
        found.append((module, [], parser))
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                found += [(module, [name], kind) for name, kind in action.choices.items()]
    return found


def test_commands_are_found() -> None:
    names = {parser.prog for _, _, parser in commands()}
    assert {
        *(f"python -m training.{name}" for name in ("train", "evaluate", "export", "prepare")),
        *("python -m training.prepare ferplus", "python -m training.prepare folder"),
    } <= names


@pytest.mark.parametrize(
    ("module", "words", "parser"), commands(), ids=[parser.prog[19:] for _, _, parser in commands()]
)
def test_help_explains_every_option(
    module: Any,
    words: list[str],
    parser: argparse.ArgumentParser,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        module.main([*words, "--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            assert all(choice.help for choice in action._choices_actions)
            continue
        assert action.help, action
        assert all(option in shown for option in action.option_strings)


def test_paper_recipe_is_the_published_configuration() -> None:
    options = train.parser().parse_args(["d.npz", "-o", "run", "--recipe", "paper"])
    config = read_recipe(vars(options), RECIPE_MAKERS[options.recipe]())
    assert (config.train.size_px, config.train.colour, config.model.width) == (224, "rgb", 64)
    assert (config.train.centre_weight, config.train.centre_rate) == (0.01, 0.5)
    assert (config.train.batch_size, config.train.epochs, config.train.nesterov) == (64, 60, False)
    assert (config.augment.crops, config.augment.mixup, config.model.dropout) == ("five", 0, 0)
    rates = [compute_learning_rate(config.train, epoch * 10, 600) for epoch in (0, 19, 20, 40, 59)]
    assert rates == pytest.approx([1e-2, 1e-2, 1e-3, 1e-4, 1e-4])
    with torch.device("meta"):
        net = checkpoint.build_network(config, 7)
    sizes = [layer.weight.shape for layer in net.attention.encoder[::3]]
    assert sizes == [(3584, 25088), (512, 3584), (64, 512)]
    assert net.attention.heads.weight.shape == (1024, 64)


def test_lambda_rises_over_its_warm_up() -> None:
    config = TrainConfig(centre_weight=0.1, centre_warmup=0.5)
    weights = [compute_centre_weight(config, step, 100) for step in (0, 25, 50, 99)]
    assert weights == pytest.approx([0.0, 0.05, 0.1, 0.1])
    assert compute_centre_weight(replace(config, centre_warmup=0.0), 0, 100) == 0.1


@pytest.mark.parametrize(
    ("options", "moved"),
    [
        ({"scale_centres": True}, 0.01),
        ({"scale_centres": False}, 1.0),
    ],
)
def test_lambda_scales_the_centres_only_if_asked(
    pack: Pack, pair: tuple[Examples, Examples], options: dict[str, bool], moved: float
) -> None:
    """The first step's update, from centres of 0, is in proportion to the rate."""
    whole = begin(pack, pair, replace(CONFIG, train=replace(CONFIG.train, centre_weight=0.0)))
    other = begin(
        pack, pair, replace(CONFIG, train=replace(CONFIG.train, centre_weight=0.01, **options))
    )
    rows = draw_epoch_rows(pair[0], CONFIG.train, 0)[0]
    for trainer in (whole, other):
        trainer.step(pair[0], rows, STEPS)
    torch.testing.assert_close(
        other.centre_loss.centres, moved * whole.centre_loss.centres, atol=1e-6, rtol=1e-4
    )
    assert whole.centre_loss.centres.abs().max() > 1e-3


@pytest.mark.slow
def test_pull_holds_the_attention_at_its_mean(pack: Pack, pair: tuple[Examples, Examples]) -> None:
    def mean_attention(**options: float) -> float:
        train_config = replace(CONFIG.train, centre_weight=0.0, **options)
        trainer = begin(pack, pair, replace(CONFIG, train=train_config))
        for epoch in range(3):
            for rows in draw_epoch_rows(pair[0], train_config, epoch):
                trainer.step(pair[0], rows, STEPS)
        _, attention = predict(trainer.net, pair[1], with_attention=True)
        return float(attention.mean())

    free, low = mean_attention(), mean_attention(attention_pull=20.0, attention_keep=0.2)
    assert free == pytest.approx(0.5, abs=0.1)
    assert low < free - 0.08
