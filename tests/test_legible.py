"""Texts stay whole and within the picture, whatever its size."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app import lettering
from app.history import History
from app.lettering import LEAST_PX, fitted, text_width
from app.notes import Notes, with_notes
from app.rendering import HUD_MODES, Hud, HudMode, draw
from app.types import Face, Frame, FrameResult, Image, TrackedFace

LABELS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
LONG = ("taken by surprise in the middle of a thought", "overwhelmed by a sudden feeling of joy")
EVERYTHING = Hud(29.7, 112.4, "CUDA", mirrored=True, blurred=True, corrected=12)
SIZES_WH = ((160, 120), (120, 160), (320, 240), (1280, 720), (3840, 2160))


def crowd(size_wh: tuple[int, int], labels: tuple[str, ...], count: int) -> FrameResult:
    """Faces along the picture's borders and in its middle."""
    width, height = size_wh
    side = 0.4 * min(size_wh)
    faces = []
    for number, (x, y) in enumerate([(0.3, 0.3), (0.0, 0.0), (1.0, 1.0), (1.0, 0.0)][:count]):
        left, top = x * (width - side), y * (height - side)
        shares = np.full(len(labels), 0.1 / (len(labels) - 1), np.float32)
        shares[1] = 0.9
        found = Face((left, top, left + side, top + side), np.zeros((6, 2), np.float32), 0.9)
        told = TrackedFace(found, 100 + number, labels[1], shares, shares)
        faces.append(told if number % 2 == 0 else replace(told, label="unsure", reason="blurred"))
    image = np.full((height, width, 3), 128, np.uint8)
    return FrameResult(Frame(image, 0, 0.0, "grey"), tuple(faces), labels)


Written = list[tuple[str, bool]]  # texts, and whether they lie within the picture


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    seen: Written = []

    def watched(work: Callable[..., None]) -> Callable[..., None]:
        def write(canvas: Image, text: str, xy: tuple[int, int], size: int, **how: Any) -> None:
            right = xy[0] + text_width(text.rstrip(), size, how.get("weight", 600))
            height, width = canvas.shape[:2]
            inside = xy[0] >= 0 and right <= width and 0.7 * size <= xy[1] <= height - 0.2 * size
            seen.append((text, inside and size >= LEAST_PX))
            work(canvas, text, xy, size, **how)

        return write

    for module in ("app.rendering", "app.notes"):
        for name in ("put_text", "stamp_text"):
            work = watched(getattr(lettering, name))
            monkeypatch.setattr(f"{module}.{name}", work, raising=False)
    return seen


@pytest.mark.parametrize("size_wh", SIZES_WH)
@pytest.mark.parametrize("labels", [LABELS, LONG])
@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("mode", HUD_MODES)
def test_what_is_drawn_is_written_within_the_picture(
    size_wh: tuple[int, int], labels: tuple[str, ...], count: int, mode: HudMode, written: Written
) -> None:
    shown = crowd(size_wh, labels, count)
    history = History()
    history.add(shown.faces, labels, 0.0)
    draw(shown, hud=replace(EVERYTHING, mode=mode), mirror=True, history=history)
    assert [text for text, inside in written if not inside] == []
    assert bool(written) == (mode != "off")


@pytest.mark.parametrize("size_wh", SIZES_WH)
@pytest.mark.parametrize(
    "notes",
    [
        Notes(show_help=True, recording_s=3725),
        Notes(message="Bright is what speaks for the label. It is no proof: docs/live_view.md"),
        Notes(notice="No picture for 12 s. Trying again.", message="Look neutral", progress=0.5),
    ],
)
def test_notes_are_written_within_the_screen(
    size_wh: tuple[int, int], notes: Notes, written: Written
) -> None:
    with_notes(np.zeros((size_wh[1], size_wh[0], 3), np.uint8), notes)
    assert written
    assert [text for text, inside in written if not inside] == []


@pytest.mark.parametrize(
    ("room_px", "whole", "size"), [(1000, True, 20), (60, True, 11), (20, False, 9)]
)
def test_text_shrinks_before_it_is_cut(room_px: int, whole: bool, size: int) -> None:
    text, given = fitted("happiness", 20, 700, lambda size: room_px)
    assert (text == "happiness") == whole
    assert given == size
    assert text_width(text, given, 700) <= room_px
    assert whole or text.endswith("…")


@pytest.mark.parametrize("grey", [0, 90, 255])
@pytest.mark.parametrize("colour", [lettering.WHITE, lettering.SOFT_WHITE, (66, 228, 240)])
@pytest.mark.parametrize("xy", [(10, 40), (-15, 40), (170, 55)])
def test_stamped_text_is_the_same_text(
    grey: int, colour: lettering.Colour, xy: tuple[int, int]
) -> None:
    put, stamped = (np.full((60, 200, 3), grey, np.uint8) for _ in range(2))
    lettering.put_text(put, "surprise 7 %", xy, 20, colour=colour)
    lettering.stamp_text(stamped, "surprise 7 %", xy, 20, colour=colour)
    assert np.abs(put.astype(int) - stamped).max() <= 2
