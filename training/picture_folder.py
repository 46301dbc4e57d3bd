"""What lies in a folder of labelled pictures: labels, splits and files, before a picture is opened;
or one line that says why it is no such folder and what to do.

Folders come as people unpack them: with splits under many names, with what systems leave behind,
and with labels in another case or with accents stored in another way on each side of a split.
"""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.contract import check_label
from app.picture_kinds import UNREAD_SUFFIXES
from app.types import DataError
from training.expression_words import folded, is_expression
from training.known_sets import known_name
from training.people import Place
from training.picture_lists import known_form, what_it_is
from training.readers import PICTURES, SPLIT_NAMES, SPLITS, PictureFile, Split

_SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trainset", "trainingset", "tr"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "validate", "validset", "valset"), "valid"),
    **dict.fromkeys(("dev", "development", "eval", "evaluation", "publictest"), "valid"),
    **dict.fromkeys(("test", "testing", "tests", "testset", "privatetest", "holdout"), "test"),
}
# Words beside a split's name that change nothing: "train_set", "Test Images".
_FILLERS = frozenset(
    ["set", "data", "dataset", "images", "image", "imgs", "img", "pictures", "faces", "folder"]
    + ["split", "class", "classes"]
)
_BETWEEN = re.compile(r"[\s_.\-]+")
# What systems and network drives leave in folders, besides hidden names.
_LEFT_BEHIND = frozenset(
    ["thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r", "@eadir", "#recycle", "$recycle.bin"]
    + ["lost+found", "system volume information"]
)
_ARCHIVES = frozenset([".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"])
MIN_KNOWN_SHARE = 0.9  # of pictures that a known set's names must fit to read labels from them
MAX_LISTED = 4  # names in a message
MAX_LABEL_DEPTH = 3  # levels below the first at which labels in the wrong place are looked for


@dataclass(frozen=True, slots=True)
class Folder:
    """What lies in a folder, before a picture is opened. `files` in order of their names, those of
    `places` alike. `notes` are lines for people."""

    root: Path
    labels: tuple[str, ...]
    files: tuple[PictureFile, ...]
    places: tuple[Place, ...]
    passed_over: tuple[tuple[str, int], ...]  # (suffix, files) of what is no picture
    notes: tuple[str, ...] = ()

    @property
    def given(self) -> bool:
        """The split into training and validation comes with the folder."""
        return any(file.split == "valid" for file in self.files)

    @property
    def has_unread(self) -> bool:
        """Pictures of kinds that are not read here lie in the folder."""
        return any(suffix in UNREAD_SUFFIXES for suffix, _ in self.passed_over)

    def name(self, file: PictureFile) -> str:
        """Path below the root, the same on every system."""
        return file.path.relative_to(self.root).as_posix()


def hidden(name: str) -> bool:
    """Whether a file or folder is none of a user's: its name begins with . or __, or a system left
    it behind."""
    return name.startswith((".", "__")) or name.casefold() in _LEFT_BEHIND


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """(folders, all else) in a folder, sorted, without what is hidden. Links are followed."""
    folders: list[Path] = []
    others: list[Path] = []
    with os.scandir(folder) as found:
        for entry in sorted(found, key=lambda entry: entry.name):
            if not hidden(entry.name):
                (folders if _is_dir(entry) else others).append(folder / entry.name)
    return folders, others


