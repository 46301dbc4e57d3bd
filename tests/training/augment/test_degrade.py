"""Degradations look like a webcam's, hit their share of the crops and leave the others alone."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from app.alignment import FACE_TEMPLATE
from training.augment.augment import make_training_batch
from training.augment.camera import blur_crops, coarsen_crops
from training.augment.degrade import JITTER, PIXEL_KINDS, Degradation, draw_jitter
from training.augment.jpeg import compress_crops
from training.config.augment_config import KINDS, AugmentConfig, parse_kinds
from training.config.run_config import RunConfig
from training.datasets.examples import Examples, load_examples
from training.datasets.pack_reader import read_pack
from training.train import main

FULL = torch.ones(16)


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scenes(n: int = 16, channels: int = 3, size: int = 32) -> Tensor:
    """Smooth random pictures with grey levels in 30..220."""
    coarse = torch.rand((n, channels, 5, 5), generator=source(9)) * 190 + 30
    return torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")


def sharpness(crops: Tensor) -> float:
    return float(crops.diff(dim=3).abs().mean())


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


@pytest.mark.parametrize("name", PIXEL_KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_kind_keeps_shape_and_range_and_follows_its_seed(name: str, channels: int) -> None:
    crops = scenes(channels=channels)
    before = crops.clone()
    once, again = (PIXEL_KINDS[name](crops, FULL, source(3)) for _ in range(2))
    assert torch.equal(once, again)
    assert torch.equal(crops, before)
    assert (once.shape, once.dtype) == (crops.shape, torch.float32)
    assert -0.01 <= once.min() <= once.max() <= 255.01
    if (name, channels) == ("cast", 1):
        assert torch.equal(once, crops)
    else:
        assert not torch.equal(once, PIXEL_KINDS[name](crops, FULL, source(4))) or name == "blur"


@pytest.mark.parametrize("name", PIXEL_KINDS)
def test_damage_grows_with_strength(name: str) -> None:
    crops = scenes(64)
    change = [
        float((PIXEL_KINDS[name](crops, torch.full((64,), s), source(1)) - crops).abs().mean())
        for s in (0.05, 0.35, 1.0)
    ]
    assert change == sorted(change)
    assert change[0] < 8
    assert change[2] > 1.5 * change[0]


@pytest.mark.parametrize("name", ["blur", "shadow", "cast", "exposure", "noise"])
def test_no_strength_changes_nothing(name: str) -> None:
    crops = scenes()
    torch.testing.assert_close(
        PIXEL_KINDS[name](crops, torch.zeros(16), source()), crops, atol=0.02, rtol=0
    )


@pytest.mark.parametrize("kind", [blur_crops, coarsen_crops])
def test_blur_and_resolution_keep_the_light_and_lose_the_detail(kind: Any) -> None:
    crops = torch.rand((16, 1, 48, 48), generator=source()) * 255
    dull = kind(crops, FULL, source())
    torch.testing.assert_close(dull.mean(dim=(1, 2, 3)), crops.mean(dim=(1, 2, 3)), atol=3, rtol=0)
    assert sharpness(dull) < 0.2 * sharpness(crops)
    even = torch.full((16, 3, 20, 20), 77.0)
    torch.testing.assert_close(kind(even, FULL, source()), even, atol=1e-3, rtol=0)


def test_lowest_resolution_is_twelve_pixels_across() -> None:
    """What twelve pixels can hold survives; a pattern of 24 does not."""
    x = torch.arange(96) / 96
    waves = [127 + 100 * torch.sin(2 * torch.pi * k * x).expand(1, 96, 96) for k in (2, 12)]
    coarse, fine = coarsen_crops(torch.stack(waves), torch.ones(2), source())
    assert coarse[:, 8:-8, 8:-8].std() > 50
    assert fine[:, 8:-8, 8:-8].std() < 10


def test_compression_is_what_a_codec_does() -> None:
    """Against libjpeg at the same quality, with blocks at the crop's own corner."""
    crop = scenes(1, 1, 64) + 12 * torch.randn((1, 1, 64, 64), generator=source(2))
    crop = crop.clamp(0, 255).round()
    aligned = next(s for s in range(500) if source_offset(s) == (0, 0))
    quality = 20
    strength = torch.tensor([np.log(60 / quality) / np.log(10)], dtype=torch.float32)
    ours = compress_crops(crop, strength, source(aligned))
    buffer = io.BytesIO()
    Image.fromarray(crop[0, 0].byte().numpy()).save(buffer, "JPEG", quality=quality)
    theirs = torch.from_numpy(np.array(Image.open(buffer))).float()
    assert (ours[0, 0] - theirs).abs().mean() < 0.6
    assert (theirs - crop[0, 0]).abs().mean() > 5


def source_offset(seed: int) -> tuple[int, ...]:
    return tuple(torch.randint(8, (2,), generator=source(seed)).tolist())


