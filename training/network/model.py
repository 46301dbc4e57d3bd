"""Defines the DACL network: backbone, attention network and classifier.

Farzaneh & Qi, "Facial Expression Recognition in the Wild via Deep Attentive Center Loss", WACV
2021. The logits do not depend on the attention branch, which weights a loss, so that the exported
model goes without this branch.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.network.dlib_backbone import FEATURE_DIM as DLIB_FEATURE_DIM
from training.network.dlib_backbone import DlibBackbone, DlibBlock, compute_map_side

BackboneKind = Literal["resnet", "dlib"]
Stem = Literal["small", "fine", "standard"]
STAGES = 4  # as in every ResNet
# Each stem's halvings of the side, from the crop to the last map.
HALVINGS: dict[str, int] = {"small": 4, "fine": 3, "standard": 5}
Reads = Literal["map", "detached", "pooled"]


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The shape of the network.

    A ResNet (He et al., CVPR 2016) has basic blocks in four stages, each `growth` times as wide as
    the one before. dlib's face recognition network has a fixed shape: `width`, `blocks`, `stem`,
    `growth` and `excite` do not apply. Checkpoints store these fields.
    """

    backbone: BackboneKind = field(
        default="resnet",
        metadata={
            "help": "resnet: of the options below; dlib: the face recognition network of dlib, for "
            "crops of 64 px and more, whose published weights --init takes"
        },
    )
    width: int = field(default=32, metadata={"help": "channels of the first stage"})
    blocks: int = field(default=2, metadata={"help": "basic blocks a stage; 2 is ResNet-18"})
    stem: Stem = field(
        default="small",
        metadata={
            "help": "small: 3x3, stride 2, no pooling, for crops of 48 to 112 px; "
            "fine: 3x3, stride 1, no pooling, for 48 px and less (four times the work); "
            "standard: 7x7, stride 2, max pooling, for 224 px"
        },
    )
    growth: float = field(
        default=2.0,
        metadata={"help": "how many times as wide as the one before a stage is; 2 is ResNet's"},
    )
    excite: int = field(
        default=0,
        metadata={
            "help": "squeeze-excitation in every block, over a bottleneck of the channels divided "
            "by this; 0: none"
        },
    )
    dropout: float = field(default=0.2, metadata={"help": "share of pooled features dropped"})
    attention_reads: Reads = field(
        default="map",
        metadata={
            "help": "what the attention network reads: map, the last feature map, as published; "
            "detached, the same without sending its gradient back into the backbone; pooled, the "
            "pooled feature"
        },
    )

    def __post_init__(self) -> None:
        if self.width < 1 or self.blocks < 1:
            raise ValueError("width and blocks must be at least 1")
        if not 1 <= self.growth <= 4:
            raise ValueError("growth must be in 1..4")
        if self.excite < 0:
            raise ValueError("excite must be 0 or the divisor of the bottleneck, at least 1")
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout must be in 0..1")

    @property
    def widths(self) -> tuple[int, ...]:
        """The channels of each stage."""
        return tuple(round(self.width * self.growth**stage) for stage in range(STAGES))

    @property
    def feature_dim(self) -> int:
        """The length d of the embedding."""
        return DLIB_FEATURE_DIM if self.backbone == "dlib" else self.widths[-1]

    def compute_grid(self, size_px: int) -> int:
        """Computes the side of the last feature map for crops of `size_px`.

        >>> ModelConfig().compute_grid(48), ModelConfig(stem="standard").compute_grid(224)
        (3, 7)
        """
        if self.backbone == "dlib":
            return compute_map_side(size_px)
        side = size_px
        for _ in range(HALVINGS[self.stem]):
            side = -(-side // 2)
        return side


class Excitation(nn.Module):
    """Squeeze-excitation: scales each channel by a share in (0, 1) that follows from all channels'
    means.

    Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018. `(B, C, h, w)` -> the same.
    """

    def __init__(self, channels: int, divisor: int) -> None:
        super().__init__()
        hidden = max(4, channels // divisor)
        self.squeeze = nn.Linear(channels, hidden)
        self.spread = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Scales the channels of `x`."""
        mean = x.mean(dim=(2, 3))  # (B, C)
        share = self.spread(functional.relu(self.squeeze(mean))).sigmoid()
        scaled: Tensor = x * share[:, :, None, None]
        return scaled


class Projection(nn.Conv2d):
    """A 1 x 1 convolution with a stride. oneDNN's gradient of this layer writes past its memory
    on processors without AVX-512 where fewer than eight channels come in, channels last
    (https://github.com/uxlfoundation/oneDNN/issues/6035). Such inputs are subsampled before
    the convolution."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolves `x (B, C, h, w)`."""
        if self.in_channels >= 8 or torch.compiler.is_exporting():
            return super().forward(x)
        down, across = self.stride
        return functional.conv2d(x[:, :, ::down, ::across], self.weight, self.bias)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut. `(B, C, h, w)` ->
    `(B, N, h / stride, w / stride)`, rounded up."""

    def __init__(self, channels_in: int, channels: int, stride: int, excite: int = 0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.excitation = Excitation(channels, excite) if excite else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                Projection(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Computes the block's map."""
        y = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.excitation(self.norm2(self.conv2(y))) + self.shortcut(x))


class Backbone(nn.Module):
    """Maps crops `(B, C, S, S)` to the feature map x* `(B, d, h, w)`; d is the last stage's
    width."""

    def __init__(self, config: ModelConfig, channels: int) -> None:
        super().__init__()
        w = config.width
        kernel = 7 if config.stem == "standard" else 3
        stride = 1 if config.stem == "fine" else 2
        stem: list[nn.Module] = [
            nn.Conv2d(channels, w, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(w),
            nn.ReLU(),
        ]
        if config.stem == "standard":
            stem.append(nn.MaxPool2d(3, 2, 1))
        self.stem = nn.Sequential(*stem)
        stages: list[nn.Module] = []
        channels_in = w
        for stage, wide in enumerate(config.widths):
            for block in range(config.blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(BasicBlock(channels_in, wide, stride, config.excite))
                channels_in = wide
        self.stages = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Tensor:
        """Computes x* from normalised crops."""
        result: Tensor = self.stages(self.stem(x))
        return result


class AttentionNetwork(nn.Module):
    """Computes weights `(B, d)` in (0, 1), one for each feature dimension and sample, from x*
    `(B, d, h, w)`.

    The paper's context encoder has three fully connected layers over the flattened map, then d
    binary heads whose softmax gives the share kept (section 3.3). The published sizes for 512 x 7 x
    7 are 25088 -> 3584 -> 512 -> 64: each layer keeps a seventh, then an eighth. Here the same
    ratios follow the map's size; maps over 7 x 7 are pooled to 7 x 7, so that the layers do not
    grow with the input.
    """

    MAX_GRID = 7  # side of the map that is read, as published
    CODE = 64  # length of the code before the heads, as published

    def __init__(self, feature_dim: int, grid: int) -> None:
        super().__init__()
        self.grid = min(grid, self.MAX_GRID)
        flat = feature_dim * self.grid**2
        hidden1 = max(self.CODE, flat // 7)
        hidden2 = max(self.CODE, flat // 49)
        self.encoder = nn.Sequential(
            nn.Linear(flat, hidden1, bias=False),
            nn.BatchNorm1d(hidden1),
            nn.ReLU(),
            nn.Linear(hidden1, hidden2, bias=False),
            nn.BatchNorm1d(hidden2),
            nn.ReLU(),
            nn.Linear(hidden2, self.CODE, bias=False),
            nn.BatchNorm1d(self.CODE),
            nn.Tanh(),
        )
        self.heads = nn.Linear(self.CODE, 2 * feature_dim)

    def forward(self, feature_map: Tensor) -> Tensor:
        """Computes the weights. `feature_map` is `(B, d, h, w)`, or `(B, d, 1, 1)` for the
        pooled feature."""
        pooled = functional.adaptive_avg_pool2d(feature_map, self.grid)
        scores = self.heads(self.encoder(pooled.flatten(1)))  # (B, 2d)
        kept_or_not = scores.unflatten(1, (-1, 2)).softmax(dim=2)  # (B, d, 2)
        attention: Tensor = kept_or_not[:, :, 0]
        return attention


def choose_attention_input(reads: Reads, feature_map: Tensor, embedding: Tensor) -> Tensor:
    """Chooses the attention network's input.

    Args:
        reads: "map", "detached" (the map without its gradient) or "pooled".
        feature_map: x*, `(B, d, h, w)`.
        embedding: x, `(B, d)`.

    Returns:
        `(B, d, h, w)`, or `(B, d, 1, 1)` for "pooled".

    >>> choose_attention_input("pooled", torch.zeros(2, 8, 3, 3), torch.zeros(2, 8)).shape
    torch.Size([2, 8, 1, 1])
    """
    match reads:
        case "map":
            return feature_map
        case "detached":
            return feature_map.detach()
        case "pooled":
            return embedding[:, :, None, None]


class Output(NamedTuple):
    """The network's results for a batch."""

    logits: Tensor  # (B, K)
    embedding: Tensor  # (B, d), the deep feature x
    attention: Tensor  # (B, d) in (0, 1)


class DaclNet(nn.Module):
    """The whole network as it is trained."""

    def __init__(self, config: ModelConfig, *, channels: int, classes: int, size_px: int) -> None:
        super().__init__()
        self.config = config
        self.backbone: nn.Module = (
            DlibBackbone(channels) if config.backbone == "dlib" else Backbone(config, channels)
        )
        grid = 1 if config.attention_reads == "pooled" else config.compute_grid(size_px)
        self.attention = AttentionNetwork(config.feature_dim, grid)
        self.classifier = nn.Linear(config.feature_dim, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, BasicBlock | DlibBlock):
                nn.init.zeros_(module.norm2.weight)  # each block starts as its shortcut

    def forward(
        self, x: Tensor, with_attention: bool = True, kept_features: Tensor | None = None
    ) -> Output:
        """Computes logits, embedding and attention.

        Args:
            x: `(B, C, S, S)`, normalised by `training.base.device.normalise_batch`.
            with_attention: False skips the attention network and gives ones.
            kept_features: `(B, d)` factor on each pooled feature before the classifier, in
                training: 0 where the feature is dropped. None draws the factor here.
        """
        feature_map = self.backbone(x)  # (B, d, h, w)
        embedding = feature_map.mean(dim=(2, 3))
        if kept_features is None:
            dropped = functional.dropout(embedding, self.config.dropout, self.training)
        else:
            dropped = embedding * kept_features.to(embedding.dtype)
        logits = self.classifier(dropped)
        attention = torch.ones_like(embedding)
        if with_attention:
            attention = self.attention(
                choose_attention_input(self.config.attention_reads, feature_map, embedding)
            )
        return Output(logits, embedding, attention)


class ExportNet(nn.Module):
    """The network as it is exported: `(N, C, S, S)` -> `logits (N, K)`, `cam (N, K, h, w)` and, on
    request, `attention (N, d)`.

    The classifier runs as a 1 x 1 convolution before the mean, which gives the class activation
    maps (Zhou et al., CVPR 2016) on the way to the same logits.
    """

    def __init__(self, net: DaclNet, *, with_attention: bool = False) -> None:
        super().__init__()
        self.backbone = net.backbone
        self.classifier = net.classifier
        self.attention = net.attention if with_attention else None
        self.reads = net.config.attention_reads

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Computes the outputs from normalised crops."""
        feature_map = self.backbone(x)
        cam = functional.conv2d(
            feature_map, self.classifier.weight[:, :, None, None], self.classifier.bias
        )
        outputs = cam.mean(dim=(2, 3)), cam
        if self.attention is None:
            return outputs
        seen = choose_attention_input(self.reads, feature_map, feature_map.mean(dim=(2, 3)))
        return *outputs, self.attention(seen)
