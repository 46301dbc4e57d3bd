"""Writes text files whole or not at all."""

import os
from pathlib import Path

from app.errors import TrainingError
from app.files.atomic import describe_write_error, discard_partial
from app.wording import escape_surrogates


def write_text_file(path: Path, text: str) -> None:
    """Writes `text` as UTF-8 under a hidden name beside `path`, then renames the file.

    Bytes in file names that are not UTF-8 become escapes. Raises `TrainingError`.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(escape_surrogates(text), encoding="utf-8")
        os.replace(partial, path)
    except OSError as cause:
        raise TrainingError(describe_write_error(path, cause)) from cause
    finally:
        discard_partial(partial)
