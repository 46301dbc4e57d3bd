"""Says why a path cannot be read as a file. Opening a named pipe, for example, may never end."""

import os
from pathlib import Path


def describe_no_file(path: Path) -> str:
    """Words why `path`, which is no regular file, cannot be read, as a phrase that follows its
    name.

    >>> describe_no_file(Path("nowhere/a.csv")), describe_no_file(Path("/"))
    ('does not exist', 'is a folder')
    """
    if path.is_dir():
        return "is a folder"
    if path.exists():
        return "is no regular file"
    if path.is_symlink():
        return f"is a link to {os.readlink(path)}, which cannot be reached"
    return "does not exist"
