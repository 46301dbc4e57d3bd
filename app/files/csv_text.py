"""Text in the cells of a CSV file, harmless to the spreadsheet that opens it.

Spreadsheets run a cell that starts like a formula, and file names and labels come from anybody. An
apostrophe in front makes it text; what has apostrophes and then a formula gets one more, so that
taking one away always gives back what was written.
"""

import re

# The signs that spreadsheets begin a formula with, also in full width.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def escape_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_cell(cell: str) -> str:
    """What `escape_cell` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
