"""Names in one line the packages and libraries that this machine lacks, before they are loaded.

OpenCV's and MediaPipe's wheels do not bring every shared library that they need, and MediaPipe's
library ends the process where a file of the kernel is missing. `app.requirements.import_guard` asks
this module when either is first imported. It needs no package, and imports what only some checks
need when they run, because `--help` loads it, too.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from pathlib import Path

from app.defaults import ROOT
from app.process.memory_room import format_memory_line, lacks_memory
from app.requirements.import_guard import GUARDED, IMPORT_GUARD

# Imported name -> pip's name, in the order in which messages name them.
PACKAGES = {
    "numpy": "numpy",
    "cv2": "opencv-contrib-python",
    "mediapipe": "mediapipe",
    "onnxruntime": "onnxruntime",
    "av": "av",
    "tqdm": "tqdm",
}
# The same for the packages that only training needs.
TRAINING_PACKAGES = {
    "torch": "torch",
    "onnx": "onnx",
    "onnxscript": "onnxscript",
    "PIL": "pillow",
    "filelock": "filelock",
    "tensorboard": "tensorboard",
}
# Libraries that are opened while the program runs, not by Python's import.
OPENED_LATER = ("libmediapipe.so",)
# Library -> its package in Debian and Ubuntu, and in Fedora. Debian 13's and Ubuntu 24.04's apt
# takes libglib2.0-0t64 for libglib2.0-0.
SYSTEM_PACKAGES = {
    "libEGL.so.1": ("libegl1", "libglvnd-egl"),
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libGLESv2.so.2": ("libgles2", "libglvnd-gles"),
    "libICE.so.6": ("libice6", "libICE"),
    "libSM.so.6": ("libsm6", "libSM"),
    "libX11.so.6": ("libx11-6", "libX11"),
    "libXext.so.6": ("libxext6", "libXext"),
    "libgcc_s.so.1": ("libgcc-s1", "libgcc"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libgomp.so.1": ("libgomp1", "libgomp"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libstdc++.so.6": ("libstdc++6", "libstdc++"),
    "libxcb.so.1": ("libxcb1", "libxcb"),
}
# File -> the command that restores it. Without the first, MediaPipe's memory allocator ends the
# process; without the second, one of its threads does.
KERNEL_FILES = {
    "/sys/devices/system/cpu/possible": "mount -t sysfs sysfs /sys",
    "/dev/urandom": "mknod -m 666 /dev/urandom c 1 9",
}
INSTALL = "python -m pip install -c constraints.txt -e ."
INSTALL_GPU = "python -m pip install -c constraints.txt -e '.[gpu]'"
INSTALL_LIVE = "python -m pip install -c constraints.txt -e '.[live]'"
INSTALL_TRAINING = "python -m pip install -c constraints.txt -e '.[training]'"


class UnfitMachineError(ImportError):
    """A package cannot work on this machine. The message names the lack and the remedy in one
    line."""


def _find_spec(package: str) -> ModuleSpec | None:
    """Finds `package` without importing it. None where it is not installed."""
    before, IMPORT_GUARD.is_paused = IMPORT_GUARD.is_paused, True
    try:
        return importlib.util.find_spec(package)
    finally:
        IMPORT_GUARD.is_paused = before


def find_package_folder(package: str) -> Path | None:
    """Finds the folder of `package` without importing it. None where it is not installed."""
    spec = _find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def list_entry_libraries(package: str) -> list[Path]:
    """Lists the shared libraries of `package` that Python loads: its extension modules and those in
    `OPENED_LATER`. Optional ones, such as ONNX Runtime's CUDA part, are left out."""
    folder = find_package_folder(package)
    if folder is None or sys.platform != "linux":
        return []
    tagged = tuple(suffix for suffix in EXTENSION_SUFFIXES if suffix != ".so")
    return sorted(
        path
        for path in folder.rglob("*.so")
        if path.name.endswith(tagged)
        or not path.name.startswith("lib")
        or path.name in OPENED_LATER
    )


def map_missing_libraries(packages: Iterable[str] = GUARDED) -> dict[str, list[str]]:
    """Maps each missing library to those of `packages` that cannot be loaded without it, in
    alphabetical order."""
    from app.requirements.shared_libraries import find_lacking

    found: dict[str, list[str]] = {}
    for package in packages:
        for name in find_lacking(list_entry_libraries(package)):
            found.setdefault(name, []).append(package)
    return dict(sorted(found.items()))


