"""A training made small, to see it through before its hours are spent, and what it will cost."""

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from training.base.device import ComputeDevice
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig
from training.datasets.pack import Pack
from training.datasets.readers import SPLITS
from training.datasets.split_pair import gather_facts, load_pair
from training.run.schedule import epoch_rows
from training.run.trainer import Trainer

LEAST = 256  # pictures of a split that a rehearsal keeps, where there are as many
NO_SPLIT = 255
WARM_UP, TIMED = 2, 3  # steps
VALIDATION = 1.1  # an epoch with its judging, to one without


def shrunk(pack: Pack, scale: float) -> Pack:
    """A share of the training and of the validation pictures, spread evenly; no test pictures. Its
    key is another: what learned from it is not taken for what learned from all."""
    split = np.full_like(pack.split, NO_SPLIT)
    for name in ("train", "valid"):
        rows = pack.rows(name)
        count = min(len(rows), max(LEAST, round(scale * len(rows))))
        split[rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]] = SPLITS.index(name)
    meta = replace(pack.meta, made_from=pack.meta.made_from | {"scale": scale})
    return replace(pack, split=split, meta=meta)


def shortened(config: RunConfig, scale: float) -> RunConfig:
    """Fewer epochs, at least one."""
    epochs = max(1, round(scale * config.train.epochs))
    return replace(config, train=replace(config.train, epochs=epochs))


@dataclass(frozen=True, slots=True)
class Cost:
    """`parameters` of the exported network; `step_s` of one training step, without teachers."""

    parameters: int
    step_s: float

    def run_s(self, config: RunConfig, faces: int, asked_s: float = 0.0) -> float:
        """Of a whole run; `asked_s`: what its teachers take for each step."""
        steps = max(1, faces // config.train.batch_size)
        return config.train.epochs * steps * (self.step_s + asked_s) * VALIDATION

    @property
    def ask_s(self) -> float:
        """Of one batch shown to this network as a teacher: forward alone, a third of a step."""
        return self.step_s / 3


def measured(config: RunConfig, pack: Pack, machine: ComputeDevice) -> Cost:
    """By a few real steps on a few pictures, whose result is thrown away."""
    config = replace(config, teach=TeachConfig())
    few = shrunk(pack, 0.0)
    examples, _ = load_pair(few, config, machine.device)
    trainer = Trainer(config, gather_facts(few, examples), machine)
    rows = epoch_rows(examples, config.train, 0)[0]
    times = []
    for _ in range(WARM_UP + TIMED):
        began_s = time.perf_counter()
        trainer.step(examples, rows, 10**6)
        if machine.device.type == "cuda":
            torch.cuda.synchronize(machine.device)
        times.append(time.perf_counter() - began_s)
    shipped = (trainer.net.backbone, trainer.net.classifier)
    parameters = sum(p.numel() for part in shipped for p in part.parameters())
    return Cost(parameters, min(times[WARM_UP:]) * config.train.batch_size / len(rows))
