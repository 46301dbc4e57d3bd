"""Three steps of the default network in float64, as one rank or as several: run by test_ranks. With
a teacher, it is asked live, batches are cut as well as blended, and each step climbs first."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from training.base.device import ComputeDevice
from training.base.processes import join_ranks
from training.checkpoints.digest import hash_checkpoint
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig
from training.datasets.pack_reader import read_pack
from training.datasets.split_pair import gather_facts, load_pair
from training.run.job import find_teaching
from training.run.schedule import draw_epoch_rows
from training.run.trainer import Trainer

STEPS = 3


def main(data: Path, folder: Path, *teachers: Path) -> None:
    config = RunConfig()
    config = replace(config, train=replace(config.train, batch_size=16, size_px=32))
    if teachers:
        digests = tuple(map(hash_checkpoint, teachers))
        config = replace(
            config,
            train=replace(config.train, sam=0.05),
            augment=replace(config.augment, cutmix=1.0),
            teach=TeachConfig(digests, teacher_view="live"),
        )
    pack = read_pack(data)
    machine = ComputeDevice(torch.device("cpu"), autocast=False, compile=False)
    with join_ranks("cpu") as ranks:
        train, _ = load_pair(pack, config, machine.device)
        teaching = find_teaching(config, teachers, pack, train, machine, ranks, folder)
        facts = gather_facts(pack, train)
        trainer = Trainer(config, facts, machine, ranks, torch.float64, teaching)
        losses = []
        for rows in draw_epoch_rows(train, config.train, 0)[:STEPS]:
            before = trainer.sums.get("loss", 0.0)
            trainer.step(train, rows, 20 * STEPS)
            losses.append(trainer.sums["loss"] - before)
        state = {
            "losses": torch.tensor(losses, dtype=torch.float64),
            "centres": trainer.centre_loss.centres,
            **{f"net.{name}": value for name, value in trainer.net.state_dict().items()},
            **{f"mean.{name}": value for name, value in trainer.averaged.state_dict().items()},
        }
        torch.save(state, folder / f"rank{ranks.rank}of{ranks.count}.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*map(Path, sys.argv[1:]))
