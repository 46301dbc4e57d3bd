"""Numbers with the things that they count."""


def counted(count: int, one: str, many: str | None = None) -> str:
    """Puts a count before its noun: "1 face", "2 faces". `many` where `one` takes no s."""
    return f"{count} {noun(count, one, many)}"


def noun(count: int, one: str, many: str | None = None) -> str:
    """Gives the noun alone, in the form that goes with `count`."""
    return one if count == 1 else many or f"{one}s"
