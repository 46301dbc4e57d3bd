"""Tells who is on a picture, by its place and name.

Pictures of one person must stay on one side of a split, and file names are often the only evidence.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from app.errors import DataError
from training.datasets.expression_words import fold_text, is_expression
from training.own_pictures.known_sets import parse_known_name

# Words that cameras, programs and data sets put into file names; no person's name.
_NO_NAME = frozenset(
    [
        *("img", "image", "images", "dsc", "dscn", "dscf", "pxl", "mvimg", "gopr", "win", "pano"),
        *("photo", "foto", "picture", "pic", "frame", "face", "crop", "cropped", "aligned"),
        *("screenshot", "webcam", "cam", "camera", "snapshot", "capture", "scan", "file", "copy"),
        *("edited", "train", "training", "valid", "validation", "val", "test"),
        *("publictest", "privatetest", "fer", "ffhq", "rafdb", "affectnet"),
    ]
)
# Names of sub-folders that sort pictures by something else than the person.
_SORTING_FOLDERS = frozenset(
    [
        *("male", "female", "men", "women", "man", "woman", "boys", "girls", "child", "adult"),
        *("young", "old", "frontal", "front", "left", "right", "profile", "posed", "spontaneous"),
        *("strong", "weak", "dark", "high", "low", "original", "originals", "augmented", "aug"),
        *("images", "imgs", "pictures", "photos", "faces", "crops", "color", "colour", "grey"),
        *("gray", "rgb", "jpg", "jpeg", "png", "new", "others", "misc", "raw"),
    ]
)
# Roboflow appends this to every picture's name: copies that it changed differ behind "rf".
_ROBOFLOW = re.compile(r"_(?:jpe?g|png|bmp|webp|tiff?)\.rf\.[0-9a-z]+$", re.IGNORECASE)
# Words that mean a person with a number only: "person 2" does, "person" does not.
_ANYBODY = frozenset(["person", "people", "subject", "subj", "participant", "actor", "user", "id"])
_BETWEEN_WORDS = re.compile(r"[\s_.\-()]+")
_NUMBER_BEHIND = re.compile(r"\d+$")
# A person's number as studies write it: S010, P001, ff01, 01F, sub-12; not a camera's P1000123.
_CODE = re.compile(r"(?P<front>[a-z]+)0*\d{1,4}[a-z]?|\d{1,3}[a-z]{1,2}")
MAX_CODE_LETTERS = 3  # in front of a code's number; more make a word
MAX_PREFIX_DIGITS = 4  # a longer number in front of a name is a date or a counter

How = Literal["the list", "sub-folder", "file name"]


@dataclass(frozen=True, slots=True)
class PicturePlace:
    """A picture's path below the folder of its label, with "/", and that label's number. Where
    labels stand in a file, `below` is the picture's name alone."""

    below: str
    label: int
    person: str = ""  # the name that a list gives


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A person's name, and the evidence for it."""

    name: str
    how: How


def strip_name(below: str) -> str:
    """Strips a file's name of its suffix and of the ending that Roboflow appends."""
    return _ROBOFLOW.sub("", PurePosixPath(below).stem)


def find_original(below: str) -> str | None:
    """Names the picture of which a file is a changed copy, as Roboflow names such copies; None for
    all other files.

    >>> find_original("a/IMG_1_jpg.rf.aa01.jpg"), find_original("IMG_1.jpg")
    ('img_1', None)
    """
    stem = PurePosixPath(below).stem
    return fold_text(strip_name(below)) if _ROBOFLOW.search(stem) else None


def _words(stem: str, in_labels: frozenset[str]) -> list[str]:
    """Splits a file's name into folded words, without those that name no person."""
    words = [word for word in _BETWEEN_WORDS.split(fold_text(stem)) if word]
    return [word for word in words if word not in _NO_NAME and word not in in_labels]


