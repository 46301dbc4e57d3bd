"""Gathers a user's own pictures into a pack; pictures of one group stay on one side of the split.

The outcome for every picture stands in a table beside the pack (`pictures.csv`): path, label,
split, group, status, reason.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from app.detection.face_check import FACE_CHECK
from app.detection.mediapipe_detector import FULL_RANGE
from app.errors import DataError
from training.base.progress import track_progress
from training.datasets.digests import hash_data_file
from training.datasets.landmarks import describe_settings
from training.datasets.pack import PackedSample, PackMeta
from training.datasets.pack_reader import read_meta
from training.datasets.pack_writer import write_pack
from training.datasets.readers import SPLIT_NAMES, SPLITS, Split
from training.own_pictures.gather_notes import TWIN, list_notes
from training.own_pictures.groups import (
    MAX_HAMMING,
    MIN_CORRELATION,
    THUMBNAIL,
    pair_equal,
    pair_look_alikes,
    split_groups,
    unite_pairs,
)
from training.own_pictures.look import (
    MAX_CROP_SIDE_PX,
    MIN_SIDE_PX,
    PictureFaceFinder,
    UnusablePicture,
    UsablePicture,
    inspect_picture,
)
from training.own_pictures.people import (
    PicturePlace,
    compile_rule,
    find_original,
    find_people,
    list_people_notes,
)
from training.own_pictures.picture_folder import PictureFolder
from training.own_pictures.picture_table import PictureRow, read_picture_table, write_picture_table

GROUP_BY = ("person", "picture", "prefix")  # the words of --group-by beside regular expressions
PEOPLE_RULES = 2  # version of the rules that tell people apart; part of a pack's key
UNREADABLE_FILE = "-"  # in place of the digest of a file that cannot be read


@dataclass(frozen=True, slots=True)
class Gathering:
    """The settings that turn a folder into a pack. Raises `ValueError`. A pack stores these
    fields."""

    valid_share: float = 0.2
    seed: int = 0
    group_by: str = "person"  # of `GROUP_BY`, or a regular expression (`find_people`)

    def __post_init__(self) -> None:
        if not 0 < self.valid_share < 1:
            raise ValueError("the share for validation must be between 0 and 1")
        if self.seed < 0:
            raise ValueError("the seed must be a whole number of at least 0")
        if self.group_by not in GROUP_BY:
            compile_rule(self.group_by)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The result for a folder: the pack, the outcome for each picture, and notes for people."""

    meta: PackMeta
    pack: Path
    pictures: tuple[PictureRow, ...]
    notes: tuple[str, ...]
    left_out: bool  # from its `PictureFolder`

    @property
    def skipped(self) -> tuple[PictureRow, ...]:
        """The pictures that are not in the pack."""
        return tuple(picture for picture in self.pictures if not picture.is_used)


def gather(
    folder: PictureFolder,
    *,
    dataset: str,
    gathering: Gathering,
    max_unreadable: float,
    pack: Path,
    table: Path,
    keep: bool = False,
) -> Gathered:
    """Writes the `table` of pictures, then the `pack`.

    A pack that exists already, from the same pictures and labels with the same settings, is taken
    as it is, with its table.

    Args:
        folder: The opened folder.
        dataset: Name of the data set.
        gathering: The settings.
        max_unreadable: Share of pictures that may be unreadable.
        pack: File to write.
        table: File to write.
        keep: True never replaces a pack that exists.

    Raises:
        DataError: Too many pictures are unreadable, a label or a side of the split is left empty,
            or the pack that is to be kept is of other pictures or labels.
    """
    people = find_people(folder.places, folder.labels, gathering.group_by)
    told = list(list_people_notes(folder.places, people, folder.labels, gathering.group_by))
    byte_keys = [_byte_key(file.path) for file in folder.files]
    meta = describe_pack(folder, byte_keys, dataset, gathering)
    if pack.exists() and read_meta(pack).key == meta.key:
        pictures = read_picture_table(table)
    elif pack.exists() and keep:
        raise DataError(
            f"The pictures or their labels are not those that the run in {pack.parent} began with. "
            "Begin anew with --overwrite, or choose another --run."
        )
    else:
        files = track_progress(folder.files, desc="faces", unit="picture", leave=False)
        with PictureFaceFinder() as finder:
            seen = [inspect_picture(finder, file.path) for file in files]
        pictures = list_outcomes(
            folder, seen, byte_keys, [who.name if who else None for who in people]
        )
        write_picture_table(table, pictures)
        refuse_unusable(folder, pictures, max_unreadable, table)
        try:
            pictures = assign_splits(folder, pictures, gathering)
        except DataError as error:
            raise DataError(" ".join([str(error), *told, f"{table} lists the groups."])) from error
        write_picture_table(table, pictures)
        write_pack(pack, meta, make_packed_samples(folder, seen, pictures))
    notes = (
        *folder.notes,
        *told,
        *list_notes(folder, pictures),
    )
    return Gathered(meta, pack, pictures, notes, folder.left_out)


