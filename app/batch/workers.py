"""Several videos at once: a process for each worker, which reads one file after the other.

A worker that crashes takes only its file with it: that counts as failed, and a new worker goes on
with the others. Workers do not hear Ctrl-C themselves; they are told to stop, and they stop by
themselves when whoever started them is gone.
"""

import multiprocessing
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from app.batch.annotate import FileOutcome, annotate
from app.batch.file_run import Machine
from app.batch.job import Job
from app.detection.search import FaceSearch
from app.errors import DeviceError, RecogniserError
from app.process.machine import count_cores
from app.process.signals import hold_back_signals, ignore_signals
from app.process.threads import set_threads
from app.recognition.classifier import MAX_THREADS, Classifier
from app.tracking.smoothing import SMOOTH_S

TELL_S = 0.2  # between two messages on progress
POLL_S = 0.2
END_S = 10.0  # for a worker that was told to stop: one frame, and closing its files


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a worker loads: `FaceSearch`, `Classifier` and `Tracker` with these."""

    model: Path
    device: Literal["auto", "cpu", "cuda"]
    prior_correction: float
    max_faces: int | None
    far_faces: bool
    smooth_s: float = SMOOTH_S


class Message(NamedTuple):
    """What a worker says: `ready` (`text`: model and provider), `reached` (`frames` of the
    file), `done`, `failed` (with the reason in `text`), or `unable`: it cannot work at all."""

    kind: Literal["ready", "reached", "done", "failed", "unable"]
    text: str = ""
    frames: int = 0
    outcome: FileOutcome | None = None


class Report(Protocol):
    """Hears how the files are getting on, by their number in the list of jobs."""

    def ready(self, text: str) -> None: ...
    def reached(self, number: int, frames: int) -> None: ...
    def done(self, number: int, outcome: FileOutcome) -> None: ...
    def failed(self, number: int, why: str) -> None: ...


def threads_each(workers: int) -> int | None:
    """So that all of them together have a thread for each core; None: one worker has them all."""
    return None if workers == 1 else max(1, count_cores() // workers)


@contextmanager
def loaded(recognition: Recognition, threads: int | None) -> Iterator[Machine]:
    """Raises `ModelError` and `DeviceError`."""
    set_threads()
    classifier = Classifier(
        recognition.model,
        device=recognition.device,
        threads=threads and min(threads, MAX_THREADS),
        prior_correction=recognition.prior_correction,
    )
    with FaceSearch(max_faces=recognition.max_faces, far_faces=recognition.far_faces) as search:
        yield Machine(search, classifier, threads, recognition.smooth_s)


def runs_on(classifier: Classifier) -> str:
    """Which model on what, for people."""
    why = f" ({classifier.fallback})" if classifier.fallback else ""
    return f"{classifier.path.name} on {classifier.provider}{why}."


def run_here(
    jobs: Sequence[Job], recognition: Recognition, *, stop: Callable[[], bool], report: Report
) -> None:
    """One after the other, in this process. What a job raises is passed on to `report`."""
    with loaded(recognition, threads_each(1)) as machine:
        report.ready(runs_on(machine.classifier))
        for number, job in enumerate(jobs):
            if stop():
                return
            try:
                told = partial(report.reached, number)
                report.done(number, annotate(job, machine, stop=stop, on_reach=told))
            except RecogniserError as error:
                report.failed(number, str(error))


# In the worker


def _work(link: Connection, recognition: Recognition, threads: int | None) -> None:
    """Takes jobs from `link` until it gets None or the other end is gone."""
    ignore_signals()
    # EOFError and OSError: nobody listens any more.
    with suppress(EOFError, OSError):
        try:
            with loaded(recognition, threads) as machine:
                link.send(Message("ready", runs_on(machine.classifier)))
                while (job := link.recv()) is not None:
                    if isinstance(job, Job):  # else a stop that came too late
                        link.send(_done(job, machine, link))
        except RecogniserError as error:
            link.send(Message("unable", str(error)))


def _done(job: Job, machine: Machine, link: Connection) -> Message:
    told_s = time.monotonic()

    def tell(reached: int) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= TELL_S:
            told_s = time.monotonic()
            link.send(Message("reached", frames=reached))

    try:
        # Whatever is said in the middle of a job, or that nobody is there to say it: stop.
        return Message("done", outcome=annotate(job, machine, stop=link.poll, on_reach=tell))
    except RecogniserError as error:
        return Message("failed", str(error))
    except (BrokenPipeError, ConnectionError):
        raise
    except Exception as error:  # a fault of the program with this file; the others go on
        return Message("failed", f"{job.video}: {type(error).__name__}: {error}")


# In the process that started it


class _Worker:
    def __init__(self, recognition: Recognition, threads: int | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.link, theirs = context.Pipe()
        self.number: int | None = None  # of the job in hand
        self.ready = False
        self.process = context.Process(
            target=_work, args=(theirs, recognition, threads), daemon=True
        )
        if sys.platform != "win32":
            resource_tracker.ensure_running()  # else `start` begins it, and lets signals in
        with hold_back_signals():
            self.process.start()
        theirs.close()  # so that its end is seen when the worker is gone

    def say(self, what: Job | str | None) -> None:
        with suppress(OSError):  # it has crashed, which is seen when it is listened to
            self.link.send(what)

    def end_of(self) -> str:
        """How it ended, for people."""
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
    jobs: Sequence[Job],
    recognition: Recognition,
    *,
    workers: int,
    stop: Callable[[], bool],
    report: Report,
) -> None:
    """On so many processes. After `stop` those that are at work stop after the frame in hand.
    Raises `RecogniserError` where workers cannot begin."""
    count = min(workers, len(jobs))
    pool = _Pool(jobs, report, lambda: _Worker(recognition, threads_each(count)))
    at_once = True
    try:
        pool.start(count)
        while pool.busy:
            pool.listen()
            if stop():
                pool.stop()
        at_once = False
    finally:
        pool.close(at_once=at_once)


class _Pool:
    def __init__(self, jobs: Sequence[Job], report: Report, begin: Callable[[], _Worker]) -> None:
        self._jobs = jobs
        self._report = report
        self._begin = begin
        self._waiting = deque(range(len(jobs)))
        self._workers: list[_Worker] = []
        self._stopping = False

    def start(self, count: int) -> None:
        for _ in range(count):
            self._workers.append(self._begin())

    @property
    def busy(self) -> bool:
        return bool(self._waiting) or any(one.number is not None for one in self._workers)

    def listen(self) -> None:
        """Hears what workers have to say, for a moment at most."""
        links: dict[Any, _Worker] = {one.link: one for one in self._workers}
        for link in wait(list(links), POLL_S):
            worker = links[link]
            try:
                message = worker.link.recv()
            except (EOFError, OSError):
                self._crashed(worker)
                continue
            self._hear(worker, message)

    def _hear(self, worker: _Worker, message: Message) -> None:
        number = worker.number
        if message.kind == "unable":
            raise RecogniserError(message.text)
        if message.kind == "ready":
            worker.ready = True
            self._report.ready(message.text)
        elif number is not None and message.kind == "reached":
            self._report.reached(number, message.frames)
            return
        elif number is not None:
            worker.number = None
            if message.outcome is not None:
                self._report.done(number, message.outcome)
            else:
                self._report.failed(number, message.text)
        self._employ(worker)

    def _employ(self, worker: _Worker) -> None:
        if self._waiting:
            worker.number = self._waiting.popleft()
            worker.say(self._jobs[worker.number])

    def _crashed(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        how = worker.end_of()
        worker.close(at_once=True)
        if worker.number is None and not worker.ready:
            raise DeviceError(f"A worker {how} before it could begin. Try --jobs 1.")
        if worker.number is not None:
            name = self._jobs[worker.number].video
            self._report.failed(worker.number, f"{name}: its worker {how}.")
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