def format_install_line(
    libraries: Iterable[str], has: Callable[[str], object] = shutil.which
) -> str:
    """Words the command that installs `libraries`, for the package manager of this system, or for
    both where it has neither. `has` tells whether there is a command of a name."""
    names = list(libraries)
    known = sorted({SYSTEM_PACKAGES[name][0] for name in names if name in SYSTEM_PACKAGES})
    unknown = [name for name in names if name not in SYSTEM_PACKAGES]
    apt = f"apt-get update && apt-get install -y {' '.join(known)}" if known else ""
    if unknown:
        apt += " and " if known else "install "
        apt += f"the packages that have {', '.join(unknown)} (apt-file search NAME)"
    fedora = sorted({SYSTEM_PACKAGES[name][1] for name in names if name in SYSTEM_PACKAGES})
    wide = [f"'{name}()(64bit)'" for name in unknown]  # rpm knows libraries by their names
    dnf = f"dnf install -y {' '.join([*fedora, *wide])}"
    if has("apt-get"):
        return apt
    return dnf if has("dnf") else f"{apt} (Debian, Ubuntu), {dnf} (Fedora)"


def format_libraries_line(lost: Mapping[str, Sequence[str]]) -> str:
    """Words in one line which libraries are missing, for which packages, and what installs them."""
    users = " and ".join(
        dict.fromkeys(PACKAGES.get(p, p) for names in lost.values() for p in names)
    )
    are, they = ("is", "it") if len(lost) == 1 else ("are", "them")
    return (
        f"{', '.join(lost)} {are} missing on this system, and {users} cannot be loaded without "
        f"{they}. As root: {format_install_line(lost)}"
    )


def find_kernel_problem(
    files: Mapping[str, str] = KERNEL_FILES, survives: Callable[[], bool] | None = None
) -> str | None:
    """Words in one line the lack of a kernel's file without which MediaPipe ends the process. None
    where all are there, or where MediaPipe's library works without them.

    Args:
        files: The files, with the command that restores each.
        survives: Tells whether MediaPipe's library works here.
    """
    lost = [name for name in files if not os.access(name, os.R_OK)]
    if not lost or sys.platform != "linux" or (survives or _mediapipe_survives)():
        return None
    are = "is" if len(lost) == 1 else "are"
    return (
        f"{' and '.join(lost)} {are} not there, and mediapipe would end the program without "
        f"{'it' if len(lost) == 1 else 'them'}. Start the container with /sys and /dev, or as "
        f"root: {' && '.join(files[name] for name in lost)}"
    )


def _mediapipe_survives() -> bool:
    """Tells whether another process survives loading MediaPipe's library and starting its
    threads."""
    import subprocess

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from app.requirements.system_needs import try_mediapipe; try_mediapipe()",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode >= 0


def try_mediapipe() -> None:
    """Starts MediaPipe without the checks of this module, in a process that may not survive it."""
    IMPORT_GUARD.is_paused = True
    from app.detection.mediapipe_detector import Detector

    Detector().close()


def find_missing_packages(packages: Mapping[str, str] = PACKAGES) -> list[str]:
    """Lists those of `packages` that are not installed, by pip's names."""
    return [pip for name, pip in packages.items() if _find_spec(name) is None]


def format_packages_line(lost: Sequence[str], install: str = INSTALL) -> str:
    """Words in one line that packages are not installed, and what installs them."""
    are = "is" if len(lost) == 1 else "are"
    python = ROOT / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    elsewhere = python.exists() and Path(sys.prefix).resolve() != (ROOT / ".venv").resolve()
    what = f"Start it with {python}, or run" if elsewhere else "Run"
    return f"{', '.join(lost)} {are} not installed for {sys.executable}. {what}: {install}"


def check_packages(packages: Sequence[str] = GUARDED) -> None:
    """Raises `UnfitMachineError` if one of `packages` cannot work on this machine. The message
    names all that `GUARDED` lack, so that one installation is enough."""
    if map_missing_libraries(packages):
        raise UnfitMachineError(format_libraries_line(map_missing_libraries()))
    if "mediapipe" in packages and (line := find_kernel_problem()) is not None:
        raise UnfitMachineError(line)


def check_machine() -> None:
    """Raises `UnfitMachineError` if the program cannot run here, before anything is loaded."""
    if lost := find_missing_packages():
        raise UnfitMachineError(format_packages_line(lost))
    check_packages()


def explain_import_error(error: BaseException) -> str | None:
    """Words the remedy for a failed import in one line. None where the machine is not the cause."""
    if isinstance(error, UnfitMachineError):
        return str(error)
    if lacks_memory(error):
        return format_memory_line("to load a library")
    if isinstance(error, ModuleNotFoundError) and error.name in PACKAGES:
        return format_packages_line(find_missing_packages() or [PACKAGES[error.name]])
    if isinstance(error, ModuleNotFoundError) and error.name in TRAINING_PACKAGES:
        lost = find_missing_packages(TRAINING_PACKAGES) or [TRAINING_PACKAGES[error.name]]
        return format_packages_line(lost, INSTALL_TRAINING)
    return None
