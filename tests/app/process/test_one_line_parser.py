"""What a command line has wrong is one line, with a guess at what was meant."""

from pathlib import Path

import pytest

from app.cli.options import parser
from app.defaults import ROOT
from app.process.one_line_parser import describe_unknown_word
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


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["--version"])
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert said.startswith("expression-recogniser ")
    assert f'version = "{said.split()[1]}"' in text
