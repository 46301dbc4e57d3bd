"""Puts counts, names and warnings into words."""


def format_count(count: int, one: str, many: str | None = None) -> str:
    """Puts a count before its noun. `many` is the plural where `one` takes no s.

    >>> format_count(1, "face"), format_count(2, "face"), format_count(0, "copy", "copies")
    ('1 face', '2 faces', '0 copies')
    """
    return f"{count} {choose_noun(count, one, many)}"


def choose_noun(count: int, one: str, many: str | None = None) -> str:
    """Returns the form of a noun that goes with `count`."""
    return one if count == 1 else many or f"{one}s"


def escape_surrogates(name: str) -> str:
    r"""Makes a file's name storable in every kind of file.

    The name may hold bytes that are not UTF-8. Python keeps each of them as a lone surrogate, which
    becomes `\udc` and the byte's hex digits here.

    >>> print(escape_surrogates("caf\udce9.mp4"))
    caf\udce9.mp4
    """
    return name.encode("utf-8", "backslashreplace").decode()


def join_warnings(*warnings: str | None) -> str | None:
    """Joins warnings into one line, or returns None where there is none."""
    return " ".join(text for text in warnings if text) or None


def escape_controls(text: str) -> str:
    r"""Replaces control characters by escapes, because a file's name may hold line breaks and
    codes that a terminal obeys.

    >>> print(escape_controls("a\nb"))
    a\nb
    """
    return "".join(_CONTROLS.get(sign, sign) for sign in text)


_CONTROLS = {
    sign: sign.encode("unicode_escape").decode()
    for sign in map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029))
}
