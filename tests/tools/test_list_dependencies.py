"""The list of dependencies says what is pinned, and how it is made is no guess."""

from email.message import Message

import pytest

from app.defaults import ROOT
from tools.list_dependencies import TARGET, licence, pinned, reached, table


def test_list_is_of_what_is_pinned() -> None:
    versions = pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    rows = [line.split(" | ") for line in TARGET.read_text(encoding="utf-8").splitlines()]
    listed = {row[0].removeprefix("| "): row[1] for row in rows if len(row) == 5}
    listed.pop("package")
    assert listed == versions


def test_constraints_are_read_without_comments() -> None:
    assert pinned("# all\na==1.0  # why\n\nb_c==2\n") == {"a": "1.0", "b_c": "2"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([("License-Expression", "MIT"), ("License", "other")], "MIT"),
        ([("Classifier", "License :: OSI Approved :: BSD License")], "BSD License"),
        ([("License", "Zlib\nfull text")], "Zlib"),
        ([("Name", "x")], "not stated"),
    ],
)
def test_licence_is_what_the_package_states(fields: list[tuple[str, str]], said: str) -> None:
    facts = Message()
    for name, value in fields:
        facts[name] = value
    assert licence(facts) == said  # type: ignore[arg-type]


def test_needs_of_needs_are_found() -> None:
    found = reached(["onnxruntime-gpu>=1; python_version > '3'", "nothing; python_version < '3'"])
    assert {"onnxruntime-gpu", "protobuf", "numpy", "packaging"} <= found
    assert "nothing" not in found


def test_unknown_dates_and_reasons_are_said() -> None:
    text = table({"b": "2", "A": "1"}, {"A": "2026-01-02"}, {"A": "MIT", "b": "X"}, {"dev": {"a"}})
    assert text.endswith("| A | 1 | 2026-01-02 | MIT | dev |\n| b | 2 | unknown | X | other |\n")
