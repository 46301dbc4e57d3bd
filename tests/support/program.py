"""The program as its users call it, but in this Python: one of its own takes seconds to begin."""

import contextlib
import io
from pathlib import Path

from run_demo import main


def called(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and stderr of `run_demo.py WORDS` in `folder`."""
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stderr(said):
        code = main(words)
    return code, said.getvalue()
