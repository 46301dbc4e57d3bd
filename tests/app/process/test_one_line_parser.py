"""What a command line has wrong is one line, with a guess at what was meant."""

import argparse
import importlib
import tomllib
from pathlib import Path

import pytest

import app
import training.__main__
from app.cli.options import parser
from app.defaults import ROOT
from app.process.one_line_parser import OneLineParser, describe_unknown_word
from run_demo import main

OPTIONS = (
    *("--video", "--image", "--camera", "--model"),
    *("--records", "--episodes", "--report"),
)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("clip.MP4", "--video clip.MP4"),
        ("photo.jpg", "--image photo.jpg"),
        ("rtsp://host/s", "--camera rtsp://host/s"),
        ("http://host/a.mp4", "--video http://host/a.mp4"),
        ("1", "--camera 1"),
        ("mine.onnx", "--model mine.onnx"),
        ("talk.eaf", "--episodes talk.eaf"),
        ("talk.csv", "--records talk.csv or --episodes talk.csv"),
        ("talk.html", "--report talk.html"),
    ],
)
def test_word_without_an_option_gets_one(word: str, meant: str) -> None:
    assert (
        describe_unknown_word(word, OPTIONS)
        == f"{word} belongs to no option; did you mean {meant}?"
    )
    assert describe_unknown_word(word, ["--output"]) == f"{word} belongs to no option"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("nowhere", "nowhere belongs to no option"),
        ("--vidoe", "there is no option --vidoe; did you mean --video?"),
        ("--record=x", "there is no option --record; did you mean --records?"),
        ("--zzz", "there is no option --zzz"),
    ],
)
def test_word_that_is_nothing_is_named(word: str, said: str) -> None:
    assert describe_unknown_word(word, OPTIONS) == said


def test_folder_may_hold_videos_or_pictures(tmp_path: Path) -> None:
    said = describe_unknown_word(str(tmp_path), OPTIONS)
    assert said.endswith(f"did you mean --video {tmp_path} or --image {tmp_path}?")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a.mp4", "a.mp4 belongs to no option; did you mean --video a.mp4? See --help."),
        ("--fps 3000", "argument --fps: must be between 0 and 1000. See --help."),
        ("--fps ten", "argument --fps: 'ten' is not a number. See --help."),
        ("--jobs 1.5", "argument --jobs: '1.5' is not a whole number. See --help."),
        (
            "--start 1:99",
            "argument --start: '1:99' is not a time in seconds, m:ss or h:mm:ss. See --help.",
        ),
        ("--size 720p", "argument --size: '720p' is not a size such as 1280x720. See --help."),
        ("--json", "--json goes with --doctor or --benchmark. See --help."),
    ],
)
def test_mistake_is_one_line(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert (ended.value.code, capsys.readouterr()) == (2, ("", f"error: {said}\n"))


@pytest.mark.parametrize("number", ["٣", "1_0", "3.0", "", "--3"])
def test_whole_numbers_have_the_digits_from_0_to_9(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([f"--jobs={number}"])
    assert f"{number!r} is not a whole number" in capsys.readouterr().err


VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


@pytest.mark.parametrize(
    "module",
    [
        "run_demo",
        *sorted(
            f"app.{path.parent.name}.__main__" for path in (ROOT / "app").glob("*/__main__.py")
        ),
    ],
)
def test_every_command_tells_the_version(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(module).main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr() == (f"expression-recogniser {VERSION}\n", "")


def test_the_library_and_the_training_side_tell_the_version(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert app.__version__ == VERSION
    assert "__version__" in dir(app)
    assert training.__main__.main(["--version"]) == 0
    assert capsys.readouterr() == (f"expression-recogniser {VERSION}\n", "")


def test_every_training_command_has_the_parser_that_tells_the_version() -> None:
    """They load PyTorch, so their text is read instead."""
    for path in (ROOT / "training").glob("*.py"):
        if not path.stem.startswith("_"):
            text = path.read_text(encoding="utf-8")
            assert "OneLineParser(" in text, path
            assert "argparse.ArgumentParser(" not in text, path
    assert OneLineParser().parse_args([]) == argparse.Namespace()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--serve 0 --shard 1/2", "--jobs, --resume and --shard go without --serve"),
        ("--serve 0 --jobs 2", "--jobs, --resume and --shard go without --serve"),
        ("--doctor --jobs 2", "--doctor does not use --jobs: leave it out"),
        ("--doctor --serve", "--doctor does not use --serve: leave it out"),
        ("--list-cameras --records r.csv", "--list-cameras does not use --records: leave it out"),
        ("--benchmark 9 --shard 1/2", "--benchmark does not use --shard: leave it out"),
        ("--demo --no-stills", "--no-stills goes with --report"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert (ended.value.code, capsys.readouterr().err) == (2, f"error: {said}. See --help.\n")
