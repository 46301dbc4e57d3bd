"""Reads several videos at once: each worker is a process that reads one file after the other.

A worker that crashes takes only its file with it: the file counts as failed, and a new worker goes
on with the others. Workers ignore Ctrl-C; the process that started them tells them to stop, and
they stop by themselves when that process is gone.
"""

import gc
import multiprocessing
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Literal, NamedTuple

from app.batch.annotate import FileOutcome, annotate
from app.batch.run_here import BatchListener, share_threads
from app.errors import DeviceError, RecogniserError
from app.process.signals import hold_back_signals, ignore_signals
from app.process.threads import set_threads
from app.runs.networks import LoadedNetworks, describe_classifier, load_networks
from app.runs.plan import RecognitionSettings, RunPlan

PROGRESS_INTERVAL_S = 0.2  # between two messages of a worker; more would be no help to the eye
POLL_S = 0.2  # within which a Ctrl-C is heard
END_S = 10.0  # for a worker that was told to stop: one frame, and closing its files


class Message(NamedTuple):
    """A message of a worker.

    "ready" brings the model and its device in `text`, "reached" the number of `frames` that the
    worker went through, "done" the `outcome`, "failed" the reason in `text`. "unable" means that
    the worker cannot work at all.
    """

    kind: Literal["ready", "reached", "done", "failed", "unable"]
    text: str = ""
    frames: int = 0
    outcome: FileOutcome | None = None


# In the worker


def _work(link: Connection, recognition: RecognitionSettings, threads: int | None) -> None:
    """Takes plans from `link` until None comes, or until the other end is gone."""
    ignore_signals()
    set_threads()
    # EOFError and OSError: nobody listens any more.
    with suppress(EOFError, OSError):
        try:
            with load_networks(recognition, threads) as networks:
                gc.freeze()  # what stays is not looked at again, which would take 30 ms a video
                link.send(Message("ready", describe_classifier(networks.classifier)))
                while (plan := link.recv()) is not None:
                    if isinstance(plan, RunPlan):  # else a stop that came too late
                        link.send(_carry_out(plan, networks, link))
                        # What is left of a run refers to itself in circles, with a decoder and an
                        # encoder in them. Python would let 15 runs pass before it looked: 590 MB
                        # of memory in place of 295.
                        gc.collect()
        except RecogniserError as error:
            link.send(Message("unable", str(error)))


def _carry_out(plan: RunPlan, networks: LoadedNetworks, link: Connection) -> Message:
    told_s = time.monotonic()

    def tell(reached: int) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= PROGRESS_INTERVAL_S:
            told_s = time.monotonic()
            link.send(Message("reached", frames=reached))

    # Whatever comes in the middle of a plan means stop, and so does a link that is closed.
    return carry_out_plan(plan, networks, stop=link.poll, tell=tell)


def carry_out_plan(
    plan: RunPlan,
    networks: LoadedNetworks,
    *,
    stop: Callable[[], bool],
    tell: Callable[[int], object] = lambda reached: None,
) -> Message:
    """Carries out one plan in a worker, and tells its end: "done" or "failed".

    `stop` tells at every frame whether the run is to stop; `tell` takes the number of frames that
    the worker went through. Only the loss of a connection is raised.
    """
    try:
        return Message("done", outcome=annotate(plan, networks, stop=stop, on_reach=tell))
    except RecogniserError as error:
        return Message("failed", str(error))
    except (BrokenPipeError, ConnectionError):
        raise
    except Exception as error:  # a fault of the program with this file; the others go on
        return Message("failed", f"{plan.video.path}: {type(error).__name__}: {error}")


# In the process that started it


