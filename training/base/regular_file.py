"""Refuses paths that are no files. Opening a named pipe waits for a writer, so that a command
would never end."""

import stat
from pathlib import Path

from app.errors import DataError


def check_regular(path: Path) -> None:
    """Raises `DataError` for a pipe, a socket or a device. A folder or a missing file passes;
    the code that opens the path reports those."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(
            f"{path} is a pipe or a device, not a file. Save what it gives to a file first."
        )
