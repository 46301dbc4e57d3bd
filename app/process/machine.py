"""What a measurement was made on, and what the process takes of it."""

import ctypes
import os
import platform
import sys
from pathlib import Path

CUDA_NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE in the CUDA driver API


def describe_machine() -> str:
    """One line: processor, cores, load, system, Python."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{_processor()}, {count_cores()} cores{load}; {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def count_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_nvidia_gpu() -> bool:
    """Tells whether there is a driver of NVIDIA's that knows of a GPU. A driver that does not work
    counts."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        return int(ctypes.CDLL(name).cuInit(0)) != CUDA_NO_DEVICE
    except (OSError, AttributeError):
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
    """Resident memory of this process now, in MB of 1,000,000 bytes; None where the system does
    not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError, IndexError):
        return _most_resident_mb()


def _most_resident_mb() -> float | None:
    """The most so far: all that macOS tells without a further package."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def give_memory_back() -> None:
    """To the system, what is free in the C library's heaps: after what took much for a moment."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
