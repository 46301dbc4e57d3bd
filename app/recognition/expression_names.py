"""Knows the words for expressions that people of many languages and other programs write."""

import unicodedata
from collections.abc import Mapping, Sequence

EXPRESSIONS = frozenset(
    {"neutral", "happiness", "sadness", "anger", "surprise", "disgust", "fear", "contempt"}
)
# The name of each expression in FER+, and other words for it: adjectives and nouns of the languages
# in which people have named their codes and the folders of their pictures.
WORDS: Mapping[str, Sequence[str]] = {
    "neutral": (
        *("neutrality", "no expression", "neutro", "neutra", "neutre", "neutraal", "neutrale"),
        *("neutralny", "nötr", "neutralität"),
        *("нейтральное", "нейтральный", "中性", "中立", "平静", "無表情", "真顔", "중립", "무표정"),
    ),
    "happiness": (
        *("happy", "joy", "joyful", "smile", "smiling", "freude", "glücklich", "gluecklich"),
        *("fröhlich", "froehlich", "glück", "joie", "heureux", "bonheur", "felicidad"),
        *("feliz", "alegría", "alegria", "alegre", "felicidade", "felicità", "felice", "gioia"),
        *("blij", "blijdschap", "vreugde", "gelukkig", "radość", "szczęście", "mutlu", "mutluluk"),
        *("радость", "счастье", "高兴", "开心", "快乐", "幸せ", "喜び", "행복", "기쁨"),
    ),
    "surprise": (
        *("surprised", "überraschung", "überrascht", "ueberraschung", "ueberrascht", "surpris"),
        *("sorpresa", "sorprendido", "surpresa", "surpreso", "sorpreso", "verrast", "verrassing"),
        *("zaskoczenie", "zdziwienie", "şaşkın", "şaşkınlık", "удивление"),
        *("惊讶", "吃惊", "驚き", "놀람"),
    ),
    "sadness": (
        *("sad", "unhappy", "traurig", "trauer", "traurigkeit", "triste", "tristesse", "tristeza"),
        *("tristezza", "verdriet", "verdrietig", "bedroefd", "smutek", "smutny", "üzgün", "üzüntü"),
        *("грусть", "печаль", "悲伤", "伤心", "悲しみ", "슬픔"),
    ),
    "anger": (
        *("angry", "rage", "wut", "wütend", "wuetend", "ärger", "aerger", "zorn", "verärgert"),
        *("colère", "colere", "fâché", "enfado", "enojo", "ira", "raiva", "rabbia", "arrabbiato"),
        *("boos", "boosheid", "woede", "złość", "gniew", "kızgın", "öfke"),
        *("гнев", "злость", "愤怒", "生气", "怒り", "분노", "화남"),
    ),
    "disgust": (
        *("disgusted", "ekel", "angeekelt", "dégoût", "degout", "dégoûté", "asco", "nojo"),
        *("disgusto", "disgustato", "walging", "afschuw", "obrzydzenie", "wstręt", "iğrenme"),
        *("tiksinti", "отвращение", "厌恶", "嫌悪", "혐오"),
    ),
    "fear": (
        *("scared", "afraid", "fearful", "angst", "ängstlich", "aengstlich", "furcht", "peur"),
        *("miedo", "medo", "paura", "bange", "strach", "korku", "страх"),
        *("恐惧", "害怕", "恐怖", "恐れ", "공포", "두려움"),
    ),
    "contempt": (
        *("contemptuous", "verachtung", "verächtlich", "mépris", "desprecio", "desprezo"),
        *("disprezzo", "minachting", "pogarda", "küçümseme", "презрение", "轻蔑", "軽蔑", "경멸"),
    ),
    "calm": (),
}


def fold_text(text: str) -> str:
    """Folds text for comparison: without case and spaces around it, and with each accent stored in
    the same way. macOS stores a letter and its accent as two signs in file names, other systems as
    one sign.

    >>> fold_text("FRÖHLICH") == fold_text("fro\\u0308hlich")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).casefold())


# Folded word -> FER+'s name of the expression.
MEANING: Mapping[str, str] = {
    fold_text(word): name for name, words in WORDS.items() for word in (name, *words)
}
NOT_CODED = ""  # the label of what a coder left open
# The words that programs write where there is no label.
_EMPTY = frozenset({"", ".", "-", "–", "na", "n/a", "<na>", "nan", "null", "#null!", "#n/a", "#nv"})
_EMPTY |= {"find_failed", "fit_failed", "not coded"}


def normalise_label(text: str, rename: Mapping[str, str]) -> str:
    """Gives a label its one name in lower case.

    Args:
        text: The label as somebody wrote it.
        rename: Names that the user prefers; they come first.

    Returns:
        The name, or `NOT_CODED` where the text means that there is no label.

    >>> normalise_label("Happy", {}), normalise_label("N/A", {}), normalise_label("lol", {})
    ('happiness', '', 'lol')
    """
    label = " ".join(text.lower().split())
    label = rename.get(label, label)
    return NOT_CODED if label in _EMPTY else MEANING.get(fold_text(label), label)
