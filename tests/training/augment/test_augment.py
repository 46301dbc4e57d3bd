"""Augmentation changes what it says, by as much as it says, and the same for the same seed."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from app.alignment import FACE_TEMPLATE
from app.types import Image
from training.augment.augment import (
    Batch,
    draw_matrices,
    erase_holes,
    make_training_batch,
    mix_batch,
    relight_crops,
)
from training.augment.mixing import CLEAR_SHARE, draw_mixing
from training.config.augment_config import AugmentConfig
from training.datasets.crops import warp_batch
from training.datasets.examples import Examples, load_examples
from training.datasets.pack_reader import read_pack
from training.datasets.readers import NO_LABEL

NOTHING = AugmentConfig(rotation_deg=0, scale=0, shift=0, light=0, erase=0, mixup=0)


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def examples(shapes_npz: Path) -> Examples:
    return load_examples(
        read_pack(shapes_npz),
        "train",
        template=FACE_TEMPLATE,
        size_px=24,
        colour="grey",
        labels_from="soft",
    )


def test_no_strength_leaves_each_crop_or_its_mirror_image(examples: Examples) -> None:
    rows = torch.arange(96)
    batch = make_training_batch(examples, rows, NOTHING, source())
    plain = examples.cut_crops(rows)
    kept = (batch.crops - plain).abs().amax(dim=(1, 2, 3)) < 0.05
    mirrored = (batch.crops - plain.flip(3)).abs().amax(dim=(1, 2, 3)) < 0.05
    assert (kept ^ mirrored).all()
    assert 0.3 < mirrored.float().mean() < 0.7
    assert torch.equal(batch.soft, examples.soft[rows])
    assert torch.equal(batch.labels, examples.labels[rows])


def test_same_seed_gives_the_same_batch(examples: Examples) -> None:
    rows = torch.tensor([3, 1, 4, 1, 5, 9, 2, 6])
    config = AugmentConfig()
    first, again, other = (
        make_training_batch(examples, rows, config, source(seed)) for seed in (7, 7, 8)
    )
    assert torch.equal(first.crops, again.crops)
    assert torch.equal(first.soft, again.soft)
    assert torch.equal(first.labels, again.labels)
    assert (first.crops - other.crops).abs().mean() > 5
    assert first.crops.shape == (8, 1, 24, 24)
    assert first.crops.dtype == torch.float32
    assert 0 <= first.crops.min() < first.crops.max() <= 255


def test_random_geometry_keeps_its_bounds() -> None:
    config = replace(NOTHING, rotation_deg=20, scale=0.25, shift=0.1)
    linear, shift = draw_matrices(2000, 40, config, source()).split([2, 1], dim=2)
    determinant = linear.det()
    scale = determinant.abs().sqrt()
    assert 1 / 1.25 - 1e-5 <= scale.min() < 0.83
    assert 1.22 < scale.max() <= 1.25 + 1e-5
    angle = torch.rad2deg(torch.atan2(-linear[:, 0, 1], linear[:, 1, 1]))
    assert -20.001 <= angle.min() < -18
    assert 18 < angle.max() <= 20.001
    centre = torch.full((2000, 2, 1), 20.0)
    moved = (linear @ centre + shift - centre)[:, :, 0] / 40
    assert 0.09 < moved.abs().max() <= 0.1 + 1e-5
    assert (determinant < 0).float().mean() == pytest.approx(0.5, abs=0.05)


def test_alignment_and_augmentation_are_one_resampling(clip_frames: dict[int, Image]) -> None:
    """It gives what aligning first and augmenting the crop would, but sharper."""
    picture = torch.from_numpy(clip_frames[110]).permute(2, 0, 1)[None, :, 40:440, 120:520]
    aligned = Examples(
        pictures=picture,
        sizes=torch.tensor([[400, 400]]),
        matrices=torch.tensor([[[0.24, 0.05, 2.0], [-0.05, 0.24, 12.0]]]),
        soft=torch.ones(1, 1),
        labels=torch.zeros(1, dtype=torch.int64),
        size_px=96,
    )
    row = torch.tensor([0])
    config = replace(NOTHING, rotation_deg=15, scale=0.15, shift=0.05)
    for seed in range(4):
        once = make_training_batch(aligned, row, config, source(seed)).crops
        random = draw_matrices(1, 96, config, source(seed))
        twice = warp_batch(aligned.cut_crops(row), torch.tensor([[96, 96]]), random, 96)
        inner = (once - twice)[..., 24:-24, 24:-24]  # past the first crop's edge they must differ
        assert once[..., 24:-24, 24:-24].std() > 20
        assert inner.abs().mean() < 4


def test_relighting_stays_within_grey_levels() -> None:
    crops = torch.rand(50, 1, 8, 8, generator=source()) * 255
    same = relight_crops(crops, 0.0, source())
    torch.testing.assert_close(same, crops, atol=0.05, rtol=1e-4)
    strong = relight_crops(crops, 2.0, source())
    assert (strong.min(), strong.max()) == (0, 255)
    assert (strong - crops).abs().mean() > 20
    mild = relight_crops(crops, 0.1, source())
    assert 0.5 < (mild - crops).abs().mean() < 15
    order = crops.flatten(1).argsort(dim=1)
    assert (mild.flatten(1).gather(1, order).diff(dim=1) >= -1e-3).all()  # brighter stays brighter


@pytest.mark.parametrize(("share", "low", "high"), [(0, 0, 0), (0.4, 0.34, 0.46), (1, 1, 1)])
def test_erasing_hits_its_share_of_the_crops(share: float, low: float, high: float) -> None:
    crops = torch.full((600, 1, 20, 20), -1.0)
    holes = erase_holes(crops, share, source()) >= 0
    assert low <= holes.flatten(1).any(dim=1).float().mean() <= high


def test_hole_is_one_rectangle_of_one_grey() -> None:
    crops = torch.full((300, 3, 40, 40), -1.0)
    for crop in erase_holes(crops, 1.0, source()):
        hole = crop >= 0
        assert torch.equal(hole[0], hole[2])
        assert len(crop[hole].unique()) == 1
        rows, columns = hole[0].any(dim=1), hole[0].any(dim=0)
        assert torch.equal(hole[0], rows[:, None] & columns[None, :])
        assert 0.01 < hole[0].float().mean() < 0.3


def one_hot_batch(n: int, labels: Tensor | None = None) -> Batch:
    """Soft targets that name each row, so that a blend shows who is in it, and by how much."""
    crops = torch.rand(n, 1, 4, 4, generator=source(5)) * 255
    return Batch(crops, torch.eye(n), torch.arange(n) if labels is None else labels)


def mixup(batch: Batch, alpha: float) -> Batch:
    drawn = draw_mixing(len(batch.labels), 4, mixup=alpha, cutmix=0, generator=source())
    return mix_batch(batch, drawn)


def test_mixup_blends_pictures_and_targets_alike() -> None:
    batch = one_hot_batch(64)
    mixed = mixup(batch, 0.5)
    torch.testing.assert_close(mixed.soft.sum(dim=1), torch.ones(64))
    blended = torch.einsum("ij,jchw->ichw", mixed.soft, batch.crops)
    torch.testing.assert_close(mixed.crops, blended, atol=1e-3, rtol=1e-4)
    own = mixed.soft.diagonal()
    assert (own >= 0.5 - 1e-6).all()
    assert ((mixed.soft > 1e-6).sum(dim=1) <= 2).all()
    assert own.min() < 0.7


def test_only_nearly_pure_blends_keep_their_class() -> None:
    batch = one_hot_batch(400)
    mixed = mixup(batch, 0.2)
    own = mixed.soft.diagonal()
    partner_is_itself = mixed.soft.max(dim=1).values > 1 - 1e-6
    clear = own >= CLEAR_SHARE
    sure = ~partner_is_itself  # where a crop met itself, its share of 1 says nothing
    assert torch.equal(mixed.labels[sure & clear], batch.labels[sure & clear])
    assert (mixed.labels[sure & ~clear] == NO_LABEL).all()
    assert 0.5 < clear.float().mean() < 0.9
    without = one_hot_batch(50, torch.full((50,), NO_LABEL))
    assert (mixup(without, 0.2).labels == NO_LABEL).all()


def test_larger_alpha_mixes_more() -> None:
    batch = one_hot_batch(400)
    own = [float(mixup(batch, a).soft.diagonal().mean()) for a in (0.05, 0.2, 1.0, 8.0)]
    assert own == sorted(own, reverse=True)
    assert own[0] > 0.9
    assert own[2] == pytest.approx(0.75, abs=0.03)  # the mean of max(u, 1 - u)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rotation_deg": -1}, "rotation"),
        ({"rotation_deg": math.nan}, "rotation"),
        ({"scale": -2}, "scale"),
        ({"shift": math.inf}, "shift"),
        ({"light": -0.1}, "light"),
        ({"mixup": -0.1}, "mixup"),
        ({"cutmix": math.inf}, "cutmix"),
        ({"erase": 1.5}, "erase"),
    ],
)
def test_impossible_strength_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AugmentConfig(**changes)


def test_mean_brightness_is_kept_on_average(examples: Examples) -> None:
    config = replace(NOTHING, light=0.3)
    rows = torch.arange(96)
    batch = make_training_batch(examples, rows, config, source())
    change = batch.crops.mean(dim=(1, 2, 3)) - examples.cut_crops(rows).mean(dim=(1, 2, 3))
    assert abs(float(change.mean())) < 10
    assert 10 < float(change.std()) < 60


def test_five_crops_are_the_corners_and_the_centre() -> None:
    config = AugmentConfig(rotation_deg=0, scale=0, shift=0, crops="five")
    matrices = draw_matrices(400, 224, config, torch.Generator().manual_seed(0))
    mirrored = matrices[:, 0, 0] < 0
    assert 0.4 < mirrored.float().mean() < 0.6
    x = torch.where(mirrored, matrices[:, 0, 2] - 224, matrices[:, 0, 2])
    places = torch.stack([x, matrices[:, 1, 2]], 1).round().long()
    found, counts = torch.unique(places, dim=0, return_counts=True)
    assert found.tolist() == [[-16, -16], [-16, 16], [0, 0], [16, -16], [16, 16]]
    assert counts.min() > 50


def test_five_crops_leave_no_random_shift() -> None:
    with pytest.raises(ValueError, match="take the place of a random shift"):
        AugmentConfig(crops="five")
