"""Which videos are meant, and which file comes of which."""

import hashlib
import json
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
from app.runs.checkpoint import ResumeFile
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


def write_results(records: Path, video: Path, size_bytes: int, sha256: str = "") -> None:
    """Leaves records, with notes that say which video they are of."""
    records.parent.mkdir(exist_ok=True)
    records.touch()
    file = {"name": video.name, "bytes": size_bytes, "sha256": sha256}
    notes = {"input": {"files": [file]}}
    records.with_name(f"{records.stem}.run.json").write_text(json.dumps(notes))


def plan_names(*videos: str, asked: AskedOutputs | None = None) -> list[str]:
    found = plan_outputs(
        [Path(video) for video in videos], asked or AskedOutputs(records=Path("out")), one=False
    )
    return [one.records.name for one in found if one.records]


def test_a_video_keeps_its_name_when_another_one_of_its_stem_comes_or_goes(here: Path) -> None:
    Path("talk.mov").write_bytes(b"other")
    (here / "out").mkdir()
    assert plan_names("talk.mp4", "talk.mov") == ["talk.mp4.jsonl", "talk.mov.jsonl"]
    write_results(here / "out/talk.jsonl", Path("talk.mp4"), 0)
    assert plan_names("talk.mp4", "talk.mov") == ["talk.jsonl", "talk.mov.jsonl"]
    assert plan_names("talk.mov", "talk.mp4") == ["talk.mov.jsonl", "talk.jsonl"]
    # The other way round: results of both, then one video alone.
    write_results(here / "out/talk.mov.jsonl", Path("talk.mov"), 5)
    assert plan_names("talk.mov") == ["talk.jsonl"]  # which is there: refused as another video's
    Path("out/talk.jsonl").unlink()
    assert plan_names("talk.mov") == ["talk.mov.jsonl"]
    # Records of a video of another size are another video's.
    Path("talk.mov").write_bytes(b"longer")
    assert plan_names("talk.mov") == ["talk.jsonl"]


def test_the_names_of_folders_are_kept_too_and_equal_sizes_are_told_apart(here: Path) -> None:
    Path("a/day.mp4").write_bytes(b"one")
    Path("b/day.mp4").write_bytes(b"two")
    write_results(here / "out/day.jsonl", Path("b/day.mp4"), 3, hashlib.sha256(b"two").hexdigest())
    assert plan_names("a/day.mp4", "b/day.mp4") == ["a_day.mp4.jsonl", "day.jsonl"]
    beside = AskedOutputs(records=Path(".csv"))
    write_results(here / "a/day.csv", Path("a/day.mp4"), 3, hashlib.sha256(b"one").hexdigest())
    assert plan_names("a/day.mp4", "b/day.mp4", asked=beside) == ["day.csv", "b_day.mp4.csv"]


def test_a_half_made_result_keeps_its_name(here: Path) -> None:
    Path("talk.mov").write_bytes(b"other")
    (here / "out").mkdir()
    at = Path("talk.mp4").stat()
    video = {"bytes": at.st_size, "changed_ns": at.st_mtime_ns}
    checkpoint = ResumeFile(Path("out/talk.jsonl")).path
    checkpoint.write_text(json.dumps({"identity": {"video": video}}))
    assert plan_names("talk.mp4", "talk.mov") == ["talk.jsonl", "talk.mov.jsonl"]
    checkpoint.write_text("{")
    assert plan_names("talk.mp4", "talk.mov") == ["talk.mp4.jsonl", "talk.mov.jsonl"]


def test_only_folders_that_were_named_are_made(here: Path) -> None:
    asked = AskedOutputs(Path("out"), Path("r/.csv"), (Path("e/x.vtt"),), Path(".html"))
    assert list_folders(asked) == [Path("out"), Path("r")]


@pytest.mark.parametrize(
    ("path", "output"),
    [("a/clip.mov", "a/clip_annotated.mp4"), ("clip.v2.mp4", "clip.v2_annotated.mp4")],
)
def test_annotated_video_stands_beside_the_input(path: str, output: str) -> None:
    assert name_annotated_video(Path(path)) == Path(output)
