"""Sharpness-aware steps take the gradient uphill of the weights and leave all else as it was."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.support.training_runs import CONFIG, FP32, assert_same_bits
from training.datasets.pack_reader import read_pack
from training.datasets.split_pair import gather_facts, load_pair
from training.network.sharpness_aware import climb
from training.run.trainer import Trainer


def test_weights_climb_by_rho_along_their_gradient_and_come_back() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    net[2].bias.requires_grad_(False)
    x = torch.randn(8, 4)
    net(x).square().mean().backward()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    gradient = {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}
    length = torch.cat([g.flatten() for g in gradient.values()]).norm()
    with climb(net, 0.5):
        for name, parameter in net.named_parameters():
            moved = 0.5 * gradient[name] / length if name in gradient else torch.zeros(1)
            torch.testing.assert_close(parameter, before[name] + moved)
            assert parameter.grad is None
        net(x + 1).square().mean().backward()
    assert_same_bits(dict(net.state_dict()), before)
    for name, parameter in net.named_parameters():
        assert name not in gradient or not torch.equal(parameter.grad, gradient[name])


def test_failure_uphill_brings_the_weights_back() -> None:
    net = nn.Linear(2, 1)
    net(torch.ones(1, 2)).sum().backward()
    before = net.weight.clone()
    with pytest.raises(ZeroDivisionError), climb(net, 1.0):
        raise ZeroDivisionError
    assert torch.equal(net.weight, before)


def test_sam_changes_the_step_but_not_its_batch_statistics(shapes_npz: Path) -> None:
    pack = read_pack(shapes_npz)
    examples, _ = load_pair(pack, CONFIG, FP32.device)
    runs = []
    for rho in (0.0, 0.1):
        config = replace(CONFIG, train=replace(CONFIG.train, sam=rho))
        trainer = Trainer(config, gather_facts(pack, examples), FP32)
        trainer.step(examples, torch.arange(16), 18)
        runs.append(trainer)
    plain, sharp = (run.net.state_dict() for run in runs)
    assert runs[0].sums == runs[1].sums
    assert not torch.equal(plain["backbone.stem.0.weight"], sharp["backbone.stem.0.weight"])
    for name, value in plain.items():
        if "running" in name or "tracked" in name:
            assert torch.equal(value, sharp[name]), name
    assert torch.equal(runs[0].centre_loss.centres, runs[1].centre_loss.centres)
