"""Measures how much memory is free, so that work that does not fit is not tried."""

import os
from pathlib import Path

import torch

MEMINFO = Path("/proc/meminfo")
# Of control groups, version 2 and 1: the folder, the files with the limit and the use in bytes, and
# the entry of memory.stat that counts cached files, which the system can drop.
CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (
        Path("/sys/fs/cgroup/memory"),
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)
UNKNOWN_BYTES = 4 << 30  # what small machines have left; taken where the system tells nothing


def measure_free_bytes(device: torch.device | None = None) -> int:
    """Measures how many bytes this process may still take.

    Processes that `torchrun` started on this machine share its main memory equally.

    Args:
        device: A CUDA device counts with its own free memory, too; None and the CPU count main
            memory.

    Returns:
        The least of what the system, its control group and the device have left; `UNKNOWN_BYTES`
            for a system that tells nothing.
    """
    known = [_system(), *(_container(*names) for names in CGROUPS)]
    main = min((free for free in known if free is not None), default=UNKNOWN_BYTES)
    main //= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if device is not None and device.type == "cuda":
        main = min(main, torch.cuda.mem_get_info(device)[0])
    return main


def _system() -> int | None:
    kib = _numbers(MEMINFO).get("MemAvailable:")
    return None if kib is None else kib * 1024


def _container(folder: Path, limit: str, used: str, droppable: str) -> int | None:
    try:
        most = int((folder / limit).read_text())
        now = int((folder / used).read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return None
    return max(0, most - now + _numbers(folder / "memory.stat").get(droppable, 0))


def _numbers(path: Path) -> dict[str, int]:
    """Reads the lines `name number …` of a file; a file that cannot be read gives no entries."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}
