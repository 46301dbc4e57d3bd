"""Runs workers on Ray: on this machine, or on a cluster that is running already.

Ray reports its use to its makers unless a variable forbids that before it begins. On this machine,
it is bound to the loopback address, and Ray's token in the user's folder keeps others out.
"""

import importlib.util
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from app.batch.run_all import WorkersLostError
from app.batch.workers import Message
from app.cluster.cluster_address import describe_no_address, split_cluster_address
from app.cluster.fleet import FleetWorker, WorkerEndedError
from app.cluster.video_reader import ReaderSetting, VideoReader
from app.defaults import ROOT
from app.errors import DeviceError
from app.process.machine import count_cores
from app.runs.plan import RunPlan

NO_USAGE_REPORTS = "RAY_USAGE_STATS_ENABLED"
NICENESS = "RAY_worker_niceness"  # 15 unless it is set, which costs 2 % on a machine of one's own
AUTH_MODE = "RAY_AUTH_MODE"  # "token" or "disabled"
LOOPBACK = "127.0.0.1"
ANSWER_S = 5.0  # for the first sign of an address
HEAD_ANSWER_S = 2.0  # for the head during a run
SHUTDOWN_S = 15.0  # for Ray to end without its head, which took 8 s
HEALTH_S = 20.0  # for Ray's own check of it, which begins a Python
STORE_BYTES = 80 << 20  # for Ray's store of objects, of which plans and outcomes need little
RayRef = Any  # Ray's types are generated, and its actors have none


@dataclass(frozen=True, slots=True)
class ClusterPlace:
    """The place where workers run, and the room that each of them takes.

    `address` is HOST:PORT of a running cluster, None for this machine. `workers` None: as many as
    there is room for.
    """

    address: str | None = None
    workers: int | None = None
    cpus: int = 1
    gpus: float = 0.0


def require_ray() -> None:
    """Checks that Ray is installed, without loading it. Raises `DeviceError`."""
    if importlib.util.find_spec("ray") is None:
        raise DeviceError(
            "Ray, which runs the workers, is not installed. Get it by pip install -e '.[cluster]', "
            "or use --jobs or --shard of run_demo.py."
        )


@contextmanager
def connect_ray(place: ClusterPlace) -> Iterator[ModuleType]:
    """Begins Ray on this machine, or connects to a cluster, for as long as the block lasts. Raises
    `DeviceError`."""
    os.environ[NO_USAGE_REPORTS] = "0"
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}  # Ray's own
    if place.address is not None:
        check_address(place.address)
    import ray  # here, because it reads the environment when it is loaded

    try:
        if place.address is None:
            _lead_workers_here()
            os.environ.setdefault(NICENESS, "0")  # as the workers of --jobs
            ray.init(
                address="local",  # also where RAY_ADDRESS names a cluster
                num_cpus=max(count_cores(), (place.workers or 1) * place.cpus),
                include_dashboard=False,
                object_store_memory=STORE_BYTES,
                _node_ip_address=LOOPBACK,
                **quiet,
            )
        else:
            ray.init(address=place.address, **quiet)
    except Exception as error:  # Ray raises a plain one where its processes are late
        where = place.address or "on this machine"
        raise DeviceError(f"Ray {where} cannot be used: {_summarise_error(error)}") from error
    # Ray prints what it has to say of a worker that ended, in a paragraph; here that is one line.
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        try:
            yield ray
        except WorkersLostError:
            # Ray waits for the head, and this thread must tell the user what was not read.
            end = threading.Thread(target=ray.shutdown, daemon=True)
            end.start()
            end.join(SHUTDOWN_S)
            raise
        except BaseException:
            ray.shutdown()
            raise
        ray.shutdown()


