"""The overlay is drawn on a copy, is legible on any ground, and stays in the picture."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.overlay.drawing import draw_result, plan_drawing
from app.overlay.history import History
from app.overlay.palette import COLOURS, OTHERS, choose_colour
from app.overlay.panels import TRACK_LIGHT
from app.overlay.scene import HUD_MODES, HudMode
from app.overlay.stamps import Stamp
from app.overlay.text import Colour, choose_text_px, measure_text
from app.types import Face, FaceMap, Frame, FrameResult, Image, Reason, TrackedFace

LABELS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")


def face(
    box_xyxy: tuple[float, float, float, float],
    top: int = 1,
    labels: tuple[str, ...] = LABELS,
    face_id: int = 1,
) -> TrackedFace:
    shares = np.full(len(labels), 0.1 / (len(labels) - 1), np.float32)
    shares[top] = 0.9
    found = Face(box_xyxy, np.zeros((6, 2), np.float32), 0.9)
    return TrackedFace(found, face_id, labels[top], shares, shares)


def result(
    *faces: TrackedFace,
    size_wh: tuple[int, int] = (640, 480),
    grey: int = 128,
    labels: tuple[str, ...] = LABELS,
) -> FrameResult:
    image = np.full((size_wh[1], size_wh[0], 3), grey, np.uint8)
    return FrameResult(Frame(image, 0, 0.0, "grey"), faces, labels)


def changed(canvas: Image, shown: FrameResult) -> np.ndarray:
    return (canvas != shown.frame.image).any(axis=2)


def has(canvas: Image, colour: Colour) -> np.ndarray:
    return (np.abs(canvas.astype(int) - colour) <= 2).all(axis=2)


def test_canvas_is_new_and_the_frame_untouched() -> None:
    shown = result(face((100, 100, 200, 200)))
    before = shown.frame.image.copy()
    canvas = draw_result(shown)
    assert canvas.shape == before.shape
    assert canvas.dtype == np.uint8
    assert not np.shares_memory(canvas, shown.frame.image)
    np.testing.assert_array_equal(shown.frame.image, before)


@pytest.mark.parametrize("mode", HUD_MODES)
def test_without_faces_nothing_is_drawn(mode: HudMode) -> None:
    shown = result()
    assert not changed(draw_result(shown, mode), shown).any()


def test_unknown_mode_and_empty_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="one of off, boxes, full, got 'bad'"):
        draw_result(result(), "bad")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"must have pixels, got shape \(0, 640, 3\)"):
        draw_result(result(size_wh=(640, 0)))


@pytest.mark.parametrize(("mirror", "left", "right"), [(False, 100, 200), (True, 440, 540)])
def test_box_is_drawn_where_the_face_is_seen(mirror: bool, left: int, right: int) -> None:
    canvas = draw_result(result(face((100, 150, 200, 260))), mirror=mirror)
    yellow = has(canvas, COLOURS["happiness"])
    for x in (left, right):
        assert yellow[160:250, x - 1 : x + 2].any(axis=1).all()
    for y in (150, 260):
        assert yellow[y - 1 : y + 2, left + 5 : right - 5].any(axis=0).all()
    assert not yellow[160:250, left + 10 : right - 10].any()


def test_doubt_has_no_expressions_colour_and_no_figure() -> None:
    labels = ("neutral", "unsure")  # a class of that name is a class as any other
    told = face((100, 150, 200, 260), 1, labels)
    doubt = replace(told, reason="not confident")
    canvases = [draw_result(result(f, labels=labels)) for f in (told, doubt)]
    edges = [has(canvas, choose_colour("unsure", labels))[160:250, 99:102] for canvas in canvases]
    assert [edge.any() for edge in edges] == [True, False]
    widths = [changed(canvas, result())[140, 95:320].sum() for canvas in canvases]
    assert widths[1] < widths[0] - 20


def test_mirrored_picture_is_turned_and_its_text_is_not() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[:, :320] = 200
    shown = FrameResult(Frame(image, 0, 0.0, "halves"), (), LABELS)
    plain, mirrored = draw_result(shown), draw_result(shown, mirror=True)
    np.testing.assert_array_equal(mirrored, plain[:, ::-1])


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("size_wh", [(320, 240), (640, 480), (1280, 720), (3840, 2160)])
def test_label_is_light_on_dark_on_any_ground(size_wh: tuple[int, int], grey: int) -> None:
    k = size_wh[1] / 480
    box = (100 * k, 150 * k, 200 * k, 260 * k)
    canvas = draw_result(result(face(box), size_wh=size_wh, grey=grey))
    size = choose_text_px(*size_wh)
    chip = canvas[int(box[1]) - round(1.5 * size) : int(box[1]) - round(0.3 * size)]
    chip = chip[:, int(box[0]) + size : int(box[0]) + 4 * size].max(axis=2)
    assert 0.08 < (chip > 225).mean() < 0.6  # letters
    assert (chip < 90).mean() > 0.3  # their ground


@pytest.mark.parametrize(
    ("size_wh", "px"), [((320, 240), 12), ((640, 480), 14), ((1280, 720), 22), ((3840, 2160), 65)]
)
def test_text_grows_with_the_picture(size_wh: tuple[int, int], px: int) -> None:
    assert choose_text_px(*size_wh) == px


def test_bars_are_as_long_as_the_probabilities() -> None:
    shares = np.array([0.5, 0.25, 0.25, 0, 0, 0, 0, 0], np.float32)
    found = Face((100, 100, 300, 320), np.zeros((6, 2), np.float32), 0.9)
    shown = result(TrackedFace(found, 1, "neutral", shares, shares))
    canvas = draw_result(shown)[:, 310:]
    lengths = [has(canvas, COLOURS[label]).sum(axis=1).max() for label in LABELS]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=3)
    assert lengths[1] == lengths[2] > 8
    assert max(lengths[3:]) <= 3


def test_bars_move_to_where_there_is_room() -> None:
    shown = result(face((520, 100, 630, 220)))
    canvas = draw_result(shown)
    yellow = has(canvas, COLOURS["happiness"])
    assert yellow[110:300, 300:510].any()


def test_bars_do_not_cover_another_face() -> None:
    other = (210.0, 100.0, 310.0, 220.0)
    shown = result(face((100, 100, 200, 220)), face(other, top=3, face_id=2))
    canvas = draw_result(shown)
    inside = changed(canvas, shown)[110:210, 220:300]
    assert inside.mean() < 0.02


@given(
    box=st.tuples(*[st.floats(-5000, 5000) for _ in range(2)], *[st.floats(1, 3000)] * 2),
    size_wh=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    mirror=st.booleans(),
    mode=st.sampled_from(HUD_MODES),
)
def test_any_box_in_any_picture_can_be_drawn(
    box: tuple[float, float, float, float],
    size_wh: tuple[int, int],
    mirror: bool,
    mode: HudMode,
) -> None:
    x, y, width, height = box
    shown = result(
        face((x, y, x + width, y + height)), face((5, 5, 60, 70), face_id=2), size_wh=size_wh
    )
    history = History()
    history.add(shown.faces, LABELS, 0.0)
    canvas = draw_result(shown, mode, mirror=mirror, history=history)
    assert canvas.shape == (size_wh[1], size_wh[0], 3)


def test_faces_are_numbered_only_where_there_are_several() -> None:
    one, two = face((100, 100, 200, 200)), face((400, 300, 480, 380), face_id=2)

    def chip_width(*faces: TrackedFace) -> int:
        shown = result(*faces, grey=255)
        row = changed(draw_result(shown), shown)[90]  # through the label of the first face
        return int(row[95:320].sum())

    assert chip_width(one, two) > chip_width(one) + 8


def test_any_label_has_a_colour_and_can_be_written() -> None:
    labels = ("Glück", "怒り", "no", "maybe")
    canvas = draw_result(result(face((100, 100, 200, 220), 1, labels), labels=labels))
    assert has(canvas, choose_colour("怒り", labels)).any()
    assert len({choose_colour(label, labels) for label in labels}) == 4
    assert choose_colour("Happy", labels) == COLOURS["happiness"]


@pytest.mark.parametrize(
    "label",
    ["tab\there", "lone \ud800", "\u0628\u0629", 3000 * "x", "怒" * 70, "a\u0301\u0302\u0303"],
)
def test_names_of_other_origin_are_drawn_as_far_as_there_are_letters(label: str) -> None:
    labels = ("neutral", label)
    told = [face((50 + 300 * k, 150, 150 + 300 * k, 260), 1, labels, k) for k in range(2)]
    shown = result(*told, labels=labels)
    canvas = draw_result(shown)
    assert changed(canvas, shown)[100:150].any()


def panel_of(monkeypatch: pytest.MonkeyPatch, shown: FrameResult) -> list[tuple[str, int, int]]:
    """Texts of panels with where each begins and ends, px."""
    texts: list[tuple[str, int, int]] = []

    def note(_: Image | Stamp, text: str, xy: tuple[int, int], size: int, **how: int) -> None:
        texts.append((text, xy[0], xy[0] + measure_text(text, size, how["weight"])))

    monkeypatch.setattr("app.overlay.panels.put_text", note)
    monkeypatch.setattr(Stamp, "put_text", note)
    draw_result(shown)
    return texts


def test_figures_of_a_panel_end_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = panel_of(monkeypatch, result(face((100, 100, 200, 220))))
    ends = {right for text, _, right in texts if text.endswith("%")}
    starts = {left for text, left, _ in texts if text in LABELS}
    assert len(texts) == 2 * len(LABELS)
    assert len(ends) == len(starts) == 1


def test_bars_lie_on_tracks_as_long_as_100_percent() -> None:
    shown = result(face((100, 100, 200, 220)), grey=0)
    light = draw_result(shown)[100:300, 205:420].max(axis=2)
    track = (light == TRACK_LIGHT).sum(axis=1).max()
    yellow = has(draw_result(shown)[100:300, 215:420], COLOURS["happiness"]).sum(axis=1).max()
    assert yellow == pytest.approx(0.9 * track, abs=4)


def test_panel_begins_with_the_number_of_its_face(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = face((60, 100, 160, 220), face_id=7), face((400, 100, 500, 220), face_id=12)
    texts = [text for text, *_ in panel_of(monkeypatch, result(one, two))]
    assert [text for text in texts if text.startswith("#")] == ["#7", "#12"]
    assert texts.index("#12") == texts.index("#7") + 2 * len(LABELS) + 1


def test_face_that_fills_the_picture_keeps_a_panel() -> None:
    shown = result(face((0, 0, 640, 480)))
    full, boxes = draw_result(shown), draw_result(shown, "boxes")
    assert (full != boxes).any(axis=2).mean() > 0.01
    middle = slice(150, 330), slice(160, 480)
    assert not changed(full, shown)[middle].any()


def test_modes_draw_less_and_less() -> None:
    shown = result(face((100, 100, 200, 220)))
    full, boxes, off = (
        changed(draw_result(shown, mode), shown) for mode in ("full", "boxes", "off")
    )
    assert full[120:200, 220:].any()
    assert not boxes[120:200, 260:].any()
    assert boxes[80:95, 100:180].any()
    assert not off.any()


def test_history_is_a_strip_of_labels_with_now_at_its_right() -> None:
    history = History()
    for step in range(101):
        told = face((100, 100, 200, 220), top=1 if step < 50 else 3)
        history.add([told], LABELS, step / 10)
    shown = result(told)
    with_strip, without = (draw_result(shown, history=one) for one in (history, None))
    strip = with_strip[100:400, 215:420].copy()
    strip[(with_strip == without)[100:400, 215:420].all(axis=2)] = 0
    yellow, blue = (np.nonzero(has(strip, COLOURS[label]))[1] for label in ("happiness", "sadness"))
    assert len(yellow) == pytest.approx(len(blue), rel=0.1)
    assert yellow.max() < blue.min()


def test_what_is_shown_is_the_blurred_picture_where_there_is_one() -> None:
    shown = result(grey=128)
    black = replace(shown, blurred=np.zeros((480, 640, 3), np.uint8))
    assert not draw_result(black, "off").any()
    assert not draw_result(black, "off", mirror=True).any()


# Machado, Oliveira & Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", IEEE TVCG 2009: linear RGB as seen without one kind of cone.
SEEN = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


@pytest.mark.parametrize("kind", SEEN)
def test_colours_stay_apart_for_colour_blind_eyes(kind: str) -> None:
    def seen(colour: Colour) -> np.ndarray:
        linear = (np.array(colour[::-1]) / 255) ** 2.2
        return np.clip(np.array(SEEN[kind]) @ linear, 0, 1) ** (1 / 2.2)

    for a, b in combinations(OTHERS, 2):
        assert np.linalg.norm(seen(a) - seen(b)) > 0.12, (a, b)


@pytest.mark.parametrize(
    ("label", "reason", "said"),
    [
        ("neutral", None, ["neutral", "30 %"]),  # overtaken a moment ago
        ("unsure", "not confident", ["unsure"]),
        ("unsure", "turned away", ["unsure: turned away"]),
    ],
)
def test_label_is_said_with_its_own_share_or_the_reason(
    label: str, reason: Reason | None, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = np.array([0.3, 0.7], np.float32)
    shown = TrackedFace(
        Face((200, 200, 300, 300), np.zeros((6, 2), np.float32), 0.9),
        1,
        label,
        shares,
        shares,
        reason,
    )
    texts: list[str] = []
    monkeypatch.setattr(
        "app.overlay.labels.put_text", lambda canvas, text, *_, **__: texts.append(text)
    )
    draw_result(result(shown, labels=("neutral", "happiness")))
    assert texts == said


@settings(max_examples=60, deadline=None)
@given(
    boxes=st.lists(
        st.tuples(
            st.integers(-40, 420), st.integers(-40, 300), st.integers(8, 300), st.integers(8, 300)
        ),
        max_size=5,
    ),
    label=st.sampled_from(["happiness", "Ẩgj", "ѼĢ", "ứng dụng dài", "한국어"]),
    size_wh=st.sampled_from([(96, 80), (400, 300), (640, 480)]),
)
def test_nothing_is_drawn_outside_of_what_is_told(
    boxes: list[tuple[int, int, int, int]], label: str, size_wh: tuple[int, int]
) -> None:
    labels = (label, *LABELS[2:])
    faces = [
        face((x, y, x + wide, y + high), top=0, labels=labels, face_id=number)
        for number, (x, y, wide, high) in enumerate(boxes)
    ]
    shown = result(*faces, size_wh=size_wh, labels=labels)
    history = History()
    history.add(faces, labels, 0.0)
    drawing = plan_drawing(shown, history=history)
    left = changed(drawing.make_canvas(), shown)
    assert drawing.touched is not None
    for rect in drawing.touched:
        left[max(0, rect.y) : max(0, rect.bottom), max(0, rect.x) : max(0, rect.right)] = False
    assert not left.any()


def test_mirrored_pictures_and_maps_touch_everything() -> None:
    one = face((100, 100, 200, 200))
    shown = FaceMap(np.ones((2, 2), np.float32), np.array([[0.01, 0, -1], [0, 0.01, -1]]))
    assert plan_drawing(result(one), mirror=True).touched is None
    assert plan_drawing(result(replace(one, map=shown))).touched is None
    assert plan_drawing(result(one), "off").touched == []
