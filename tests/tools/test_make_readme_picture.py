"""The README's moving picture is small, loops, and is made of the demo."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

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
        seconds = sum(one.end_s - one.begin_s for one in maker.PASSAGES)
        assert picture.n_frames == pytest.approx(seconds * FPS / maker.STEP, abs=2)
        assert 8 <= picture.n_frames * maker.FRAME_MS / 1000 <= 10


def test_passages_lie_in_the_clip_one_after_the_other() -> None:
    times_s = [time_s for one in maker.PASSAGES for time_s in (one.begin_s, one.end_s)]
    assert times_s == sorted(times_s)
    assert times_s[-1] <= FRAMES / FPS


def test_passages_tell_their_labels_and_one_is_unsure() -> None:
    alone, group = maker.PASSAGES[0], maker.PASSAGES[-1]
    loop = maker.Loop([], {alone: ["neutral", "happiness"], group: ["unsure"]})
    assert maker.describe_passages(loop) == [
        f"{alone.begin_s:g} to {alone.end_s:g} s: neutral, happiness",
        f"{group.begin_s:g} to {group.end_s:g} s: unsure",
    ]
    loop.labels[group] = ["fear"]
    with pytest.raises(DataError, match="Choose others"):
        maker.describe_passages(loop)


def test_passages_are_drawn_in_the_order_of_the_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passages are drawn each in its mode, and labels are told once."""

    class Person:
        def __init__(self, label: str) -> None:
            self.label = label

    class Reader:
        def stream(self, clip: list[int]) -> Iterator[SimpleNamespace]:
            for index in clip:
                label = "neutral" if index < 6 else "unsure"
                frame = SimpleNamespace(index=index, time_s=index / FPS)
                yield SimpleNamespace(frame=frame, faces=[Person(label), Person("fear")])

    monkeypatch.setattr(maker, "VideoSource", lambda path: nullcontext(range(30)))
    monkeypatch.setattr(
        maker,
        "Overlay",
        lambda mode: SimpleNamespace(draw=lambda result: (mode, result.frame.index)),
    )
    first, last = maker.Passage(0.1, 0.4), maker.Passage(0.6, 0.8, "boxes")
    monkeypatch.setattr(maker, "PASSAGES", (first, last))
    loop = maker.draw_passages(Reader())  # type: ignore[arg-type]
    assert loop.pictures == [("full", 3), ("full", 6), ("full", 9), ("boxes", 15), ("boxes", 18)]
    assert loop.labels == {first: ["neutral", "fear", "unsure"], last: ["unsure", "fear"]}


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
