"""Holds what all commands of `app` share: their exit codes, their errors and their lines."""

import argparse
import sys
from collections.abc import Callable

from app.errors import RecogniserError
from app.process.memory_room import format_memory_line
from app.process.one_line_parser import OneLineParser
from app.process.safe_output import run_printing
from app.process.working_folder import NO_WORKING_FOLDER, has_working_folder
from app.wording import escape_controls

# The exit codes of every command.
DONE = 0
CUT_SHORT = 1  # done, but something was left out
FAILED = 2
INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT
EXIT_CODES = (
    "exit codes: 0 done, 1 done but something was left out, 2 could not be done, 130 interrupted"
)


def say(line: str) -> None:
    """Prints a line to stderr, with control characters as escapes."""
    print(escape_controls(line), file=sys.stderr, flush=True)


def run_command(command: Callable[[], int]) -> int:
    """Runs a command and returns its exit code.

    An error of the project becomes one line and the code `FAILED`, as do too little memory and a
    working folder that is gone. Output that cannot be written ends nothing
    (`app.process.safe_output`).
    """

    def obey() -> int:
        try:
            return command()
        except RecogniserError as error:
            say(f"error: {error}")
            return FAILED
        except MemoryError:
            say(f"error: {format_memory_line('for this')}")
            return FAILED
        except FileNotFoundError:
            if has_working_folder():
                raise
            say(f"error: {NO_WORKING_FOLDER}")
            return FAILED
        except KeyboardInterrupt:
            say("Interrupted.")
            return INTERRUPTED

    return run_printing(obey, cut_short=CUT_SHORT)


def new_parser(
    command: str, description: str, examples: str, *, for_more: str | None = None
) -> argparse.ArgumentParser:
    """Makes the parser of `command`, whose `--help` ends with `examples` and the exit codes.
    `for_more` is as in `OneLineParser`."""
    return OneLineParser(
        for_more=for_more,
        prog=command,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=description,
        epilog=f"{examples}\n\n{EXIT_CODES}",
    )
