"""Checks that two builds of this project give the same outputs, byte by byte:

python -m tools.compare_outputs BASE_REF [HEAD_REF]

Checks both commits out into temporary git worktrees (HEAD_REF left out or ".": the working tree
itself), runs the commands of `tools.output_commands` in both, with this Python, and compares what
they print and write. A file that differs is listed with the first lines of the difference. It takes
about four minutes on two cores. Not compared, because they differ from run to run:

- names of folders, which are replaced by BUILD and OUT;
- run.json: the values of begun, ended, timings and code;
- reports: the rows "begun" and "speed"; messages: "in N s (N frames/s)" and ", N s";
- --doctor: the values, but for the names of checks; --jobs: the order of the lines;
- the folder tensorboard, whose curves are those of log.jsonl.

Exit codes: 0 all outputs are the same, 1 some differ, 2 could not be done, 130 interrupted.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from app.defaults import PORTRAIT_CLIP
from app.errors import DataError
from app.process.console import run_command
from tools.checkouts import HEAD_REF_HELP, check_out_pair
from tools.output_commands import (
    BROKEN,
    RESUMED,
    UNBROKEN,
    Command,
    find_training_commands,
    list_commands,
    make_inputs,
)
from tools.output_difference import TERMINAL, compare_folders

TIMEOUT_S = 600  # for one command, also on a busy machine
FRAMES_MORE_S = 0.4  # from the first checkpoint to Ctrl-C: some frames, never all of them


@dataclass(frozen=True, slots=True)
class Build:
    """One of the two builds. `checkout` is the folder with `app` and `training`; `out` is the
    folder for outputs."""

    checkout: Path
    out: Path

    def make_environment(self) -> dict[str, str]:
        fixed = {"PYTHONPATH": str(self.checkout), "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
        return os.environ | fixed

    def start(self, command: Command, places: Mapping[str, Path]) -> subprocess.Popen[str]:
        """Starts a command. `places` are the folders `made` and `base` of its words."""
        out = self.out / command.name
        if command.copy_of:
            shutil.copytree(places["base"] / command.copy_of, out)
        out.mkdir(parents=True, exist_ok=True)
        words = [word.format(out=out, **places) for word in command.words]
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self.checkout,
            env=self.make_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, command: Command, process: subprocess.Popen[str]) -> int:
        """Waits for the end of a command and keeps what it printed. Returns its exit code."""
        try:
            printed, said = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise DataError(f"{command.name} did not end within {TIMEOUT_S} s.") from error
        terminal = self.out / TERMINAL
        terminal.mkdir(parents=True, exist_ok=True)
        (terminal / f"{command.name}.out").write_text(printed, encoding="utf-8")
        said += f"exit code {process.returncode}\n"
        (terminal / f"{command.name}.err").write_text(said, encoding="utf-8")
        return process.returncode

    def check_imports(self) -> None:
        """Raises `DataError` where Python would take `app` from elsewhere."""
        code = "import app, training; print(app.__file__, training.__file__, sep='\\n')"
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.checkout,
            env=self.make_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        files = [Path(line) for line in done.stdout.splitlines()]
        if not files or not all(path.is_relative_to(self.checkout) for path in files):
            found = done.stdout + done.stderr
            raise DataError(f"app and training do not come from {self.checkout}: {found}")


def interrupt(build: Build, places: Mapping[str, Path]) -> None:
    """Sends Ctrl-C to the run `BROKEN` soon after its first checkpoint. Raises `DataError`."""
    process = build.start(BROKEN, places)
    limit_s = time.monotonic() + TIMEOUT_S
    while process.poll() is None and time.monotonic() < limit_s:
        if list((build.out / BROKEN.name).glob(".*.resume")):
            time.sleep(FRAMES_MORE_S)
            process.send_signal(signal.SIGINT)
            break
        time.sleep(0.02)
    check_exit(BROKEN, build.finish(BROKEN, process))


def check_exit(command: Command, code: int) -> None:
    """Raises `DataError` where a command of the first build ended as it should not."""
    if code != command.exit_code:
        raise DataError(
            f"{command.name!r} ended with exit code {code} in the first build, not with "
            f"{command.exit_code}. To see what it printed, run this again with --keep."
        )


def run_both(base: Build, head: Build, places: Mapping[str, Path]) -> str:
    """Runs every command in both builds at the same time. Returns how `head` took up the
    interrupted run of `base`."""
    found = [find_training_commands(build.checkout) for build in (base, head)]
    for build, names in zip((base, head), found, strict=True):
        build.out.mkdir(parents=True)
        (build.out / "commands of training.txt").write_text("\n".join(names), encoding="utf-8")
    with ThreadPoolExecutor(2) as pool:

        def run_one(command: Command) -> None:
            print(".", end="", file=sys.stderr, flush=True)
            pair = [
                pool.submit(lambda one: one.finish(command, one.start(command, places)), build)
                for build in (base, head)
            ]
            code, _ = (task.result() for task in pair)
            check_exit(command, code)

        for command in list_commands(sorted({*found[0]} & {*found[1]})):
            run_one(command)
        interrupt(base, places)
        run_one(RESUMED)
    print(file=sys.stderr)
    remove_outputs(BROKEN, base.out)  # where it stopped is not the same every time
    return judge_resumed(base.out, head.out)


def remove_outputs(command: Command, out: Path) -> None:
    shutil.rmtree(out / command.name)
    for end in ("out", "err"):
        (out / TERMINAL / f"{command.name}.{end}").unlink()


def judge_resumed(base: Path, head: Path) -> str:
    """States how `head` took up the interrupted run. Where it refused in one line, its outputs are
    removed from both folders, so that they are not compared."""
    records = base / RESUMED.name / "clip.jsonl"
    unbroken = base / UNBROKEN.name / "clip.jsonl"
    if records.read_bytes() != unbroken.read_bytes():
        raise DataError(f"The first build did not go on as it began: see {records}.")
    said = (head / TERMINAL / f"{RESUMED.name}.err").read_text(encoding="utf-8")
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    if said.endswith("exit code 2\n") and len(errors) == 1:
        for out in (base, head):
            remove_outputs(RESUMED, out)
        return f"The interrupted run of the first build is refused: {errors[0]}"
    return "The interrupted run of the first build is gone on with."


def compare_refs(options: argparse.Namespace) -> int:
    """Does what the options ask. Returns the exit code."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compare_outputs_")))
        kept: Path = options.keep or place
        if options.keep and kept.exists():
            raise DataError(f"{kept} exists already. Choose another --keep.")
        first, second = stack.enter_context(check_out_pair(options.base, options.head, place))
        kept = kept.resolve()
        base, head = Build(first, kept / "base"), Build(second, kept / "head")
        for build in (base, head):
            build.check_imports()
        made = kept / "made"
        make_inputs(PORTRAIT_CLIP, made)
        how = run_both(base, head, {"made": made, "base": base.out})
        folders = {str(first): "BUILD", str(second): "BUILD"}
        folders |= {str(base.out): "OUT", str(head.out): "OUT"}
        count, differing = compare_folders(base.out, head.out, folders)
    print(how)
    print(f"{differing} of {count} outputs differ." if differing else f"All {count} are the same.")
    return 1 if differing else 0


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        prog="python -m tools.compare_outputs",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    top.add_argument("base", metavar="BASE_REF", help="a commit, branch or tag")
    top.add_argument("head", metavar="HEAD_REF", nargs="?", help=HEAD_REF_HELP)
    top.add_argument("--keep", type=Path, metavar="FOLDER", help="keep all outputs there")
    options = top.parse_args(argv)
    return run_command(lambda: compare_refs(options))


if __name__ == "__main__":
    sys.exit(main())