def _lead_workers_here() -> None:
    """Lets the workers of this machine find this program, wherever it lies."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)


def check_address(address: str) -> None:
    """Checks that a cluster answers at HOST:PORT. Raises `DeviceError`.

    Ray itself would try for two minutes, and then end this process. For a cluster that asks for a
    token, Ray is told to take the one in the user's folder, unless the user chose otherwise.
    """
    found = split_cluster_address(address)
    if found is None:
        raise DeviceError(describe_no_address(address))
    remedy = "Look at `ray status` there, and at the port (6379 unless it was chosen)."
    try:
        socket.create_connection(found, ANSWER_S).close()
    except OSError as error:
        why = error.strerror or str(error)
        raise DeviceError(f"No cluster answers at {address}: {why}. {remedy}") from error
    is_well, said = _check_health(address)
    if is_well:
        return
    if b"AuthenticationError" not in said:
        raise DeviceError(f"What answers at {address} is no Ray cluster. {remedy}")
    if AUTH_MODE not in os.environ:
        os.environ[AUTH_MODE] = "token"
        is_well, _ = _check_health(address)
    if not is_well:
        raise DeviceError(
            f"The cluster at {address} asks for its token. Set RAY_AUTH_MODE=token, and "
            "RAY_AUTH_TOKEN_PATH to a copy of ~/.ray/auth_token of its head."
        )


def _check_health(address: str) -> tuple[bool, bytes]:
    """Lets Ray look at a cluster, in a process of its own. Returns its verdict and its errors."""
    check = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        done = subprocess.run(check, check=False, timeout=HEALTH_S, capture_output=True)
    except (subprocess.SubprocessError, OSError):
        return False, b""
    return done.returncode == 0, done.stderr


def count_workers(place: ClusterPlace, resources: dict[str, float], videos: int) -> int:
    """Counts the workers for `videos` videos on a cluster with these resources.

    >>> count_workers(ClusterPlace("head:6379", None, cpus=2), {"CPU": 9.0}, 100)
    4

    Raises:
        DeviceError: There is no room for a single worker.
    """
    room = int(resources.get("CPU", 0.0) // place.cpus)
    if place.gpus:
        room = min(room, int(resources.get("GPU", 0.0) // place.gpus))
    if not room:
        needs = f"{place.cpus} CPU" + (f" and {place.gpus:g} GPU" if place.gpus else "")
        has = f"{resources.get('CPU', 0.0):g} CPU, {resources.get('GPU', 0.0):g} GPU"
        remedy = f"Give --worker-cpus a number below {place.cpus}."
        if place.gpus:
            remedy = "Leave --worker-gpus and --device cuda out, or add a machine with a GPU."
        raise DeviceError(
            f"No worker fits: it needs {needs}, and the cluster has {has} in all. {remedy}"
        )
    return max(1, min(room, place.workers or room, videos))


class RayEngine:
    """Starts workers as actors of Ray. They are never restarted by Ray itself, because a video that
    is read again needs another plan.

    Args:
        ray: The connected Ray.
        place: The room that a worker takes.
        setting: What each worker is started with.
    """

    def __init__(self, ray: ModuleType, place: ClusterPlace, setting: ReaderSetting) -> None:
        self._ray = ray
        self._setting = setting
        self._actors = ray.remote(
            num_cpus=place.cpus,
            num_gpus=place.gpus,
            max_restarts=0,
            max_concurrency=2,  # `stop` and `get_reached` are called while `read` runs
            scheduling_strategy="SPREAD",
        )(VideoReader)

    def start(self) -> FleetWorker:
        """Starts a worker, which begins to load the networks."""
        return RayWorker(self._ray, self._actors.remote(self._setting))

    def wait(self, workers: Sequence[FleetWorker], timeout_s: float) -> Sequence[FleetWorker]:
        """Returns those of `workers` whose call is over, after `timeout_s` at the latest."""
        calls = {one.call: one for one in workers if isinstance(one, RayWorker)}
        if not calls:  # all wait for the cluster to answer again
            time.sleep(timeout_s)
            return []
        over, _ = self._ray.wait(list(calls), num_returns=1, timeout=timeout_s)
        return [calls[call] for call in over]

    def is_reachable(self) -> bool:
        """Tells whether the head of the cluster answers."""
        head = split_cluster_address(self._ray.get_runtime_context().gcs_address)
        if head is None:  # an address of another form, which cannot be asked
            return True
        try:
            socket.create_connection(head, HEAD_ANSWER_S).close()
        except OSError:
            return False
        return True


class RayWorker:
    """A worker on Ray. `call` is the reference of the call in hand."""

    def __init__(self, ray: ModuleType, actor: RayRef) -> None:
        self._ray, self._actor = ray, actor
        self.call: RayRef = actor.load.remote()
        self._reached: RayRef = None  # the question of `ask_reached` that is on its way

    def ask(self, plan: RunPlan, *, is_retry: bool) -> None:
        """Gives it a plan."""
        self._reached = None  # would be of the video before
        self.call = self._actor.read.remote(plan, is_retry=is_retry)

    def get_answer(self) -> Message:
        """Returns the answer to the call in hand. Raises `WorkerEndedError`."""
        try:
            message: Message = self._ray.get(self.call)
        except self._ray.exceptions.RayError as error:
            raise WorkerEndedError(_summarise_error(error)) from error
        return message

    def ask_reached(self) -> int | None:
        """Returns the last answer to how many frames it went through, and asks anew. Does not
        wait; None: there is no new answer."""
        frames: int | None = None
        if self._reached is not None:
            if not self._ray.wait([self._reached], timeout=0)[0]:
                return None
            with suppress(self._ray.exceptions.RayError):  # its end is seen by `get_answer`
                frames = self._ray.get(self._reached)
        self._reached = self._actor.get_reached.remote()
        return frames

    def stop(self) -> None:
        """Makes it stop after the frame in hand."""
        self._actor.stop.remote()

    def close(self) -> None:
        """Ends it at once."""
        self._ray.kill(self._actor)


def _summarise_error(error: Exception) -> str:
    """Takes the line that tells most from an error's text, of which Ray writes twenty: the last one
    that names a Python error, or else the first."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    line = (causes[-1:] or lines[:1] or [type(error).__name__])[0]
    return line if line.endswith(".") else f"{line}."
