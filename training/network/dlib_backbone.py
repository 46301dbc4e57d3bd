"""Defines dlib's face recognition network as a backbone, whose published weights training can begin
with.

Davis King's `dlib_face_recognition_resnet_model_v1` (https://github.com/davisking/dlib-models,
public domain; dlib.net, "High Quality Face Recognition with Deep Metric Learning", 2017) is a
ResNet of 29 convolutions with half the filters of ResNet-34, trained on some three million faces.
`training.network.dlib_file` reads its weights. Two things differ here: every scale and shift is a
batch norm, and the last block keeps its map's size, so that 112 px leave a map of 3 x 3.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

# For each residual block its channels, and True where it halves the map.
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
STEM_CHANNELS = 32  # of the first convolution
FEATURE_DIM = BLOCKS[-1][0]  # of the embedding
MIN_SIZE_PX = 64  # side of the crop; smaller ones leave no map behind the third halving


def compute_map_side(size_px: int) -> int:
    """Computes the side of the last feature map for square crops of `size_px`.

    >>> compute_map_side(112), compute_map_side(150)
    (3, 4)
    """
    side = (size_px - 7) // 2 + 1
    side = (side - 3) // 2 + 1
    for _, halves in BLOCKS:
        side = side // 2 if halves else side
    return side


class DlibBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut without weights. `(B, C, h, w)` -> `(B, N, h', w')`.

    A block that halves the map convolves without padding and pools its shortcut by 2 x 2. Where the
    two results differ in size or in channels, zeros fill up the smaller one at its right, its lower
    end and its last channels, as dlib's `add_prev` does.
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
        """Computes the block's map."""
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
    """Maps crops `(B, C, S, S)` to the feature map x* `(B, 256, h, w)`, h = w =
    `compute_map_side(S)`."""

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
        """Computes x* from normalised crops."""
        result: Tensor = self.stages(self.stem(x))
        return result


@torch.no_grad()
def measure_norms(net: nn.Module, batches: Iterable[Tensor]) -> None:
    """Turns norms that only scale and shift into batch norms that compute the same.

    dlib's network was saved with its batch norms folded to a scale and a shift for each channel:
    norms of mean 0 and variance 1. In training, such norms would jump to each batch's own
    statistics. This function measures mean and variance of every norm's input and rewrites scale
    and shift, so that the outputs of `net` in evaluation stay the same.

    Args:
        net: Changed in place.
        batches: Crops to measure on, each `(B, C, S, S)`, normalised.

    >>> net = nn.Sequential(nn.BatchNorm2d(1, eps=0)).eval()
    >>> batch = torch.tensor([1.0, 5.0]).reshape(2, 1, 1, 1)
    >>> measure_norms(net, [batch])
    >>> net[0].running_mean.tolist(), net[0].running_var.tolist(), net(batch).flatten().tolist()
    ([3.0], [4.0], [1.0, 5.0])
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
    """Gives `norm` new statistics, and changes scale and shift so that its output stays the
    same."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    before_mean, before_variance = norm.running_mean.cpu().double(), norm.running_var.cpu().double()
    scale = norm.weight.cpu().double() / (before_variance + norm.eps).sqrt()
    shift = norm.bias.cpu().double() - scale * before_mean
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.bias.copy_(shift + scale * mean)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
