"""What the doctor looks at of the machine: Python, packages, libraries, window, cameras, disk."""

import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from app.defaults import ROOT
from app.diagnostics.check import Check, explain_unloaded
from app.requirements.system_needs import (
    INSTALL,
    PACKAGES,
    find_kernel_problem,
    find_missing_libraries,
    find_package_folder,
    format_install_line,
)
from app.sources.camera_address import mask_addresses
from app.sources.camera_list import (
    CAMERA_TIMEOUT_S,
    CAMERAS_TIMEOUT_S,
    list_camera_numbers,
    run_camera_probe,
    suggest_other_camera,
)
from app.sources.camera_probe import ProbeFacts

OLDEST_PYTHON = (3, 11)
LOW_DISK_BYTES = 1 << 30
SEE_BELOW = "See the system libraries below."
ENCODERS = ("libx264", "aac")  # what an annotated video is written with
DECODERS = ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg", "prores", "aac", "mp3", "opus")


def check_python() -> Iterator[Check]:
    version = platform.python_version()
    place = f"{version} · {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST_PYTHON:
        yield Check(
            "Python",
            "failed",
            f"{place}, but 3.11 is the oldest that works",
            "Install Python 3.11 or newer and make the virtual environment anew.",
        )
    else:
        yield Check("Python", "ok", place)


def read_requirements() -> tuple[str, ...]:
    """What the program says that it needs: pyproject.toml's lines, or those it was installed
    with."""
    import tomllib

    path = ROOT / "pyproject.toml"
    if path.is_file():
        return tuple(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["dependencies"])
    found = importlib.metadata.requires("expression-recogniser") or []
    return tuple(line for line in found if "extra ==" not in line)


def read_tested_versions() -> dict[str, str]:
    """Name -> the version in constraints.txt, which the tests ran with."""
    path = ROOT / "constraints.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = (line.partition("#")[0].strip().partition("==") for line in lines)
    return {_plain(name): version for name, _, version in pairs if version}


def _requirement_class() -> Any:
    """`packaging.requirements.Requirement`, pip's own copy of it where that is not installed, or
    None."""
    for module in ("packaging.requirements", "pip._vendor.packaging.requirements"):
        try:
            return importlib.import_module(module).Requirement
        except ImportError:
            continue
    return None


def check_package_versions(
    wanted: Sequence[str] | None = None,
    installed: Callable[[str], str] = importlib.metadata.version,
) -> Iterator[Check]:
    """What pyproject.toml asks, against what is installed. Without anything that can read
    requirements, only whether their names are installed."""
    requirement = _requirement_class()
    tested = read_tested_versions()
    for line in read_requirements() if wanted is None else wanted:
        if requirement is None:
            name = re.split(r"[^\w.-]", line)[0]
            if ";" not in line:  # else it may be meant for another platform
                yield _installed(name, "", lambda _: True, installed, tested)
            continue
        need = requirement(line)
        if need.marker is None or need.marker.evaluate():

            def suits(version: str, need: Any = need) -> bool:
                return bool(need.specifier.contains(version, prereleases=True))

            yield _installed(need.name, str(need.specifier), suits, installed, tested)
    yield from check_opencv(installed)


def _installed(
    name: str,
    asked: str,
    suits: Callable[[str], bool],
    installed: Callable[[str], str],
    tested: dict[str, str],
) -> Check:
    try:
        version = installed(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "failed", "is not installed", INSTALL)
    if not suits(version):
        return Check(name, "warning", f"{version}, but {asked} is asked", INSTALL)
    usual = tested.get(_plain(name), version)
    told = version if usual == version else f"{version} (tests ran with {usual})"
    return Check(name, "ok", told)


