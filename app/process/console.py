"""What the commands that work on finished records share: how they end, and how they write."""

import argparse
import sys
from collections.abc import Callable

from app.errors import RecogniserError
from app.process.memory_room import format_memory_line
from app.process.one_line_parser import OneLineParser
from app.process.safe_output import run_printing
from app.process.working_folder import NO_WORKING_FOLDER, has_working_folder
from app.wording import escape_controls

DONE, CUT_SHORT, FAILED, INTERRUPTED = 0, 1, 2, 130
EXIT_CODES = (
    "exit codes: 0 done, 1 done but something was left out, 2 could not be done, 130 interrupted"
)


def say(line: str) -> None:
    print(escape_controls(line), file=sys.stderr, flush=True)


def run(work: Callable[[], int]) -> int:
    """The exit code of `work`; the project's errors are one line and code 2. Output that cannot be
    written ends nothing (`app.process.safe_output`)."""

    def worked() -> int:
        try:
            return work()
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

    return run_printing(worked, cut_short=CUT_SHORT)


def new_parser(module: str, description: str, examples: str) -> argparse.ArgumentParser:
    return OneLineParser(
        prog=f"python -m {module}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=description,
        epilog=f"{examples}\n\n{EXIT_CODES}",
    )
