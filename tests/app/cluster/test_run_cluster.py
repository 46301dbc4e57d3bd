"""The command on a real Ray of this machine, with a worker that is killed, and what cannot be."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

import pytest

from app.cluster.__main__ import main
from app.cluster.ray_engine import (
    AUTH_MODE,
    ClusterPlace,
    RayEngine,
    check_address,
    connect_ray,
    count_workers,
)
from app.cluster.run_cluster import hash_model
from app.cluster.shared_folders import FolderMarks
from app.cluster.video_reader import ReaderSetting
from app.defaults import PORTRAIT_CLIP, ROOT
from app.errors import DeviceError, ModelError
from app.runs.plan import RecognitionSettings
from tests.support.program import called
from tests.support.subprocesses import run_without_packages

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed (extra cluster)"
)
WHOLE = "--no-window --video films --records out --episodes out/.csv --exact --device cpu"


@contextmanager
def started(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The running command. Where a test fails meanwhile, all its processes end with it."""
    with subprocess.Popen(
        [sys.executable, "-m", "app.cluster", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        try:
            yield run
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)


def wait_for_checkpoint(folder: Path, run: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while not list(folder.glob("out/.*.resume")) and run.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.05)


def find_parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def holds_open(place: Path, folder: Path) -> bool:
    """Whether the process at `place` in /proc holds a file of `folder` open."""
    held = []
    with suppress(OSError):  # it has ended, or belongs to someone else
        for handle in (place / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                held.append(Path(os.readlink(handle)).parent)
    return folder in held


def find_readers(root: int, films: Path) -> list[int]:
    """The processes below the process `root` that hold one of `films` open."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        if not holds_open(place, films):
            continue
        above = int(place.name)
        while above not in (0, 1, root):
            above = find_parent(above)
        if above == root:
            found.append(int(place.name))
    return found


def make_films(folder: Path) -> Path:
    films = folder / "films"
    films.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (films / name).write_bytes(PORTRAIT_CLIP.read_bytes())
    return films


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the demo's own command writes of the films and of a file that is none."""
    folder = tmp_path_factory.mktemp("one_machine")
    (make_films(folder) / "bad.mp4").write_text("no video")
    assert called(folder, *WHOLE.split())[0] == 1
    return folder / "out"


@needs_ray
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
def test_a_killed_worker_costs_nothing_and_records_are_those_of_one_machine(
    tmp_path: Path, one_machine: Path
) -> None:
    (make_films(tmp_path) / "bad.mp4").write_text("no video")
    common = "--records out --episodes out/.csv --exact --device cpu".split()
    with started(tmp_path, "films", *common, "--workers", "2") as run:
        wait_for_checkpoint(tmp_path, run)
        readers = find_readers(run.pid, tmp_path / "films")
        assert readers  # one, where the other loads or is between two files
        # They give way to other programs no more than the command that started them does.
        nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (run.pid, *readers)]
        assert max(nice[1:]) == 0 if nice[0] == 0 else max(nice[1:]) < 15
        os.kill(readers[0], signal.SIGKILL)
        said = run.communicate(timeout=240)[1].splitlines()
    assert run.returncode == 1, said
    assert len([line for line in said if "its worker ended, another one goes on." in line]) == 1
    assert len([line for line in said if "bad.mp4 is not a video" in line]) == 1
    assert said[-1].startswith("3 videos: 2 done, 1 failed, in ")
    names = sorted(path.name for path in one_machine.iterdir())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert len(names) == 6
    for name in names:
        if not name.endswith(".run.json"):
            assert (tmp_path / "out" / name).read_bytes() == (one_machine / name).read_bytes(), name
    # Either command goes on with what the other has done.
    code, text = called(tmp_path, *WHOLE.split(), "--resume")
    assert code == 1
    assert text.count(": finished before.") == 2


@needs_ray
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends Ctrl-C to a group of processes")
def test_ctrl_c_keeps_what_is_read_and_resume_goes_on(tmp_path: Path, one_machine: Path) -> None:
    make_films(tmp_path)
    words = "films --records out --exact --device cpu --workers 2".split()
    with started(tmp_path, *words) as run:
        wait_for_checkpoint(tmp_path, run)
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all processes at once
        said = run.communicate(timeout=120)[1].splitlines()
    assert run.returncode == 130, said
    assert said[-1] == "Interrupted. The same command with --resume goes on."
    assert not [line for line in said if "Traceback" in line or "its worker ended" in line]
    assert list(tmp_path.glob("out/.*.resume"))
    assert not list(tmp_path.glob("out/.seen-*"))
    with started(tmp_path, *words, "--resume") as again:
        told = again.communicate(timeout=240)[1]
    assert again.returncode == 0, told
    assert " s from frame " in told
    for name in ("a.jsonl", "b.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (one_machine / name).read_bytes()


@needs_ray
@pytest.mark.slow
def test_ctrl_c_while_ray_begins(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(PORTRAIT_CLIP.read_bytes())
    with started(tmp_path, "a.mp4", "b.mp4", "--records", "out", "--workers", "2") as run:
        until = time.monotonic() + 60
        while not list(tmp_path.glob("out/.seen-*")) and run.poll() is None:  # workers load
            assert time.monotonic() < until
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGINT)
        said = run.communicate(timeout=60)[1].splitlines()
    assert run.returncode == 130, said
    assert said[-1] == "Interrupted. The same command with --resume goes on."
    assert not (tmp_path / "out").exists()


@needs_ray
@pytest.mark.slow
def test_a_gpu_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(PORTRAIT_CLIP.read_bytes())
    words = ("a.mp4", "--records", "out", "--worker-gpus", "1", "--workers", "1")
    with started(tmp_path, *words) as run:
        said = run.communicate(timeout=120)[1]
    assert run.returncode == 2
    assert said.startswith("error: No worker fits: it needs 1 CPU and 1 GPU, and the cluster has ")
    assert said.endswith(
        "Leave --worker-gpus and --device cuda out, or add a machine with a GPU.\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_without_ray_it_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    code = "from app.cluster.__main__ import main; sys.exit(main(sys.argv[1:]))"
    run = run_without_packages("ray", code, tmp_path / "a.mp4", "--records", tmp_path / "out")
    assert run.returncode == 2
    assert run.stderr == (
        "error: Ray, which runs the workers, is not installed. Get it by pip install -e "
        "'.[cluster]', or use --jobs or --shard of run_demo.py.\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "address", ["auto", "ray://head:10001", "head", "head:99999", ":1", "", "head:٣"]
)
def test_what_is_no_address(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DeviceError, match=r"is no address of a cluster\. Give HOST:PORT"):
        check_address(address)
    with pytest.raises(SystemExit):
        main(["a.mp4", "--address", address])
    said = f"argument --address: {address!r} is no address of a cluster. Give HOST:PORT"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--worker-gpus 3", "a worker uses one GPU at most: give a number from 0 to 1, such as"),
        ("--worker-gpus many", "'many' is not a number"),
        ("--worker-gpus 0 --device cuda", "--device cuda needs a GPU, and --worker-gpus 0 gives"),
        ("--worker-gpus 1 --device cpu", "would take GPUs that --device cpu does not use"),
        ("--resume --overwrite", "--resume goes on, --overwrite begins anew"),
        ("--no-stills", "--no-stills goes with --report"),
        ("--jobs 2", "there is no option --jobs"),
        ("--records -", "--records - is for one video of run_demo.py: name a folder, or a suffix"),
    ],
)
def test_options_that_do_not_go_together(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["a.mp4", *words.split()])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_address_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DeviceError, match=f"No cluster answers at 127.0.0.1:{port}: "):
        check_address(f"127.0.0.1:{port}")


