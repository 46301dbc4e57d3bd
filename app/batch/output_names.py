"""Which files come of which video: one of each kind for each, and no two of one name.

What is asked for is a file (of a single video), a folder, or a suffix such as `.jsonl`, alone or in
a folder. A suffix alone puts the file into the folder of the annotated videos, if there is one, or
else beside its video. docs/annotating.md says so to users.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.errors import SinkError
from app.runs.check_plan import check_not_stdout
from app.runs.plan import OutputPaths
from app.sources.find_videos import ANNOTATED


@dataclass(frozen=True, slots=True)
class AskedOutputs:
    """What `-o`, `--records`, `--episodes` and `--report` say. None and (): not asked for."""

    video: Path | None = None
    records: Path | None = None
    episodes: tuple[Path, ...] = ()
    report: Path | None = None

    @property
    def anything(self) -> bool:
        return bool(self.video or self.records or self.episodes or self.report)


def plan_outputs(
    videos: Sequence[Path], asked: AskedOutputs, *, one: bool, inputs: Iterable[Path] | None = None
) -> list[OutputPaths]:
    """The outputs of each of `videos`; `one`: a single file was named, so files may be, too.
    `inputs` are those of them that are files here (None: all).

    Without anything asked for it is the annotated video beside each. Raises `SinkError` where two
    outputs, or an output and an input, are one file.
    """
    names = distinct_names(videos)
    films_to, film = (None, ".mp4") if asked.video is None else _split(asked.video, ".mp4")
    folder = None if film is None else films_to

    def named(where: Path | None, ending: str | None) -> list[Path]:
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
    if asked.video is not None or not asked.anything:
        films = named(films_to, film and f"{ANNOTATED}{film}")
    records: Sequence[Path | None] = none
    if asked.records is not None:
        records = named(*_split(asked.records, ".jsonl"))
    reports: Sequence[Path | None] = none
    if asked.report is not None:
        reports = named(*_split(asked.report, ".html"))
    episodes: list[list[Path]] = [[] for _ in videos]
    for path in asked.episodes:
        where, ending = _split(path, ".csv")
        # Records may be .csv, too.
        ending = ".episodes.csv" if ending == ".csv" else ending
        for number, file in enumerate(named(where, ending)):
            episodes[number].append(file)
    outputs = [
        OutputPaths(film, record, tuple(found), report)
        for film, record, found, report in zip(films, records, episodes, reports, strict=True)
    ]
    _check(videos if inputs is None else inputs, outputs)
    return outputs


def list_folders(asked: AskedOutputs) -> list[Path]:
    """Those that are named as folders, there or not."""
    named = [
        (asked.video, ".mp4"),
        (asked.records, ".jsonl"),
        (asked.report, ".html"),
        *((path, ".csv") for path in asked.episodes),
    ]
    split = [_split(path, usual) for path, usual in named if path is not None]
    return [where for where, ending in split if where is not None and ending is not None]


def _split(path: Path, usual: str) -> tuple[Path | None, str | None]:
    """(folder or None for beside the video, suffix or None where `path` is the file itself)."""
    check_not_stdout(path)
    if os.path.isdir(path):
        return path, usual
    if path.name.startswith(".") and path.name.count(".") == 1:
        return (None if path.parent == Path() else path.parent), path.name
    return (path, None) if path.suffix else (path, usual)


def distinct_names(videos: Sequence[Path]) -> list[str]:
    """The stem of each; where that is another's too, the whole name; then the folder before it:
    talk.mp4, a/day.mp4, b/day.mp4, b/day.mov -> talk, a_day.mp4, b_day.mp4, day.mov."""
    ways: list[Callable[[Path], str]] = [
        lambda video: video.stem,
        lambda video: video.name,
        lambda video: f"{video.resolve().parent.name}_{video.name}",
    ]
    names = [ways[0](video) for video in videos]
    for way in ways[1:]:
        counts = Counter(name.casefold() for name in names)
        names = [
            way(video) if counts[name.casefold()] > 1 else name
            for video, name in zip(videos, names, strict=True)
        ]
    return names


def _check(videos: Iterable[Path], outputs: Iterable[OutputPaths]) -> None:
    """By what the names lead to, whatever case they are written in."""
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


def default_output(path: Path) -> Path:
    """clip.mov -> clip_annotated.mp4, beside it."""
    return path.with_name(f"{path.stem}_annotated.mp4")
