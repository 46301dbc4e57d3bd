"""No cell of a CSV file starts like a formula, and reading gives back what was written."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.files.csv_text import escape_cell, unescape_cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("", ""),
        ("clip.mp4", "clip.mp4"),
        ("=1+1", "'=1+1"),
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+49", "'+49"),
        ("-dash.mp4", "'-dash.mp4"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("＝1", "'＝1"),
        ("'quoted'", "'quoted'"),
        ("''=1", "'''=1"),
        ("a=b", "a=b"),
    ],
)
def test_what_starts_like_a_formula_becomes_text(text: str, cell: str) -> None:
    assert escape_cell(text) == cell
    assert unescape_cell(cell) == text


@pytest.mark.slow
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_every_text_comes_back(text: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow(["first", escape_cell(text)])
    cell = next(csv.reader(io.StringIO(file.getvalue(), newline="")))[1]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert unescape_cell(cell) == text
