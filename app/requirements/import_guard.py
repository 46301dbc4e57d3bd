"""Has the machine checked when OpenCV or MediaPipe is first imported, whoever imports it.

`import app` loads this module and nothing else of the project, so it loads the checks only when
they are needed.
"""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType, TracebackType

GUARDED = ("cv2", "mediapipe")  # packages whose wheels lack libraries of the system
# What the files of the program's commands begin with; `expression-recogniser-train` is one.
COMMANDS = ("run_demo.py", "expression-recogniser")


class _ImportGuard:
    """An entry of `sys.meta_path` that checks the machine when a package in `GUARDED` is first
    imported, and finds no module itself. `is_paused` while only the place of a package is asked
    for."""

    def __init__(self) -> None:
        self._to_check = set(GUARDED)
        self.is_paused = False

    def find_spec(
        self, name: str, path: object = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        if name in self._to_check and not self.is_paused:
            from app.requirements.system_needs import check_packages

            check_packages((name,))
            self._to_check.discard(name)
        return None


IMPORT_GUARD = _ImportGuard()


def guard_imports() -> None:
    """Makes the first import of OpenCV or MediaPipe raise `UnfitMachineError` if the machine lacks
    a library or file for it. A command of this project then ends with that one line."""
    if IMPORT_GUARD not in sys.meta_path:
        sys.meta_path.insert(0, IMPORT_GUARD)
    started = getattr(sys, "argv", [""])[:1]  # an embedded interpreter may have none
    if started == ["-m"] or os.path.basename(*started or [""]).startswith(COMMANDS):
        sys.excepthook = _say_in_one_line  # "-m": `python -m app.report`


def _say_in_one_line(
    kind: type[BaseException], error: BaseException, trace: "TracebackType | None"
) -> None:
    if issubclass(kind, KeyboardInterrupt):  # Ctrl-C before the program could catch it
        print("Interrupted.", file=sys.stderr)
        raise SystemExit(130)  # as `app.process.console.INTERRUPTED`
    from app.requirements.system_needs import explain_import_error

    line = explain_import_error(error)
    if line is None:
        sys.__excepthook__(kind, error, trace)
        return
    print(f"error: {line}", file=sys.stderr)
    raise SystemExit(2)
