"""Enters each opening of the test split in the ledger."""

import datetime
import os
from pathlib import Path

from app.errors import TrainingError
from app.files.atomic import discard_partial
from app.files.hidden import build_hidden_path
from training.judge.evaluation import EvaluationReport

# A checkout has it in docs/. An installed wheel has no such folder: there, it is in the folder in
# which the command is run.
_DOCS = Path(__file__).resolve().parents[2] / "docs"
LEDGER = (_DOCS if _DOCS.is_dir() else Path()) / "test_ledger.md"
LEDGER_HEAD = """# Openings of the test split

Models and settings are chosen on the validation split (FER+'s PublicTest). `training.evaluate
--split test` opens the test split (PrivateTest) and adds a line here; nothing else opens it.

| date | model | sha256 | data | faces | accuracy | mean class recall | macro F1 | ECE |
|---|---|---|---|---|---|---|---|---|
"""


def enter_in_ledger(report: EvaluationReport, ledger: Path, today: datetime.date) -> None:
    """Appends a line to the ledger, which is made where there is none. Raises `TrainingError`."""
    m = report.majority
    line = (
        f"| {today.isoformat()} | {report.model} | `{report.sha256[:16]}` | {report.dataset} "
        f"| {m.count} | {100 * m.accuracy:.2f} ± {100 * m.standard_error:.2f} % "
        f"| {m.mean_class_recall:.3f} | {m.macro_f1:.3f} | {m.ece:.3f} |\n"
    )
    partial = build_hidden_path(ledger, ".partial")
    try:
        text = ledger.read_text(encoding="utf-8") if ledger.exists() else LEDGER_HEAD
        partial.write_text(text + line, encoding="utf-8")
        os.replace(partial, ledger)
    except (OSError, ValueError) as cause:
        raise TrainingError(
            f"The ledger {ledger} could not be written: {cause}. Give another --ledger."
        ) from cause
    finally:
        discard_partial(partial)
