"""Parses a command's options. A mistake gives one line, with a guess at what was meant. This module
needs no package."""

import argparse
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from app.defaults import PICTURE_SUFFIXES, ROOT, VIDEO_SUFFIXES

_INVALID = re.compile(r"invalid (?P<kind>\w+) value: (?P<value>.*)", re.DOTALL)
_A_NUMBER = "a number"
_A_WHOLE_NUMBER = "a whole number"
# The name of the function that reads an option's value -> words for that value.
_KINDS = {
    "int": _A_WHOLE_NUMBER,
    "parse_whole": _A_WHOLE_NUMBER,
    "positive": _A_WHOLE_NUMBER,
    "float": _A_NUMBER,
    "share": _A_NUMBER,
    "parse_positive": _A_WHOLE_NUMBER,
    "parse_gpu_share": _A_NUMBER,
    "parse_rate": _A_NUMBER,
    "parse_strength": _A_NUMBER,
    "parse_duration": _A_NUMBER,
    "parse_overlap": _A_NUMBER,
    "parse_positive_seconds": _A_NUMBER,
    "parse_moment": "a time in seconds, m:ss or h:mm:ss",
    "parse_size": "a size such as 1280x720",
}
# The options of `run_demo.py` that take a file of this suffix, other than a picture or video.
_RESULTS = {
    ".onnx": ("--model",),
    ".csv": ("--records", "--episodes"),
    ".jsonl": ("--records",),
    ".parquet": ("--records",),
    ".eaf": ("--episodes",),
    ".vtt": ("--episodes",),
    ".txt": ("--episodes",),
    ".html": ("--report",),
}


class OneLineParser(argparse.ArgumentParser):
    """`argparse.ArgumentParser` with one line in place of the usage at each mistake, and with
    `--version`.

    Args:
        for_more: The line for a user who names more files than the command takes; None for a guess
            at the option that was meant.
        with_version: False leaves `--version` out, where the words are not those of a command.
        **usual: The arguments of `argparse.ArgumentParser`.
    """

    def __init__(
        self,
        *,
        for_more: str | None = None,
        with_version: bool = True,
        **usual: Any,  # as argparse has them
    ) -> None:
        super().__init__(**usual)
        self._for_more = for_more
        if with_version:
            self.add_argument("--version", action=PrintVersion, help="print the version and end")

    def error(self, message: str) -> NoReturn:
        """Ends the program with exit code 2 and one line on stderr."""
        message = _INVALID.sub(_expected, message)
        ended = message if message.endswith((".", "?")) else f"{message}."
        self.exit(2, f"error: {ended} See --help.\n")

    def parse_args(
        self,
        args: Iterable[str] | None = None,
        namespace: Any = None,  # any object, as in argparse
    ) -> Any:  # the namespace, as in argparse
        """Parses all words, as argparse does. A word that belongs to no option is an error."""
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            if self._for_more is not None and not rest[0].startswith("-"):
                self.error(self._for_more)
            self.error(describe_unknown_word(rest[0], self._option_string_actions))
        return options


def _expected(invalid: re.Match[str]) -> str:
    """Names the kind of value that an option takes, in place of argparse's "invalid moment value:
    '1:99'"."""
    kind = _KINDS.get(invalid["kind"])
    return invalid[0] if kind is None else f"{invalid['value']} is not {kind}"


def describe_unknown_word(word: str, options: Iterable[str]) -> str:
    """Words a mistake in one line, with a guess at what was meant.

    Args:
        word: A word of the command line that belongs to no option.
        options: The options of the command.

    >>> describe_unknown_word("--vidoe", ["--video", "--image"])
    'there is no option --vidoe; did you mean --video?'
    """
    known = list(options)
    if word.startswith("-"):
        name = word.partition("=")[0]
        import difflib  # here, because most command lines have no mistake

        near = difflib.get_close_matches(name, known, 1)
        return f"there is no option {name}" + (f"; did you mean {near[0]}?" if near else "")
    meant = [option for option in find_options(word) if option in known]
    if not meant:
        return f"{word} belongs to no option"
    return f"{word} belongs to no option; did you mean {' or '.join(f'{o} {word}' for o in meant)}?"


def find_options(word: str) -> Sequence[str]:
    """Finds the options of `run_demo.py` that take the file, camera or address that `word` names.

    >>> find_options("talk.mp4"), find_options("rtsp://camera/1")
    (('--video',), ('--camera',))
    """
    path = Path(word)
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return ("--video",)
    if "://" in word or word.isdecimal() or word.startswith("/dev/"):
        return ("--camera",)
    if suffix in PICTURE_SUFFIXES:
        return ("--image",)
    if suffix in _RESULTS:
        return _RESULTS[suffix]
    return ("--video", "--image") if path.exists() else ()


def read_version() -> str:
    """Reads the version from pyproject.toml or, where there is none, from the installed package."""
    import tomllib

    path = ROOT / "pyproject.toml"
    if path.is_file():
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        if project["name"] == "expression-recogniser":
            return str(project["version"])
    from importlib import metadata

    return metadata.version("expression-recogniser")


def print_version() -> int:
    """Prints the name of the program and its version. Returns the exit code."""
    print("expression-recogniser", read_version())
    return 0


class PrintVersion(argparse.Action):
    """The action of `--version`. It reads the version only when it is asked for, and leaves nothing
    in the namespace."""

    def __init__(
        self,
        option_strings: Sequence[str],
        dest: str,
        **usual: Any,  # as argparse has them
    ) -> None:
        super().__init__(
            option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, **usual
        )

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Prints the version and ends the program."""
        print_version()
        parser.exit()
