"""The published crops: one of the corners or the centre of a picture that is 256 px where the crop
is 224, and its mirror image; judged by the centre."""

import torch

from training.augment.augment import make_training_batch
from training.config.augment_config import AugmentConfig
from training.datasets.examples import Examples

FIVE = AugmentConfig(rotation_deg=0, scale=0, shift=0, crops="five", light=0, erase=0, mixup=0)
COUNT = 300
# An eighth of the published sizes: 28 px out of 32, whose centre is the aligned crop.
SIDE, CROP, RIM = 32, 28, 2
PICTURE = torch.randint(0, 256, (1, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
EXAMPLES = Examples(
    pictures=PICTURE.to(torch.uint8).expand(COUNT, -1, -1, -1),
    sizes=torch.tensor([[SIDE, SIDE]], dtype=torch.int32).expand(COUNT, -1),
    matrices=torch.tensor([[[1.0, 0.0, -RIM], [0.0, 1.0, -RIM]]]).expand(COUNT, -1, -1),
    soft=torch.eye(2)[torch.arange(COUNT) % 2],
    labels=torch.arange(COUNT) % 2,
    size_px=CROP,
)


def place(x: int, y: int) -> torch.Tensor:
    return PICTURE[0, :, y : y + CROP, x : x + CROP].float()


PLACES = [place(2, 2), place(0, 0), place(4, 0), place(0, 4), place(4, 4)]


def test_centre_is_what_is_judged() -> None:
    (crop,) = EXAMPLES.cut_crops(torch.tensor([0]))
    torch.testing.assert_close(crop, PLACES[0], atol=0.01, rtol=0)


def test_training_sees_five_places_and_their_mirror_images() -> None:
    batch = make_training_batch(
        EXAMPLES, torch.arange(COUNT), FIVE, torch.Generator().manual_seed(0)
    )
    known = torch.stack([*PLACES, *(crop.flip(2) for crop in PLACES)])  # (10, 3, 28, 28)
    far = (batch.crops[:, None] - known[None]).abs().amax(dim=(2, 3, 4))  # (COUNT, 10)
    assert ((far < 0.01).sum(dim=1) == 1).all()
    counts = torch.bincount(far.argmin(dim=1), minlength=10)
    assert counts.min() >= 15  # of 30 each
    assert counts.max() <= 50
    assert torch.equal(batch.soft, EXAMPLES.soft)
    assert torch.equal(batch.labels, EXAMPLES.labels)


def test_same_seed_takes_the_same_places() -> None:
    rows = torch.arange(20)
    first, again, other = (
        make_training_batch(EXAMPLES, rows, FIVE, torch.Generator().manual_seed(seed)).crops
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
