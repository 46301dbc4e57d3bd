"""Loads weights from a file into a trainer before its first step."""

from pathlib import Path

import torch

from app.errors import TrainingError
from training.base.device import normalise_batch
from training.checkpoints.initial_weights import InitReport, load_initial
from training.config.train_config import TrainConfig
from training.datasets.examples import Examples
from training.network.dlib_backbone import measure_norms
from training.run.trainer import Trainer

# Faces on which the norms of dlib's network are measured; 2,000 give the same to a per cent.
MAX_MEASURED_FACES = 4096
MEASURING_BATCH = 64  # faces at a time
BIAS = "classifier.bias"  # the tensor that the logit adjustment changes


def check_adjustment(train: TrainConfig, report: InitReport) -> None:
    """Raises `TrainingError` where weights set the classifier's biases, which the logit adjustment
    of a recipe sets as well."""
    if train.logit_adjustment and (report.carried or BIAS in report.matched):
        raise TrainingError(
            f"The classifier's biases would begin as in {report.path}, without the logit "
            "adjustment. Leave --logit-adjustment out, or begin with weights that have no such "
            "classifier."
        )


def load_beginning(trainer: Trainer, path: Path, examples: Examples) -> InitReport:
    """Copies what fits out of the file `path` into the trainer's network, its average and its
    centres, and notes the origin.

    dlib's network was published with scales and shifts in place of norms. Its norms are therefore
    measured on the first `MAX_MEASURED_FACES` of `examples`. Raises `TrainingError` where the file
    cannot be used, or sets the biases that the recipe's logit adjustment sets as well.
    """
    labels = trainer.facts.labels
    report = load_initial(trainer.net, path, labels=labels, centres=trainer.centre_loss.centres)
    check_adjustment(trainer.config.train, report)
    if report.kind == "dlib":
        rows = torch.arange(min(MAX_MEASURED_FACES, examples.faces))
        measure_norms(
            trainer.net.backbone,
            (
                normalise_batch(examples.cut_crops(chunk).to(trainer.dtype))
                for chunk in examples.decode_ahead(torch.split(rows, MEASURING_BATCH))
            ),
        )
    trainer.origins = report.origins
    trainer.start_from_net()
    return report
