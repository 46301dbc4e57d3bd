"""Pictures of no expression that people agree on: left out, or learned as even between all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.errors import DataError
from tests.support.shapes import draw
from tests.support.training_runs import FP32, read_training_error
from training.checkpoints.checkpoint import save_checkpoint
from training.checkpoints.digest import hash_checkpoint
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig
from training.config.train_config import TrainConfig
from training.datasets.examples import find_outlier_rows
from training.datasets.pack import Pack, PackedSample, PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.readers import FERPLUS_LABELS, FERPLUS_VOTES, NO_LABEL
from training.datasets.split_pair import gather_facts, load_pair
from training.datasets.webp import encode_webp
from training.network.model import ModelConfig
from training.run.schedule import draw_epoch_rows
from training.run.teaching import CachedTeaching, LiveTeaching, prepare_teaching
from training.run.trainer import Trainer

CONFIG = RunConfig(
    train=TrainConfig(size_px=24, batch_size=16, epochs=1, outliers=0.2),
    model=ModelConfig(width=4, blocks=1),
)
FACES, OUTLIERS = 40, 5


def votes_of(number: int) -> list[int]:
    """Ten votes; of every ninth picture most go to unknown or to not a face."""
    votes = [0] * 10
    if number % 9 == 8:
        votes[8 + number % 2], votes[0] = 7, 3
    else:
        votes[number % 2], votes[2] = 7, 3
    return votes


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    generator = np.random.default_rng(0)
    meta = PackMeta("FER+", "ferplus", FERPLUS_LABELS, FERPLUS_VOTES, {})
    path = tmp_path_factory.mktemp("outliers") / "faces.npz"
    write_pack(
        path,
        meta,
        [
            PackedSample(
                webp=encode_webp(draw(("frame", "disc")[number % 2], generator, 8.0)),
                split=split,
                votes=np.array(votes_of(number), np.uint8),
                landmarks=np.full((6, 2), np.nan, np.float32),
                name=f"{split}{number}",
            )
            for split in ("train", "valid")
            for number in range(FACES + OUTLIERS)
        ],
    )
    return read_pack(path)


@pytest.mark.parametrize(
    ("votes", "outlier"),
    [
        ([3, 0, 0, 0, 0, 0, 0, 0, 7, 0], True),
        ([2, 2, 0, 0, 0, 0, 0, 0, 0, 6], True),
        ([5, 0, 0, 0, 0, 0, 0, 0, 5, 0], False),
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], False),  # nobody wins
        ([0] * 10, False),
    ],
)
def test_outliers_are_won_by_unknown_or_no_face(votes: list[int], outlier: bool) -> None:
    rows = np.array([votes], np.uint8)
    assert find_outlier_rows(rows, 8, "ferplus").tolist() == ([0] if outlier else [])
    assert find_outlier_rows(rows, 10, "single").tolist() == []


@pytest.mark.parametrize("targets", ["soft", "majority"])
def test_outliers_come_last_with_even_targets_and_no_label(pack: Pack, targets: str) -> None:
    config = replace(CONFIG, train=replace(CONFIG.train, targets=targets))
    train, valid = load_pair(pack, config, FP32.device)
    assert (train.faces, train.outliers, len(train)) == (FACES, OUTLIERS, FACES + OUTLIERS)
    assert (train.soft[FACES:] == 1 / 8).all()
    assert (train.labels[FACES:] == NO_LABEL).all()
    assert train.soft[:FACES].max() > 0.5
    assert (valid.outliers, len(valid)) == (0, FACES)
    without = replace(config, train=replace(config.train, outliers=0.0))
    plain, _ = load_pair(pack, without, FP32.device)
    assert (plain.outliers, len(plain)) == (0, FACES)
    assert gather_facts(pack, train) == gather_facts(pack, plain)  # the priors are of faces


def test_each_batch_has_its_share_and_each_face_its_turn(pack: Pack) -> None:
    train, _ = load_pair(pack, CONFIG, FP32.device)
    batches = draw_epoch_rows(train, CONFIG.train, 0)
    assert [len(rows) for rows in batches] == [16, 16, 16]  # 13 faces and 3 outliers
    assert all(int((rows >= FACES).sum()) == 3 for rows in batches)
    shown = torch.cat(batches)
    assert len(shown[shown < FACES].unique()) == 39
    turns = torch.bincount(shown[shown >= FACES] - FACES)
    assert turns.tolist() == pytest.approx([2] * 5, abs=1)
    assert not torch.equal(shown, torch.cat(draw_epoch_rows(train, CONFIG.train, 1)))


@pytest.mark.parametrize("view", ["cached", "live"])
def test_teachers_have_no_say_on_outliers(view: str, pack: Pack, tmp_path: Path) -> None:
    train, _ = load_pair(pack, CONFIG, FP32.device)
    teacher = tmp_path / "teacher.pt"
    save_checkpoint(teacher, Trainer(CONFIG, gather_facts(pack, train), FP32).state("net"))
    teach = TeachConfig((hash_checkpoint(teacher),), teacher_view=view)
    config = replace(CONFIG, augment=replace(CONFIG.augment, mixup=0), teach=teach)
    teaching = prepare_teaching((teacher,), config, pack, train, FP32, None)
    assert isinstance(teaching, CachedTeaching | LiveTeaching)
    student = Trainer(config, gather_facts(pack, train), FP32, teaching=teaching)
    work = student._make_share(train, torch.tensor([0, FACES, 1, FACES + 1]))
    assert work.taught is not None
    torch.testing.assert_close(work.taught[1::2], torch.full((2, 8), 1 / 8))
    assert (work.taught[::2] - 1 / 8).abs().max() > 1e-3


def test_data_without_outliers_are_named(
    shapes_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = read_training_error(capsys, shapes_npz, "-o", tmp_path / "run", "--outliers", "0.1")
    assert message == (
        "The pack has no picture of an unknown expression or of no face in its train split. Leave "
        "--outliers out."
    )
    with pytest.raises(DataError, match="no picture of an unknown"):
        load_pair(read_pack(shapes_npz), CONFIG, FP32.device)