class _Worker:
    def __init__(self, recognition: RecognitionSettings, threads: int | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.link, theirs = context.Pipe()
        self.number: int | None = None  # of the plan in hand
        self.is_ready = False
        self.process = context.Process(
            target=_work, args=(theirs, recognition, threads), daemon=True
        )
        if sys.platform != "win32":
            resource_tracker.ensure_running()  # else `start` begins it, and lets signals in
        with hold_back_signals():
            self.process.start()
        theirs.close()  # so that its end is seen when the worker is gone

    def say(self, what: RunPlan | str | None) -> None:
        with suppress(OSError):  # it has crashed, which is seen when it is listened to
            self.link.send(what)

    def describe_end(self) -> str:
        """Waits for the end of the process, and says for people how it ended."""
        self.process.join(END_S)
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in list(signal.Signals) else str(-code)
            memory = "; perhaps there was not enough memory" if name == "SIGKILL" else ""
            return f"was ended by {name}{memory}"
        return f"ended with code {code}"

    def close(self, *, at_once: bool) -> None:
        self.say(None)
        self.link.close()
        if not at_once:
            self.process.join(END_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def run_apart(
    plans: Sequence[RunPlan],
    *,
    workers: int,
    stop: Callable[[], bool],
    listener: BatchListener,
) -> None:
    """Carries out the plans in `workers` processes, or fewer where there are fewer plans.

    After `stop` says True, each worker stops after the frame in hand. `listener` hears what became
    of the files. Raises `RecogniserError` where workers cannot begin.
    """
    count = min(workers, len(plans))
    pool = _Pool(plans, listener, lambda: _Worker(plans[0].recognition, share_threads(count)))
    at_once = True
    try:
        pool.start(count)
        while pool.is_busy:
            pool.listen()
            if stop():
                pool.stop()
        at_once = False
    finally:
        pool.close(at_once=at_once)


class _Pool:
    def __init__(
        self, plans: Sequence[RunPlan], listener: BatchListener, begin: Callable[[], _Worker]
    ) -> None:
        self._plans = plans
        self._listener = listener
        self._begin = begin
        self._waiting = deque(range(len(plans)))
        self._workers: list[_Worker] = []
        self._stopping = False

    def start(self, count: int) -> None:
        for _ in range(count):
            self._workers.append(self._begin())

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting) or any(one.number is not None for one in self._workers)

    def listen(self) -> None:
        """Hears what the workers tell within `POLL_S`."""
        links: dict[object, _Worker] = {one.link: one for one in self._workers}
        for link in wait([one.link for one in self._workers], POLL_S):
            worker = links[link]
            try:
                message = worker.link.recv()
            except (EOFError, OSError):
                self._replace_crashed(worker)
                continue
            self._hear(worker, message)

    def _hear(self, worker: _Worker, message: Message) -> None:
        number = worker.number
        if message.kind == "unable":
            raise RecogniserError(message.text)
        if message.kind == "ready":
            worker.is_ready = True
            self._listener.hear_ready(message.text)
        elif number is not None and message.kind == "reached":
            self._listener.hear_reached(number, message.frames)
            return
        elif number is not None:
            worker.number = None
            if message.outcome is not None:
                self._listener.hear_done(number, message.outcome)
            else:
                self._listener.hear_failed(number, message.text)
        self._employ(worker)

    def _employ(self, worker: _Worker) -> None:
        if self._waiting:
            worker.number = self._waiting.popleft()
            worker.say(self._plans[worker.number])

    def _replace_crashed(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        how = worker.describe_end()
        worker.close(at_once=True)
        if worker.number is None and not worker.is_ready:
            raise DeviceError(f"A worker {how} before it could begin. Try --jobs 1.")
        if worker.number is not None:
            name = self._plans[worker.number].video.path
            self._listener.hear_failed(worker.number, f"{name}: its worker {how}.")
        if self._waiting:
            self._workers.append(self._begin())

    def stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._waiting.clear()
        for one in self._workers:
            if one.number is not None:
                one.say("stop")

    def close(self, *, at_once: bool) -> None:
        for one in self._workers:
            one.close(at_once=at_once)