def test_jitter_keeps_its_bounds_and_leaves_the_rest() -> None:
    strength = torch.cat([torch.zeros(50), torch.ones(500)])
    matrices = draw_jitter(strength, 48, source())
    assert torch.equal(matrices[:50], torch.eye(3)[:2].expand(50, 2, 3))
    determinant = matrices[50:, :, :2].det()
    assert np.exp(-0.24) <= determinant.min() < 0.85
    assert 1.2 < determinant.max() <= np.exp(0.24)
    middle = matrices @ torch.tensor([24.0, 24.0, 1.0])
    assert 0.07 * 48 < (middle - 24).abs().max() <= 0.08 * 48 + 1e-4
    size = torch.linalg.svdvals(matrices[50:, :, :2])
    assert 1.1 < (size[:, 0] / size[:, 1]).max() < 1.3


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.4, 0.36, 0.44), (1.0, 1, 1)])
def test_share_of_the_crops_suffers_one_to_three_kinds(
    share: float, low: float, high: float
) -> None:
    drawn = Degradation.draw(
        20000, channels=3, share=share, strength=0.5, kinds=KINDS, generator=source()
    )
    table = torch.stack(list(drawn.strength.values()), 1)  # (B, kinds)
    assert table.shape == (20000, 9)
    many = (table > 0).sum(dim=1)
    assert low <= (many > 0).float().mean() <= high
    assert many.max() <= 3
    assert table.max() <= 0.5
    if share:
        found = torch.bincount(many, minlength=4)[1:] / (many > 0).sum()
        torch.testing.assert_close(found, torch.full((3,), 1 / 3), atol=0.02, rtol=0)
        each = (table > 0).float().mean(dim=0)
        assert each.max() < 1.3 * each.min()


def test_spared_crops_are_those_of_a_batch_without_degradations(examples: Examples) -> None:
    rows = torch.arange(96)
    plain = replace(AugmentConfig(), mixup=0.0)
    one, other = source(5), source(5)
    without = make_training_batch(examples, rows, plain, one)
    half = make_training_batch(examples, rows, replace(plain, degrade=0.5), other)
    assert torch.equal(one.get_state(), other.get_state())
    changed = (half.crops != without.crops).flatten(1).any(dim=1)
    assert 0.3 < changed.float().mean() < 0.6
    assert torch.equal(half.soft, without.soft)
    assert half.crops.isfinite().all()
    assert 0 <= half.crops.min() <= half.crops.max() <= 255.01
    again = make_training_batch(examples, rows, replace(plain, degrade=0.5), source(5))
    assert torch.equal(half.crops, again.crops)


def test_only_the_named_kinds_happen(examples: Examples) -> None:
    rows = torch.arange(60)
    plain = AugmentConfig(rotation_deg=0, scale=0, shift=0, light=0, erase=0, mixup=0)
    dull = replace(plain, degrade=1.0, degrade_kinds="blur, resolution")
    sharp, soft = (make_training_batch(examples, rows, c, source(1)).crops for c in (plain, dull))
    assert sharpness(soft) < 0.8 * sharpness(sharp)
    grey = Degradation.draw(
        4, channels=1, share=1, strength=1, kinds=parse_kinds("cast"), generator=source()
    )
    assert not grey.strength
    assert torch.equal(grey.apply(sharp[:4]), sharp[:4])
    assert grey.matrices(24) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"degrade": 1.2}, "degrade is a share"),
        ({"degrade": float("nan")}, "degrade is a share"),
        ({"degrade_strength": 0}, "strength must be over 0"),
        ({"degrade_kinds": "blur,fog"}, "unknown degradation 'fog'; known are jitter, occlusion"),
        ({"degrade_kinds": ""}, "unknown degradation ''"),
    ],
)
def test_impossible_degradation_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AugmentConfig(**changes)


def test_recipes_from_before_there_were_degradations_have_none() -> None:
    old = {"train": {"keep": 0.85}, "model": {}, "augment": {"rotation_deg": 15.0, "erase": 0.4}}
    assert RunConfig.from_dict(old) == RunConfig()
    assert RunConfig().augment.degrade == RunConfig.make_published().augment.degrade == 0
    assert parse_kinds("all") == KINDS == (JITTER, *PIXEL_KINDS)


@pytest.mark.slow
def test_network_trains_on_degraded_crops(shapes_npz: Path, tmp_path: Path) -> None:
    options = "--device cpu --width 8 --blocks 1 --size-px 24 --batch-size 16 --epochs 1"
    extra = "--degrade 0.8 --degrade-strength 0.7 --colour rgb"
    folder = tmp_path / "run"
    assert main([str(shapes_npz), "-o", str(folder), *f"{options} {extra}".split()]) == 0
    assert (folder / "best.pt").is_file()
