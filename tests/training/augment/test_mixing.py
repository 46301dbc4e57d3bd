"""CutMix pastes what it says it pastes, and a batch is mixed alike at every size."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.augment.mixing import CLEAR_SHARE, Mixing, draw_mixing
from training.datasets.readers import NO_LABEL


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def named(count: int, size_px: int) -> torch.Tensor:
    """`(count, 1, S, S)`: every pixel says which crop it is of."""
    return torch.arange(float(count))[:, None, None, None].expand(-1, 1, size_px, size_px)


@given(st.integers(0, 99), st.sampled_from([0.3, 1.0, 5.0]), st.integers(6, 40))
def test_cutmix_targets_are_the_shares_of_the_pixels(seed: int, alpha: float, size_px: int) -> None:
    mixing = draw_mixing(24, size_px, mixup=0, cutmix=alpha, generator=source(seed))
    crops, targets = mixing.mix_crops(named(24, size_px)), mixing.mix_targets(torch.eye(24))
    for row in range(24):
        counted = torch.bincount(crops[row].long().flatten(), minlength=24) / size_px**2
        torch.testing.assert_close(targets[row], counted, atol=1e-5, rtol=0)
        pasted = crops[row, 0] != row
        rows, columns = pasted.any(dim=1), pasted.any(dim=0)
        assert torch.equal(pasted, rows[:, None] & columns[None, :])  # one box
    assert (mixing.share >= 0.5 - 2 / size_px).all()


def test_with_mixup_half_are_blended_and_half_are_cut() -> None:
    mixing = draw_mixing(2000, 24, mixup=0.4, cutmix=1.0, generator=source())
    assert mixing.box is not None
    cut = (mixing.box[:, 2:] > mixing.box[:, :2]).all(dim=1)
    assert 0.4 < cut.float().mean() < 0.6
    crops = mixing.mix_crops(named(2000, 24))
    whole = torch.tensor([len(crop.unique()) == 1 for crop in crops[~cut]])
    assert whole.all()
    targets = mixing.mix_targets(torch.arange(2000.0)[:, None])
    torch.testing.assert_close(crops.mean(dim=(2, 3)), targets, atol=0.05, rtol=1e-4)


def test_cut_crops_keep_their_class_while_they_are_nearly_whole() -> None:
    mixing = draw_mixing(500, 32, mixup=0, cutmix=1.0, generator=source())
    labels = mixing.drop_unclear_labels(torch.full((500,), 2))
    assert torch.equal(labels == 2, mixing.share >= CLEAR_SHARE)
    assert 0.05 < (labels == NO_LABEL).float().mean() < 0.95


@pytest.mark.parametrize("cutmix", [0.0, 1.0])
def test_crops_of_another_size_are_mixed_alike(cutmix: float) -> None:
    mixing = draw_mixing(64, 16, mixup=0.5, cutmix=cutmix, generator=source())
    small, large = (mixing.mix_crops(named(64, size)) for size in (16, 48))
    reduced = torch.nn.functional.avg_pool2d(large, 3)
    torch.testing.assert_close(small, reduced, atol=1e-4, rtol=1e-4)


def test_without_cutmix_nothing_more_is_drawn() -> None:
    """So that recipes from before it give the runs that they gave."""
    generator, by_hand = source(), source()
    mixing = draw_mixing(10, 8, mixup=0.2, cutmix=0, generator=generator)
    gammas = torch._standard_gamma(torch.full((10, 2), 0.2), generator=by_hand).clamp(min=1e-12)
    assert torch.equal(mixing.share, gammas.amax(dim=1) / gammas.sum(dim=1))
    assert torch.equal(mixing.other, torch.randperm(10, generator=by_hand))
    assert torch.equal(generator.get_state(), by_hand.get_state())


def test_empty_box_leaves_the_crop() -> None:
    mixing = Mixing(torch.ones(2), torch.tensor([1, 0]), torch.full((2, 4), 0.5))
    assert torch.equal(mixing.mix_crops(named(2, 8)), named(2, 8))
