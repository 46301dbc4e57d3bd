"""Numbers with the things that they count."""


def format_count(count: int, one: str, many: str | None = None) -> str:
    """Puts a count before its noun: "1 face", "2 faces". `many` where `one` takes no s."""
    return f"{count} {choose_noun(count, one, many)}"


def choose_noun(count: int, one: str, many: str | None = None) -> str:
    """Gives the noun alone, in the form that goes with `count`."""
    return one if count == 1 else many or f"{one}s"


def escape_surrogates(name: str) -> str:
    """A name as text that every kind of file takes. Names of files may hold bytes that are no
    UTF-8, which Python keeps as lone surrogates; they become `\\udc` and the byte's hex digits."""
    return name.encode("utf-8", "backslashreplace").decode()


def join_warnings(*warnings: str | None) -> str | None:
    """Several warnings as one line; None where there is none."""
    return " ".join(text for text in warnings if text) or None


def escape_controls(text: str) -> str:
    """Shows control characters as escapes. Names of files may hold them: line breaks, and what
    terminals obey."""
    return "".join(_CONTROLS.get(sign, sign) for sign in text)


_CONTROLS = {
    sign: sign.encode("unicode_escape").decode()
    for sign in map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029))
}
