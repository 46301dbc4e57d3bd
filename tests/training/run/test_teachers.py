"""Students learn what teachers say, of each face once or of every batch, at any size."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from app.alignment import FACE_TEMPLATE
from app.recognition.classifier import Classifier
from tests.support.shapes import MACHINE, RECIPE, train_shapes
from tests.support.training_runs import FP32, assert_same_bits
from training import export, train
from training.base.cli import run_entry_point
from training.base.device import normalise_batch
from training.checkpoints.checkpoint import load_checkpoint, load_trained, save_checkpoint
from training.checkpoints.compact import write_compact
from training.checkpoints.digest import hash_checkpoint
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig
from training.datasets.examples import Examples
from training.datasets.pack import Pack
from training.datasets.pack_reader import read_pack
from training.datasets.split_pair import gather_facts, load_pair
from training.network.loss import compute_distillation, compute_soft_cross_entropy
from training.run.loop import fit
from training.run.run_folder import TAUGHT
from training.run.schedule import draw_epoch_rows
from training.run.teaching import CachedTeaching, LiveTeaching, prepare_teaching
from training.run.trainer import Trainer


@pytest.fixture(scope="module")
def pack(shapes_npz: Path) -> Pack:
    return read_pack(shapes_npz)


@pytest.fixture(scope="module")
def others(shapes_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Teachers of another size, of another colour and width, and of a wider crop."""
    folder = tmp_path_factory.mktemp("others")
    options = (
        ("--size-px", "32"),
        ("--colour", "rgb", "--width", "4", "--loss", "softmax"),
        ("--keep", "1.3"),
    )
    runs = [
        train_shapes(shapes_npz, folder / str(number), "--epochs", "4", *words)
        for number, words in enumerate(options)
    ]
    return tuple(run / "best.pt" for run in runs)


def student(trained: Path, *files: Path, **changes: Any) -> RunConfig:
    base = load_trained(trained / "best.pt").config
    augment = replace(base.augment, mixup=0.4, cutmix=1.0, rotation_deg=20, erase=0.3)
    teach = TeachConfig(teachers=tuple(map(hash_checkpoint, files)), **changes)
    return replace(base, augment=augment, teach=teach)


def ask(
    pack: Pack, config: RunConfig, *files: Path
) -> tuple[Examples, CachedTeaching | LiveTeaching]:
    examples, _ = load_pair(pack, config, FP32.device)
    teaching = prepare_teaching(files, config, pack, examples, FP32, None)
    assert isinstance(teaching, CachedTeaching | LiveTeaching)
    return examples, teaching


@torch.no_grad()
def says(file: Path, crops: Tensor, temperature: float = 1.0) -> Tensor:
    logits: Tensor = load_trained(file).net(normalise_batch(crops)).logits
    return (logits / temperature).softmax(dim=1)


def test_cached_view_is_the_mean_over_teachers_and_mirror_images(pack: Pack, trained: Path) -> None:
    files = (trained / "best.pt", trained / "last.pt")
    examples, teaching = ask(pack, student(trained, *files, teacher_temperature=2.0), *files)
    assert isinstance(teaching, CachedTeaching)
    crops = examples.cut_crops(torch.arange(96)).round()
    said = [says(file, view, 2.0) for file in files for view in (crops, crops.flip(3))]
    mean = torch.stack(said).mean(dim=0)
    torch.testing.assert_close(teaching.probabilities, mean, atol=1e-5, rtol=0)
    rows = torch.tensor([7, 0, 95])
    assert torch.equal(teaching.select_columns(rows), teaching.probabilities[rows])


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 1, 2], ids=["size", "colour", "frame"])
def test_teacher_sees_crops_of_its_own_kind(
    which: int, pack: Pack, trained: Path, others: tuple[Path, ...]
) -> None:
    file = others[which]
    _, teaching = ask(pack, student(trained, file), file)
    assert isinstance(teaching, CachedTeaching)
    own, _ = load_pair(pack, load_trained(file).config, FP32.device)
    crops = own.cut_crops(torch.arange(96)).round()
    said = (says(file, crops) + says(file, crops.flip(3))) / 2
    torch.testing.assert_close(teaching.probabilities, said, atol=1e-5, rtol=0)


