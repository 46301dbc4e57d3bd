"""Examines this machine for `run_demo.py --doctor` and prints the findings with their remedies.

Only Python's own modules are imported before a check needs another, because any package may be
broken.
"""

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from app.diagnostics.check import SEE_ABOVE, Check, Status, explain_unloaded, join_lines

COLOURS: Mapping[Status, str] = {"ok": "32", "warning": "33", "failed": "31"}
NAME_COLUMNS = 21  # for the name of a check
MARK_COLUMNS = 14  # for the mark before the name, with spaces
MIN_COLUMNS = 60  # of the whole list
MAX_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class Group:
    """Checks that belong together. The demo cannot run when one of an essential group failed."""

    title: str
    is_essential: bool
    run: Callable[[], Iterable[Check]]


@dataclass(frozen=True, slots=True)
class Findings:
    """The results of a group."""

    title: str
    is_essential: bool
    checks: tuple[Check, ...]


def list_groups(model: Path | None, camera: int | str | None) -> tuple[Group, ...]:
    """Lists all groups in order. A model or camera that the user names is essential."""
    from app.diagnostics import doctor_models, doctor_packages, doctor_system

    return (
        Group("Python", True, doctor_packages.check_python),
        Group("Packages", True, doctor_packages.check_package_versions),
        Group("System libraries", True, doctor_system.check_system_libraries),
        Group("Models", True, lambda: doctor_models.check_models(model)),
        Group("One frame", True, lambda: doctor_models.check_frame(model)),
        Group("Provider", False, doctor_models.check_providers),
        Group("Window", False, doctor_system.check_window),
        Group("Camera", camera is not None, lambda: doctor_system.check_cameras_here(camera)),
        Group("Video", False, doctor_system.check_codecs),
        Group("Encoders", False, doctor_system.check_encoders),
        Group("Disk", False, doctor_system.check_disk),
    )


def examine(groups: Iterable[Group], show: Callable[[Findings], object]) -> list[Findings]:
    """Runs each group and gives its findings to `show`. A group whose packages cannot be loaded, or
    that crashes, becomes one line."""
    found = []
    for group in groups:
        checks: list[Check] = []
        try:
            checks.extend(group.run())
        except ImportError as error:
            bad: Status = "failed" if group.is_essential else "warning"
            checks.append(
                Check(group.title, bad, f"not looked at: {explain_unloaded(error)}", SEE_ABOVE)
            )
        except Exception as error:  # one fault must not hide all other findings
            checks.append(
                Check(
                    group.title,
                    "failed",
                    f"could not be looked at: {type(error).__name__}: {join_lines(error)}",
                    "If all else is well, please report this line.",
                )
            )
        findings = Findings(group.title, group.is_essential, tuple(checks))
        show(findings)
        found.append(findings)
    return found


def can_run(found: Sequence[Findings]) -> bool:
    """Tells whether no essential check failed."""
    return not any(c.status == "failed" for f in found if f.is_essential for c in f.checks)


def run_doctor(
    *, model: Path | None = None, camera: int | str | None = None, as_json: bool = False
) -> int:
    """Examines this machine and prints the findings to stdout.

    Args:
        model: The model that the user named.
        camera: The camera that the user named, as a number, path or address.
        as_json: True prints a JSON list in place of text.

    Returns:
        The exit code: 0 if the demo can run here, else 1.
    """
    if as_json:
        found = examine(list_groups(model, camera), lambda _: None)
        rows = [asdict(check) for findings in found for check in findings.checks]
        print(json.dumps(rows, indent=2), flush=True)  # in ASCII, for any terminal and pipe
        return 0 if can_run(found) else 1
    style = Style.choose(sys.stdout)
    print(style.embolden("Looking at what the demo needs\n"))
    found = examine(list_groups(model, camera), lambda f: print(style.render(f), flush=True))
    print(style.word_verdict(found))
    return 0 if can_run(found) else 1


@dataclass(frozen=True, slots=True)
class Style:
    """The look of the list on a terminal of `columns`. `has_marks` is True where ✓ ! ✗ can be
    shown."""

    columns: int
    has_colour: bool
    has_marks: bool

    @classmethod
    def choose(cls, stream: TextIO, environment: Mapping[str, str] = os.environ) -> "Style":
        """Chooses the look for a stream."""
        terminal = stream.isatty()
        columns = shutil.get_terminal_size((80, 24)).columns if terminal else 80
        try:
            "✓✗─·→".encode(stream.encoding or "ascii")
            marks = True
        except (UnicodeEncodeError, LookupError):
            marks = False
        plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
        return cls(
            columns=max(MIN_COLUMNS, min(MAX_COLUMNS, columns)),
            has_colour=terminal and not plain,
            has_marks=marks,
        )

    def embolden(self, text: str) -> str:
        """Makes text bold on a terminal with colours."""
        return f"\x1b[1m{text}\x1b[0m" if self.has_colour else text

    def _paint(self, status: Status, text: str) -> str:
        return f"\x1b[{COLOURS[status]}m{text}\x1b[0m" if self.has_colour else text

    def _word_mark(self, status: Status) -> str:
        marks = {"ok": "✓", "warning": "!", "failed": "✗"}
        return f"{marks[status]} {status}" if self.has_marks else status

    def render(self, findings: Findings) -> str:
        """Words a group: its title, and a block for each of its checks."""
        lines = [self.embolden(findings.title)]
        for check in findings.checks:
            mark = self._word_mark(check.status)
            indent = " " * (MARK_COLUMNS + NAME_COLUMNS)
            lead = f"  {mark:<11}{check.name:<{NAME_COLUMNS}} "
            block = ""
            if len(lead) > len(indent):  # a long name has a line to itself
                block, lead = f"{lead.rstrip()}\n", indent
            block += self._wrap(self._fit(check.detail), lead, indent)
            lines.append(block.replace(mark, self._paint(check.status, mark), 1))
            if check.remedy:
                arrow = "→ " if self.has_marks else "-> "
                under = indent + " " * len(arrow)
                lines.append(self._wrap(self._fit(check.remedy), indent + arrow, under))
        return "\n".join(lines) + "\n"

    def _fit(self, text: str) -> str:
        """Replaces signs such as the middle dot where they cannot be shown."""
        if self.has_marks:
            return text
        text = text.replace(" · ", ", ").replace("×", "x").replace("…", "...")
        return text.encode("ascii", "replace").decode()

    def _wrap(self, text: str, lead: str, under: str) -> str:
        return textwrap.fill(
            text,
            self.columns,
            initial_indent=lead,
            subsequent_indent=under,
            break_on_hyphens=False,
            break_long_words=True,
        )

    def word_verdict(self, found: Sequence[Findings]) -> str:
        """Words in one line whether the demo can run here."""
        checks = [check for findings in found for check in findings.checks]
        counts = {s: sum(c.status == s for c in checks) for s in COLOURS}
        warnings = counts["warning"]
        if not can_run(found):
            return self._paint(
                "failed", "The demo cannot run here yet; what failed above says what to do."
            )
        end = f" ({warnings} {'warning' if warnings == 1 else 'warnings'})" if warnings else ""
        status: Status = "warning" if warnings or counts["failed"] else "ok"
        return self._paint(status, f"The demo can run here{end}.")
