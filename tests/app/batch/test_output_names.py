"""Which videos are meant, and which file comes of which."""

from pathlib import Path

import pytest

from app.batch.output_names import (
    AskedOutputs,
    list_folders,
    make_distinct_names,
    name_annotated_video,
    plan_outputs,
)
from app.errors import SinkError, SourceError
from app.runs.plan import OutputPaths
from app.sources.find_videos import find_videos, is_one_file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with videos in it, as the working directory."""
    for name in (
        *("talk.mp4", "talk_annotated.mp4", "walk.MOV", "notes.txt", ".hidden.mp4"),
        *("a/day.mp4", "b/day.mp4", "b/night_annotated.mp4", "empty/notes.txt"),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("missing.mp4", "missing.mp4"),  # said when its turn comes
        ("notes.txt", "notes.txt"),
        (".", "talk.mp4 walk.MOV"),  # no results of an earlier run, nothing hidden
        ("b", "b/day.mp4 b/night_annotated.mp4"),  # which is nobody's result
        ("*.mp4", "talk.mp4"),
        ("**/*.mp4", "a/day.mp4 b/day.mp4 b/night_annotated.mp4 talk.mp4"),
        ("walk.MOV b talk.mp4", "walk.MOV b/day.mp4 b/night_annotated.mp4 talk.mp4"),
        ("talk.mp4 ./talk.mp4 . b/../walk.MOV", "talk.mp4 walk.MOV"),
    ],
)
def test_files_folders_and_patterns(here: Path, named: str, meant: str) -> None:
    assert find_videos([Path(text) for text in named.split()]) == [
        Path(text) for text in meant.split()
    ]


@pytest.mark.parametrize("named", ["empty", "*.avi"])
def test_nothing_meant_is_an_error(here: Path, named: str) -> None:
    with pytest.raises(SourceError, match=r"no videos|No video matches"):
        find_videos([Path(named)])


def test_one_file_is_not_a_folder_of_one(here: Path) -> None:
    assert is_one_file([Path("talk.mp4")])
    assert is_one_file([Path("missing.mp4")])
    assert not any(is_one_file([Path(text)]) for text in ("a", "*.MOV"))


@pytest.mark.parametrize(
    ("videos", "names"),
    [
        ("talk.mp4", "talk"),
        ("talk.mp4 walk.MOV", "talk walk"),
        ("talk.mp4 TALK.mov walk.MOV", "talk.mp4 TALK.mov walk"),
        ("a/day.mp4 b/day.mp4 b/day.mov talk.mp4", "a_day.mp4 b_day.mp4 day.mov talk"),
    ],
)
def test_names_are_as_short_as_they_can_be(here: Path, videos: str, names: str) -> None:
    assert make_distinct_names([Path(text) for text in videos.split()]) == names.split()


TWO = [Path("a/one.mp4"), Path("b/two.mov")]
ONE = [Path("a/one.mp4")]


@pytest.mark.parametrize(
    ("videos", "asked", "first"),
    [
        (TWO, AskedOutputs(), OutputPaths(Path("a/one_annotated.mp4"))),
        (TWO, AskedOutputs(video=Path("out")), OutputPaths(Path("out/one_annotated.mp4"))),
        (TWO, AskedOutputs(video=Path(".mkv")), OutputPaths(Path("a/one_annotated.mkv"))),
        (TWO, AskedOutputs(records=Path(".csv")), OutputPaths(records=Path("a/one.csv"))),
        (TWO, AskedOutputs(records=Path("b")), OutputPaths(records=Path("b/one.jsonl"))),
        (
            TWO,
            AskedOutputs(records=Path("new/.parquet")),
            OutputPaths(records=Path("new/one.parquet")),
        ),
        (
            TWO,
            AskedOutputs(Path("out"), Path(".csv"), (Path(".csv"), Path(".vtt")), Path(".html")),
            OutputPaths(
                Path("out/one_annotated.mp4"),
                Path("out/one.csv"),
                (Path("out/one.episodes.csv"), Path("out/one.vtt")),
                Path("out/one.html"),
            ),
        ),
        (
            ONE,
            AskedOutputs(Path("o.mp4"), Path("r.csv")),
            OutputPaths(Path("o.mp4"), Path("r.csv")),
        ),
        (ONE, AskedOutputs(records=Path(".csv")), OutputPaths(records=Path("a/one.csv"))),
    ],
)
def test_outputs_of_the_first(
    here: Path, videos: list[Path], asked: AskedOutputs, first: OutputPaths
) -> None:
    assert plan_outputs(videos, asked, one=len(videos) == 1)[0] == first


@pytest.mark.parametrize(
    ("videos", "asked", "why"),
    [
        (TWO, AskedOutputs(records=Path("r.csv")), "r.csv is one file"),
        (TWO, AskedOutputs(video=Path("o.mp4")), "o.mp4 is one file"),
        (ONE, AskedOutputs(records=Path("-")), "nothing goes to the standard output"),
        (
            ONE,
            AskedOutputs(records=Path("r.csv"), episodes=(Path("r.csv"),)),
            "two results at once",
        ),
        (ONE, AskedOutputs(video=Path("a/one.mp4")), "the input itself"),
        (ONE, AskedOutputs(video=Path("b/../a/ONE.mp4")), "the input itself"),
        (
            [Path("x.mp4"), Path("x_annotated.mp4")],
            AskedOutputs(video=Path(".")),
            "the input itself",
        ),
    ],
)
def test_no_two_files_of_one_name(
    here: Path, videos: list[Path], asked: AskedOutputs, why: str
) -> None:
    with pytest.raises(SinkError, match=why):
        plan_outputs(videos, asked, one=len(videos) == 1)


def test_only_folders_that_were_named_are_made(here: Path) -> None:
    asked = AskedOutputs(Path("out"), Path("r/.csv"), (Path("e/x.vtt"),), Path(".html"))
    assert list_folders(asked) == [Path("out"), Path("r")]


@pytest.mark.parametrize(
    ("path", "output"),
    [("a/clip.mov", "a/clip_annotated.mp4"), ("clip.v2.mp4", "clip.v2_annotated.mp4")],
)
def test_annotated_video_stands_beside_the_input(path: str, output: str) -> None:
    assert name_annotated_video(Path(path)) == Path(output)