def test_teacher_of_a_wider_frame_sees_more_around_the_landmarks(
    pack: Pack, trained: Path, others: tuple[Path, ...]
) -> None:
    found = np.full_like(pack.landmarks, np.nan)
    found[::2, :4] = FACE_TEMPLATE.targets() * 30 + 9  # every other face, well inside its picture
    pack = replace(pack, landmarks=found)
    _, teaching = ask(pack, student(trained, others[2]), others[2])
    assert isinstance(teaching, CachedTeaching)
    own, _ = load_pair(pack, load_trained(others[2]).config, FP32.device)
    tight, _ = load_pair(pack, load_trained(trained / "best.pt").config, FP32.device)
    wider = own.matrices[:, 0, 0] / tight.matrices[:, 0, 0]
    assert {round(float(share), 3) for share in wider} == {1.0, round(0.85 / 1.3, 3)}
    crops = own.cut_crops(torch.arange(96)).round()
    said = (says(others[2], crops) + says(others[2], crops.flip(3))) / 2
    torch.testing.assert_close(teaching.probabilities, said, atol=1e-5, rtol=0)


def trainer_of(pack: Pack, config: RunConfig, *files: Path) -> tuple[Trainer, Examples]:
    examples, teaching = ask(pack, config, *files)
    facts = gather_facts(pack, examples)
    return Trainer(config, facts, FP32, teaching=teaching), examples


def test_live_teachers_see_the_very_batch_of_the_student(pack: Pack, trained: Path) -> None:
    file = trained / "best.pt"
    trainer, examples = trainer_of(pack, student(trained, file, teacher_view="live"), file)
    work = trainer._make_share(examples, torch.arange(16))
    pixels = (work.x * 0.25 + 0.5) * 255
    assert work.taught is not None
    torch.testing.assert_close(work.taught, says(file, pixels), atol=1e-4, rtol=0)


def test_live_teacher_of_another_size_sees_the_same_change(
    pack: Pack, trained: Path, others: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Tensor] = []
    monkeypatch.setattr(
        "training.run.teachers.Teacher.predict",
        lambda self, crops, temperature: (shown.append(crops), torch.full((16, 3), 1 / 3))[1],
    )
    trainer, examples = trainer_of(
        pack, student(trained, others[0], teacher_view="live"), others[0]
    )
    work = trainer._make_share(examples, torch.arange(16))
    small, (large,) = (work.x * 0.25 + 0.5) * 255, shown
    assert large.shape == (16, 1, 32, 32)
    reduced = torch.nn.functional.interpolate(large, size=24, mode="area")
    for mine, theirs in zip(small, reduced, strict=True):
        assert torch.corrcoef(torch.stack([mine.flatten(), theirs.flatten()]))[0, 1] > 0.85
    assert (small - reduced).abs().mean() < 12


def test_cached_targets_are_mixed_as_the_votes_are(pack: Pack, trained: Path) -> None:
    """Teachers who say what the votes say change nothing, whatever is mixed."""
    file = trained / "best.pt"
    trainer, examples = trainer_of(pack, student(trained, file), file)
    trainer.teaching = CachedTeaching(examples.soft)
    work = trainer._make_share(examples, torch.arange(32))
    assert work.taught is not None
    torch.testing.assert_close(work.taught, work.votes)
    assert ((work.votes > 0.01) & (work.votes < 0.99)).any()


