"""Rare classes: FER2013's own labels as votes, biases that begin with the class shares, and last
epochs in which all classes come equally often."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.errors import DataError, TrainingError
from tests.support.training_runs import FP32
from training.checkpoints.checkpoint import save_checkpoint
from training.config.run_config import RunConfig
from training.config.train_config import TrainConfig
from training.datasets.examples import Examples
from training.datasets.pack import Pack, PackedSample, PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.readers import FERPLUS_LABELS, FERPLUS_VOTES, NO_LABEL
from training.datasets.split_pair import gather_facts, load_pair
from training.datasets.webp import encode_webp
from training.network.model import ModelConfig
from training.run.begin import load_beginning
from training.run.finetune import make_fine_tuning_recipe
from training.run.rehearsal import shorten_recipe
from training.run.schedule import compute_learning_rate, draw_epoch_rows
from training.run.trainer import Trainer

NEUTRAL, DISGUST, FEAR, CONTEMPT = (
    FERPLUS_LABELS.index(name) for name in ("neutral", "disgust", "fear", "contempt")
)
VOTES = {"clear": [6, 0, 0, 0, 2, 2, 0, 0, 0, 0], "won by unknown": [3, 0, 0, 0, 0, 0, 0, 0, 7, 0]}
CONFIG = RunConfig(
    train=TrainConfig(size_px=24, batch_size=8, epochs=4, learning_rate=0.1),
    model=ModelConfig(width=4, blocks=1),
)
BALANCED = replace(CONFIG, train=replace(CONFIG.train, balanced_epochs=1))
STEPS = 40  # of four epochs


def make_pack(path: Path, rows: list[tuple[str, list[int], int]]) -> Pack:
    pixels = np.random.default_rng(0).integers(0, 256, (len(rows), 48, 48), np.uint8)
    samples = [
        PackedSample(
            encode_webp(picture),
            split,
            np.array(votes, np.uint8),
            np.full((6, 2), np.nan, np.float32),
            str(number),
            own,
        )
        for number, (picture, (split, votes, own)) in enumerate(zip(pixels, rows, strict=True))
    ]
    write_pack(path, PackMeta("FER+", "ferplus", FERPLUS_LABELS, FERPLUS_VOTES, {}), samples)
    return read_pack(path)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Training faces by what FER2013 itself calls them, and one of them again for validation."""
    rows = [
        ("train", VOTES["clear"], NEUTRAL),
        ("train", VOTES["clear"], DISGUST),
        ("train", VOTES["clear"], FEAR),
        ("train", VOTES["clear"], NO_LABEL),
        ("train", VOTES["won by unknown"], DISGUST),
        ("valid", VOTES["clear"], DISGUST),
    ]
    return make_pack(tmp_path / "own.npz", rows)


@pytest.fixture
def uneven(tmp_path: Path) -> tuple[Pack, Examples]:
    """Nine neutral faces for every one of contempt."""
    rows = [
        ("train", [0] * 7 + [9, 0, 0] if number % 10 == 0 else [9] + [0] * 9, NO_LABEL)
        for number in range(80)
    ]
    pack = make_pack(tmp_path / "uneven.npz", [*rows, ("valid", [9] + [0] * 9, NO_LABEL)])
    return pack, load_pair(pack, CONFIG, torch.device("cpu"))[0]


def test_own_labels_of_disgust_and_fear_are_votes_in_training(pack: Pack) -> None:
    config = replace(CONFIG, train=replace(CONFIG.train, own_votes=10))
    train, valid = load_pair(pack, config, torch.device("cpu"))
    plain = [0.6, 0, 0, 0, 0.2, 0.2, 0, 0]
    disgust = [0.3, 0, 0, 0, 0.1, 0.6, 0, 0]
    fear = [0.3, 0, 0, 0, 0.1, 0.1, 0.5, 0]
    for found, expected in zip(train.soft, (plain, disgust, fear, plain), strict=True):
        assert found.tolist() == pytest.approx(expected)
    assert valid.soft[0].tolist() == pytest.approx(plain)
    assert train.labels.tolist() == [NEUTRAL] * 4


