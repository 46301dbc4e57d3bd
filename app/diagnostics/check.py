"""One line of what the doctor finds."""

from dataclasses import dataclass
from typing import Literal

from app.requirements.system_needs import UnfitMachineError

Status = Literal["ok", "warning", "failed"]


SEE_ABOVE = "See to what failed above first."


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the answer. `remedy` says what to do, None where nothing is to be done."""

    name: str
    status: Status
    detail: str
    remedy: str | None = None


def explain_unloaded(error: ImportError) -> str:
    """Why a package cannot be loaded, in a few words."""
    if isinstance(error, UnfitMachineError):
        return "not all that it needs is there"
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed"
    return f"a package cannot be loaded: {join_lines(error)}"


def join_lines(error: Exception) -> str:
    """Gives an error's message with its line breaks as spaces."""
    return " ".join(str(error).split())
