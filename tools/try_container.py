"""Carries out the Dockerfile without a container engine, in a root that debootstrap made.

python -m tools.try_container FOLDER/trixie.base

The base is that of tools/bare_machine.sh: Debian's minimal system, as in an image of
debian:trixie-slim, and Python. Each stage gets a copy of it. RUN lines are executed as they stand;
COPY, ENV, WORKDIR and USER do what they do in a build. Then ENTRYPOINT and CMD are started as the
user of the image, in a process namespace of their own, HEALTHCHECK's command has to succeed within
its start period, and the program has to end by the STOPSIGNAL. The demo clip is read, too. Needs
root and Linux.
"""

import argparse
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOUNTS = (
    "mount -t proc proc {root}/proc && mount -t sysfs -o ro sysfs {root}/sys"
    " && mount -t tmpfs tmpfs {root}/dev/shm"
)
STOP_S = 30  # as compose.yaml's stop_grace_period


@dataclass(slots=True)
class Stage:
    """A stage of a Dockerfile: its instructions, and what they have set so far."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "root"

    def find(self, instruction: str) -> str:
        """Finds the words of the last `instruction`. Raises `ValueError` where there is none."""
        found = [words for name, words in self.steps if name == instruction]
        if not found:
            raise ValueError(f"the Dockerfile has no {instruction} in the stage {self.name!r}")
        return found[-1]


def read_stages(text: str) -> list[Stage]:
    """Reads the stages of a Dockerfile.

    >>> [stage] = read_stages("FROM debian AS one\\nRUN a \\\\\\n  && b\\n# c\\nUSER me\\n")
    >>> stage.base, stage.name, stage.steps
    ('debian', 'one', [('RUN', 'a   && b'), ('USER', 'me')])
    """
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    stages: list[Stage] = []
    for line in lines.replace("\\\n", " ").splitlines():
        instruction, _, words = line.strip().partition(" ")
        if instruction == "FROM":
            base, _, name = words.partition(" AS ")
            stages.append(Stage(base, name))
        elif instruction:
            stages[-1].steps.append((instruction, words.strip()))
    return stages


def copy_files(words: str, stage: Stage, root: Path, roots: Mapping[str, Path]) -> None:
    """Carries out COPY: from this checkout, or from the root of another stage."""
    source_root = ROOT
    *sources, target = shlex.split(words)
    if sources[0].startswith("--from="):
        source_root = roots[sources.pop(0).removeprefix("--from=")]
    place = root / str(Path(stage.folder, target)).lstrip("/")
    for source in sources:
        path = source_root / source.lstrip("/")
        into = place / path.name if target.endswith("/") and path.is_file() else place
        into.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            leave_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(path, into, symlinks=True, dirs_exist_ok=True, ignore=leave_out)
        else:
            shutil.copy2(path, into)


class Runner:
    """Runs commands in a root, with the settings of a stage."""

    def __init__(self, binds: Sequence[str], environment: Mapping[str, str]) -> None:
        self._binds = binds
        self._environment = environment

    def command(self, stage: Stage, root: Path, words: Sequence[str]) -> list[str]:
        """Makes the command that runs `words` in `root`. All that is mounted is gone after it."""
        quoted = shlex.quote(str(root))
        mounts = [MOUNTS.format(root=quoted)]
        for bind in self._binds:
            place = shlex.quote(f"{root}{bind}")
            mounts.append(f"mkdir -p {place} && mount --bind {shlex.quote(bind)} {place}")
        variables = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root" if stage.user == "root" else "/data",
            **self._environment,
            **stage.environment,
        }
        inner = ["env", "-i", *(f"{k}={v}" for k, v in variables.items()), *words]
        enter = f'cd "$1" && shift && exec {shlex.join(inner)}'
        chroot = ["chroot", f"--userspec={stage.user}", str(root), "sh", "-c", enter, "sh"]
        line = " && ".join([*mounts, f"exec {shlex.join([*chroot, stage.folder])}"])
        isolate = "unshare --mount --propagation private --pid --fork --kill-child".split()
        return [*isolate, "sh", "-c", line]

    def run(self, stage: Stage, root: Path, words: Sequence[str]) -> None:
        """Runs `words`. Raises `subprocess.CalledProcessError`."""
        subprocess.run(self.command(stage, root, words), check=True, stdin=subprocess.DEVNULL)


def build(stage: Stage, root: Path, roots: Mapping[str, Path], runner: Runner) -> None:
    """Carries out the instructions of a stage in `root`."""
    for instruction, words in stage.steps:
        print(f"+ {instruction} {words}", flush=True)
        if instruction == "RUN":
            runner.run(stage, root, ["/bin/sh", "-c", words])
        elif instruction == "COPY":
            copy_files(words, stage, root, roots)
        elif instruction == "WORKDIR":
            stage.folder = words
            (root / words.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif instruction == "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(words))
        elif instruction == "USER":
            stage.user = words


def try_image(stage: Stage, root: Path, runner: Runner) -> None:
    """Starts what the image starts, asks whether it is healthy, and stops it."""
    entry = json.loads(stage.find("ENTRYPOINT"))
    runner.run(stage, root, [*entry, *"--demo --no-window --records demo.jsonl".split()])
    health = stage.find("HEALTHCHECK")
    found = re.search(r"--start-period=(\d+)s", health)
    period_s = float(found[1]) if found else 0.0
    check = json.loads(health[health.index("CMD") + 3 :])
    began = time.monotonic()
    words = [*entry, *json.loads(stage.find("CMD"))]
    with subprocess.Popen(runner.command(stage, root, words)) as process:
        try:
            while subprocess.run(
                runner.command(stage, root, check), check=False, stderr=subprocess.DEVNULL
            ).returncode:
                if process.poll() is not None or time.monotonic() - began > period_s:
                    raise RuntimeError("it is not healthy")
                time.sleep(0.5)
            print(f"ok: healthy after {time.monotonic() - began:.1f} s", flush=True)
            served = _find_child(process.pid)
            uid = re.search(r"^Uid:\s+(\d+)", Path(f"/proc/{served}/status").read_text(), re.M)
            if uid is None or uid[1] == "0":
                raise RuntimeError("it runs as root")
            os_signal = signal.Signals[stage.find("STOPSIGNAL")]
            subprocess.run(["kill", f"-{os_signal.value}", str(served)], check=True)
            process.wait(STOP_S)
            print(f"ok: user {uid[1]}, ended by {os_signal.name}, code {process.returncode}")
        finally:
            if process.poll() is None:
                process.kill()


def _find_child(pid: int) -> int:
    """Finds the process that `unshare` waits for: the first one of the namespace."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def main(argv: Sequence[str] | None = None) -> int:
    """Builds and tries the image. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.try_container", description=__doc__)
    parser.add_argument(
        "base", type=Path, help="a root of Debian 13, as tools/bare_machine.sh keeps"
    )
    parser.add_argument("--bind", action="append", default=[], help="a folder to show in the roots")
    parser.add_argument("--env", action="append", default=[], help="NAME=VALUE inside")
    options = parser.parse_args(argv)
    if not (options.base / "etc" / "debian_version").is_file():
        print(f"error: {options.base} is no root of Debian.", file=sys.stderr)
        return 2
    runner = Runner(options.bind, dict(pair.split("=", 1) for pair in options.env))
    stages = read_stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    roots: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(dir=options.base.parent, prefix="container-") as folder:
        for index, stage in enumerate(stages):
            root = Path(folder, str(index))
            subprocess.run(["cp", "-a", str(options.base), str(root)], check=True)
            roots[stage.name] = root
            try:
                build(stage, root, roots, runner)
            except subprocess.CalledProcessError as error:
                print(f"error: the last instruction ended with {error.returncode}", file=sys.stderr)
                return 2
        size = subprocess.run(["du", "-shx", str(root)], capture_output=True, text=True, check=True)
        print(f"ok: built, {size.stdout.split()[0]}", flush=True)
        try:
            try_image(stages[-1], root, runner)
        except (RuntimeError, subprocess.SubprocessError) as error:
            print(f"error: the image does not work: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
