"""The convolutional network of dlib's face recognition, as a backbone to begin from.

Davis King's `dlib_face_recognition_resnet_model_v1` (https://github.com/davisking/dlib-models,
public domain; dlib.net, "High Quality Face Recognition with Deep Metric Learning", 2017) is a
ResNet of 29 convolutions with half the filters of ResNet-34, trained on some three million faces.
Its weights are read by `training.network.dlib_file`. Two things differ here: every scale and shift
is a batch norm, and the last block keeps its map's size, so that a map of 3 x 3 is left of 112 px.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

# Channels of each residual block, and whether it halves the map.
BLOCKS: tuple[tuple[int, bool], ...] = (
    *((32, False),) * 3,
    (64, True),
    *((64, False),) * 3,
    (128, True),
    *((128, False),) * 2,
    (256, True),
    *((256, False),) * 2,
    (256, False),  # halves the map in dlib's network
)
STEM_CHANNELS = 32
FEATURE_DIM = BLOCKS[-1][0]
MIN_SIZE_PX = 64  # smaller crops leave no map behind the third halving


def compute_map_side(size_px: int) -> int:
    """Side of the last feature map for square crops of `size_px`."""
    side = (size_px - 7) // 2 + 1
    side = (side - 3) // 2 + 1
    for _, halves in BLOCKS:
        side = side // 2 if halves else side
    return side


class DlibBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut without weights. `(B, C, h, w)` -> `(B, N, h', w')`.

    A block that halves convolves without padding and pools its shortcut by 2 x 2. Where the two
    results differ in size or in channels, the smaller one is filled up with zeros at its right, its
    lower end and its last channels, as dlib's `add_prev` does.
    """

    def __init__(self, channels_in: int, channels: int, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        self.extra_channels = channels - channels_in
        stride, padding = (2, 0) if halves else (1, 1)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        if not self.halves:
            return functional.relu(y + x)
        shortcut = functional.avg_pool2d(x, 2)
        if self.extra_channels:
            shortcut = functional.pad(shortcut, (0, 0, 0, 0, 0, self.extra_channels))
        down, across = (shortcut.shape[axis] - y.shape[axis] for axis in (2, 3))
        if down or across:
            y = functional.pad(y, (0, across, 0, down))
        return functional.relu(y + shortcut)


class DlibBackbone(nn.Module):
    """`(B, C, S, S)` -> spatial feature map x* `(B, 256, h, w)`, h = w = `map_side(S)`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.stem = nn.Sequential(
            nn.Conv2d(channels, STEM_CHANNELS, 7, 2, bias=False),
            nn.BatchNorm2d(STEM_CHANNELS),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )
        blocks: list[nn.Module] = []
        channels_in = STEM_CHANNELS
        for channels_out, halves in BLOCKS:
            blocks.append(DlibBlock(channels_in, channels_out, halves))
            channels_in = channels_out
        self.stages = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.stages(self.stem(x))
        return result


@torch.no_grad()
def measure_norms(net: nn.Module, batches: Iterable[Tensor]) -> None:
    """Turns norms that only scale and shift into batch norms that compute the same.

    dlib's network was saved with its batch norms folded to a scale and a shift a channel: norms of
    mean 0 and variance 1. Trained as they are, they would jump to each batch's own statistics. This
    measures mean and variance of what every norm sees over `batches`, each `(B, C, S, S)` and
    normalised, and rewrites scale and shift so that `net` in evaluation says what it said.
    """
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    count = dict.fromkeys(norms, 0)
    total = {norm: torch.zeros(norm.num_features, dtype=torch.float64) for norm in norms}
    squares = {norm: torch.zeros(norm.num_features, dtype=torch.float64) for norm in norms}

    def see(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        x = inputs[0].double()
        count[norm] += x.numel() // x.shape[1]
        total[norm] += x.sum(dim=(0, 2, 3)).cpu()
        squares[norm] += x.square().sum(dim=(0, 2, 3)).cpu()

    hooks = [norm.register_forward_pre_hook(see) for norm in norms]
    was_training = net.training
    net.eval()
    try:
        for batch in batches:
            net(batch)
    finally:
        net.train(was_training)
        for hook in hooks:
            hook.remove()
    for norm in norms:
        mean = total[norm] / count[norm]
        variance = (squares[norm] / count[norm] - mean.square()).clamp(min=1e-8)
        _rebase(norm, mean, variance)


def _rebase(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Gives `norm` these statistics; scale and shift change so that it computes the same."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    before_mean, before_variance = norm.running_mean.cpu().double(), norm.running_var.cpu().double()
    scale = norm.weight.cpu().double() / (before_variance + norm.eps).sqrt()
    shift = norm.bias.cpu().double() - scale * before_mean
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.bias.copy_(shift + scale * mean)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
