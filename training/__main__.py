"""Runs a training command by its name: `python -m training retrain mine -o mine.onnx`.

Without a name, it lists the commands. Each is a module of this package, too: `python -m
training.retrain` does the same.
"""

import ast
import sys
from importlib import import_module
from pathlib import Path

from app.process.one_line_parser import print_version
from app.process.safe_output import run_printing

_FOLDER = Path(__file__).resolve().parent


def read_commands() -> dict[str, str]:
    """Maps each command to the first sentence of its module, without importing any."""
    return {
        path.stem: (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition(
            "\n"
        )[0]
        for path in sorted(_FOLDER.glob("*.py"))
        if not path.stem.startswith("_")
    }


def print_commands() -> int:
    """Prints how the commands are called. Returns the exit code."""
    commands = read_commands()
    width = max(map(len, commands))
    print("usage: python -m training COMMAND …\n\nCOMMAND --help describes the options of each.\n")
    for name, sentence in commands.items():
        print(f"  {name:<{width}}  {sentence}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Runs the command that the first word names. Returns its exit code."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help"):
        return run_printing(print_commands, cut_short=1)
    if words[0] == "--version":
        return run_printing(print_version, cut_short=1)
    name, *rest = words
    if name not in read_commands():
        print(
            f"error: there is no command {name}. python -m training --help lists them.",
            file=sys.stderr,
        )
        return 2
    from training.base.cli import run_entry_point

    module = import_module(f"{__package__}.{name}")
    return run_entry_point(lambda: int(module.main(rest)))


if __name__ == "__main__":
    raise SystemExit(main())