def _is_dir(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def walk(folder: Path, above: tuple[tuple[int, int], ...] = ()) -> Iterator[Path]:
    """Everything below a folder that is no folder, in order of the names. Links to folders are
    followed, but not into a folder that they lie in."""
    status = folder.stat()
    key = (status.st_dev, status.st_ino)
    if key in above:
        return
    folders, others = _entries(folder)
    yield from others
    for each in folders:
        yield from walk(each, (*above, key))


def is_picture(path: Path) -> bool:
    """Whether a file's name says that it is a picture."""
    return path.suffix.lower() in PICTURES


def split_of(name: str) -> Split | None:
    """The split that a folder's name means: "Train", "val", "PublicTest", "test_images"."""
    words = [word for word in _BETWEEN.split(name.casefold()) if word and word not in _FILLERS]
    return _SPLIT_WORDS.get("".join(words))


def _split_within(name: str) -> Split | None:
    """The split that one word of a folder's name means, as in "fer_train"."""
    splits = {
        _SPLIT_WORDS[word] for word in _BETWEEN.split(name.casefold()) if word in _SPLIT_WORDS
    }
    return splits.pop() if len(splits) == 1 else None


def _listed(names: Iterable[str]) -> str:
    every = sorted(names)
    return ", ".join(every[:MAX_LISTED]) + (", …" if len(every) > MAX_LISTED else "")


def open_folder(root: Path) -> Folder:
    """`root/<label>/…`; or `root/<split>/<label>/…` with splits for training and for validation or
    test, under any of their usual names; or pictures of a known set whose names say the label.
    Hidden files are as good as absent. Raises `DataError` when it is none of them."""
    if not root.is_dir():
        raise DataError(_no_folder(root))
    try:
        return _opened(root)
    except OSError as cause:
        where = cause.filename or root
        raise DataError(f"{where} could not be read: {cause.strerror or cause}.") from cause


def _no_folder(root: Path) -> str:
    if root.suffix.lower() in _ARCHIVES and root.is_file():
        return (
            f"{root} is an archive. Unpack it, and give the folder with one sub-folder per label."
        )
    if root.is_file() and (found := what_it_is(root)):
        return found
    missing = "is not a folder" if root.exists() else "does not exist"
    return f"{root} {missing}. Expected one sub-folder of pictures per label in a folder."


def _opened(root: Path) -> Folder:
    folders, others = _entries(root)
    splits = _splits(root, folders)
    if splits:
        found = _with_splits(root, splits)
    elif _names_say(root, folders):
        found = _by_names(root)
    else:
        found = _by_folders(root, folders, others)
    labels, files, places, notes = found
    if all(label.isdecimal() for label in labels):
        notes.append(
            f"The labels are numbers ({_listed(labels)}), and the model will say numbers. Give the "
            "folders the names of the expressions to have words."
        )
    if splits and (beside := [f.name for f in folders if f not in splits.values()]):
        notes.append(f"Passed over, beside the split: {_listed(beside)}.")
    known = {file.path for file in files}
    strangers = Counter(
        path.suffix.lower() or path.name
        for path in walk(root)
        if path not in known and not is_picture(path)
    )
    _check_labels(root, labels)
    return Folder(
        root, labels, tuple(files), tuple(places), tuple(sorted(strangers.items())), tuple(notes)
    )


_Found = tuple[tuple[str, ...], list[PictureFile], list[Place], list[str]]


def _splits(root: Path, folders: Sequence[Path]) -> dict[Split, Path]:
    """The folders of the splits, empty where the folder is not split. Raises `DataError` where it
    is split by halves."""
    found: dict[Split, list[Path]] = defaultdict(list)
    for folder in folders:
        if split := split_of(folder.name):
            found[split].append(folder)
    if not found and len(folders) > 1 and all(_split_within(f.name) for f in folders):
        for folder in folders:
            if split := _split_within(folder.name):
                found[split].append(folder)
    if not found:
        return {}
    for split, several in found.items():
        if len(several) > 1:
            raise DataError(
                f"{root} has {_listed(f.name for f in several)}, which all mean the "
                f"{SPLIT_NAMES[split]} pictures. Expected one folder for each split, with a "
                "folder per label in it."
            )
    alone = [f.name for f in folders if not any(f in several for several in found.values())]
    if "train" not in found or (len(found) == 1 and alone):
        names = _listed(f.name for several in found.values() for f in several)
        raise DataError(
            f"{root} has {names}/ as if it were split. Expected both train/ and valid/ (or test/) "
            "with a folder per label in each, or a folder per label directly."
        )
    return {split: found[split][0] for split in SPLITS if split in found}


def _with_splits(root: Path, splits: dict[Split, Path]) -> _Found:
    train = splits["train"]
    folders, others = _entries(train)
    if len(folders) < 2:
        raise DataError(_few_labels(train, folders, others))
    _refuse_known_form(train)
    _refuse_nested(train, folders)
    labels, numbers = _labels(train, folders)
    files: list[PictureFile] = []
    places: list[Place] = []
    for split, place in splits.items():
        for folder in _entries(place)[0]:
            number = numbers.get(folded(folder.name))
            if number is None:
                raise DataError(
                    f"{folder}: the label {folder.name!r} is unknown; {train.name}/ has "
                    f"{', '.join(labels)}."
                )
            below = _pictures_of(folder, number, split)
            if split == "train" and not below:
                raise DataError(_no_pictures(folder))
            files += below
            places += [Place(f.path.relative_to(folder).as_posix(), number) for f in below]
    notes = []
    for split in ("valid", "test"):
        if split in splits and not any(file.split == split for file in files):
            raise DataError(f"{splits[split]} holds no pictures in folders of labels.")
    if "valid" not in splits:
        drawn = f"Validation pictures are drawn from {train.name}/"
        kept = f"; {splits['test'].name}/ stays for a last test" if "test" in splits else ""
        notes.append(f"{root} has no validation folder. {drawn}{kept}.")
    return labels, files, places, notes


def _labels(root: Path, folders: Sequence[Path]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The labels, and the number of each as they are compared. Raises `DataError` where two differ
    in case or accents' form alone."""
    labels = tuple(unicodedata.normalize("NFC", folder.name) for folder in folders)
    numbers: dict[str, int] = {}
    for number, folder in enumerate(folders):
        first = numbers.setdefault(folded(folder.name), number)
        if first != number:
            raise DataError(
                f"{root} has the labels {folders[first].name!r} and {folder.name!r}, which differ "
                "in case or in how accents are stored only. Put their pictures into one folder."
            )
    return labels, numbers


def _pictures_of(folder: Path, number: int, split: Split) -> list[PictureFile]:
    return [PictureFile(path, split, number) for path in walk(folder) if is_picture(path)]


def _by_folders(root: Path, folders: Sequence[Path], others: Sequence[Path]) -> _Found:
    if len(folders) < 2:
        raise DataError(_few_labels(root, folders, others))
    _refuse_known_form(root)
    _refuse_nested(root, folders)
    labels, _ = _labels(root, folders)
    files: list[PictureFile] = []
    places: list[Place] = []
    for number, folder in enumerate(folders):
        below = _pictures_of(folder, number, "train")
        if not below:
            raise DataError(_no_pictures(folder))
        files += below
        places += [Place(f.path.relative_to(folder).as_posix(), number) for f in below]
    notes = []
    if loose := [path.name for path in others if is_picture(path)]:
        notes.append(f"Passed over, as they lie in no label's folder: {_listed(loose)}.")
    return labels, files, places, notes


def _few_labels(root: Path, folders: Sequence[Path], others: Sequence[Path]) -> str:
    """Why a folder with fewer than two label folders is none to learn from, and the way out."""
    if form := known_form(root):
        return form
    for path in others:
        if not is_picture(path) and (found := what_it_is(path)):
            return found
    needed = f"at least 2 are needed, as in {root / 'happy'} and {root / 'sad'}"
    if not folders:
        pictures = sum(map(is_picture, others))
        if pictures:
            held = f"{pictures} picture{'s' * (pictures > 1)} and no folders"
            return f"{root} holds {held}. Labels are the names of folders; {needed}."
        if archives := [path.name for path in others if path.suffix.lower() in _ARCHIVES]:
            return f"{root} holds the archive {archives[0]}. Unpack it, and give what is in it."
        return f"{root} has 0 label folders; {needed}."
    only = folders[0]
    below, _ = _entries(only)
    said = f"{root} has 1 label folder, {only.name!r}; {needed}."
    if len(below) > 1:
        names = _listed(folder.name for folder in below)
        said += f" If {names} are the labels (or splits), give {only}."
    return said


def _no_pictures(folder: Path) -> str:
    """Why a label's folder is of no use."""
    for path in walk(folder):
        if found := what_it_is(path):
            return found
    unread = Counter(path.suffix.lower() for path in walk(folder))
    if kinds := [f"{unread[suffix]} x {suffix}" for suffix in unread if suffix in UNREAD_SUFFIXES]:
        return (
            f"{folder} holds pictures only of kinds that are not read here ({', '.join(kinds)}). "
            "Export them as JPEG."
        )
    return f"{folder} holds no pictures (such as .jpg, .png, .webp, .bmp and .tif)."


def _refuse_known_form(root: Path) -> None:
    if form := known_form(root):
        raise DataError(form)


def _refuse_nested(root: Path, folders: Sequence[Path]) -> None:
    """Raises `DataError` where expressions are the names of folders further down: of every person
    or every part of a set. Equal sub-folders of other names are people, who have all expressions.
    """
    if sum(is_expression(folder.name) for folder in folders) > 1:
        return
    within = {folder: list(_folders_below(folder, MAX_LABEL_DEPTH)) for folder in folders}
    expressions = {name for names in within.values() for name in names if is_expression(name)}
    if len({*map(folded, expressions)}) < 2:
        return
    one = next(folder for folder, names in within.items() if any(map(is_expression, names)))
    raise DataError(
        f"{root} has the folders {_listed(f.name for f in folders)}, and the labels "
        f"({_listed(expressions)}) further down, in {one.name} and others. Put the labels first: "
        f"{root.name}/<label>/<person>/…; or name splits train/, valid/ and test/."
    )


def _folders_below(folder: Path, depth: int) -> Iterator[str]:
    """The names of the folders in a folder, `depth` levels down."""
    for each in _entries(folder)[0] if depth else ():
        yield each.name
        yield from _folders_below(each, depth - 1)


def _names_say(root: Path, folders: Sequence[Path]) -> bool:
    """Whether labels are in the files' names, by a known set's rule, and not in the folders'."""
    if any(is_expression(folder.name) for folder in folders):
        return False
    names = [known_name(path.stem) for path in walk(root) if is_picture(path)]
    sets = Counter(name.of for name in names if name is not None and name.label is not None)
    return bool(sets) and sets.most_common(1)[0][1] >= MIN_KNOWN_SHARE * len(names)


def _by_names(root: Path) -> _Found:
    """Pictures of a known set, in whatever folders: the files' names say the labels."""
    pictures = [path for path in walk(root) if is_picture(path)]
    read = [known_name(path.stem) for path in pictures]
    (of, _), *_ = Counter(name.of for name in read if name is not None).most_common(1)
    ours = [name.label if name and name.of == of else None for name in read]
    labels = tuple(sorted({label for label in ours if label is not None}))
    if len(labels) < 2:
        raise DataError(
            f"{root} holds pictures of {of} with one label only, {labels[0]!r}; at least 2 are "
            "needed."
        )
    files = [
        PictureFile(path, "train", labels.index(label))
        for path, label in zip(pictures, ours, strict=True)
        if label is not None
    ]
    notes = [f"The labels are read from the file names, which are those of {of}."]
    if others := [path.name for path, label in zip(pictures, ours, strict=True) if label is None]:
        notes.append(f"Passed over, as their names are not of {of}: {_listed(others)}.")
    return labels, files, [Place(f.path.name, f.label) for f in files], notes


def _check_labels(root: Path, labels: Sequence[str]) -> None:
    """Raises `DataError` for a label that a model could not say."""
    for label in labels:
        try:
            check_label(label)
        except ValueError as cause:
            raise DataError(f"{root} has a label folder to rename: {cause}.") from cause