def _byte_key(path: Path) -> str:
    try:
        return hash_data_file(path) if path.is_file() else UNREADABLE_FILE
    except DataError:  # such a file counts as unreadable when it is opened
        return UNREADABLE_FILE


def describe_pack(
    folder: PictureFolder, byte_keys: Sequence[str], dataset: str, gathering: Gathering
) -> PackMeta:
    """Describes the pack of a folder's pictures, by the digest `byte_keys` of each file."""
    digest = hashlib.sha256()
    for file, place, key in zip(folder.files, folder.places, byte_keys, strict=True):
        facts = (folder.name_file(file), key, file.split, str(file.label), place.person)
        digest.update(("\0".join(facts) + "\n").encode())
    others = {
        "far_detector": hash_data_file(FULL_RANGE),
        "face_check": hash_data_file(FACE_CHECK),
        "crop_side_px": [MIN_SIDE_PX, MAX_CROP_SIDE_PX],
        "look_alikes": [*THUMBNAIL, MAX_HAMMING, MIN_CORRELATION],
        "pictures": digest.hexdigest(),
        "count": len(folder.files),
        "people_rules": PEOPLE_RULES,
    }
    return PackMeta(
        dataset=dataset,
        protocol="single",
        labels=folder.labels,
        vote_names=folder.labels,
        made_from=describe_settings() | asdict(gathering) | others,
    )


def find_relations(
    places: Sequence[PicturePlace],
    people: Sequence[str | None],
    byte_keys: Sequence[str],
    seen: Sequence[UsablePicture | UnusablePicture],
) -> Iterator[tuple[int, int]]:
    """Yields pairs of pictures that belong together.

    These are pictures of one person, changed copies of one picture, files of the same bytes,
    pictures of the same pixels, and pictures of nearly the same face or frame, also when mirrored.
    """
    yield from pair_equal(people)
    sources = [find_original(place.below) for place in places]
    yield from pair_equal(
        [s and (s, place.label) for s, place in zip(sources, places, strict=True)]
    )
    yield from pair_equal([None if key == UNREADABLE_FILE else key for key in byte_keys])
    numbers = [number for number, s in enumerate(seen) if isinstance(s, UsablePicture)]
    usable = [s for s in seen if isinstance(s, UsablePicture)]
    if not usable:
        return
    for pairs in (
        pair_equal([s.pixel_key for s in usable]),
        pair_look_alikes(np.array([s.face_thumbnail for s in usable])),
        pair_look_alikes(np.array([s.frame_thumbnail for s in usable])),
    ):
        for i, j in pairs:
            yield numbers[i], numbers[j]


