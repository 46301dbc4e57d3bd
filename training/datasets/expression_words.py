"""Understands the label of an expression in any word, language or case."""

import re

from app.recognition.expression_names import MEANING, WORDS, fold_text

__all__ = ["fold_text", "is_expression", "name_expression"]

# A number in front of a word or behind it only sorts folders: "3_happy", "happy 01".
_SORTING = re.compile(r"^\d+[\s_.\-]+|[\s_.\-]+\d+$")


def name_expression(label: str) -> str:
    """Maps all words for an expression to one name. An unknown label comes back folded, as labels
    are compared.

    >>> name_expression("Happy"), name_expression("3_glücklich"), name_expression("Group A")
    ('happiness', 'happiness', 'group a')
    """
    word = fold_text(label)
    return MEANING.get(word) or MEANING.get(_SORTING.sub("", word), word)


def is_expression(label: str) -> bool:
    """Tells whether a label is a known word for an expression."""
    return name_expression(label) in WORDS
