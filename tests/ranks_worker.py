"""Five steps of the default network in float64, as one rank or as several: run by test_ranks."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from training.checkpoint import RunConfig
from training.pack import read_pack
from training.ranks import joined
from training.trainer import Machine, Trainer, data_facts, epoch_rows, load_pair

STEPS = 5


def main(data: Path, folder: Path) -> None:
    torch.set_num_threads(1)
    config = RunConfig()
    config = replace(config, train=replace(config.train, batch_size=16, size_px=32))
    pack = read_pack(data)
    machine = Machine(torch.device("cpu"), autocast=False, compile=False)
    with joined("cpu") as ranks:
        train, _ = load_pair(pack, config, machine.device)
        trainer = Trainer(config, data_facts(pack, train), machine, ranks, torch.float64)
        losses = []
        for rows in epoch_rows(train, config.train, 0)[:STEPS]:
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
    main(Path(sys.argv[1]), Path(sys.argv[2]))
