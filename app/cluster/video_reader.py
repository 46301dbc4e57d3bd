"""Reads videos in a worker of the cluster, which keeps the networks loaded between them."""

import gc
import socket
import threading
from contextlib import ExitStack
from dataclasses import replace

from app.batch.workers import Message, carry_out_plan
from app.cluster.shared_folders import FolderMarks, make_unseen_error
from app.defaults import find_model
from app.errors import RecogniserError
from app.process.threads import set_threads
from app.runs.checkpoint import ResumeFile
from app.runs.networks import LoadedNetworks, describe_classifier, load_networks
from app.runs.plan import RecognitionSettings, RunPlan


class VideoReader:
    """A worker. Its methods may be called from several threads, but only one `read` at a time.

    Args:
        recognition: The settings of the networks.
        threads: The number of threads of a run; None: all cores.
        marks: The marks of the folders of results.
    """

    def __init__(
        self, recognition: RecognitionSettings, threads: int | None, marks: FolderMarks
    ) -> None:
        self._recognition, self._threads, self._marks = recognition, threads, marks
        self._stop = threading.Event()
        self._stack = ExitStack()
        self._networks: LoadedNetworks | None = None

    def load(self) -> Message:
        """Loads the networks. Returns "ready", or "unable" with the reason."""
        set_threads()
        node = socket.gethostname()
        try:
            unseen = self._marks.find_unseen()
            if unseen is not None:
                raise make_unseen_error(unseen, node)
            settings = self._recognition
            if not settings.model.is_file():  # the program lies elsewhere on this machine
                settings = replace(settings, model=find_model(settings.model.stem))
            self._networks = self._stack.enter_context(load_networks(settings, self._threads))
        except (RecogniserError, ValueError) as error:
            return Message("unable", str(error))
        return Message("ready", describe_classifier(self._networks.classifier))

    def read(self, plan: RunPlan, *, is_retry: bool) -> Message:
        """Carries out a plan. Returns "done" or "failed".

        `is_retry`: another worker ended while it carried out the same plan.
        """
        assert self._networks is not None
        checkpoint = ResumeFile(plan.outputs.first)
        if is_retry:
            plan = plan_retry(plan, has_checkpoint=checkpoint.exists())
        elif plan.overwrite:
            checkpoint.remove()  # so that one which a retry finds is of this run
        try:
            return carry_out_plan(plan, self._networks, stop=self._stop.is_set)
        finally:
            gc.collect()  # as in `app.batch.workers`

    def stop(self) -> None:
        """Makes `read` stop after the frame in hand."""
        self._stop.set()


def plan_retry(plan: RunPlan, *, has_checkpoint: bool) -> RunPlan:
    """Plans another try of a run whose worker ended: the new run goes on from the checkpoint.

    Without a checkpoint, a run that replaces results begins anew, because results that are there
    may be old. Results of any other run are its own: nothing was there when it began.
    """
    if plan.overwrite and not has_checkpoint:
        return plan
    return replace(plan, resume=True, overwrite=False)
