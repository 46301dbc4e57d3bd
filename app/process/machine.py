"""Describes the machine that measurements are made on, and measures this process's memory."""

import ctypes
import os
import platform
import sys
from pathlib import Path

CUDA_NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE in the CUDA driver API
PCI_DEVICES = Path("/sys/bus/pci/devices")
PCI_FACTS = ("vendor", "class")  # files of each device there
NVIDIA_VENDOR = "0x10de"
DISPLAY_CLASS = "0x03"  # VGA and 3D controllers; a card's sound has another class


def describe_machine() -> str:
    """Describes the machine in one line: processor, cores, load, system, Python."""
    load = f", load {os.getloadavg()[0]:.1f}" if sys.platform != "win32" else ""
    return (
        f"{_processor()}, {count_cores()} cores{load}; {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def count_cores() -> int:
    """Counts the cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def count_picture_threads(
    size_wh: tuple[int, int], most: int | None, *, pixels_per_thread: int
) -> int:
    """Counts the threads for a decoder or an encoder, which work on one picture after the other.

    Every thread costs time of its own, so small pictures get one.

    Args:
        size_wh: The width and height of the pictures, px.
        most: The most threads; None: as many as there are cores.
        pixels_per_thread: The pixels of a picture that keep one thread busy.

    >>> count_picture_threads((640, 480), 8, pixels_per_thread=500_000)
    1
    >>> count_picture_threads((1920, 1080), 8, pixels_per_thread=500_000)
    5
    >>> count_picture_threads((1920, 1080), 2, pixels_per_thread=500_000)
    2
    """
    wanted = -(-size_wh[0] * size_wh[1] // pixels_per_thread)
    return max(1, min(wanted, count_cores() if most is None else most))


def has_nvidia_gpu() -> bool:
    """Tells whether NVIDIA's driver is installed and knows of a GPU. A driver that does not work
    counts, too."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        return int(ctypes.CDLL(name).cuInit(0)) != CUDA_NO_DEVICE
    except (OSError, AttributeError):
        return False


def has_nvidia_card(devices: Path = PCI_DEVICES) -> bool:
    """Tells whether a GPU of NVIDIA is built in, with or without a driver. False where the system
    does not list its `devices` as Linux does."""
    for device in devices.glob("*"):
        try:
            vendor, kind = ((device / name).read_text("ascii").strip() for name in PCI_FACTS)
        except (OSError, ValueError):
            continue
        if vendor == NVIDIA_VENDOR and kind.startswith(DISPLAY_CLASS):
            return True
    return False


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def measure_resident_mb() -> float | None:
    """Measures the resident memory of this process, in MB of 1,000,000 bytes. None where the system
    does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError, IndexError):
        return _measure_peak_mb()


def _measure_peak_mb() -> float | None:
    """Measures the highest resident memory so far, as all that macOS tells without a further
    package."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def give_memory_back() -> None:
    """Returns the free memory in the C library's heaps to the system, after work that needed much
    for a moment."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
