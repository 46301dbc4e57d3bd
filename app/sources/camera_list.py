"""Finds the cameras of this machine for `run_demo.py --list-cameras` and the doctor.

A driver may hang or crash, so a program of its own opens each camera.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.defaults import ROOT
from app.sources.camera_probe import ProbeFacts

CAMERA_TIMEOUT_S = 12.0  # one camera; waking up may take some seconds
CAMERAS_TIMEOUT_S = 25.0  # all of them
MAX_CAMERAS = 4  # numbers to try where the system does not tell which there are
SYSTEM_FOLDER = Path("/sys/class/video4linux")  # of Linux: a folder for each camera, with its name
DEVICES_FOLDER = Path("/dev")


@dataclass(frozen=True, slots=True)
class ListedCamera:
    """A camera of this machine.

    `modes` has (width, height, frames/s) as the driver reports them, and is empty where `works` is
    False. `detail` is the camera's own name, or the reason why it does not work. `path` stays the
    same wherever the camera is plugged in; None if there is no such path.
    """

    number: int
    works: bool
    modes: tuple[tuple[int, int, float], ...]
    detail: str
    path: str | None = None

    def __str__(self) -> str:
        modes = ", ".join(f"{w} x {h} at {fps:g}" for w, h, fps in self.modes)
        parts = (modes if self.works else "", self.detail, self.path or "")
        return f"{self.number}  " + "  ".join(part for part in parts if part)


def run_camera_probe(target: int | str, timeout_s: float) -> ProbeFacts:
    """Runs `app.sources.camera_probe` on one camera or stream.

    Raises:
        subprocess.TimeoutExpired: If there is no answer within `timeout_s`.
        subprocess.CalledProcessError, ValueError: If the driver brought the program down.
    """
    done = subprocess.run(
        [sys.executable, "-m", "app.sources.camera_probe"],
        input=str(target).encode(),  # arguments can be read by every user of the machine
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=timeout_s,
        check=True,
    )
    found: ProbeFacts = json.loads(done.stdout)
    return found


def list_camera_numbers() -> tuple[int, ...]:
    """Lists the numbers of cameras that may be there. Linux knows them; elsewhere the first
    `MAX_CAMERAS` numbers have to be tried."""
    if sys.platform != "linux":
        return tuple(range(MAX_CAMERAS))
    found = (re.fullmatch(r"video(\d+)", path.name) for path in DEVICES_FOLDER.glob("video*"))
    return tuple(sorted(int(match[1]) for match in found if match))[: 2 * MAX_CAMERAS]


def suggest_other_camera(target: int | str, numbers: Sequence[int] | None = None) -> str:
    """Says in a sentence what to do where the camera `target` does not open. `numbers` are the
    cameras that may be here; None for those of `list_camera_numbers`."""
    found = list_camera_numbers() if numbers is None else numbers
    others = [number for number in found if number != target]
    if not found:
        return "No camera is here. Plug one in, or use --video, --image or --demo."
    if not others:
        return "Close the program that uses it, or unplug and replug it."
    return f"Try --camera {others[0]}, close the program that uses it, or look at --list-cameras."


def read_camera_name(number: int, system: Path = SYSTEM_FOLDER) -> str:
    """Reads the camera's own name where Linux tells it; else gives an empty text."""
    try:
        text = (system / f"video{number}" / "name").read_text("utf-8", "replace")
    except OSError:
        return ""
    return "".join(sign for sign in text.strip() if sign.isprintable())


def find_lasting_path(number: int, devices: Path = DEVICES_FOLDER) -> str | None:
    """Finds the camera's path that does not depend on the order of plugging in (Linux); None where
    there is none."""
    try:
        links = sorted((devices / "v4l" / "by-id").iterdir())
        return next((str(one) for one in links if one.resolve().name == f"video{number}"), None)
    except OSError:
        return None


def find_cameras(
    numbers: Sequence[int] | None = None,
    probe: Callable[[int | str, float], ProbeFacts] = run_camera_probe,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[ListedCamera]:
    """Opens the cameras in turn and yields those that are there, within `CAMERAS_TIMEOUT_S`.

    Args:
        numbers: The numbers to try; None for those of `list_camera_numbers`.
        probe: Opens the camera of a number within some seconds, as `run_camera_probe` does.
        clock: Gives the time in seconds.
    """
    until_s = clock() + CAMERAS_TIMEOUT_S
    for number in list_camera_numbers() if numbers is None else numbers:
        left_s = until_s - clock()
        if left_s <= 0:
            yield ListedCamera(number, False, (), "not looked at: others took all the time")
            continue
        try:
            found = probe(number, min(CAMERA_TIMEOUT_S, left_s))
        except subprocess.TimeoutExpired:
            yield ListedCamera(number, False, (), "did not answer; unplug and replug it")
            continue
        except (subprocess.CalledProcessError, ValueError):
            yield ListedCamera(number, False, (), "brings its driver down; unplug and replug it")
            continue
        if not found["opened"]:
            continue  # Linux has nodes that are no cameras, too
        if found["first_ms"] is None:
            yield ListedCamera(number, False, (), "opens but gives no picture; is it in use?")
            continue
        modes = tuple((w, h, fps) for w, h, fps in found["modes"])
        path = find_lasting_path(number)
        yield ListedCamera(number, True, modes, read_camera_name(number) or found["backend"], path)


def print_cameras(found: Iterable[ListedCamera] | None = None) -> bool:
    """Prints a line for each of `found` (None: the cameras of this machine). Returns True if at
    least one of them works."""
    works = False
    for camera in find_cameras() if found is None else found:
        print(camera, flush=True)
        works = works or camera.works
    return works
