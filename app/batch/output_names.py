"""Names the outputs of each of many videos, no two of them alike.

The user asks for a file (of a single video), a folder, or a suffix such as `.jsonl`, alone or in a
folder. A suffix alone puts the file into the folder of the annotated videos, if there is such a
folder, and beside its video otherwise. docs/annotating.md tells users.
"""

import os
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.batch.earlier_names import find_earlier_name, has_results
from app.errors import SinkError
from app.runs.check_plan import check_not_stdout
from app.runs.plan import OutputPaths
from app.sources.find_videos import ANNOTATED

# The short names that a video can have, the shortest first.
NAME_WAYS: tuple[Callable[[Path], str], ...] = (
    lambda video: video.stem,
    lambda video: video.name,
    lambda video: f"{video.resolve().parent.name}_{video.name}",
)


@dataclass(frozen=True, slots=True)
class AskedOutputs:
    """The arguments of `-o`, `--records`, `--episodes` and `--report`; None and () where an option
    is not given."""

    video: Path | None = None
    records: Path | None = None
    episodes: tuple[Path, ...] = ()
    report: Path | None = None

    @property
    def is_anything(self) -> bool:
        """True if at least one of the options is given."""
        return bool(self.video or self.records or self.episodes or self.report)


def plan_outputs(
    videos: Sequence[Path], asked: AskedOutputs, *, one: bool, inputs: Iterable[Path] | None = None
) -> list[OutputPaths]:
    """Plans the outputs of each video. If nothing is asked for, each gets an annotated video.

    Args:
        videos: The files to read; videos that are fetched stand with the name that they get.
        asked: The outputs that are asked for.
        one: True if a single file was named, so that outputs may be files, too.
        inputs: Those of `videos` that are files of this machine; None: all.

    A video whose records are there already, or are half made, keeps the name that they have.

    Returns:
        The outputs, in the order of `videos`.

    Raises:
        SinkError: Two outputs, or an output and an input, are one file.
    """
    names = make_distinct_names(videos)
    if asked.records is not None:
        names = _keep_earlier_names(videos, names, asked, set(videos if inputs is None else inputs))
    films_to, film = (None, ".mp4") if asked.video is None else _split(asked.video, ".mp4")
    folder = None if film is None else films_to

    def name_each(where: Path | None, ending: str | None) -> list[Path]:
        """`ending` None: `where` itself is the file."""
        if ending is None:
            assert where is not None
            if not one:
                raise SinkError(
                    f"{where} is one file, but each video gets its own. Give a folder, or "
                    f"{where.suffix} alone."
                )
            return [where]
        return [
            (where or folder or video.parent) / f"{name}{ending}"
            for video, name in zip(videos, names, strict=True)
        ]

    none: list[Path | None] = [None] * len(videos)
    films: Sequence[Path | None] = none
    if asked.video is not None or not asked.is_anything:
        films = name_each(films_to, film and f"{ANNOTATED}{film}")
    records: Sequence[Path | None] = none
    if asked.records is not None:
        records = name_each(*_split(asked.records, ".jsonl"))
    reports: Sequence[Path | None] = none
    if asked.report is not None:
        reports = name_each(*_split(asked.report, ".html"))
    episodes: list[list[Path]] = [[] for _ in videos]
    for path in asked.episodes:
        where, ending = _split(path, ".csv")
        # Records may be .csv, too.
        ending = ".episodes.csv" if ending == ".csv" else ending
        for number, file in enumerate(name_each(where, ending)):
            episodes[number].append(file)
    outputs = [
        OutputPaths(film, record, tuple(found), report)
        for film, record, found, report in zip(films, records, episodes, reports, strict=True)
    ]
    _check(videos if inputs is None else inputs, outputs)
    return outputs


def _keep_earlier_names(
    videos: Sequence[Path], names: Sequence[str], asked: AskedOutputs, inputs: Container[Path]
) -> list[str]:
    """Gives those of `videos` whose records have another name than the one in `names` that name.
    `inputs` are the videos that are files of this machine."""
    assert asked.records is not None
    where, ending = _split(asked.records, ".jsonl")
    if ending is None:
        return list(names)
    if where is None and asked.video is not None and _split(asked.video, ".mp4")[1] is not None:
        where = _split(asked.video, ".mp4")[0]
    kept = list(names)
    for number, video in enumerate(videos):
        folder = where or video.parent
        if video not in inputs or has_results(folder, names[number], ending):
            continue
        others = [way(video) for way in NAME_WAYS if way(video) != names[number]]
        there = [name for name in others if has_results(folder, name, ending)]
        twins = (one for one in videos if one != video and one.name == video.name)
        if there:
            earlier = find_earlier_name(video, there, folder, ending, by_hash=any(twins))
            if earlier is not None and earlier not in kept:
                kept[number] = earlier
    return kept


def list_folders(asked: AskedOutputs) -> list[Path]:
    """Lists what is named as a folder, there or not."""
    named = [
        (asked.video, ".mp4"),
        (asked.records, ".jsonl"),
        (asked.report, ".html"),
        *((path, ".csv") for path in asked.episodes),
    ]
    split = [_split(path, usual) for path, usual in named if path is not None]
    return [where for where, ending in split if where is not None and ending is not None]


def _split(path: Path, usual: str) -> tuple[Path | None, str | None]:
    """Returns the folder (None: beside the video) and the suffix (None: `path` is the file)."""
    check_not_stdout(path)
    if os.path.isdir(path):
        return path, usual
    if path.name.startswith(".") and path.name.count(".") == 1:
        return (None if path.parent == Path() else path.parent), path.name
    return (path, None) if path.suffix else (path, usual)


def make_distinct_names(videos: Sequence[Path]) -> list[str]:
    """Makes a short name for each video: its stem. Where two videos share a stem, each gets its
    whole name, and where these are alike, also the folder.

    >>> make_distinct_names([Path("talk.mp4"), Path("/a/day.mp4"), Path("/b/day.mp4")])
    ['talk', 'a_day.mp4', 'b_day.mp4']
    """
    names = [NAME_WAYS[0](video) for video in videos]
    for way in NAME_WAYS[1:]:
        counts = Counter(name.casefold() for name in names)
        names = [
            way(video) if counts[name.casefold()] > 1 else name
            for video, name in zip(videos, names, strict=True)
        ]
    return names


def _check(videos: Iterable[Path], outputs: Iterable[OutputPaths]) -> None:
    """Compares the files to which the names lead, in small letters: some disks know no others."""
    inputs = {_key(video) for video in videos}
    seen: set[str] = set()
    for path in (path for one in outputs for path in one.all):
        key = _key(path)
        if key in inputs:
            raise SinkError(f"{path} is the input itself. Choose another name.")
        if key in seen:
            raise SinkError(f"{path} cannot be two results at once. Choose another name.")
        seen.add(key)


def _key(path: Path) -> str:
    return os.path.join(path.parent.resolve(), path.name).casefold()


def name_annotated_video(path: Path) -> Path:
    """Names the annotated video beside a video.

    >>> name_annotated_video(Path("talks/clip.mov")).as_posix()
    'talks/clip_annotated.mp4'
    """
    return path.with_name(f"{path.stem}_annotated.mp4")