def _words_of_labels(labels: Iterable[str]) -> frozenset[str]:
    return frozenset(word for label in labels for word in _BETWEEN_WORDS.split(fold_text(label)))


def _is_code(word: str) -> bool:
    match = _CODE.fullmatch(word)
    if match is None:
        return False
    front = match["front"]
    if front is None or front in _ANYBODY:
        return True
    return len(front) <= MAX_CODE_LETTERS and front not in _NO_NAME


def _by_words(stem: str, in_labels: frozenset[str], codes: frozenset[str]) -> str | None:
    """Reads a person from the words of a file's name: a code of a person in front, or else the
    words before the last numbers."""
    words = _words(stem, in_labels)
    if not words:
        return None
    if _is_code(words[0]) and (len(words) > 1 or words[0] in codes):
        return words[0]
    numbers = 0
    while words and words[-1].isdecimal():
        numbers += 1
        last_number = words.pop()
    if words and not numbers:
        words[-1] = _NUMBER_BEHIND.sub("", words[-1])
        words = [word for word in words if word and word not in _NO_NAME]
    if len(words) == 1 and words[0] in _ANYBODY:
        return f"{words[0]} {last_number}" if numbers > 1 else None
    if len(words) == 1 and len(words[0]) == 1:
        return None
    name = " ".join(words)
    return name if any(letter.isalpha() for letter in name) else None


def find_person(
    below: str, labels: Iterable[str], codes: frozenset[str] = frozenset()
) -> NamedPerson | None:
    """Reads the person on a picture from its path below the label's folder.

    The name of a known set goes first; then the first sub-folder that does not sort by something
    else, as "male" does; then the file's name, by a code of a person in front or by the words
    before its last numbers.

    Args:
        below: The path.
        labels: All labels, which name no person.
        codes: Codes that are known to mean people.

    Returns:
        None for a name that tells no person: numbers alone, one letter, words of cameras and data
            sets, the labels themselves.

    >>> [find_person(path, ["happy"]).name for path in ("anna/1.jpg", "anna-2.png")]
    ['anna', 'anna']
    >>> find_person("S010_004_00000017.png", []).name, find_person("IMG_0017.jpg", [])
    ('ck+ s010', None)
    """
    stem = strip_name(below)
    if known := parse_known_name(stem):
        return NamedPerson(f"{known.set_name} {known.who}".lower(), "file name")
    for folder in map(fold_text, PurePosixPath(below).parts[:-1]):
        if folder not in _SORTING_FOLDERS:
            return NamedPerson(folder, "sub-folder")
    name = _by_words(stem, _words_of_labels(labels), codes)
    return None if name is None else NamedPerson(name, "file name")


def _repeated_codes(places: Sequence[PicturePlace], in_labels: frozenset[str]) -> frozenset[str]:
    """Finds codes that are the only word of file names under several labels, as in
    "S010_happy.png"."""
    under: dict[str, set[int]] = defaultdict(set)
    for place in places:
        words = _words(strip_name(place.below), in_labels)
        if len(words) == 1 and _is_code(words[0]):
            under[words[0]].add(place.label)
    return frozenset(word for word, found in under.items() if len(found) > 1)


def _first_word(below: str) -> str:
    """Takes the beginning of a file's name, up to the first space, _, - or dot."""
    stem = strip_name(below)
    return fold_text(next((word for word in _BETWEEN_WORDS.split(stem) if word), ""))


def compile_rule(rule: str) -> re.Pattern[str]:
    """Compiles a regular expression of `--group-by`. Raises `ValueError`."""
    try:
        return re.compile(rule)
    except re.error as cause:
        raise ValueError(
            f"--group-by takes person, picture, prefix or a regular expression, and {rule!r} is "
            f"none ({cause})"
        ) from cause


def _by_rule(rule: re.Pattern[str], below: str) -> str | None:
    found = rule.search(below)
    if found is None:
        return None
    name = next((group for group in found.groups() if group), None) or found[0]
    return fold_text(name) or None


