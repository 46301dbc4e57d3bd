"""Hands videos out to the workers of a cluster, one after the other, and hears what became of them.

A worker that ends takes nothing with it: its video is read again by another worker, from its last
checkpoint on. A video whose workers ended `MAX_TRIES` times counts as failed.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Protocol

from app.batch.run_all import WorkersLostError
from app.batch.run_here import BatchListener
from app.batch.workers import POLL_S, Message
from app.errors import DeviceError, RecogniserError
from app.runs.plan import RunPlan
from app.wording import format_count

MAX_TRIES = 3  # of a video, with a worker each
MAX_FAILED_STARTS = 3  # in a row, of workers that end before they can begin
REACHED_S = 2.0  # between two questions to a worker of how far it is
MAX_QUESTIONS_PER_S = 20  # of these to all workers; a thousand of them keep nobody busy then
CHECK_S = 5.0  # between two looks at whether the cluster answers
LOST_S = 30.0  # without an answer; Ray itself would end this process after 60 s, without a word
PATIENCE_S = 30.0  # without a worker that begins, before a line says so


class WorkerEndedError(Exception):
    """A worker has ended without an answer. The text says how."""


class FleetWorker(Protocol):
    """A worker that has one call in hand."""

    def ask(self, plan: RunPlan, *, is_retry: bool) -> None:
        """Gives it a plan."""

    def get_answer(self) -> Message:
        """Returns the answer to the call in hand. Raises `WorkerEndedError`."""

    def ask_reached(self) -> int | None:
        """Returns the last answer to how many frames it went through, and asks anew. Does not
        wait; None: there is no new answer."""

    def stop(self) -> None:
        """Makes it stop after the frame in hand."""

    def close(self) -> None:
        """Ends it at once."""


class Engine(Protocol):
    """Starts workers and waits for them."""

    def start(self) -> FleetWorker:
        """Starts a worker, which begins to load the networks."""

    def wait(self, workers: Sequence[FleetWorker], timeout_s: float) -> Sequence[FleetWorker]:
        """Returns those of `workers` whose call is over, after `timeout_s` at the latest."""

    def is_reachable(self) -> bool:
        """Tells whether the cluster answers."""


class Fleet:
    """The workers of a run, and the plans that are left.

    Args:
        plans: The plans.
        engine: Starts workers.
        listener: Hears what becomes of the plans.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        plans: Sequence[RunPlan],
        engine: Engine,
        listener: BatchListener,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plans, self._engine, self._listener = plans, engine, listener
        self._clock = clock
        self._waiting = deque(range(len(plans)))
        self._tries: Counter[int] = Counter()
        self._loading: list[FleetWorker] = []
        self._reading: dict[FleetWorker, int] = {}
        self._idle: list[FleetWorker] = []
        self._failed_starts = 0
        self._is_stopping = False
        self._asked_s = clock()
        self._checked_s = clock()
        self._silent_since_s: float | None = None  # None while the cluster answers
        self._late_starts = 0  # of workers, until the cluster answers again

    def run(self, count: int, stop: Callable[[], bool]) -> None:
        """Carries out all plans with `count` workers. After `stop` says True, each stops after the
        frame in hand. Raises `RecogniserError` where workers cannot begin, and `WorkersLostError`
        where the cluster is gone."""
        try:
            self._loading += [self._engine.start() for _ in range(count)]
            began_s, is_told = self._clock(), False
            while self._waiting or self._reading:
                busy = [*self._loading, *self._reading]
                for worker in self._engine.wait(busy, POLL_S):
                    self._hear(worker)
                self._show_reached()
                self._check_cluster()
                if stop() and not self._is_stopping:
                    self._is_stopping = True
                    self._waiting.clear()
                    for worker in self._reading:
                        worker.stop()
                is_late = self._clock() - began_s > PATIENCE_S
                if is_late and not is_told and not (self._reading or self._idle):
                    is_told = True
                    workers = format_count(len(self._loading), "worker")
                    self._listener.hear_note(
                        f"{workers} wait for room on the cluster; Ctrl-C gives up."
                    )
        finally:
            for worker in (*self._loading, *self._reading, *self._idle):
                worker.close()

    def _check_cluster(self) -> None:
        """Looks now and then whether the cluster answers. Raises `WorkersLostError` after
        `LOST_S`."""
        now_s = self._clock()
        if now_s - self._checked_s < CHECK_S:
            return
        self._checked_s = now_s
        if self._engine.is_reachable():
            self._silent_since_s = None
            while self._late_starts:
                self._late_starts -= 1
                self._loading.append(self._engine.start())
            return
        if self._silent_since_s is None:
            self._silent_since_s = now_s
            self._listener.hear_note(
                f"The cluster does not answer. It has {LOST_S:.0f} s to come back."
            )
        elif now_s - self._silent_since_s >= LOST_S:
            raise WorkersLostError(
                f"The cluster has not answered for {LOST_S:.0f} s: its head has ended, or the "
                "network to it has. Look at `ray status` there."
            )

    def _start_worker(self) -> None:
        """Starts a worker, or leaves that until the cluster answers again: the call would not
        return."""
        if self._engine.is_reachable():
            self._loading.append(self._engine.start())
        else:
            self._late_starts += 1

    def _show_reached(self) -> None:
        interval_s = max(REACHED_S, len(self._reading) / MAX_QUESTIONS_PER_S)
        if self._clock() - self._asked_s < interval_s:
            return
        self._asked_s = self._clock()
        for worker, number in self._reading.items():
            frames = worker.ask_reached()
            if frames is not None:
                self._listener.hear_reached(number, frames)

    def _hear(self, worker: FleetWorker) -> None:
        if worker in self._loading:
            self._loading.remove(worker)
            self._hear_loaded(worker)
            return
        number = self._reading.pop(worker)
        try:
            message = worker.get_answer()
        except WorkerEndedError as error:
            self._take_back(number, str(error))
            worker.close()
            return
        if message.outcome is not None:
            self._listener.hear_done(number, message.outcome)
        else:
            self._listener.hear_failed(number, message.text)
        self._employ(worker)

    def _hear_loaded(self, worker: FleetWorker) -> None:
        try:
            message = worker.get_answer()
        except WorkerEndedError as error:
            worker.close()
            self._failed_starts += 1
            if self._failed_starts >= MAX_FAILED_STARTS:
                raise DeviceError(
                    f"Workers end before they can begin: {error} This program must be installed on "
                    "every machine of the cluster."
                ) from error
            if self._waiting:
                self._start_worker()
            return
        if message.kind == "unable":
            worker.close()
            raise RecogniserError(message.text)
        self._failed_starts = 0
        self._listener.hear_ready(message.text)
        self._employ(worker)

    def _employ(self, worker: FleetWorker) -> None:
        if not self._waiting:
            self._idle.append(worker)
            return
        number = self._waiting.popleft()
        self._reading[worker] = number
        worker.ask(self._plans[number], is_retry=self._tries[number] > 0)

    def _take_back(self, number: int, how: str) -> None:
        """Takes back the plan of a worker that ended."""
        if self._is_stopping:
            return  # --resume goes on from its last checkpoint
        self._tries[number] += 1
        name = self._plans[number].name
        if self._tries[number] >= MAX_TRIES:
            times = format_count(MAX_TRIES, "time")
            self._listener.hear_failed(number, f"{name}: its worker ended {times}: {how}")
        else:
            self._listener.hear_note(f"{name}: its worker ended, another one goes on. {how}")
            self._waiting.appendleft(number)
        if self._idle:
            self._employ(self._idle.pop())
        elif len(self._loading) < len(self._waiting):
            self._start_worker()
