"""A network that gives no finite numbers is named by its file, whichever command reads it."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from app.errors import TrainingError
from tests.support.shapes import LABELS, MACHINE
from training import ensemble, evaluate, export, soup, train, widen
from training.checkpoints.checkpoint import load_checkpoint, load_trained
from training.config.run_config import RunConfig
from training.datasets.pack_reader import read_pack
from training.datasets.split_pair import load_pair
from training.judge.predictions import compute_net_logits
from training.run.teachers import load_teachers


def put_nan(weights: dict[str, torch.Tensor]) -> None:
    weights["classifier.bias"][1] = math.nan


def put_infinity(weights: dict[str, torch.Tensor]) -> None:
    weights["backbone.stem.1.bias"][:] = math.inf


def put_huge(weights: dict[str, torch.Tensor]) -> None:
    """Each number is finite, and the products are not: a step at far too high a rate."""
    for tensor in weights.values():
        if tensor.is_floating_point() and tensor.ndim:
            tensor *= 1e25


def break_attention(weights: dict[str, torch.Tensor]) -> None:
    for name, tensor in weights.items():
        if name.startswith("attention") and tensor.is_floating_point():
            tensor[:] = math.nan


def write_broken(run: Path, path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    state = load_checkpoint(run / "best.pt")
    change(state[state["recommended"]])
    torch.save(state, path)
    return path


@pytest.mark.parametrize("change", [put_nan, put_infinity, put_huge, break_attention])
def test_broken_network_is_named(
    trained: Path, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], None]
) -> None:
    file = write_broken(trained, tmp_path / "broken.pt", change)
    with pytest.raises(TrainingError) as caught:
        load_trained(file)
    assert str(caught.value) == (
        f"The network in {file} gives no finite numbers. Give another checkpoint, or train it "
        "again with a lower --learning-rate."
    )


def test_every_command_refuses_a_broken_network(
    trained: Path, shapes_npz: Path, tmp_path: Path
) -> None:
    file = write_broken(trained, tmp_path / "broken.pt", put_huge)
    good, data, broken = str(trained / "best.pt"), str(shapes_npz), str(file)
    commands: list[Callable[[], object]] = [
        lambda: evaluate.main([data, broken]),
        lambda: export.main([data, broken, "-o", str(tmp_path / "a.onnx")]),
        lambda: ensemble.main([data, good, broken, *MACHINE]),
        lambda: soup.main([data, good, broken, "-o", str(tmp_path / "a.pt"), *MACHINE]),
        lambda: train.main([data, "-o", str(tmp_path / "a"), "--teacher", broken, *MACHINE]),
        lambda: widen.main([broken, "-o", str(tmp_path / "a.pt"), "--width", "16"]),
        lambda: load_teachers([file], LABELS, torch.device("cpu")),
    ]
    for command in commands:
        with pytest.raises(TrainingError, match=re.escape(f"The network in {file} gives no fin")):
            command()
    assert [path.name for path in tmp_path.iterdir()] == ["broken.pt"]


def test_logits_of_faces_that_are_no_numbers_are_refused(trained: Path, shapes_npz: Path) -> None:
    """Such as those of weights that overflow in half precision."""
    net = load_trained(trained / "best.pt").net
    config = RunConfig.from_dict(load_checkpoint(trained / "best.pt")["config"])
    _, valid = load_pair(read_pack(shapes_npz), config, torch.device("cpu"))
    assert compute_net_logits(net, valid).shape == (30, 3)
    with torch.no_grad():
        net.classifier.bias[0] = math.inf
    with pytest.raises(TrainingError, match="gives no finite numbers for some of the faces"):
        compute_net_logits(net, valid)
