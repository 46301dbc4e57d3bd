"""What a label means, whichever word, language or case it is written in."""

import re

from app.recognition.expression_names import MEANING, WORDS, fold_text

__all__ = ["fold_text", "is_expression", "name_expression"]

# A number in front of a word or behind it only sorts: "3_happy", "happy 01".
_SORTING = re.compile(r"^\d+[\s_.\-]+|[\s_.\-]+\d+$")


def name_expression(label: str) -> str:
    """Give all words for an expression one name: "Happy", "glücklich" -> "happiness". A label that
    is no known word comes back as it is compared."""
    word = fold_text(label.strip())
    return MEANING.get(word) or MEANING.get(_SORTING.sub("", word), word)


def is_expression(label: str) -> bool:
    """Say whether a label is a known word for an expression."""
    return name_expression(label) in WORDS