def test_weight_and_temperature_make_the_loss() -> None:
    torch.manual_seed(0)
    logits, taught = torch.randn(6, 4), torch.rand(6, 4).softmax(dim=1)
    by_hand = -(taught * (logits / 3).log_softmax(dim=1)).sum(dim=1).mean() * 9
    torch.testing.assert_close(compute_distillation(logits, taught, 3.0), by_hand)
    torch.testing.assert_close(
        compute_distillation(logits, taught, 1.0), compute_soft_cross_entropy(logits, taught)
    )


def test_weight_of_nothing_gives_the_run_without_teachers(pack: Pack, trained: Path) -> None:
    file = trained / "best.pt"
    with_teacher, examples = trainer_of(pack, student(trained, file, teacher_weight=0.0), file)
    config = replace(with_teacher.config, teach=TeachConfig())
    alone = Trainer(config, gather_facts(pack, examples), FP32)
    taught, _ = trainer_of(pack, student(trained, file, teacher_weight=1.0), file)
    for each in (with_teacher, alone, taught):
        for rows in draw_epoch_rows(examples, config.train, 0)[:3]:
            each.step(examples, rows, 30)
    assert_same_bits(with_teacher.net.state_dict(), alone.net.state_dict())
    assert not torch.equal(taught.net.classifier.weight, alone.net.classifier.weight)


@pytest.mark.slow
@pytest.mark.parametrize("view", ["cached", "live"])
def test_taught_run_resumes_exactly(view: str, pack: Pack, trained: Path, tmp_path: Path) -> None:
    files = (trained / "best.pt",)
    config = student(trained, *files, teacher_view=view)
    config = replace(config, train=replace(config.train, epochs=2, sam=0.05))

    def begin() -> Trainer:
        return trainer_of(pack, config, *files)[0]

    pair = load_pair(pack, config, FP32.device)
    for folder in ("whole", "parts"):
        (tmp_path / folder).mkdir()
    whole = list(fit(begin(), *pair, tmp_path / "whole"))
    lines = list(fit(begin(), *pair, tmp_path / "parts", checkpoint_s=0, stop_after_steps=4))
    second = begin()
    second.restore(load_checkpoint(tmp_path / "parts/last.pt"))
    lines += fit(second, *pair, tmp_path / "parts")
    assert lines == whole
    assert_same_bits(
        load_checkpoint(tmp_path / "parts/last.pt"), load_checkpoint(tmp_path / "whole/last.pt")
    )


