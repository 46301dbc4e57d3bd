"""Puts weights from a file into a trainer before its first step."""

from pathlib import Path

import torch

from training.base.device import normalise_batch
from training.checkpoints.initial_weights import InitReport, load_initial
from training.datasets.examples import Examples
from training.network.dlib_backbone import measure_norms
from training.run.trainer import Trainer

MEASURED_FACES = 4096  # for the norms of dlib's network: two thousand give the same to a per cent
MEASURED_AT_ONCE = 64


def begin_with(trainer: Trainer, path: Path, examples: Examples) -> InitReport:
    """Copies what fits out of `path` into the network, its average and its centres.

    Norms of dlib's network, which was published with scales and shifts instead, are measured on the
    first `MEASURED_FACES` of `examples`. Raises `TrainingError`.
    """
    labels = trainer.facts.labels
    report = load_initial(trainer.net, path, labels=labels, centres=trainer.centre_loss.centres)
    if report.kind == "dlib":
        rows = torch.arange(min(MEASURED_FACES, examples.faces))
        measure_norms(
            trainer.net.backbone,
            (
                normalise_batch(examples.crops(chunk).to(trainer.dtype))
                for chunk in examples.ahead(torch.split(rows, MEASURED_AT_ONCE))
            ),
        )
    trainer.start_from_net()
    return report
