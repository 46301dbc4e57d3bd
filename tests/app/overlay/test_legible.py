"""Texts stay whole and within the picture, whatever its size."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from app.live.screen_notes import Notes, draw_notes
from app.overlay import text as lettering
from app.overlay.drawing import draw_result
from app.overlay.history import History
from app.overlay.scene import HUD_MODES, HudMode
from app.overlay.text import MIN_CRAMPED_TEXT_PX, fit_text, measure_text
from app.types import Face, Frame, FrameResult, Image, TrackedFace

LABELS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
LONG = ("taken by surprise in the middle of a thought", "overwhelmed by a sudden feeling of joy")
FIGURES = ("30 FPS", "112 ms", "CUDA", "mirrored", "faces blurred", "neutral set (12)")
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
            right = xy[0] + measure_text(text.rstrip(), size, how.get("weight", 600))
            height, width = canvas.shape[:2]
            inside = xy[0] >= 0 and right <= width and 0.7 * size <= xy[1] <= height - 0.2 * size
            seen.append((text, inside and size >= MIN_CRAMPED_TEXT_PX))
            work(canvas, text, xy, size, **how)

        return write

    for module in ("app.overlay.labels", "app.overlay.panels", "app.live.screen_notes"):
        monkeypatch.setattr(f"{module}.put_text", watched(lettering.put_text))
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
    draw_result(shown, mode, mirror=True, history=history)
    assert [text for text, inside in written if not inside] == []
    assert bool(written) == (mode != "off")


@pytest.mark.parametrize("size_wh", SIZES_WH)
@pytest.mark.parametrize(
    "notes",
    [
        Notes(show_help=True, recording_s=3725),
        Notes(figures=FIGURES),
        Notes(message="Bright is what speaks for the label. It is no proof: docs/live_view.md"),
        Notes(notice="No picture for 12 s. Trying again.", message="Look neutral", progress=0.5),
    ],
)
def test_notes_are_written_within_the_screen(
    size_wh: tuple[int, int], notes: Notes, written: Written
) -> None:
    draw_notes(np.zeros((size_wh[1], size_wh[0], 3), np.uint8), notes)
    assert written
    assert [text for text, inside in written if not inside] == []


@pytest.mark.parametrize(
    ("room_px", "whole", "size"), [(1000, True, 20), (60, True, 11), (20, False, 9)]
)
def test_text_shrinks_before_it_is_cut(room_px: int, whole: bool, size: int) -> None:
    text, given = fit_text("happiness", 20, 700, lambda size: room_px)
    assert (text == "happiness") == whole
    assert given == size
    assert measure_text(text, given, 700) <= room_px
    assert whole or text.endswith("…")


@pytest.mark.parametrize("grey", [0, 90, 255])
@pytest.mark.parametrize("colour", [lettering.WHITE, lettering.SOFT_WHITE, (66, 228, 240)])
@pytest.mark.parametrize("xy", [(10, 40), (-15, 40), (170, 55)])
def test_letters_have_their_colour_on_any_ground(
    grey: int, colour: lettering.Colour, xy: tuple[int, int]
) -> None:
    canvas = np.full((60, 200, 3), grey, np.uint8)
    lettering.put_text(canvas, "surprise 7 %", xy, 20, colour=colour)
    by_opencv = np.full((60, 200, 3), grey, np.uint8)
    cv2.putText(by_opencv, "surprise 7 %", xy, colour, cv2.FontFace("sans"), 20, 600)
    assert np.abs(canvas.astype(int) - by_opencv).max() <= 2


def test_zero_has_no_stroke_and_the_width_of_a_digit() -> None:
    canvas = np.zeros((120, 300, 3), np.uint8)
    lettering.put_text(canvas, "808", (10, 100), 100, weight=500)
    advance = measure_text("8", 100, 500)
    zero = canvas[:, 10 + advance : 10 + 2 * advance, 0]
    middle = 10 + advance // 2  # of the letter's width, from the left of the canvas
    assert measure_text("808", 100, 500) == 3 * advance
    assert (zero[50:80, advance // 2 - 6 : advance // 2 + 6] == 0).all()
    top, bottom = np.nonzero(zero.any(axis=1))[0][[0, -1]]
    eight = np.nonzero(canvas[:, 10:middle, 0].any(axis=1))[0][[0, -1]]
    assert abs(top - eight[0]) <= 2
    assert abs(bottom - eight[1]) <= 2


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Glück 怒り Ελλάδα", "Glück 怒り Ελλάδα"),
        ("e\u0301te\u0301", "été"),
        ("tab\tand\nline", "tab?and?line"),
        ("lone \ud800", "lone ?"),
        ("\u0628\u0629", "??"),
        ("a\u200bb", "ab"),
    ],
)
def test_what_has_no_letters_is_replaced(text: str, drawn: str) -> None:
    assert lettering.replace_undrawable(text) == drawn


def test_lines_have_a_bounded_length() -> None:
    drawn = lettering.replace_undrawable(500 * "long ")
    assert len(drawn) == lettering.MAX_LETTERS
    assert drawn.endswith("…")


def test_threads_draw_the_same_letters() -> None:
    def picture(number: int) -> Image:
        canvas = np.zeros((40, 300, 3), np.uint8)
        size, weight = (12, 20, 28)[number % 3], (400, 700)[number % 2]
        lettering.put_text(canvas, f"surprise {number} %", (5, 30), size, weight=weight)
        return canvas

    def forget() -> None:
        for cached in (lettering.measure_text, lettering._mask, lettering._fine_o):
            cached.cache_clear()

    forget()
    alone = [picture(number) for number in range(60)]
    forget()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(picture, range(60)))
    assert all((one == other).all() for one, other in zip(alone, together, strict=True))