@pytest.mark.slow
def test_command_learns_from_teachers_and_says_so(
    shapes_npz: Path,
    trained: Path,
    others: tuple[Path, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_compact(trained / "best.pt", tmp_path / "compact.pt")
    files = (tmp_path / "compact.pt", *others)
    words = [word for file in files for word in ("--teacher", str(file))]
    folder = train_shapes(
        shapes_npz, tmp_path / "run", *words, "--teacher-weight", "0.7", "--epochs", "3"
    )
    digests = [hash_checkpoint(file) for file in files]
    facts = json.loads((folder / "run.json").read_text())
    assert facts["config"]["teach"] == {
        "teachers": digests,
        "teacher_weight": 0.7,
        "teacher_temperature": 1.0,
        "teacher_view": "cached",
    }
    assert facts["teachers"] == [str(file.resolve()) for file in files]
    assert export.main([str(shapes_npz), str(folder / "best.pt"), "-o", f"{tmp_path}/m.onnx"]) == 0
    recipe = Classifier(tmp_path / "m.onnx", device="cpu").contract.recipe
    assert recipe["teach"]["teachers"] == digests

    # What was cached is enough to go on; without it the very files are needed.
    resume = [str(shapes_npz), "-o", str(folder), "--resume", *MACHINE]
    (tmp_path / "compact.pt").write_bytes((trained / "last.pt").read_bytes())
    assert train.main(resume) == 0
    (folder / TAUGHT).unlink()
    capsys.readouterr()
    assert run_entry_point(lambda: train.main(resume)) == 2
    assert "compact.pt is not the file that the run began with" in capsys.readouterr().err
    assert run_entry_point(lambda: train.main([*resume, "--teacher", str(others[0])])) == 2
    assert "has another recipe (teach.teachers: " in capsys.readouterr().err


def test_cache_of_other_teachers_is_not_taken(pack: Pack, trained: Path, tmp_path: Path) -> None:
    kept = {}
    for file, temperature in (("best.pt", 1.0), ("best.pt", 3.0), ("last.pt", 1.0)):
        config = student(trained, trained / file, teacher_temperature=temperature)
        examples, _ = load_pair(pack, config, FP32.device)
        prepare_teaching((trained / file,), config, pack, examples, FP32, tmp_path)
        kept[file, temperature] = load_checkpoint(tmp_path / TAUGHT)
    assert len({state["key"] for state in kept.values()}) == 3


def test_kept_cache_is_taken_as_it_is(pack: Pack, trained: Path, tmp_path: Path) -> None:
    file = trained / "best.pt"
    config = student(trained, file)
    examples, _ = load_pair(pack, config, FP32.device)
    prepare_teaching((file,), config, pack, examples, FP32, tmp_path)
    state = load_checkpoint(tmp_path / TAUGHT)
    save_checkpoint(tmp_path / TAUGHT, state | {"probabilities": torch.full((96, 3), 0.25)})
    taken = prepare_teaching((), config, pack, examples, FP32, tmp_path)
    assert isinstance(taken, CachedTeaching)
    assert (taken.probabilities == 0.25).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--teacher-weight 0.5", "The teacher options need a teacher. Add --teacher FILE.pt."),
        ("--teacher {gone}", "could not be read: No such file"),
        ("--teacher {text}", "is not a checkpoint of this program"),
        ("--teacher {best} --teacher-weight 1.5", "the teacher weight is a share, in 0..1"),
        ("--teacher {best} --teacher-temperature 0", "the teacher temperature must be positive"),
        ("--teacher {strange}", "knows a, b, c; the data has frame, disc, cross. Choose teachers"),
    ],
)
def test_teacher_that_cannot_be_is_named(
    words: str,
    message: str,
    shapes_npz: Path,
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "text.pt").write_text("no")
    state = load_checkpoint(trained / "best.pt")
    state["facts"]["labels"] = ("a", "b", "c")
    save_checkpoint(tmp_path / "strange.pt", state)
    files = {name: tmp_path / f"{name}.pt" for name in ("gone", "text", "strange")}
    said = words.format(best=trained / "best.pt", **files).split()
    command = [str(shapes_npz), "-o", str(tmp_path / "run"), *MACHINE, *RECIPE, *said]
    assert run_entry_point(lambda: train.main(command)) == 2
    err = capsys.readouterr().err
    assert (err.count("\n"), err[:7]) == (1, "error: ")
    assert message in err


def test_recipes_from_before_teachers_have_none_and_keep_the_whole_frame(trained: Path) -> None:
    values = load_checkpoint(trained / "best.pt")["config"]
    del values["teach"]
    for name in ("sam", "outliers", "keep"):
        del values["train"][name]
    now = load_trained(trained / "best.pt").config
    assert now.train.keep == 0.85
    assert RunConfig.from_dict(values) == replace(now, train=replace(now.train, keep=1.0))


def test_taught_loss_is_finite_in_half_precision(pack: Pack, trained: Path) -> None:
    file = trained / "best.pt"
    config = student(trained, file, teacher_view="live", teacher_weight=1.0)
    examples, _ = load_pair(pack, config, FP32.device)
    half = replace(FP32, autocast=True)
    teaching = prepare_teaching((file,), config, pack, examples, half, None)
    trainer = Trainer(config, gather_facts(pack, examples), half, teaching=teaching)
    trainer.step(examples, torch.arange(16), 10)
    assert math.isfinite(trainer.sums["loss"])
