"""Reads text that other programs wrote, whatever its encoding."""


def decode_text(content: bytes) -> str | None:
    """Decodes UTF-8, UTF-16 or Windows-1252, without the mark in front; None for what is no text.

    UTF-16 is what Excel calls "Unicode text"; Windows-1252 is what it writes as plain CSV.
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
    """Returns the encodings to try, one after the other."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if content.startswith(b"\xef\xbb\xbf"):
        return ("utf-8-sig",)
    # Without a mark, UTF-16 of a table shows by the zeros beside its Latin letters.
    zeros = content[:400:2].count(0), content[1:400:2].count(0)
    if max(zeros) > 20:
        return ("utf-16-be" if zeros[0] > zeros[1] else "utf-16-le",)
    return ("utf-8", "cp1252")


def split_separator_line(text: str) -> tuple[str, str] | None:
    """Returns what parts cells, and the text behind Excel's first line that says so (`sep=;`); None
    where there is no such line."""
    first, _, rest = text.partition("\n")
    first = first.strip().strip('"')
    if first[:4].lower() == "sep=" and len(first) == 5:
        return first[4], rest
    return None