def find_people(
    places: Sequence[PicturePlace], labels: Sequence[str], group_by: str
) -> tuple[NamedPerson | None, ...]:
    """Finds the person on each picture; None where unknown.

    Args:
        places: The pictures.
        labels: All labels.
        group_by: "person" (`find_person`), "picture" (no person is known), "prefix" (the first word
            of the file's name) or a regular expression, which is searched in the path below the
            label's folder. Its first group, or else its whole match, is the person.

    Raises:
        DataError: The rule matches no picture.
    """
    if group_by == "picture":
        return (None,) * len(places)
    if group_by == "person":
        in_labels = _words_of_labels(labels)
        codes = _repeated_codes(places, in_labels)
        return tuple(
            NamedPerson(place.person, "the list")
            if place.person
            else find_person(place.below, labels, codes)
            for place in places
        )
    if group_by == "prefix":
        names: list[str | None] = [_first_word(place.below) or None for place in places]
    else:
        rule = compile_rule(group_by)
        names = [_by_rule(rule, place.below) for place in places]
    if places and not any(names):
        raise DataError(
            f"--group-by {group_by!r} is found in no file's name, such as {places[0].below!r}."
        )
    return tuple(None if name is None else NamedPerson(name, "file name") for name in names)


MAX_NAMED = 3  # names or labels in a note


def list_people_notes(
    places: Sequence[PicturePlace],
    people: Sequence[NamedPerson | None],
    labels: Sequence[str],
    group_by: str,
) -> Iterator[str]:
    """Yields notes, a line each, on how people were told apart."""
    if group_by == "picture":
        return
    told = [person for person in people if person is not None]
    nameless = len(people) - len(told)
    if not told:
        yield (
            "Neither sub-folders nor file names tell people apart: one person may stand on both "
            "sides of the split, and the figures then flatter. If people repeat, put the pictures "
            "of each in a sub-folder of the label, or use --group-by prefix or --group-by REGEX."
        )
    for how in ("the list", "sub-folder", "file name"):
        names = sorted({person.name for person in told if person.how == how})
        if names:
            shown = ", ".join(names[:MAX_NAMED]) + (" and others" if len(names) > MAX_NAMED else "")
            people_word = "person" if len(names) == 1 else "people"
            yield f"{len(names)} {people_word} by {how}: {shown}."
    if told and nameless:
        yield f"{nameless} of {len(people)} pictures name nobody; each counts as another person."
    if group_by == "person":
        yield from _prefix_note(places, people, labels)


def _prefix_note(
    places: Sequence[PicturePlace], people: Sequence[NamedPerson | None], labels: Sequence[str]
) -> Iterator[str]:
    """Yields a note where file names of several "people" begin alike, under several labels."""
    in_labels = _words_of_labels(labels)
    owners: dict[str, set[str]] = defaultdict(set)
    under: dict[str, set[int]] = defaultdict(set)
    for number, (place, person) in enumerate(zip(places, people, strict=True)):
        stem = strip_name(place.below)
        words = _words(stem, in_labels)
        if place.person or "/" in place.below or parse_known_name(stem) or len(words) < 2:
            continue
        prefix = words[0]
        if (prefix.isdecimal() and len(prefix) > MAX_PREFIX_DIGITS) or is_expression(prefix):
            continue
        owners[prefix].add(person.name if person else str(number))
        under[prefix].add(place.label)
    found = sorted(
        word for word, names in owners.items() if len(names) > 1 and len(under[word]) > 1
    )
    if found:
        one = max(found, key=lambda word: len(owners[word]))
        yield (
            f"The beginning {one!r} of file names occurs in {len(owners[one])} of what counts as "
            f"different people ({len(found)} such beginning{'s' * (len(found) > 1)}). If it says "
            "who is on the picture, use --group-by prefix."
        )
