"""`run_demo.py --doctor`: what this machine has of what the program needs, and what to do about it.

Nothing but Python's own modules is imported here before a check needs it: what is broken may be any
of the others.
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
NAME_COLUMNS, MAX_COLUMNS, MIN_COLUMNS = 21, 100, 60


@dataclass(frozen=True, slots=True)
class Group:
    """Checks that belong together. `essential`: the demo cannot run when one of them failed."""

    title: str
    essential: bool
    look: Callable[[], Iterable[Check]]


@dataclass(frozen=True, slots=True)
class Findings:
    title: str
    essential: bool
    checks: tuple[Check, ...]


def list_groups(model: Path | None, camera: int | str | None) -> tuple[Group, ...]:
    """All that is looked at, in order. What the user named (`model`, `camera`) is essential."""
    from app.diagnostics import doctor_models, doctor_system

    return (
        Group("Python", True, doctor_system.check_python),
        Group("Packages", True, doctor_system.check_package_versions),
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


def examine(wanted: Iterable[Group], saw: Callable[[Findings], object]) -> list[Findings]:
    """Runs each group and hands it to `saw`. A group whose packages cannot be loaded, or that
    crashes, becomes a line."""
    found = []
    for group in wanted:
        checks: list[Check] = []
        try:
            checks.extend(group.look())
        except ImportError as error:
            bad: Status = "failed" if group.essential else "warning"
            checks.append(
                Check(group.title, bad, f"not looked at: {explain_unloaded(error)}", SEE_ABOVE)
            )
        except Exception as error:  # a doctor that falls ill is of no use
            checks.append(
                Check(
                    group.title,
                    "failed",
                    f"could not be looked at: {type(error).__name__}: {join_lines(error)}",
                    "If all else is well, please report this line.",
                )
            )
        findings = Findings(group.title, group.essential, tuple(checks))
        saw(findings)
        found.append(findings)
    return found


def can_run(found: Sequence[Findings]) -> bool:
    return not any(c.status == "failed" for f in found if f.essential for c in f.checks)


def run_doctor(
    *, model: Path | None = None, camera: int | str | None = None, as_json: bool = False
) -> int:
    """Examines this machine and prints the answer to stdout. 0: the demo can run; 1: it cannot."""
    if as_json:
        found = examine(list_groups(model, camera), lambda _: None)
        rows = [asdict(check) for findings in found for check in findings.checks]
        print(json.dumps(rows, indent=2), flush=True)  # in ASCII: any terminal and pipe holds it
        return 0 if can_run(found) else 1
    style = Style.of(sys.stdout)
    print(style.bold("Looking at what the demo needs\n"))
    found = examine(list_groups(model, camera), lambda f: print(style.render(f), flush=True))
    print(style.verdict(found))
    return 0 if can_run(found) else 1


@dataclass(frozen=True, slots=True)
class Style:
    """How the answer looks on a terminal of `columns`. `marks`: ✓ ! ✗, where they can be shown."""

    columns: int
    colour: bool
    marks: bool

    @classmethod
    def of(cls, stream: TextIO, environment: Mapping[str, str] = os.environ) -> "Style":
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
            colour=terminal and not plain,
            marks=marks,
        )

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text

    def _painted(self, status: Status, text: str) -> str:
        return f"\x1b[{COLOURS[status]}m{text}\x1b[0m" if self.colour else text

    def _mark(self, status: Status) -> str:
        marks = {"ok": "✓", "warning": "!", "failed": "✗"}
        return f"{marks[status]} {status}" if self.marks else status

    def render(self, findings: Findings) -> str:
        """The group's title and a block for each of its checks."""
        lines = [self.bold(findings.title)]
        for check in findings.checks:
            mark = self._mark(check.status)
            indent = " " * (14 + NAME_COLUMNS)
            lead = f"  {mark:<11}{check.name:<{NAME_COLUMNS}} "
            block = ""
            if len(lead) > len(indent):  # a long name has a line to itself
                block, lead = f"{lead.rstrip()}\n", indent
            block += self._wrapped(self._fit(check.detail), lead, indent)
            lines.append(block.replace(mark, self._painted(check.status, mark), 1))
            if check.remedy:
                arrow = "→ " if self.marks else "-> "
                under = indent + " " * len(arrow)
                lines.append(self._wrapped(self._fit(check.remedy), indent + arrow, under))
        return "\n".join(lines) + "\n"

    def _fit(self, text: str) -> str:
        """Details use a middle dot and the like; where they cannot be shown, plain signs."""
        if self.marks:
            return text
        text = text.replace(" · ", ", ").replace("×", "x").replace("…", "...")
        return text.encode("ascii", "replace").decode()

    def _wrapped(self, text: str, lead: str, under: str) -> str:
        return textwrap.fill(
            text,
            self.columns,
            initial_indent=lead,
            subsequent_indent=under,
            break_on_hyphens=False,
            break_long_words=True,
        )

    def verdict(self, found: Sequence[Findings]) -> str:
        checks = [check for findings in found for check in findings.checks]
        counts = {s: sum(c.status == s for c in checks) for s in COLOURS}
        warnings = counts["warning"]
        if not can_run(found):
            return self._painted(
                "failed", "The demo cannot run here yet; what failed above says what to do."
            )
        end = f" ({warnings} {'warning' if warnings == 1 else 'warnings'})" if warnings else ""
        status: Status = "warning" if warnings or counts["failed"] else "ok"
        return self._painted(status, f"The demo can run here{end}.")