def test_a_pack_without_own_labels_is_said(uneven: tuple[Pack, Examples]) -> None:
    assert uneven[0].own is None
    config = replace(CONFIG, train=replace(CONFIG.train, own_votes=10))
    with pytest.raises(DataError, match=r"no labels of FER2013's own\. Prepare it again"):
        load_pair(uneven[0], config, torch.device("cpu"))


def test_biases_begin_with_the_logs_of_the_shares(uneven: tuple[Pack, Examples]) -> None:
    facts = gather_facts(*uneven)
    plain = Trainer(CONFIG, facts, FP32).net.classifier.bias
    config = replace(CONFIG, train=replace(CONFIG.train, logit_adjustment=0.5))
    trainer = Trainer(config, facts, FP32)
    moved = (trainer.net.classifier.bias - plain).detach()
    assert float(moved[NEUTRAL] - moved[CONTEMPT]) == pytest.approx(0.5 * np.log(9), abs=1e-5)
    assert trainer.averaged.classifier.bias.equal(trainer.net.classifier.bias)


@pytest.mark.parametrize(("epoch", "share"), [(0, 0.1), (2, 0.1), (3, 0.5)])
def test_all_classes_come_equally_often_in_the_last_epochs(
    uneven: tuple[Pack, Examples], epoch: int, share: float
) -> None:
    rows = torch.cat(
        [
            torch.cat(draw_epoch_rows(uneven[1], replace(BALANCED.train, seed=seed), epoch))
            for seed in range(20)
        ]
    )
    assert len(rows) == 1600
    found = (uneven[1].labels[rows] == CONTEMPT).float().mean()
    assert float(found) == pytest.approx(share, abs=0.06)


@pytest.mark.parametrize(("schedule"), ["one-cycle", "step"])
def test_the_rate_rises_again_for_the_balanced_epochs(schedule: str) -> None:
    config = replace(BALANCED.train, schedule=schedule, step_epochs=1)
    rates = [compute_learning_rate(config, step, STEPS) for step in range(STEPS)]
    shared = replace(config, epochs=3, balanced_epochs=0)
    assert rates[:30] == [compute_learning_rate(shared, step, 30) for step in range(30)]
    assert rates[30] == config.learning_rate
    assert rates[35] == pytest.approx(config.learning_rate / 2)
    assert rates[30:] == sorted(rates[30:], reverse=True)


@pytest.mark.parametrize("loss", ["softmax", "dacl"])
def test_the_classifier_alone_learns_in_balanced_epochs(
    uneven: tuple[Pack, Examples], loss: str
) -> None:
    config = replace(BALANCED, train=replace(BALANCED.train, loss=loss, sam=0.05))
    trainer = Trainer(config, gather_facts(*uneven), FP32)
    rows = torch.arange(8)
    for number, moving in ((0, {"backbone", "classifier"}), (30, {"classifier"})):
        trainer.step_number = number
        before = {name: value.clone() for name, value in trainer.net.state_dict().items()}
        trainer.step(uneven[1], rows, STEPS)
        moved = {
            name.partition(".")[0]
            for name, value in trainer.net.state_dict().items()
            if not value.equal(before[name])
        }
        assert moved - {"attention"} == moving
        assert ("attention" in moved) == (loss == "dacl" and number == 0)


