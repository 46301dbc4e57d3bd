"""The network has the shapes it announces, and its logits never touch the attention branch."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from training.network.model import (
    AttentionNetwork,
    Backbone,
    DaclNet,
    Excitation,
    ExportNet,
    ModelConfig,
    Projection,
)


def network(
    classes: int = 3, *, size_px: int = 48, channels: int = 1, **changes: Any
) -> tuple[DaclNet, Tensor]:
    """A network whose every parameter and statistic says something, and crops for it."""
    torch.manual_seed(0)
    config = ModelConfig(**{"width": 4, "blocks": 1} | changes)
    net = DaclNet(config, channels=channels, classes=classes, size_px=size_px)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                module.weight.uniform_(0.5, 2)
                module.bias.normal_(std=0.3)
                module.running_mean.normal_(std=0.3)
                module.running_var.uniform_(0.5, 2)
    return net, torch.randn(5, channels, size_px, size_px)


@pytest.mark.parametrize("channels", [3, 4, 6, 8, 9])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_projection_is_a_convolution_and_so_are_its_gradients(channels: int, stride: int) -> None:
    torch.manual_seed(channels)
    layer = Projection(channels, 2 * channels, 1, stride, bias=False)
    layer.to(memory_format=torch.channels_last)
    x = torch.randn(4, channels, 13, 12).contiguous(memory_format=torch.channels_last)
    x.requires_grad_()
    weight = layer.weight.detach().double().contiguous().requires_grad_()
    plain = x.detach().double().contiguous().requires_grad_()
    wanted = torch.nn.functional.conv2d(plain, weight, stride=stride)
    got = layer(x)
    assert torch.allclose(got.double(), wanted, atol=1e-5)
    wanted.square().sum().backward()
    got.square().sum().backward()
    for mine, theirs in ((x.grad, plain.grad), (layer.weight.grad, weight.grad)):
        assert mine is not None
        assert theirs is not None
        assert torch.allclose(mine.double(), theirs, rtol=1e-4, atol=1e-3)


SIZES = [
    ("small", 24, 2),
    ("small", 48, 3),
    ("small", 50, 4),
    ("small", 112, 7),
    ("fine", 24, 3),
    ("fine", 48, 6),
    ("fine", 64, 8),
    ("standard", 64, 2),
    ("standard", 112, 4),
]


@pytest.mark.parametrize(("stem", "size_px", "grid"), SIZES)
@pytest.mark.parametrize(("width", "classes", "channels"), [(4, 2, 1), (6, 11, 3)])
def test_outputs_have_their_shapes(
    stem: str, size_px: int, grid: int, width: int, classes: int, channels: int
) -> None:
    net, x = network(classes, size_px=size_px, channels=channels, width=width, stem=stem)
    output = net.eval()(x)
    assert output.logits.shape == (5, classes)
    assert output.embedding.shape == output.attention.shape == (5, 8 * width)
    assert net.backbone(x).shape == (5, 8 * width, grid, grid)
    assert net.config.compute_grid(size_px) == grid
    logits, cam = ExportNet(net)(x)
    assert (logits.shape, cam.shape) == ((5, classes), (5, classes, grid, grid))


@pytest.mark.parametrize("size_px", [8, 9, 17, 33, 47, 48, 65, 100])
@pytest.mark.parametrize("stem", ["small", "fine", "standard"])
def test_grid_is_foretold_for_every_size(stem: Any, size_px: int) -> None:
    config = ModelConfig(width=1, blocks=1, stem=stem)
    assert Backbone(config, 1).eval()(torch.zeros(1, 1, size_px, size_px)).shape[2:] == (
        config.compute_grid(size_px),
        config.compute_grid(size_px),
    )


def test_attention_is_a_share_and_differs_by_sample_and_feature() -> None:
    net, x = network()
    attention = net.eval()(x).attention
    assert 0 < attention.min() < attention.max() < 1
    assert attention.std(dim=0).min() > 0
    assert attention.std(dim=1).min() > 0


@pytest.mark.parametrize(
    ("feature_dim", "grid", "hidden"),
    [
        (512, 7, [25088, 3584, 512, 64]),  # the paper's
        (512, 3, [4608, 658, 94, 64]),
        (32, 3, [288, 64, 64, 64]),
        (32, 14, [1568, 224, 64, 64]),  # maps over 7 x 7 are pooled to it
    ],
)
def test_attention_network_follows_the_feature_map(
    feature_dim: int, grid: int, hidden: list[int]
) -> None:
    with torch.device("meta"):
        network = AttentionNetwork(feature_dim, grid)
    layers = [m for m in network.encoder if isinstance(m, nn.Linear)]
    assert [layers[0].in_features, *(layer.out_features for layer in layers)] == hidden
    assert [(m.in_features, m.out_features) for m in [network.heads]] == [(64, 2 * feature_dim)]


def test_attention_heads_are_one_softmax_of_two_scores_each() -> None:
    torch.manual_seed(2)
    network = AttentionNetwork(6, 2).eval()
    feature_map = torch.randn(3, 6, 2, 2)
    scores = network.heads(network.encoder(feature_map.flatten(1)))
    kept, dropped = scores[:, 0::2], scores[:, 1::2]
    expected = kept.exp() / (kept.exp() + dropped.exp())
    torch.testing.assert_close(network(feature_map), expected)


def test_logits_are_untouched_by_attention() -> None:
    net, x = network()
    net.eval()
    plain = net(x, with_attention=False)
    assert torch.equal(plain.logits, net(x).logits)
    assert torch.equal(plain.attention, torch.ones(5, 32))
    for parameter in net.attention.parameters():
        nn.init.constant_(parameter, 7.0)
    assert torch.equal(plain.logits, net(x).logits)
    net(x).logits.sum().backward()
    assert all(parameter.grad is None for parameter in net.attention.parameters())


def test_attention_loss_reaches_the_backbone_through_the_attention_network() -> None:
    net, x = network()
    net.train()(x).attention.sum().backward()
    assert net.backbone.stem[0].weight.grad.abs().sum() > 0
    assert net.classifier.weight.grad is None


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"size_px": 33},
        {"stem": "standard", "size_px": 64},
        {"stem": "fine", "excite": 4},
        {"growth": 1.5, "blocks": 2, "excite": 16},
    ],
    ids=str,
)
def test_exported_network_gives_the_same_logits(changes: dict[str, Any]) -> None:
    net, x = network(7, **changes)
    wanted = net.eval()(x).logits
    logits, cam = ExportNet(net)(x)
    torch.testing.assert_close(logits, wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(cam.mean(dim=(2, 3)), wanted, atol=1e-5, rtol=1e-5)
    assert cam.std() > 0.01
    names = {name.partition(".")[0] for name, _ in ExportNet(net).named_parameters()}
    assert names == {"backbone", "classifier"}


def test_embedding_is_the_mean_of_the_feature_map_and_logits_are_linear_in_it() -> None:
    net, x = network()
    output = net.eval()(x)
    torch.testing.assert_close(output.embedding, net.backbone(x).mean(dim=(2, 3)))
    by_hand = output.embedding @ net.classifier.weight.T + net.classifier.bias
    torch.testing.assert_close(output.logits, by_hand)


def test_dropout_touches_the_logits_of_training_alone() -> None:
    net, x = network(dropout=0.5)
    net.train()
    first, second = net(x), net(x)
    assert torch.equal(first.embedding, second.embedding)
    assert not torch.equal(first.logits, second.logits)
    net.eval()
    assert torch.equal(net(x).logits, net(x).logits)


def test_blocks_and_width_are_those_of_the_recipe() -> None:
    net, _ = network(width=8, blocks=2)
    widths = [block.conv2.out_channels for block in net.backbone.stages]
    assert widths == [8, 8, 16, 16, 32, 32, 64, 64]
    strides = [block.conv1.stride[0] for block in net.backbone.stages]
    assert strides == [1, 1, 2, 1, 2, 1, 2, 1]


@pytest.mark.parametrize(
    ("width", "growth", "widths"),
    [(8, 2.0, (8, 16, 32, 64)), (20, 1.5, (20, 30, 45, 68)), (5, 1.0, (5, 5, 5, 5))],
)
def test_stages_grow_as_asked_and_the_attention_follows(
    width: int, growth: float, widths: tuple[int, ...]
) -> None:
    net, x = network(width=width, growth=growth)
    assert tuple(block.conv2.out_channels for block in net.backbone.stages) == widths
    output = net.eval()(x)
    assert output.attention.shape == (5, widths[-1])
    assert net.classifier.in_features == net.config.feature_dim == widths[-1]


def test_excitation_scales_channels_by_shares_of_their_means() -> None:
    torch.manual_seed(1)
    excitation, x = Excitation(8, 2), torch.randn(3, 8, 5, 4)
    share = (excitation(x) / x).flatten(2)
    torch.testing.assert_close(share, share[:, :, :1].expand_as(share))
    assert 0 < share.min() < share.max() < 1
    shuffled = x.flatten(2)[:, :, torch.randperm(20)].view_as(x)
    torch.testing.assert_close((excitation(shuffled) / shuffled).flatten(2), share)


def test_excitation_is_there_only_if_asked() -> None:
    plain, excited = network()[0].state_dict(), network(excite=4)[0].state_dict()
    assert not [name for name in plain if "excitation" in name]
    assert [n for n in excited if n not in plain and "excitation" not in n] == []
    assert len([n for n in excited if n.endswith("squeeze.weight")]) == 4


@pytest.mark.parametrize("excite", [0, 4])
def test_each_block_starts_as_its_shortcut(excite: int) -> None:
    torch.manual_seed(0)
    net = DaclNet(ModelConfig(width=4, excite=excite), channels=1, classes=2, size_px=24)
    x = torch.rand(2, 4, 12, 12)
    torch.testing.assert_close(net.backbone.stages[0].eval()(x), x)


@pytest.mark.parametrize(
    "changes",
    [
        *({"width": 0}, {"blocks": 0}, {"dropout": 1.0}, {"dropout": -0.1}),
        *({"growth": 0.9}, {"growth": 5.0}, {"excite": -1}),
    ],
)
def test_impossible_network_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        ModelConfig(**changes)


def test_same_seed_gives_the_same_network() -> None:
    first, second = network()[0], network()[0]
    for a, b in itertools.zip_longest(first.parameters(), second.parameters()):
        assert torch.equal(a, b)
