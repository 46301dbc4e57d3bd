"""One stream's pictures are drawn alike whenever they are drawn, and steady where they move."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from app.overlay.drawing import draw_result
from app.overlay.history import History
from app.overlay.stream_overlay import Overlay
from app.types import Face, Frame, FrameResult, Image, TrackedFace

LABELS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")


def result(number: int, count: int = 2, size_wh: tuple[int, int] = (640, 360)) -> FrameResult:
    """A frame of 25 a second with faces that drift and readings that change."""
    width, height = size_wh
    faces = []
    for place in range(count):
        side = 0.25 * height
        x = (place + 0.3) * width / count + number
        y = 0.3 * height + 5 * np.sin(number / 9 + place)
        shares = np.abs(np.sin(np.arange(8) + number / 40 + place)).astype(np.float32)
        shares /= shares.sum()
        found = Face((x, y, x + side, y + side), np.zeros((6, 2), np.float32), 0.9)
        label = LABELS[int(shares.argmax())]
        faces.append(TrackedFace(found, place + 1, label, shares, shares))
    image = np.full((height, width, 3), 90, np.uint8)
    return FrameResult(Frame(image, number, number / 25, "made"), tuple(faces), LABELS)


def run(frames: int = 12) -> list[Image]:
    overlay = Overlay()
    return [overlay.draw(result(number)) for number in range(frames)]


def test_two_runs_give_the_same_pictures_also_in_threads() -> None:
    expected = run()
    with ThreadPoolExecutor(4) as pool:
        for canvases in pool.map(run, [12] * 4):
            assert all((a == b).all() for a, b in zip(canvases, expected, strict=True))


def test_still_is_drawn_the_same_whenever_it_is_drawn() -> None:
    still = result(5)
    assert (draw_result(still) == draw_result(still)).all()
    overlay = Overlay("boxes")
    overlay.draw(result(0))
    assert (overlay.draw(still) == overlay.draw(still)).all()


def test_first_canvas_is_that_of_a_still_with_the_history() -> None:
    first = result(0, 1)
    assert (Overlay("boxes").draw(first) == draw_result(first, "boxes")).all()
    history = History()
    history.add(first.faces, LABELS, 0.0)
    assert (Overlay().draw(first) == draw_result(first, history=history)).all()
    assert (Overlay().draw(first) != draw_result(first)).any()


def test_mirror_shows_faces_on_the_other_side() -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    image[:, :320] = 200
    shown = replace(result(0, 0), frame=Frame(image, 0, 0.0, "halves"))
    assert (Overlay(mirror=True).draw(shown) == image[:, ::-1]).all()


def test_unknown_mode_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="one of off, boxes, full, got 'all'"):
        Overlay("all")  # type: ignore[arg-type]
