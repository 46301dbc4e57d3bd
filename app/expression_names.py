"""Names of expressions as people and other programs write them."""

from collections.abc import Mapping

EXPRESSIONS = frozenset(
    {"neutral", "happiness", "sadness", "anger", "surprise", "disgust", "fear", "contempt"}
)
LABEL_NAMES = {
    **dict.fromkeys(("happy", "joy", "joyful", "smile"), "happiness"),
    **dict.fromkeys(("sad",), "sadness"),
    **dict.fromkeys(("angry",), "anger"),
    **dict.fromkeys(("surprised",), "surprise"),
    **dict.fromkeys(("disgusted",), "disgust"),
    **dict.fromkeys(("fearful", "scared", "afraid"), "fear"),
    **dict.fromkeys(("contemptuous",), "contempt"),
}
NOT_CODED = ""  # what a coder left open
# What programs write where there is no label.
_EMPTY = frozenset({"", ".", "-", "–", "na", "n/a", "<na>", "nan", "null", "#null!", "#n/a", "#nv"})
_EMPTY |= {"find_failed", "fit_failed", "not coded"}


def plain_label(text: str, rename: Mapping[str, str]) -> str:
    """Writes a label in lower case and by one name, `NOT_CODED` where there is none; what the user
    renames comes first."""
    label = " ".join(text.lower().split())
    label = rename.get(label, label)
    return NOT_CODED if label in _EMPTY else LABEL_NAMES.get(label, label)
