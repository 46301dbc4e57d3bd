"""Makes the text in a CSV file's cells harmless to the spreadsheet that opens the file.

A spreadsheet runs a cell that starts like a formula, and file names and labels come from anybody.
An apostrophe in front makes such a cell text. A cell that has apostrophes before its formula gets
one more, so that removing one always restores the original text.
"""

import re

# The signs with which a formula begins in spreadsheets, also in full width.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def escape_cell(text: str) -> str:
    """Turns text into a cell that no spreadsheet takes for a formula.

    >>> escape_cell("=SUM(A1)"), escape_cell("talk.mp4")
    ("'=SUM(A1)", 'talk.mp4')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_cell(cell: str) -> str:
    """Restores the text that `escape_cell` turned into `cell`.

    >>> unescape_cell("'=SUM(A1)")
    '=SUM(A1)'
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
