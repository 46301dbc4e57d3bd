"""Shares of the videos: each video is in one share, whatever else is there, and a finished video
counts as finished in every share."""

from collections import Counter
from pathlib import Path

import pytest

from app.batch.shares import Share, choose_share
from app.cli.make_plan import plan_batch
from app.cli.options import parser
from app.defaults import PORTRAIT_CLIP
from app.runs.plan import RunPlan
from app.sources.remote_video import WebVideo, parse_video
from tests.support.program import called

NAMES = [Path(f"talks/{number:04}.mp4") for number in range(1000)]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder with five videos, of which two share a stem."""
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("a.mp4", "a.mov", "b.mp4", "c.mp4", "d.mp4"):
        (folder / name).write_bytes(PORTRAIT_CLIP.read_bytes())
    return folder


def plan(films: Path, words: str) -> tuple[RunPlan, ...]:
    line = ["--no-window", "--video", str(films), "--records", str(films / "out"), *words.split()]
    return plan_batch(parser().parse_args(line)).runs


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_each_video_is_in_one_share(count: int) -> None:
    shares = [Share(number + 1, count) for number in range(count)]
    assert all(sum(share.holds(name) for share in shares) == 1 for name in NAMES[:50])


def test_shares_are_about_equal() -> None:
    sizes = Counter(choose_share(name, 10) for name in NAMES)
    assert sorted(sizes) == list(range(1, 11))
    assert (min(sizes.values()), max(sizes.values())) == (83, 113)


def test_a_share_is_the_same_everywhere_and_always() -> None:
    """A fixed number of the same name, which no seed of a process changes, and no password."""
    assert choose_share(Path("./talks/ada.mp4"), 1000) == choose_share(Path("talks/ada.mp4"), 1000)
    assert choose_share(Path("talks/ada.mp4"), 1000) == 222
    with_password = parse_video("https://me:one@host/ada.mp4")
    assert isinstance(with_password, WebVideo)
    other = parse_video("https://me:two@host/ada.mp4")
    assert choose_share(with_password, 1000) == choose_share(other, 1000)
    assert choose_share(Path("talks/\udcff.mp4"), 3) in (1, 2, 3)  # a name that is not UTF-8


def test_a_new_video_moves_no_other_one(films: Path) -> None:
    before = {run.name: n for n in (1, 2, 3) for run in plan(films, f"--shard {n}/3")}
    (films / "aa.mp4").write_bytes(b"")
    after = {run.name: n for n in (1, 2, 3) for run in plan(films, f"--shard {n}/3")}
    assert after.keys() - before.keys() == {"aa.mp4"}
    assert before.items() <= after.items()


def test_names_of_outputs_do_not_depend_on_the_share(films: Path) -> None:
    """`a.mp4` and `a.mov` get their whole names also where they are in different shares."""
    whole = {run.name: run.outputs for run in plan(films, "")}
    for count in (2, 5, 40):
        parts = [run for n in range(count) for run in plan(films, f"--shard {n + 1}/{count}")]
        assert {run.name: run.outputs for run in parts} == whole
        assert len(parts) == len(whole)
    assert whole["a.mov"].records == films / "out" / "a.mov.jsonl"


@pytest.mark.parametrize(
    ("share", "said"),
    [
        ("0/2", "of 2 shares, the first is 1/2 and the last 2/2, got 0/2."),
        ("3/2", "of 2 shares, the first is 1/2 and the last 2/2, got 3/2."),
        ("1/0", "there must be at least one share, got 1/0."),
        ("-1/2", "'-1/2' is not a share such as 1/8."),
        ("2", "'2' is not a share such as 1/8."),
        ("٣/٤", "'٣/٤' is not a share such as 1/8."),
        ("a/b", "'a/b' is not a share such as 1/8."),
        ("1/2/3", "'1/2/3' is not a share such as 1/8."),
    ],
)
def test_a_share_that_cannot_be_is_one_line(
    share: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["--video", "a.mp4", f"--shard={share}"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: argument --shard: {said} See --help.\n"


def test_an_empty_share_is_a_line_and_makes_nothing(films: Path, tmp_path: Path) -> None:
    number = next(n for n in range(1, 9) if n not in {choose_share(Path("films/a.mp4"), 8)})
    line = f"--no-window --video films/a.mp4 --records out/.csv --shard {number}/8"
    code, said = called(tmp_path, *line.split())
    assert (code, said) == (0, f"Share {number}/8 holds no video. Nothing is to be done.\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_video_that_joins_later_makes_nobody_read_twice(films: Path, tmp_path: Path) -> None:
    line = "--no-window --device cpu --video films --records out --every 120 --resume".split()
    for path in films.iterdir():
        if path.name != "a.mp4":
            path.unlink()
    assert called(tmp_path, *line)[0] == 0
    (films / "a.mov").write_bytes((films / "a.mp4").read_bytes())
    code, said = called(tmp_path, *line)
    assert code == 0, said
    assert "a.mp4: finished before.\n" in said
    names = sorted(path.name for path in (tmp_path / "out").glob("*.jsonl"))
    assert names == ["a.jsonl", "a.mov.jsonl"]


@pytest.mark.slow
def test_other_shares_after_a_crash_redo_nothing(films: Path, tmp_path: Path) -> None:
    common = "--no-window --device cpu --video films --records out --every 60 --resume".split()

    def run(share: str) -> list[str]:
        code, said = called(tmp_path, *common, "--shard", share)
        assert code == 0, said
        return said.splitlines()

    run("1/2")
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert 0 < len(done) < 10
    lines = [line for share in ("1/3", "2/3", "3/3") for line in run(share)]
    assert len([line for line in lines if line.endswith(": finished before.")]) == len(done) // 2
    assert len([line for line in lines if " -> " in line]) == 5 - len(done) // 2
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert len(list((tmp_path / "out").glob("*.jsonl"))) == 5