def test_logits_stay_those_of_faces_as_they_come(uneven: tuple[Pack, Examples]) -> None:
    """On even batches, a classifier that knows nothing but the shares has nothing to learn."""
    pack, examples = uneven
    plain = replace(BALANCED.augment, mixup=0)
    config = replace(BALANCED, train=replace(BALANCED.train, loss="softmax"), augment=plain)
    trainer = Trainer(config, gather_facts(pack, examples), FP32)
    with torch.no_grad():
        trainer.net.classifier.weight.zero_()
        trainer.net.classifier.bias.copy_(trainer.log_shares)
    contempt, neutral = (
        torch.nonzero(examples.labels == label)[:4, 0] for label in (CONTEMPT, NEUTRAL)
    )
    trainer.step_number = 30
    trainer.step(examples, torch.cat([contempt, neutral]), STEPS)
    moved = (trainer.net.classifier.bias - trainer.log_shares).detach()
    assert float(moved[CONTEMPT] - moved[NEUTRAL]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"balanced_epochs": 4}, "fewer than all epochs"),
        ({"own_votes": -1}, "own votes must be in 0..100"),
        ({"logit_adjustment": float("nan")}, "logit adjustment must be in 0..2"),
        ({"own_votes": 5, "targets": "majority"}, "own votes count among soft targets alone"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG.train, **changes)


def test_classes_cannot_be_balanced_without_a_majority(tmp_path: Path) -> None:
    rows = [("train", [3, 3, 3, *[0] * 7], NO_LABEL)] * 8
    pack = make_pack(tmp_path / "even.npz", [*rows, ("valid", VOTES["clear"], NO_LABEL)])
    assert load_pair(pack, CONFIG, torch.device("cpu"))[0].faces == 8
    with pytest.raises(DataError, match="Leave --balanced-epochs out"):
        load_pair(pack, BALANCED, torch.device("cpu"))


@pytest.mark.parametrize("own", [True, False], ids=["a checkpoint", "a state dict"])
def test_logit_adjustment_is_not_lost_in_a_classifier_that_is_given(
    uneven: tuple[Pack, Examples], tmp_path: Path, own: bool
) -> None:
    facts = gather_facts(*uneven)
    given = Trainer(CONFIG, facts, FP32)
    path = tmp_path / "given.pt"
    if own:
        save_checkpoint(path, given.state("net"))
    else:
        torch.save(given.net.state_dict(), path)
    config = replace(CONFIG, train=replace(CONFIG.train, logit_adjustment=1))
    with pytest.raises(TrainingError, match="Leave --logit-adjustment out"):
        load_beginning(Trainer(config, facts, FP32), path, uneven[1])
    load_beginning(Trainer(CONFIG, facts, FP32), path, uneven[1])


def test_features_may_be_given_beside_a_logit_adjustment(
    uneven: tuple[Pack, Examples], tmp_path: Path
) -> None:
    facts = gather_facts(*uneven)
    given = Trainer(CONFIG, facts, FP32).net.state_dict()
    path = tmp_path / "features.pth"
    torch.save({name: x for name, x in given.items() if "classifier" not in name}, path)
    config = replace(CONFIG, train=replace(CONFIG.train, logit_adjustment=1))
    trainer = Trainer(config, facts, FP32)
    before = trainer.net.classifier.bias.clone()
    load_beginning(trainer, path, uneven[1])
    assert trainer.averaged.classifier.bias.equal(before)


def test_few_pictures_of_ones_own_are_learned_without_measures_for_another_set() -> None:
    """A model whose training used FER2013's labels can be fine-tuned on pictures without them."""
    source = replace(
        CONFIG, train=replace(CONFIG.train, own_votes=5, logit_adjustment=1, balanced_epochs=2)
    )
    train = make_fine_tuning_recipe(source, 100, epochs=1).train
    assert (train.own_votes, train.logit_adjustment, train.balanced_epochs) == (0, 0, 0)


@pytest.mark.parametrize(
    ("epochs", "balanced", "scale", "found"),
    [(10, 4, 0.5, (5, 2)), (10, 9, 0.1, (1, 0)), (10, 8, 0.25, (2, 1)), (10, 0, 0.5, (5, 0))],
)
def test_rehearsal_shortens_the_balanced_epochs_too(
    epochs: int, balanced: int, scale: float, found: tuple[int, int]
) -> None:
    config = RunConfig(TrainConfig(epochs=epochs, balanced_epochs=balanced))
    train = shorten_recipe(config, scale).train
    assert (train.epochs, train.balanced_epochs) == found
