"""Reads text that other programs wrote, whatever its encoding."""


def decode_text(content: bytes) -> str | None:
    """Decodes UTF-8, UTF-16 or Windows-1252, without a byte order mark.

    Excel writes "Unicode text" as UTF-16, and plain CSV as Windows-1252.

    Returns:
        The text, or None where `content` is not text.

    >>> decode_text(b"\\xff\\xfea\\x00"), decode_text(b"caf\\xe9"), decode_text(b"\\x00")
    ('a', 'café', None)
    """
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    return None


def _encodings(content: bytes) -> tuple[str, ...]:
    """Lists the encodings to try, in order."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if content.startswith(b"\xef\xbb\xbf"):
        return ("utf-8-sig",)
    # Without a mark, the zeros beside its Latin letters reveal a table in UTF-16.
    zeros = content[:400:2].count(0), content[1:400:2].count(0)
    if max(zeros) > 20:
        return ("utf-16-be" if zeros[0] > zeros[1] else "utf-16-le",)
    return ("utf-8", "cp1252")


def split_separator_line(text: str) -> tuple[str, str] | None:
    """Splits off Excel's first line, which names the separator of cells (`sep=;`).

    Returns:
        The separator and the text behind that line, or None where there is no such line.
    """
    first, _, rest = text.partition("\n")
    first = first.strip().strip('"')
    if first[:4].lower() == "sep=" and len(first) == 5:
        return first[4], rest
    return None
