"""Writes docs/dependencies.md: every pinned package with its date, licence and reason.

python -m tools.list_dependencies

Versions are those of constraints.txt, licences what the installed packages say of themselves, dates
those of the upload to the package index, which pip from version 26 on knows. `--pip` names a Python
whose pip is asked, where one's own is older.
"""

import argparse
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement

from training.base.files import write_text_file

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "dependencies.md"
# Asks pip itself, so that its index, proxy and certificates are those of an installation.
ASK_PIP = """
import json, sys
from pip._internal.commands import create_command
command = create_command("index")
options, _ = command.parse_args(["versions", "x"])
dates = {}
with command._build_session(options) as session:
    finder = command._build_package_finder(
        options=options, session=session, target_python=None, ignore_requires_python=True
    )
    for name, version in json.load(sys.stdin).items():
        times = [
            found.link.upload_time
            for found in finder.find_all_candidates(name)
            if str(found.version) == version and getattr(found.link, "upload_time", None)
        ]
        if times:
            dates[name] = min(times).date().isoformat()
print(json.dumps(dates))
"""
HEAD = """# Dependencies

The tests run with these packages, which [constraints.txt](../constraints.txt) pins (Python 3.11 to
3.13, Linux x86-64). `python -m tools.list_dependencies` writes this table. Licences are those that
the packages state, dates are those of the upload to PyPI. `pip-audit -r constraints.txt --no-deps
--disable-pip` looks for known vulnerabilities, if PyPI's database can be reached.

| package | version | released | licence | for |
|---|---|---|---|---|
"""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(text: str) -> dict[str, str]:
    """Name -> version of a constraints file."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return dict(line.split("==") for line in lines if "==" in line)


def licence(facts: Mapping[str, str]) -> str:
    """The expression, else the classifiers, else the first line of the free text."""
    if expression := facts.get("License-Expression"):
        return expression
    many = getattr(facts, "get_all", lambda _: None)("Classifier") or []
    named = [c.rpartition(" :: ")[2] for c in many if c.startswith("License ::")]
    named = [name for name in named if name != "OSI Approved"]
    text = (facts.get("License") or "").strip()
    return "; ".join(named) or (text.splitlines()[0][:60] if text else "not stated")


def reached(lines: Sequence[str]) -> set[str]:
    """Canonical names of what requirements need, and what those need, as far as installed."""
    found: set[str] = set()
    waiting = [(Requirement(line), frozenset[str]()) for line in lines]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        need, extras = waiting.pop()
        wanted = (
            [need.marker.evaluate({"extra": extra}) for extra in (extras or {""})]
            if (need.marker is not None)
            else [True]
        )
        key = (canonical(need.name), frozenset(need.extras))
        if not any(wanted) or key in seen:
            continue
        seen.add(key)
        found.add(key[0])
        try:
            inner = importlib.metadata.requires(need.name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        waiting += [(Requirement(line), frozenset(need.extras)) for line in inner]
    return found


def reasons(project: Mapping[str, object]) -> dict[str, set[str]]:
    """ "program", and each extra -> everything that it brings."""
    extras: Mapping[str, Sequence[str]] = project["optional-dependencies"]  # type: ignore[assignment]
    program: Sequence[str] = project["dependencies"]  # type: ignore[assignment]
    return {"program": reached(program), **{name: reached(need) for name, need in extras.items()}}


def dates(versions: Mapping[str, str], python: str) -> dict[str, str]:
    done = subprocess.run(
        [python, "-c", ASK_PIP],
        input=json.dumps(versions),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(
    versions: Mapping[str, str],
    released: Mapping[str, str],
    licences: Mapping[str, str],
    why: Mapping[str, set[str]],
) -> str:
    rows = []
    for name, version in sorted(versions.items(), key=lambda pair: pair[0].lower()):
        whose = [group for group, names in why.items() if canonical(name) in names]
        whose = whose[:1] if whose[:1] == ["program"] else whose
        cells = (name, version, released.get(name, "unknown"), licences[name])
        rows.append(f"| {' | '.join(cells)} | {', '.join(whose) or 'other'} |\n")
    return HEAD + "".join(rows)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.list_dependencies", description=__doc__)
    parser.add_argument(
        "--pip", default=sys.executable, metavar="PYTHON", help="the Python whose pip is asked"
    )
    options = parser.parse_args(argv)
    versions = pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    licences = {}
    for name in versions:
        try:
            licences[name] = licence(importlib.metadata.metadata(name))  # type: ignore[arg-type]
        except importlib.metadata.PackageNotFoundError:
            licences[name] = "not installed here"
    text = table(versions, dates(versions, options.pip), licences, reasons(project))
    write_text_file(TARGET, text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
