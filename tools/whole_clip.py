"""Writes the files of the tools whole or not at all."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import SinkError
from app.files.atomic import make_write_error, reserve
from app.files.hidden import build_hidden_path


@contextmanager
def write_under_hidden_name(
    path: Path, *, overwrite: bool = False, inputs: Iterable[Path] = ()
) -> Iterator[Path]:
    """Gives the name under which a file or a folder is to be written. It gets its final name when
    the block ends, and is removed where the block raises.

    Args:
        path: The final name. The hidden one has the same suffix, by which encoders know formats.
        overwrite: True allows a file of that name to exist already.
        inputs: Files that are read, and must not be replaced.

    Raises:
        SinkError: The name is taken, or cannot be written.
    """
    if path.is_dir():
        raise SinkError(f"{path} exists already. Choose another name.")
    reserve(path, overwrite=overwrite, inputs=inputs)
    hidden = build_hidden_path(path, f".partial{path.suffix}")
    try:
        yield hidden
        os.replace(hidden, path)
    except OSError as cause:
        raise make_write_error(path, cause) from cause
    finally:
        if hidden.is_dir():
            shutil.rmtree(hidden, ignore_errors=True)
        hidden.unlink(missing_ok=True)
