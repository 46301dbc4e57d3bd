"""A clip is made whole or not at all, and never over a file that nobody gave up."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.errors import SinkError
from app.process.console import INTERRUPTED
from tools import clip_film, make_demo_clip, make_portrait_clip

Main = Callable[[Sequence[str]], int]
MAKERS = pytest.mark.parametrize("main", [make_demo_clip.main, make_portrait_clip.main])
PICTURE = np.zeros((48, 64, 3), np.uint8)
SOUND = np.zeros(clip_film.SAMPLE_RATE_HZ // 10, np.float32)


def write(
    path: Path, pictures: Iterator[NDArray[np.uint8]], *, max_bytes: int = 9999, overwrite: bool
) -> int:
    return clip_film.write_film(
        path,
        pictures,
        SOUND,
        clip_film.FilmFormat((64, 48), 25, 30.0, tune="film"),
        max_bytes=max_bytes,
        overwrite=overwrite,
    )


def test_a_clip_is_written_and_replaced_only_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    assert write(path, iter([PICTURE] * 3), overwrite=False) == path.stat().st_size > 500
    before = path.read_bytes()
    with pytest.raises(SinkError, match=r"a\.mp4 exists already\. Add --overwrite"):
        write(path, iter([PICTURE]), overwrite=False)
    with pytest.raises(SinkError, match=r"more than 100\. Raise CRF"):
        write(path, iter([PICTURE]), max_bytes=100, overwrite=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_clip_that_is_broken_off_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def give() -> Iterator[NDArray[np.uint8]]:
        yield PICTURE
        raise error

    path = tmp_path / "a.mp4"
    path.write_bytes(b"mine")
    expected = SinkError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write(path, give(), overwrite=True)
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


@MAKERS
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-o there.mp4", "there.mp4 exists already. Add --overwrite"),
        ("", " exists already. Add --overwrite"),
        ("-o a.txt", "a.txt must end in .mp4."),
        ("-o nowhere/a.mp4", "The folder nowhere does not exist."),
        ("-o folder.mp4", "folder.mp4 is a folder."),
        ("-o portrait.mp4 --overwrite", "portrait.mp4 is the input itself."),
    ],
)
def test_what_cannot_be_written_is_one_line_before_any_work(
    tmp_path: Path,
    main: Main,
    words: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.mp4").write_bytes(b"mine")
    Path("folder.mp4").mkdir()
    own = make_demo_clip.PORTRAIT_CLIP if main is make_demo_clip.main else make_demo_clip.DEMO_CLIP
    Path("portrait.mp4").symlink_to(own)
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert Path("there.mp4").read_bytes() == b"mine"


@MAKERS
def test_ctrl_c_is_one_line(
    tmp_path: Path,
    main: Main,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    for module in (make_demo_clip, make_portrait_clip):
        monkeypatch.setattr(module, "draw_frame", interrupt)
    assert main(["-o", str(tmp_path / "a.mp4")]) == INTERRUPTED
    assert capsys.readouterr().err == "Interrupted.\n"
    assert list(tmp_path.iterdir()) == []
