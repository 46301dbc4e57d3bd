"""Writes the notes, a line each, that a user should read about gathered pictures."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from app.pictures.kinds import UNREAD_SUFFIXES
from app.wording import format_count
from training.own_pictures.groups import find_one_sided
from training.own_pictures.look import MAX_CROP_SIDE_PX
from training.own_pictures.people import MAX_NAMED
from training.own_pictures.picture_folder import PictureFolder
from training.own_pictures.picture_table import PictureRow

FEW_PICTURES = 10  # training pictures of a label; with fewer a note warns
LARGE_LABEL = 0.8  # share of the training pictures; above, a note names the label
LARGE_GROUP = 0.4  # share of all pictures; above, a note names the group
TWIN = "the same picture under another label: "  # begins a reason in the table


def list_notes(folder: PictureFolder, pictures: Sequence[PictureRow]) -> Iterator[str]:
    """Yields notes about skipped pictures, uneven labels, pictures under two labels and leaks
    between splits; none for a faultless folder."""
    used = [p for p in pictures if p.is_used]
    statuses = Counter(p.status for p in pictures)
    if skipped := len(pictures) - len(used):
        yield (
            f"{skipped} of {format_count(len(pictures), 'picture')} skipped: "
            f"{statuses['no face']} without a face, {statuses['unreadable']} unreadable."
        )
    if count := statuses["several faces"]:
        counted = format_count(count, "picture")
        yield f"{counted} with several faces: the largest, most central taken."
    if count := statuses["whole frame"]:
        yield (
            f"{format_count(count, 'picture')} of at most {MAX_CROP_SIDE_PX} px without a face "
            "found: taken for face crops and used whole."
        )
    yield from list_other_files(folder)
    yield from _uneven(folder, [p for p in used if p.split == "train"])
    if twins := [p for p in pictures if TWIN in p.reason]:
        yield (
            f"{format_count(len(twins), 'picture')} under two labels, as {twins[0].path} is. Keep "
            "one of each."
        )
    tested = {p.group for p in used if p.split == "test"}
    if folder.has_validation:
        yield from _leaks(used)
        judged = {p.label for p in used if p.split == "valid"}
        if unjudged := [label for label in folder.labels if label not in judged]:
            yield f"No usable validation picture of {', '.join(unjudged)}: not to be judged."
    else:
        yield from _leaks([p for p in used if p.split == "test" or p.group in tested])
        yield from _lopsided(folder, [p for p in used if p.split != "test"])


def list_other_files(folder: PictureFolder) -> Iterator[str]:
    """Yields notes about files that are no pictures, or pictures of kinds that are not read."""
    unread = [pair for pair in folder.passed_over if pair[0] in UNREAD_SUFFIXES]
    if unread:
        yield (
            f"Left out, as pictures of kinds that are not read here: {_kinds(unread)}. Export them "
            "as JPEG."
        )
    if others := [pair for pair in folder.passed_over if pair not in unread]:
        yield f"Passed over, as no pictures: {_kinds(others)}."


def _uneven(folder: PictureFolder, training: Sequence[PictureRow]) -> Iterator[str]:
    """Yields a note on labels with few training pictures, and a note on a label with nearly all
    of them."""
    counts = Counter(p.label for p in training)
    few = [label for label in folder.labels if counts[label] < FEW_PICTURES]
    if few:
        shown = ", ".join(f"{label} ({counts[label]})" for label in few[:MAX_NAMED])
        more = f" and {len(few) - MAX_NAMED} more" if len(few) > MAX_NAMED else ""
        yield (
            f"Few training pictures: {shown}{more}. From fewer than {FEW_PICTURES} little is "
            "learned."
        )
    label, most = counts.most_common(1)[0]
    if most > LARGE_LABEL * len(training):
        yield (
            f"{label!r} has {most} of {len(training)} training pictures, so the model will seldom "
            "say another label. Add pictures of the others, or leave out some of it."
        )


def _kinds(pairs: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{count} x {suffix}" for suffix, count in pairs)


def _leaks(used: Sequence[PictureRow]) -> Iterator[str]:
    sides: dict[str, dict[str, PictureRow]] = {}
    for picture in used:
        sides.setdefault(picture.group, {}).setdefault(picture.split, picture)
    if shared := [found for found in sides.values() if len(found) > 1]:
        one, other = list(shared[0].values())[:2]
        yield (
            f"{format_count(len(shared), 'group')} (same person, or same picture) on both sides of "
            f"the given split, as {one.path} and {other.path} are: the figures will flatter."
        )


def _lopsided(folder: PictureFolder, used: Sequence[PictureRow]) -> Iterator[str]:
    labels = np.array([folder.labels.index(p.label) for p in used], np.int64)
    valid = np.array([p.split == "valid" for p in used])
    for k in find_one_sided(valid, labels, len(folder.labels))[1]:
        label = folder.labels[k]
        groups = len({p.group for p in used if p.label == label})
        why = "all its pictures are one group" if groups == 1 else "its groups are others' too"
        yield (
            f"{label!r} is in training only, so it cannot be judged: {why} (same person, or same "
            "picture). Add pictures of other people."
        )
    group, size = Counter(p.group for p in used).most_common(1)[0]
    if size > LARGE_GROUP * len(used) and "/" not in group:
        yield (
            f"The group {group!r} holds {size} of {len(used)} pictures. If that is no person, use "
            "--group-by picture."
        )
