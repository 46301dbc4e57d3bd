"""A tiny run on this machine's CPU, equal checkpoints, and the errors of the command."""

from typing import Any

import pytest
import torch

from training import train
from training.base.cli import run_entry_point
from training.base.device import ComputeDevice
from training.config.augment_config import AugmentConfig
from training.config.run_config import RunConfig
from training.config.train_config import TrainConfig
from training.network.model import ModelConfig

CONFIG = RunConfig(
    train=TrainConfig(size_px=24, batch_size=16, epochs=3, learning_rate=0.1, average=0.9),
    model=ModelConfig(width=4, blocks=1),
    augment=AugmentConfig(mixup=0.2),
)
FP32 = ComputeDevice(torch.device("cpu"), autocast=False, compile=False)


def assert_same_bits(mine: Any, theirs: Any, where: str = "state") -> None:
    """Asserts that two checkpoints are equal, bit for bit."""
    assert type(mine) is type(theirs), where
    if isinstance(mine, torch.Tensor):
        assert torch.equal(mine, theirs), where
    elif isinstance(mine, dict):
        assert mine.keys() == theirs.keys(), where
        for key in mine:
            assert_same_bits(mine[key], theirs[key], f"{where}.{key}")
    elif isinstance(mine, list | tuple):
        assert len(mine) == len(theirs), where
        for place, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            assert_same_bits(a, b, f"{where}[{place}]")
    else:
        assert mine == theirs, where


def read_training_error(capsys: pytest.CaptureFixture[str], *options: object) -> str:
    """Runs the command of training. Returns the one line with which it fails."""
    capsys.readouterr()
    assert run_entry_point(lambda: train.main([str(option) for option in options])) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err[:7]) == ("", 1, "error: ")
    return err[7:-1]