def list_outcomes(
    folder: PictureFolder,
    seen: Sequence[UsablePicture | UnusablePicture],
    byte_keys: Sequence[str],
    people: Sequence[str | None],
) -> tuple[PictureRow, ...]:
    """Lists the outcome for each picture and the group it belongs to; the split is still empty.

    A group is named after the first person in it, or else after its first picture.

    Args:
        folder: The opened folder.
        seen: The inspected pictures, in the order of the folder's files.
        byte_keys: A digest of each file's bytes.
        people: The name of the person on each picture, None where unknown.
    """
    names = [folder.name_file(file) for file in folder.files]
    groups = unite_pairs(
        len(names), find_relations(folder.places, people, byte_keys, seen)
    ).tolist()
    called: dict[int, str] = {}
    for words in (people, names):
        for group, word in zip(groups, words, strict=True):
            if word is not None:
                called.setdefault(group, word)
    keys = [s.pixel_key if isinstance(s, UsablePicture) else None for s in seen]
    under: dict[str, dict[int, str]] = {}  # pixels -> label -> first picture with both
    for key, file, name in zip(keys, folder.files, names, strict=True):
        if key is not None:
            under.setdefault(key, {}).setdefault(file.label, name)
    pictures = []
    for file, name, s, key, group in zip(folder.files, names, seen, keys, groups, strict=True):
        twins = [n for label, n in under.get(key or "", {}).items() if label != file.label]
        reasons = [s.reason, *(TWIN + twin for twin in twins)]
        pictures.append(
            PictureRow(
                path=name,
                label=folder.labels[file.label],
                split="",
                group=called[group],
                status=s.status,
                reason="; ".join(filter(None, reasons)),
            )
        )
    return tuple(pictures)


def _usable(picture: PictureRow) -> bool:
    return picture.status not in ("no face", "unreadable")


def refuse_unusable(
    folder: PictureFolder, pictures: Sequence[PictureRow], max_unreadable: float, table: Path
) -> None:
    """Raises `DataError` where too many pictures are unreadable, or a label has no usable one."""
    unreadable = [p for p in pictures if p.status == "unreadable"]
    if len(unreadable) > max_unreadable * len(pictures):
        raise DataError(
            f"{len(unreadable)} of {len(pictures)} pictures cannot be read, more than "
            f"{100 * max_unreadable:g} %; the first is {folder.root / unreadable[0].path}. Repair "
            f"or remove them ({table} lists them), or allow more with --max-unreadable."
        )
    for label in folder.labels:
        mine = [p for p in pictures if p.label == label]
        if not any(map(_usable, mine)):
            raise DataError(
                f"None of the {len(mine)} pictures of {label!r} can be used: {mine[0].reason} "
                f"({mine[0].path}). Every label needs faces; {table} lists all pictures."
            )


def assign_splits(
    folder: PictureFolder, pictures: Sequence[PictureRow], gathering: Gathering
) -> tuple[PictureRow, ...]:
    """Assigns each usable picture its split: the folder's own, or groups divided by chance.

    Raises `DataError` where a split or a label's training pictures would be empty.
    """
    sides: list[str] = [
        file.split if _usable(picture) else ""
        for file, picture in zip(folder.files, pictures, strict=True)
    ]
    needed: tuple[Split, ...] = ("train", "valid") if folder.has_validation else ("train",)
    for split in needed:
        if split not in sides:
            raise DataError(
                f"None of the {SPLIT_NAMES[split]} pictures in {folder.root} can be used."
            )
    if not folder.has_validation:
        usable = [place for place, side in enumerate(sides) if side == "train"]
        labels = np.array([folder.files[place].label for place in usable], np.int64)
        groups = unite_pairs(len(usable), pair_equal([pictures[place].group for place in usable]))
        valid = split_groups(
            groups,
            labels,
            classes=len(folder.labels),
            share=gathering.valid_share,
            seed=gathering.seed,
        )
        for place, aside in zip(usable, valid.tolist(), strict=True):
            sides[place] = "valid" if aside else "train"
    for label in folder.labels:
        if not any(p.label == label and s == "train" for p, s in zip(pictures, sides, strict=True)):
            raise DataError(
                f"No picture of {label!r} is left for training. Add pictures of it, of other "
                "people where there are none."
            )
    return tuple(
        PictureRow(p.path, p.label, side, p.group, p.status, p.reason)
        for p, side in zip(pictures, sides, strict=True)
    )


def make_packed_samples(
    folder: PictureFolder,
    seen: Sequence[UsablePicture | UnusablePicture],
    pictures: Sequence[PictureRow],
) -> Iterator[PackedSample]:
    """Makes the samples of a pack from the usable pictures."""
    votes = np.eye(len(folder.labels), dtype=np.uint8)
    for file, s, picture in zip(folder.files, seen, pictures, strict=True):
        if isinstance(s, UsablePicture):
            split = next(split for split in SPLITS if split == picture.split)
            yield PackedSample(s.webp, split, votes[file.label], s.landmarks, picture.path)
