"""Runs the training loop: the steps, the validation after each epoch, and the checkpoints."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from training.base.progress import track_progress
from training.checkpoints.checkpoint import save_checkpoint
from training.datasets.examples import Examples
from training.run.schedule import draw_epoch_rows
from training.run.trainer import Trainer


def fit(
    trainer: Trainer,
    train: Examples,
    valid: Examples,
    folder: Path,
    *,
    checkpoint_s: float = 300.0,
    stop_after_steps: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[dict[str, Any]]:
    """Trains to the last epoch and yields one log line an epoch, on the first rank only.

    `last.pt` is written every `checkpoint_s` seconds and after each epoch, when the caller has
    taken its line; `best.pt` is written whenever validation accuracy rises.

    Args:
        trainer: The state of the run; it may already have made steps.
        train: The faces to learn from.
        valid: The faces that choose the checkpoint.
        folder: The folder of the checkpoints.
        checkpoint_s: The longest time between two checkpoints.
        stop_after_steps: A number of steps after which the loop returns without saving, as a crash
            would.
        stop: A question asked after every step within an epoch. Where the answer is True, the state
            is saved and `KeyboardInterrupt` raised.
    """
    config, ranks = trainer.config.train, trainer.ranks
    per_epoch = len(draw_epoch_rows(train, config, 0))
    total = per_epoch * config.epochs
    saved_s = time.monotonic()

    def format_note() -> str:
        number = min(config.epochs, trainer.step_number // per_epoch + 1)
        epoch = f"epoch {number}/{config.epochs}"
        if not trainer.sums:  # an epoch has just ended
            return epoch
        return f"{epoch}, loss {trainer.sums['loss'] / trainer.sums['steps']:.3f}"

    def iterate_steps() -> Iterator[tuple[int, Tensor]]:
        while trainer.step_number < total:
            epoch, done = divmod(trainer.step_number, per_epoch)
            for rows in train.decode_ahead(draw_epoch_rows(train, config, epoch)[done:]):
                yield epoch, rows

    bar = track_progress(
        iterate_steps(),
        note=format_note,
        initial=trainer.step_number,
        total=total,
        unit="step",
        leave=False,
        disable=None if ranks.is_first else True,
    )
    for epoch, rows in bar:
        if stop_after_steps is not None and trainer.step_number >= stop_after_steps:
            return
        trainer.step(train, rows, total)
        if trainer.step_number % per_epoch:
            stopping = stop()
            if ranks.is_first and (stopping or time.monotonic() - saved_s > checkpoint_s):
                save_checkpoint(folder / "last.pt", trainer.state("averaged"))
                saved_s = time.monotonic()
            if stopping:
                raise KeyboardInterrupt
            continue
        line = trainer.take_epoch_line(epoch + 1)
        if ranks.is_first:
            accuracy, recommended = trainer.add_validation(line, valid)
            if accuracy > trainer.best_accuracy:
                trainer.best_accuracy = accuracy
                save_checkpoint(folder / "best.pt", trainer.state(recommended))
            yield line
            save_checkpoint(folder / "last.pt", trainer.state(recommended))
            saved_s = time.monotonic()
        ranks.wait_for_all()
