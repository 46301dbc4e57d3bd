"""Gives the training commands their options from a dataclass, and their exit codes."""

import argparse
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from app.errors import RecogniserError
from app.process.safe_output import run_printing
from app.process.working_folder import NO_WORKING_FOLDER, has_working_folder


def run_entry_point(main: Callable[[], int]) -> int:
    """Runs a command and turns its errors into exit codes and one line on stderr.

    Output that cannot be written does not end the command (`app.process.safe_output`).

    Args:
        main: The command. It returns 0 when all is done, 1 when something was skipped.

    Returns:
        What `main` returned; 2 for a `RecogniserError` and where the working folder is gone; 130
            after Ctrl+C.
    """

    def worked() -> int:
        try:
            return main()
        except RecogniserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except FileNotFoundError:
            if has_working_folder():
                raise
            print(f"error: {NO_WORKING_FOLDER}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("Interrupted.", file=sys.stderr)
            return 130

    return run_printing(worked, cut_short=1)


def add_options(parser: argparse._ActionsContainer, config: type[Any]) -> None:
    """Adds one `--option` for every field of a dataclass whose metadata holds help for it.

    An option that is not given stays out of the namespace, so that `collect_given_options` finds
    only what the user gave.
    """
    hints = get_type_hints(config)
    for item in fields(config):
        if "help" not in item.metadata:
            continue
        hint = hints[item.name]
        if get_origin(hint) in (Union, types.UnionType):
            hint = next(arg for arg in get_args(hint) if arg is not type(None))
        default = "" if item.default in (MISSING, None) else f" (default: {item.default})"
        choice = get_origin(hint) is Literal
        keywords: dict[str, Any] = {
            "help": f"{item.metadata['help']}{default}".replace("%", "%%"),
            "default": argparse.SUPPRESS,
            "dest": item.name,
        }
        if hint is bool:
            keywords["action"] = argparse.BooleanOptionalAction
        elif choice:
            keywords["choices"] = get_args(hint)
            keywords["type"] = type(get_args(hint)[0])
        else:
            keywords["type"] = Path if hint is Path else hint
            keywords["metavar"] = {int: "N", float: "X", Path: "PATH"}.get(hint, "TEXT")
        parser.add_argument("--" + item.name.replace("_", "-"), **keywords)


def collect_given_options(given: Mapping[str, Any], config: type[Any]) -> dict[str, Any]:
    """Collects those of the `given` options that are fields of the dataclass `config`, by name."""
    names = {item.name for item in fields(config)}
    return {name: value for name, value in given.items() if name in names}
