"""Runs the examples in docstrings, of every module that has one."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from tools.rooms import list_modules

TOOLS = {f"tools.{name}": Path(f"tools/{name}.py") for name in ("prints", "rooms")}
MODULES = {**list_modules("app"), **list_modules("training"), **TOOLS}
WITH_EXAMPLES = [
    name for name, path in MODULES.items() if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_what_they_say(name: str) -> None:
    results = doctest.testmod(
        import_module(name),
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.FAIL_FAST,
    )
    assert results.attempted > 0
    assert results.failed == 0