@needs_ray
@pytest.mark.slow
def test_an_address_where_something_else_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cluster.ray_engine.HEALTH_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(DeviceError, match=f"What answers at {address} is no Ray cluster"):
            check_address(address)


@pytest.mark.skipif(sys.platform == "win32", reason="makes named pipes")
def test_a_model_that_is_no_file_is_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.onnx")
    for name, said in (("m.onnx", "is no regular file"), ("gone.onnx", "does not exist")):
        with pytest.raises(ModelError, match=f"{name} {said}"):
            hash_model(tmp_path / name)


def test_a_head_that_has_ended_is_not_reachable() -> None:
    class Context:
        gcs_address = ""

    ray = ModuleType("ray")
    vars(ray).update(get_runtime_context=lambda: Context, remote=lambda **_: lambda reader: reader)
    setting = ReaderSetting(RecognitionSettings(), "", 1, FolderMarks(()))
    engine = RayEngine(ray, ClusterPlace(), setting)
    with socket.create_server(("127.0.0.1", 0)) as server:
        Context.gcs_address = f"127.0.0.1:{server.getsockname()[1]}"
        assert engine.is_reachable()
    assert not engine.is_reachable()
    Context.gcs_address = "an address of another form"
    assert engine.is_reachable()
    assert engine.wait([], 0.0) == []


@pytest.mark.parametrize(
    ("place", "resources", "videos", "count"),
    [
        (ClusterPlace(), {"CPU": 8.0}, 100, 8),
        (ClusterPlace(workers=3), {"CPU": 8.0}, 100, 3),
        (ClusterPlace(workers=9), {"CPU": 8.0}, 100, 8),
        (ClusterPlace(cpus=4), {"CPU": 11.0}, 100, 2),
        (ClusterPlace(gpus=0.5), {"CPU": 8.0, "GPU": 1.0}, 100, 2),
        (ClusterPlace(), {"CPU": 8.0}, 2, 2),
    ],
)
def test_how_many_workers_there_are(
    place: ClusterPlace, resources: dict[str, float], videos: int, count: int
) -> None:
    assert count_workers(place, resources, videos) == count


def test_no_room_for_a_worker() -> None:
    with pytest.raises(DeviceError, match="it needs 4 CPU, and the cluster has 2 CPU, 0 GPU"):
        count_workers(ClusterPlace(cpus=4), {"CPU": 2.0}, 1)


@pytest.mark.parametrize(
    ("mode", "verdicts", "is_let_in"),
    [(None, [False, True], True), (None, [False, False], False), ("disabled", [False], False)],
)
def test_the_token_of_the_user_is_tried(
    mode: str | None, verdicts: list[bool], *, is_let_in: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AUTH_MODE, mode or "")  # so that it is taken back in the end
    if mode is None:
        monkeypatch.delenv(AUTH_MODE)
    left = list(verdicts)

    def check(address: str) -> tuple[bool, bytes]:
        return left.pop(0), b"ray.exceptions.AuthenticationError: no token"

    monkeypatch.setattr("app.cluster.ray_engine._check_health", check)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        if is_let_in:
            check_address(address)
            assert os.environ[AUTH_MODE] == "token"
        else:
            with pytest.raises(DeviceError, match=r"asks for its token\. Set RAY_AUTH_MODE=token"):
                check_address(address)
    assert left == []


@needs_ray
@pytest.mark.slow
def test_a_ray_that_does_not_begin_in_time_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def begin(**_: object) -> None:
        raise Exception("The current node timed out during startup. This could happen.\nMore.")

    monkeypatch.setattr(ray, "init", begin)
    said = "Ray on this machine cannot be used: The current node timed out during startup"
    with pytest.raises(DeviceError, match=said), connect_ray(ClusterPlace()):
        raise AssertionError
