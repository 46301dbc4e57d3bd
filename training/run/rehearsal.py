"""Shrinks a training so that it can be rehearsed before its hours are spent, and estimates its
cost."""

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
from training.run.schedule import draw_epoch_rows
from training.run.trainer import Trainer

MIN_PICTURES = 256  # of a split that a rehearsal keeps, where the split has as many
NO_SPLIT = 255  # the number of no split, for pictures that are left out
WARM_UP_STEPS = 2
TIMED_STEPS = 12  # of which the fastest counts, since other programs only make steps slower
MIN_TIMED_STEPS = 3
TIMED_S = 5.0  # after that, MIN_TIMED_STEPS are enough
VALIDATION_FACTOR = 1.1  # time of an epoch with its validation over one without


def shrink_pack(pack: Pack, scale: float) -> Pack:
    """Keeps the share `scale` of the training and of the validation pictures, spread evenly, and no
    test pictures. The pack's key changes, so that no network trained on the small pack passes for a
    network trained on all pictures."""
    split = np.full_like(pack.split, NO_SPLIT)
    for name in ("train", "valid"):
        rows = pack.find_rows(name)
        count = min(len(rows), max(MIN_PICTURES, round(scale * len(rows))))
        split[rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]] = SPLITS.index(name)
    meta = replace(pack.meta, made_from=pack.meta.made_from | {"scale": scale})
    return replace(pack, split=split, meta=meta)


def shorten_recipe(config: RunConfig, scale: float) -> RunConfig:
    """Scales the number of epochs; at least one stays. Balanced epochs shrink alike, and leave one
    epoch before them."""
    train = config.train
    epochs = max(1, round(scale * train.epochs))
    balanced = min(epochs - 1, round(scale * train.balanced_epochs))
    return replace(config, train=replace(train, epochs=epochs, balanced_epochs=balanced))


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """The cost of a recipe: the `parameters` of the exported network, and the seconds of one
    training step without teachers."""

    parameters: int
    step_s: float

    def estimate_run_s(self, config: RunConfig, faces: int, teachers_s: float = 0.0) -> float:
        """Estimates the seconds of a whole run on `faces` training pictures. `teachers_s` is the
        time that the teachers take for each step."""
        steps = max(1, faces // config.train.batch_size)
        return config.train.epochs * steps * (self.step_s + teachers_s) * VALIDATION_FACTOR

    @property
    def teacher_batch_s(self) -> float:
        """The seconds in which this network, as a teacher, answers one batch: the forward pass
        alone takes a third of a step."""
        return self.step_s / 3


def measure_cost(config: RunConfig, pack: Pack, machine: ComputeDevice) -> TrainingCost:
    """Measures the cost of a recipe by a few real steps on a few pictures. The result of the steps
    is thrown away."""
    config = replace(config, teach=TeachConfig())
    few = shrink_pack(pack, 0.0)
    examples, _ = load_pair(few, config, machine.device)
    trainer = Trainer(config, gather_facts(few, examples), machine)
    rows = draw_epoch_rows(examples, config.train, 0)[0]
    times: list[float] = []
    for _ in range(WARM_UP_STEPS + TIMED_STEPS):
        began_s = time.perf_counter()
        trainer.step(examples, rows, 10**6)
        if machine.device.type == "cuda":
            torch.cuda.synchronize(machine.device)
        times.append(time.perf_counter() - began_s)
        timed = times[WARM_UP_STEPS:]
        if len(timed) >= MIN_TIMED_STEPS and sum(timed) >= TIMED_S:
            break
    shipped = (trainer.net.backbone, trainer.net.classifier)
    parameters = sum(p.numel() for part in shipped for p in part.parameters())
    return TrainingCost(parameters, min(timed) * config.train.batch_size / len(rows))