def check_opencv(
    installed: Callable[[str], str] = importlib.metadata.version, build: str | None = None
) -> Iterator[Check]:
    """`build` is OpenCV's own account of how it was built."""
    wheels: dict[str, str] = {}
    for end in ("", "-contrib", "-headless", "-contrib-headless"):
        try:
            name = f"opencv{end.removesuffix('-headless')}-python" + (
                "-headless" if end.endswith("-headless") else ""
            )
            wheels[name] = installed(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if len(set(wheels.values())) > 1:
        named = " and ".join(f"{name} {version}" for name, version in wheels.items())
        yield Check(
            "OpenCV",
            "warning",
            f"{named} lie in one folder, but are of unequal versions: which of their files are in "
            "use is a matter of luck",
            f"python -m pip uninstall -y {' '.join(wheels)}; {INSTALL}",
        )
        return
    if build is None:
        try:
            import cv2
        except ModuleNotFoundError:
            return  # said already
        except ImportError as error:
            yield Check(
                "OpenCV", "failed", f"cannot be loaded: {explain_unloaded(error)}", SEE_BELOW
            )
            return
        build = cv2.getBuildInformation()
    shown = re.search(r"^\s*GUI:\s*(.*?)\s*$", build, re.MULTILINE)
    toolkit = shown[1] if shown and shown[1] not in ("", "NONE") else None
    if toolkit is None:
        hides = [name for name in wheels if name.endswith("headless")]
        yield Check(
            "OpenCV",
            "warning",
            "was built without windows",
            f"python -m pip uninstall -y {' '.join(hides or wheels)}; {INSTALL}; or use "
            "--no-window",
        )
    else:
        yield Check("OpenCV", "ok", f"with windows ({toolkit})")


def check_system_libraries(
    lost: Mapping[str, Sequence[str]] | None = None, kernel: str | None = None
) -> Iterator[Check]:
    """The shared libraries and files of the kernel that the packages need of the system. `lost`:
    library -> packages that cannot be loaded without it; `kernel`: what is wrong with the
    kernel's."""
    if lost is None:
        lost, kernel = find_missing_libraries(PACKAGES), find_kernel_problem()
    if lost:
        users = sorted({PACKAGES[package] for packages in lost.values() for package in packages})
        yield Check(
            f"for {', '.join(users)}",
            "failed",
            f"{', '.join(lost)} cannot be found",
            format_install_line(lost),
        )
    elif sys.platform == "linux":
        there = [PACKAGES[name] for name in PACKAGES if find_package_folder(name) is not None]
        whom = f"all are there for {', '.join(there)}" if there else "no package needs any yet"
        yield Check("libraries", "ok", whom)
    else:
        yield Check("libraries", "ok", "nothing beyond what the system has")
    if kernel is not None:
        what, _, remedy = kernel.partition(". ")
        yield Check("kernel's files", "failed", what, remedy)


def check_window(check: Callable[[], None] | None = None) -> Iterator[Check]:
    from app.errors import SinkError
    from app.live.window import check_display

    try:
        (check or check_display)()
    except SinkError as error:
        what, _, remedy = str(error).partition(". ")
        yield Check("display", "warning", f"{what[0].lower()}{what[1:]}", remedy or None)
        return
    yield Check("display", "ok", "a window opens")


def check_cameras_here(wanted: int | str | None) -> Iterator[Check]:
    """`cameras` of this machine, which OpenCV opens. Raises `ImportError` where it cannot."""
    import cv2  # noqa: F401

    yield from check_cameras(wanted)


def check_cameras(
    wanted: int | str | None,
    numbers: Sequence[int | str] | None = None,
    probe: Callable[[int | str, float], ProbeFacts] = run_camera_probe,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Check]:
    """`wanted` alone (a number, path or address), which then has to work, or whichever is there.
    Takes bounded time."""
    if wanted is not None:
        numbers = (wanted,)
    elif numbers is None:
        numbers = list_camera_numbers()
    until_s = clock() + CAMERAS_TIMEOUT_S
    works = 0
    for index in numbers:
        name, left_s = f"camera {mask_addresses(str(index))}", until_s - clock()
        bad: Any = "failed" if wanted is not None else "warning"
        if left_s <= 0:
            yield Check(name, "warning", "not looked at: others took all the time")
            continue
        timeout_s = min(CAMERA_TIMEOUT_S, left_s)
        try:
            found = probe(index, timeout_s)
        except subprocess.TimeoutExpired:
            yield Check(
                name,
                bad,
                f"did not answer within {timeout_s:.0f} s",
                "Unplug and replug it, and close the program that uses it.",
            )
            continue
        except (subprocess.CalledProcessError, ValueError):
            yield Check(name, bad, "brings its driver down", "Unplug and replug it.")
            continue
        if not found["opened"]:
            if wanted is not None:
                yield Check(
                    name,
                    "failed",
                    found.get("why") or "did not open",
                    suggest_other_camera(index)
                    if isinstance(index, int)
                    else "See --list-cameras, or whether the stream plays elsewhere.",
                )
            continue
        works += 1
        modes = " · ".join(f"{w} × {h} at {fps:g}" for w, h, fps in found["modes"])
        if found["first_ms"] is None:
            yield Check(
                name,
                bad,
                f"opens ({found['backend']}) but gives no picture",
                "Close the program that uses it, or unplug and replug it.",
            )
        else:
            first = f"{found['backend']}, first picture after {found['first_ms']} ms"
            yield Check(name, "ok", f"{modes} · {first}")
    if wanted is None and not works:
        yield Check(
            "camera", "warning", "none was found", "Plug one in, or use --video, --image or --demo."
        )


def check_codecs(can: Callable[[str, Any], object] | None = None) -> Iterator[Check]:
    """What PyAV's own FFmpeg reads and writes; the system's plays no part."""
    import av

    look = can or av.codec.Codec

    def lacking(names: Sequence[str], mode: Literal["r", "w"]) -> list[str]:
        lost = []
        for name in names:
            try:
                look(name, mode)
            except ValueError:  # av.codec.UnknownCodecError is one
                lost.append(name)
        return lost

    whose = f"FFmpeg {av.ffmpeg_version_info} in PyAV {av.__version__}"
    remedy = "python -m pip install --force-reinstall --only-binary :all: av"
    if lost := lacking(ENCODERS, "w"):
        yield Check("writing", "warning", f"{whose} lacks {', '.join(lost)}", remedy)
    else:
        yield Check("writing", "ok", f"H.264 and AAC · {whose}")
    if lost := lacking(DECODERS, "r"):
        yield Check("reading", "warning", f"{whose} lacks {', '.join(lost)}", remedy)
    else:
        yield Check("reading", "ok", ", ".join(DECODERS))


def check_encoders(attempt: Callable[[Any], Any] | None = None) -> Iterator[Check]:
    """What `--codec` can be: each encoder encodes a few small pictures."""
    from app.outputs.encoder_trial import list_working, try_encoder
    from app.outputs.encoders import CODECS

    found = list_working(CODECS, attempt or try_encoder)
    for hardware, name in ((False, "software"), (True, "hardware")):
        named = [
            f"{one.encoder.codec} ({one.encoder.name})" if not hardware else one.encoder.name
            for one in found
            if one.encoder.hardware == hardware
        ]
        if named:
            yield Check(f"{name} encoders", "ok", ", ".join(named))
        elif hardware:
            yield Check(f"{name} encoders", "ok", "none works here; software is used")


def check_disk(
    folder: Path | None = None, usage: Callable[[Path], Any] = shutil.disk_usage
) -> Iterator[Check]:
    """Where outputs without a folder go: the current one."""
    folder = Path.cwd() if folder is None else folder
    free = usage(folder).free
    room = f"{free / (1 << 30):.1f} GB free in {folder}"
    if not os.access(folder, os.W_OK):
        yield Check("free", "warning", f"{folder} cannot be written to", "Give -o another folder.")
    elif free < LOW_DISK_BYTES:
        yield Check("free", "warning", room, "Make room, or give -o a folder on another disk.")
    else:
        yield Check("free", "ok", room)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
