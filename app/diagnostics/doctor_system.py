"""Checks the machine for the doctor: system libraries, window, cameras, codecs, disk."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from app.diagnostics.check import Check, Status
from app.requirements.system_needs import (
    PACKAGES,
    find_kernel_problem,
    find_package_folder,
    format_install_line,
    map_missing_libraries,
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

if TYPE_CHECKING:
    from app.outputs.encoder_trial import Attempt

LOW_DISK_BYTES = 1 << 30
ENCODERS = ("libx264", "aac")  # those of annotated videos
DECODERS = ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg", "prores", "aac", "mp3", "opus")


def check_system_libraries(
    lost: Mapping[str, Sequence[str]] | None = None, kernel: str | None = None
) -> Iterator[Check]:
    """Checks the shared libraries and the kernel's files that the packages need.

    Args:
        lost: Missing library -> the packages that cannot be loaded without it. None looks here.
        kernel: The line on a missing file of the kernel.
    """
    if lost is None:
        lost, kernel = map_missing_libraries(PACKAGES), find_kernel_problem()
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
    """Checks that a window opens. `check` raises `SinkError` where none does."""
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
    """Checks the cameras of this machine, which OpenCV opens. Raises `ImportError` where OpenCV
    cannot be loaded."""
    import cv2  # noqa: F401

    yield from check_cameras(wanted)


def check_cameras(
    wanted: int | str | None,
    numbers: Sequence[int | str] | None = None,
    probe: Callable[[int | str, float], ProbeFacts] = run_camera_probe,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Check]:
    """Checks cameras, in bounded time.

    Args:
        wanted: The one camera that has to work, as a number, path or address. None: any camera.
        numbers: The cameras of this machine. None asks the system.
        probe: Opens a camera for at most some seconds and tells its abilities.
        clock: The seconds of a clock.
    """
    if wanted is not None:
        numbers = (wanted,)
    elif numbers is None:
        numbers = list_camera_numbers()
    until_s = clock() + CAMERAS_TIMEOUT_S
    works = 0
    for index in numbers:
        name, left_s = f"camera {mask_addresses(str(index))}", until_s - clock()
        bad: Status = "failed" if wanted is not None else "warning"
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


def check_codecs(
    can: Callable[[str, Literal["r", "w"]], object] | None = None,
) -> Iterator[Check]:
    """Checks the codecs of PyAV's own FFmpeg; the system's plays no part. `can` raises `ValueError`
    for a codec that cannot be read or written."""
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


def check_encoders(attempt: "Attempt | None" = None) -> Iterator[Check]:
    """Checks the values of `--codec`: each encoder encodes a few small pictures."""
    from app.outputs.encoder_trial import list_working, try_encoder
    from app.outputs.encoders import CODECS

    found = list_working(CODECS, attempt or try_encoder)
    for hardware, name in ((False, "software"), (True, "hardware")):
        named = [
            f"{trial.encoder.codec} ({trial.encoder.name})" if not hardware else trial.encoder.name
            for trial in found
            if trial.encoder.hardware == hardware
        ]
        if named:
            yield Check(f"{name} encoders", "ok", ", ".join(named))
        elif hardware:
            yield Check(f"{name} encoders", "ok", "none works here; software is used")


class DiskUsage(Protocol):
    """The part of `shutil.disk_usage`'s answer that is checked."""

    @property
    def free(self) -> int:
        """The free space in bytes."""


def check_disk(
    folder: Path | None = None,
    usage: Callable[[Path], DiskUsage] = shutil.disk_usage,
) -> Iterator[Check]:
    """Checks the folder of outputs that name none: the current one."""
    folder = Path.cwd() if folder is None else folder
    free = usage(folder).free
    room = f"{free / (1 << 30):.1f} GB free in {folder}"
    if not os.access(folder, os.W_OK):
        yield Check("free", "warning", f"{folder} cannot be written to", "Give -o another folder.")
    elif free < LOW_DISK_BYTES:
        yield Check("free", "warning", room, "Make room, or give -o a folder on another disk.")
    else:
        yield Check("free", "ok", room)
