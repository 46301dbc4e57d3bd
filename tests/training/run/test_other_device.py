"""Training, evaluation and export work with every tensor on a device that is not the CPU.

No GPU is needed (`tests.support.other_device`). A tensor or a generator that stays on the CPU fails
as it would on a GPU, and numbers that are read back in the middle of a step are counted. What this
cannot find: kernels that a GPU lacks or rounds otherwise, lack of memory, autocast, compilation,
several GPUs, and a checkpoint whose tensors are saved from a GPU.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.other_device import FAR, FarTensor, OtherDevice, WrongDeviceError, make_generator
from tests.support.training_runs import FP32
from training.augment import degrade
from training.base.device import ComputeDevice
from training.checkpoints.checkpoint import load_trained
from training.checkpoints.digest import hash_checkpoint
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig, TeacherView
from training.datasets.pack import Pack
from training.datasets.pack_reader import read_pack
from training.datasets.split_pair import gather_facts, load_pair
from training.judge.predictions import compute_net_logits
from training.network.model import ExportNet
from training.run import schedule
from training.run.predict import judge_network
from training.run.teaching import prepare_teaching
from training.run.trainer import Trainer

FAR_MACHINE = replace(FP32, device=FAR)
# The loss is checked once a step, and the sums of the log take the rest.
MOST_READS_A_STEP = 8


@pytest.fixture(scope="module")
def pack(shapes_npz: Path) -> Pack:
    return read_pack(shapes_npz)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtherDevice]:
    class Torch:
        """`torch` with generators of the other device."""

        Generator = staticmethod(make_generator)

        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name)

    def open_no_autocast(_: ComputeDevice) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=False)

    monkeypatch.setattr(schedule, "torch", Torch())
    monkeypatch.setattr(degrade, "Generator", make_generator)
    monkeypatch.setattr(ComputeDevice, "open_autocast", open_no_autocast)
    with OtherDevice() as mode:
        yield mode


def make_config(trained: Path, view: TeacherView | None, **changes: Any) -> RunConfig:
    """Everything that a step can do: augmentation, damage, mixing, the losses, an average."""
    base = load_trained(trained / "best.pt").config
    augment = replace(
        base.augment,
        mixup=0.4,
        cutmix=1.0,
        rotation_deg=20,
        scale=0.1,
        light=0.3,
        erase=1.0,
        degrade=1.0,
    )
    teachers = () if view is None else (hash_checkpoint(trained / "best.pt"),)
    teach = TeachConfig(teachers=teachers, teacher_view=view or "cached")
    model = replace(base.model, dropout=0.2)
    return RunConfig(
        train=replace(base.train, **changes), model=model, augment=augment, teach=teach
    )


def take_steps(
    pack: Pack, config: RunConfig, trained: Path, machine: ComputeDevice
) -> tuple[dict[str, torch.Tensor], float]:
    """Makes two steps and judges the network. Returns its weights on the CPU, and its accuracy."""
    examples, valid = load_pair(pack, config, machine.device)
    teaching = None
    if config.teach.teachers:
        files = (trained / "best.pt",)
        teaching = prepare_teaching(files, config, pack, examples, machine, None)
    trainer = Trainer(config, gather_facts(pack, examples), machine, teaching=teaching)
    for step in range(2):
        rows = torch.arange(16, device=machine.device) + 16 * step
        trainer.step(examples, rows, 10)
    line: dict[str, Any] = {"epoch": 1}
    trainer.add_validation(line, valid)
    weights = trainer.averaged.state_dict() | {"centres": trainer.centre_loss.centres}
    return {name: weight.detach().cpu() for name, weight in weights.items()}, judge_network(
        trainer.net, valid
    ).accuracy


@pytest.mark.parametrize(
    ("loss", "view", "changes"),
    [
        ("softmax", None, {}),
        ("centre", "cached", {}),
        ("dacl", "live", {"attention_pull": 0.1, "attention_entropy": 0.1, "sam": 0.05}),
        ("dacl", None, {"colour": "rgb"}),
    ],
)
def test_steps_and_validation_are_those_of_the_cpu(
    pack: Pack,
    trained: Path,
    device: OtherDevice,
    loss: str,
    view: TeacherView | None,
    changes: dict[str, Any],
) -> None:
    config = make_config(trained, view, loss=loss, **changes)
    far, far_accuracy = take_steps(pack, config, trained, FAR_MACHINE)
    assert device.reads > 0
    near, accuracy = take_steps(pack, config, trained, FP32)
    assert far_accuracy == accuracy
    for name, weight in near.items():
        torch.testing.assert_close(far[name], weight, rtol=1e-5, atol=1e-6)


def test_step_reads_few_numbers_back(pack: Pack, trained: Path, device: OtherDevice) -> None:
    config = make_config(trained, None)
    config = replace(config, augment=replace(config.augment, degrade=0.0))
    examples, _ = load_pair(pack, config, FAR)
    trainer = Trainer(config, gather_facts(pack, examples), FAR_MACHINE)
    before = device.reads
    trainer.step(examples, torch.arange(16, device=FAR), 10)
    assert device.reads - before <= MOST_READS_A_STEP


def test_network_is_evaluated_there_and_gives_what_is_exported(
    pack: Pack, trained: Path, device: OtherDevice
) -> None:
    config = make_config(trained, None)
    _, valid = load_pair(pack, config, FAR)
    net = load_trained(trained / "best.pt").net.to(FAR)
    assert all(isinstance(weight, FarTensor) for weight in net.state_dict().values())
    logits = compute_net_logits(net, valid)
    near = compute_net_logits(load_trained(trained / "best.pt").net, valid.to(torch.device("cpu")))
    np.testing.assert_allclose(logits, near, atol=1e-5)
    size = config.train.size_px
    found = ExportNet(net).eval()(torch.zeros(2, 1, size, size, device=FAR))
    assert [tuple(one.shape)[:2] for one in found] == [(2, 3), (2, 3)]


def test_tensor_left_on_the_cpu_is_found(pack: Pack, trained: Path, device: OtherDevice) -> None:
    config = make_config(trained, None)
    examples, _ = load_pair(pack, config, FAR)
    trainer = Trainer(config, gather_facts(pack, examples), FAR_MACHINE)
    left = replace(examples, soft=examples.soft.cpu())
    with pytest.raises(WrongDeviceError, match="tensors of two devices"):
        trainer.step(left, torch.arange(16, device=FAR), 10)


def test_generator_of_the_cpu_is_found(device: OtherDevice) -> None:
    with pytest.raises(WrongDeviceError, match="draws from the generator of another device"):
        torch.rand(3, generator=torch.Generator(), device=FAR)
