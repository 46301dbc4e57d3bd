"""A wider network says what the narrow one says, and its copies learn different things."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from app.errors import TrainingError
from tests.support.shapes import LABELS
from training import widen
from training.base.cli import run_entry_point
from training.checkpoints import wider
from training.checkpoints.checkpoint import Trained, build_network, load_trained
from training.checkpoints.initial_weights import load_initial
from training.config.run_config import DataFacts, RunConfig
from training.config.train_config import TrainConfig
from training.network.model import ModelConfig


def a_trained(model: ModelConfig, size_px: int = 24) -> Trained:
    """At random weights and statistics, none of them at rest."""
    torch.manual_seed(3)
    config = RunConfig(TrainConfig(size_px=size_px), model)
    net = build_network(config, len(LABELS))
    with torch.no_grad():
        for _ in range(3):
            net(torch.randn(8, 1, size_px, size_px))
        for name, tensor in net.named_parameters():
            if "norm" in name:
                tensor.add_(torch.rand_like(tensor))
    return Trained(net.eval(), config, DataFacts("shapes", "key", LABELS, (1 / 3,) * 3), 7)


@pytest.mark.slow
@pytest.mark.parametrize("width", [6, 8, 13])
@pytest.mark.parametrize(
    "model",
    [
        ModelConfig(width=4),
        ModelConfig(width=3, blocks=1, stem="fine"),
        ModelConfig(width=3, growth=1.5),
    ],
)
def test_wider_network_gives_the_same_logits(model: ModelConfig, width: int) -> None:
    narrow = a_trained(model)
    wide = wider.widen_network(narrow, width, seed=1)
    x = torch.randn(5, 1, 24, 24)
    with torch.no_grad():
        a, b = narrow.net(x), wide.net(x)
    assert wide.net.config.width == width
    assert torch.allclose(a.logits, b.logits, atol=1e-4)
    source = wider.list_copies(a.embedding.shape[1], b.embedding.shape[1])
    assert torch.allclose(a.embedding[:, source], b.embedding, atol=1e-4)


@given(inputs=st.integers(1, 9), more=st.integers(0, 20), seed=st.integers(0, 99))
def test_shares_of_copies_add_up(inputs: int, more: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(3, inputs, 2, 2, generator=generator)
    wide = wider.spread_inputs(weight, inputs + more, generator)
    source = wider.list_copies(inputs, inputs + more)
    summed = torch.zeros_like(weight).index_add_(1, source, wide)
    assert torch.allclose(summed, weight, atol=1e-5)
    assert (wide * weight[:, source] >= 0).all()


def test_copies_of_a_channel_get_different_gradients() -> None:
    wide = wider.widen_network(a_trained(ModelConfig(width=4)), 8, seed=1).net
    wide(torch.randn(8, 1, 24, 24)).logits.square().sum().backward()
    kernel = wide.backbone.stages[0].conv1.weight.grad
    assert kernel is not None
    one, other = kernel.chunk(2)
    assert not torch.allclose(one, other, rtol=0.01)


def test_command_writes_what_training_begins_with(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "wide.pt"
    command = [str(trained / "best.pt"), "-o", str(output), "--width", "16"]
    assert widen.main(command) == 0
    assert "width 16" in capsys.readouterr().out
    wide = load_trained(output)
    net = build_network(wide.config, len(LABELS))
    report = load_initial(net, output, labels=LABELS)
    assert (report.missing, report.mismatched) == ((), ())
    assert run_entry_point(lambda: widen.main(command)) == 2
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "width", "reason"),
    [
        (ModelConfig(width=4), 4, "width 4 is widened to more than that, not to 4"),
        (ModelConfig(width=4, excite=4), 8, "squeeze-excitation"),
    ],
)
def test_what_cannot_be_widened_is_refused(model: ModelConfig, width: int, reason: str) -> None:
    with pytest.raises(TrainingError, match=reason):
        wider.widen_network(a_trained(model), width, seed=0)
