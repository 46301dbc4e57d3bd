"""Reads videos one after the other, in this process."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from app.batch.annotate import FileOutcome, annotate
from app.errors import RecogniserError
from app.process.machine import count_cores
from app.process.threads import set_threads
from app.runs.networks import describe_classifier, load_networks
from app.runs.plan import RunPlan


class BatchListener(Protocol):
    """Hears how the videos are getting on, by their number in the list of plans."""

    def hear_ready(self, text: str) -> None:
        """Hears that a worker has loaded the model; `text` names the model and its device."""

    def hear_reached(self, number: int, frames: int) -> None:
        """Hears that a worker has gone through `frames` frames of a video."""

    def hear_done(self, number: int, outcome: FileOutcome) -> None:
        """Hears that a video was read, and its outcome."""

    def hear_note(self, text: str) -> None:
        """Hears a line for the user about the workers, such as that one of them ended."""

    def hear_failed(self, number: int, why: str) -> None:
        """Hears that a video failed; `why` is the line for the user."""


def share_threads(workers: int) -> int | None:
    """Returns the number of threads for each of `workers` workers, so that all together have one
    thread a core; None for a single worker, which may take all cores."""
    return None if workers == 1 else max(1, count_cores() // workers)


def run_here(
    plans: Sequence[RunPlan], *, stop: Callable[[], bool], listener: BatchListener
) -> None:
    """Carries out the plans one after the other, in this process.

    `stop` tells whether the user has ended the run. `listener` hears the project's errors, and the
    next plan follows. Raises `ModelError` and `DeviceError` where the networks cannot be loaded.
    """
    set_threads()
    # Decoding and writing take cores, too: on two cores, one thread is as fast as two and takes
    # 4 % less processor time for the whole run.
    with load_networks(
        plans[0].recognition, share_threads(1), classifier_threads=max(1, count_cores() // 2)
    ) as networks:
        listener.hear_ready(describe_classifier(networks.classifier))
        for number, plan in enumerate(plans):
            if stop():
                return
            try:
                told = partial(listener.hear_reached, number)
                listener.hear_done(number, annotate(plan, networks, stop=stop, on_reach=told))
            except RecogniserError as error:
                listener.hear_failed(number, str(error))
