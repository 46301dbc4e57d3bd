"""Files that may be opened by name: a named pipe waits for a writer, and no program would end."""

import stat
from pathlib import Path

from app.errors import DataError


def check_regular(path: Path) -> None:
    """Raises `DataError` for a pipe, socket or device. What is missing or a folder is left to
    whoever opens it."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(
            f"{path} is a pipe or a device, not a file. Save what it gives to a file first."
        )
