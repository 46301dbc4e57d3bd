"""Makes the pages with the options of all commands, as `--help` prints them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.site.gather_pages import COMMANDS, ROOT, TRAINING_COMMANDS, write_page
from training.__main__ import read_commands

WIDTH = 96  # characters in a line
COMMANDS_HEAD = """# All options of the commands

Each command prints this text with `--help`. [All tasks](../usage.md) has an example for each.
"""
TRAINING_HEAD = """# All options of training

Each command prints this text with `--help`. [Train step by step](../training.md) says when to use
which.
"""


def list_program_commands() -> list[tuple[str, ...]]:
    """Lists the words of the commands that need no extra `training`."""
    modules = sorted(path.parent.name for path in (ROOT / "app").glob("*/__main__.py"))
    return [("run_demo.py",), *(("-m", f"app.{name}") for name in modules)]


def read_help(words: tuple[str, ...]) -> str:
    """Asks a command for its help. Raises `CalledProcessError`."""
    environment = {**os.environ, "COLUMNS": str(WIDTH + 2), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, *words, "--help"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def write_command_page(path: Path, head: str, commands: Sequence[tuple[str, ...]]) -> None:
    """Writes a page with the help of each command. The commands start beside one another."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        helps = list(pool.map(read_help, commands))
    parts = [head]
    for words, text in zip(commands, helps, strict=True):
        parts.append(f"## python {' '.join(words)}\n\n```text\n{text.strip()}\n```\n")
    write_page(path, "\n".join(parts))


def write_command_pages(folder: Path) -> None:
    """Writes the page of the program's commands and that of training's into the site's pages."""
    write_command_page(folder / COMMANDS, COMMANDS_HEAD, list_program_commands())
    training = [("-m", f"training.{name}") for name in read_commands()]
    write_command_page(folder / TRAINING_COMMANDS, TRAINING_HEAD, training)
