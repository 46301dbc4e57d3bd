"""Defines one line of the doctor's findings."""

from dataclasses import dataclass
from typing import Literal

from app.requirements.system_needs import UnfitMachineError

Status = Literal["ok", "warning", "failed"]

SEE_ABOVE = "See to what failed above first."


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the findings. `remedy` is an instruction, or None where nothing is to be done."""

    name: str
    status: Status
    detail: str
    remedy: str | None = None


def explain_unloaded(error: ImportError) -> str:
    """Words in short why a package cannot be loaded."""
    if isinstance(error, UnfitMachineError):
        return "not all that it needs is there"
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed"
    return f"a package cannot be loaded: {join_lines(error)}"


def join_lines(error: Exception) -> str:
    """Joins the lines of an error's message by spaces."""
    return " ".join(str(error).split())
