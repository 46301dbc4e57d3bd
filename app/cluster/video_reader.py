"""Reads videos in a worker of the cluster, which keeps the networks loaded between them."""

import gc
import socket
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from app.batch.workers import Message, carry_out_plan
from app.cluster.shared_folders import FolderMarks, make_unseen_error
from app.defaults import MODELS
from app.errors import ModelError, RecogniserError
from app.process.threads import set_threads
from app.runs.checkpoint import ResumeFile
from app.runs.networks import LoadedNetworks, describe_classifier, load_networks
from app.runs.plan import RecognitionSettings, RunPlan


@dataclass(frozen=True, slots=True)
class ReaderSetting:
    """The setting that a worker is started with.

    Attributes:
        recognition: The settings of the networks.
        model_sha256: The digest of the model on the machine that hands out the work, 64 hex digits.
        threads: The number of threads of a run; None: all cores.
        marks: The marks of the folders of results.
    """

    recognition: RecognitionSettings
    model_sha256: str
    threads: int | None
    marks: FolderMarks


class VideoReader:
    """A worker. Its methods may be called from several threads, but only one `read` at a time."""

    def __init__(self, setting: ReaderSetting) -> None:
        self._setting = setting
        self._stop = threading.Event()
        self._stack = ExitStack()
        self._networks: LoadedNetworks | None = None
        self._reached = 0

    def load(self) -> Message:
        """Loads the networks. Returns "ready", or "unable" with the reason."""
        set_threads()
        setting, node = self._setting, socket.gethostname()
        try:
            unseen = setting.marks.find_unseen()
            if unseen is not None:
                raise make_unseen_error(unseen, node)
            recognition = replace(
                setting.recognition, model=find_model_here(setting.recognition.model)
            )
            networks = self._stack.enter_context(load_networks(recognition, setting.threads))
            if networks.classifier.sha256 != setting.model_sha256:
                raise ModelError(
                    f"The machine {node} has another model as {recognition.model}. Install the "
                    "same version of this program on all machines, or name a --model that all see."
                )
            self._networks = networks
            gc.freeze()  # what stays, with Ray in it, would take `read` 52 ms a video
        except (RecogniserError, ValueError) as error:
            return Message("unable", str(error))
        return Message("ready", describe_classifier(networks.classifier))

    def read(self, plan: RunPlan, *, is_retry: bool) -> Message:
        """Carries out a plan. Returns "done" or "failed".

        `is_retry`: another worker ended while it carried out the same plan.
        """
        assert self._networks is not None
        self._reached = 0
        checkpoint = ResumeFile(plan.outputs.first)
        if is_retry:
            plan = plan_retry(plan, has_checkpoint=checkpoint.exists())
        elif plan.overwrite:
            checkpoint.remove()  # so that one which a retry finds is of this run
        try:
            return carry_out_plan(
                plan, self._networks, stop=self._stop.is_set, tell=self._note_reached
            )
        finally:
            gc.collect()  # as in `app.batch.workers`

    def _note_reached(self, frames: int) -> None:
        self._reached = frames

    def get_reached(self) -> int:
        """Returns how many frames `read` went through in the video in hand."""
        return self._reached

    def stop(self) -> None:
        """Makes `read` stop after the frame in hand."""
        self._stop.set()


def find_model_here(model: Path) -> Path:
    """Finds a model on this machine: under the name that it has on the machine that hands out the
    work, or among the shipped ones, because this program may lie elsewhere here."""
    shipped = MODELS / model.name
    return model if model.is_file() or not shipped.is_file() else shipped


def plan_retry(plan: RunPlan, *, has_checkpoint: bool) -> RunPlan:
    """Plans another try of a run whose worker ended: the new run goes on from the checkpoint.

    Without a checkpoint, a run that replaces results begins anew, because results that are there
    may be old. Results of any other run are its own: nothing was there when it began.
    """
    if plan.overwrite and not has_checkpoint:
        return plan
    return replace(plan, resume=True, overwrite=False)
