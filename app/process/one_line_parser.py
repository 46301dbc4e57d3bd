"""A parser of options that says in one line what it does not understand, with a guess at what was
meant. Needs no package."""

import argparse
import difflib
import importlib.metadata
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from app.defaults import PICTURE_SUFFIXES, ROOT, VIDEO_SUFFIXES

_INVALID = re.compile(r"invalid (?P<kind>\w+) value: (?P<value>.*)", re.DOTALL)
_A_NUMBER, _A_WHOLE_NUMBER = "a number", "a whole number"
# What an option takes, by the name of the function that reads it.
_KINDS = {
    "int": _A_WHOLE_NUMBER,
    "positive": _A_WHOLE_NUMBER,
    "float": _A_NUMBER,
    "share": _A_NUMBER,
    "seconds": _A_NUMBER,
    "parse_positive": _A_WHOLE_NUMBER,
    "parse_rate": _A_NUMBER,
    "parse_strength": _A_NUMBER,
    "parse_seconds": _A_NUMBER,
    "parse_overlap": _A_NUMBER,
    "parse_positive_seconds": _A_NUMBER,
    "parse_moment": "a time in seconds, m:ss or h:mm:ss",
    "parse_size": "a size such as 1280x720",
}
# The options of `run_demo.py` that take a file by its suffix, other than what is read.
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
    """`argparse.ArgumentParser` without the usage of many lines at each mistake."""

    def error(self, message: str) -> NoReturn:
        message = _INVALID.sub(_expected, message)
        ended = message if message.endswith((".", "?")) else f"{message}."
        self.exit(2, f"error: {ended} See --help.\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            self.error(describe_unknown_word(rest[0], self._option_string_actions))
        return options


def _expected(invalid: re.Match[str]) -> str:
    """Says what an option takes instead of argparse's "invalid moment value: '1:99'"."""
    kind = _KINDS.get(invalid["kind"])
    return invalid[0] if kind is None else f"{invalid['value']} is not {kind}"


def describe_unknown_word(word: str, options: Iterable[str]) -> str:
    """Says of a `word` that belongs to no option what may have been meant by it, where `options`
    are those that there are."""
    known = list(options)
    if word.startswith("-"):
        name = word.partition("=")[0]
        near = difflib.get_close_matches(name, known, 1)
        return f"there is no option {name}" + (f"; did you mean {near[0]}?" if near else "")
    meant = [option for option in find_options(word) if option in known]
    if not meant:
        return f"{word} belongs to no option"
    return f"{word} belongs to no option; did you mean {' or '.join(f'{o} {word}' for o in meant)}?"


def find_options(word: str) -> Sequence[str]:
    """The options of `run_demo.py` that take what `word` names."""
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
    """The version of this checkout or, without its pyproject.toml, of what is installed."""
    import tomllib

    path = ROOT / "pyproject.toml"
    if path.is_file():
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        if project["name"] == "expression-recogniser":
            return str(project["version"])
    return importlib.metadata.version("expression-recogniser")
