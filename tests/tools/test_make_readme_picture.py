"""The README's moving picture is small, loops, and is made of the demo."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.errors import DataError
from tools import make_readme_picture as maker
from tools.make_demo_clip import FPS, FRAMES


def test_the_shipped_picture_is_a_small_loop() -> None:
    assert maker.TARGET.stat().st_size <= maker.MAX_BYTES
    with Image.open(maker.TARGET) as picture:
        assert (picture.format, picture.size, picture.info["loop"]) == ("WEBP", (640, 480), 0)
        seconds = sum(end - begin for begin, end in maker.PASSAGES_S)
        assert picture.n_frames == pytest.approx(seconds * FPS / maker.STEP, abs=2)
        assert 8 <= picture.n_frames * maker.FRAME_MS / 1000 <= 10


def test_passages_lie_in_the_clip_one_after_the_other() -> None:
    times_s = [time_s for passage in maker.PASSAGES_S for time_s in passage]
    assert times_s == sorted(times_s)
    assert times_s[-1] <= FRAMES / FPS


def test_pictures_follow_each_other(tmp_path: Path) -> None:
    pictures = [np.full((48, 64, 3), (0, 0, level), np.uint8) for level in (0, 120, 240)]
    maker.write_loop(pictures, tmp_path / "loop.webp")
    with Image.open(tmp_path / "loop.webp") as loop:
        reds = []
        for number in range(loop.n_frames):
            loop.seek(number)
            reds.append(int(np.asarray(loop.convert("RGB"))[24, 32, 0]))
    assert reds == pytest.approx([0, 120, 240], abs=8)


def test_a_picture_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maker, "MAX_BYTES", 50)
    with pytest.raises(DataError, match="Lower QUALITY"):
        maker.write_loop([np.zeros((48, 64, 3), np.uint8)] * 2, tmp_path / "loop.webp")
