"""How much memory there is to take, so that what does not fit is not tried."""

import os
from pathlib import Path

import torch

MEMINFO = Path("/proc/meminfo")
# What a container may use and uses, and what of that is files the system can drop (versions 2, 1).
CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (
        Path("/sys/fs/cgroup/memory"),
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)
UNKNOWN_BYTES = 4 << 30  # where the system does not say: what small machines have left


def measure_free_bytes(device: torch.device | None = None) -> int:
    """What this process may still take, of main memory and, for CUDA, of the device's. Processes
    that `torchrun` started on this machine share its main memory."""
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
    """The lines `name number …` of a file; nothing where it cannot be read."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}
