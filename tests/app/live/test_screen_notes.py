"""Notes lie on the screen's own copy, and can be read on any picture."""

import numpy as np
import pytest

from app.live.keys import KEYS
from app.live.screen_notes import MIN_NOTED_WIDTH_PX, Notes, draw_notes
from app.types import Image


def grey(width: int = 640, height: int = 480) -> Image:
    return np.full((height, width, 3), 128, np.uint8)


def test_nothing_to_say_costs_no_copy() -> None:
    canvas = grey()
    assert draw_notes(canvas, Notes()) is canvas


@pytest.mark.parametrize(
    ("notes", "place"),
    [
        (Notes(show_help=True), (slice(200, 280), slice(240, 400))),
        (Notes(notice="No picture for 3 s."), (slice(230, 250), slice(260, 380))),
        (Notes(message="Saved a.png."), (slice(440, 460), slice(280, 360))),
        (Notes(recording_s=65.0), (slice(2, 18), slice(590, 638))),
    ],
)
def test_notes_stand_in_their_places(notes: Notes, place: tuple[slice, slice]) -> None:
    canvas = grey()
    screen = draw_notes(canvas, notes)
    assert (screen != 128).any(axis=2)[place].mean() > 0.9
    assert (canvas == 128).all()


@pytest.mark.parametrize("size_wh", [(160, 120), (320, 240), (1280, 720), (3840, 2160), (90, 160)])
def test_help_fits_and_has_a_line_for_each_key(
    size_wh: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, tuple[int, int], int]] = []
    monkeypatch.setattr(
        "app.live.screen_notes.put_text",
        lambda _, text, xy, size, **__: drawn.append((text, xy, size)),
    )
    screen = draw_notes(grey(*size_wh), Notes(show_help=True))
    assert screen.shape[1] >= MIN_NOTED_WIDTH_PX
    assert {text for text, _, _ in drawn} == {text for line in KEYS for text in line}
    for _, (x, y), size in drawn:
        assert size >= 9
        assert 0 <= x < screen.shape[1]
        assert size <= y <= screen.shape[0]


def test_long_message_is_cut_and_stays_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, tuple[int, int]]] = []
    monkeypatch.setattr(
        "app.live.screen_notes.put_text", lambda _, text, xy, *__, **___: drawn.append((text, xy))
    )
    draw_notes(grey(), Notes(message="word " * 100))
    ((text, xy),) = drawn
    assert text.endswith("…")
    assert xy[0] >= 0


def test_progress_fills_a_bar() -> None:
    def filled(progress: float) -> int:
        screen = draw_notes(grey(), Notes(message="Look neutral for 3 s", progress=progress))
        return int((screen == (66, 228, 240)).all(axis=2).any(axis=0).sum())

    assert filled(0.5) == pytest.approx(filled(1.0) / 2, abs=2)
    assert filled(1.0) > 100
