"""Faces whose label is a number alone are listed with their readings where there is room."""

import numpy as np
import pytest

from app.overlay.labels import make_labels, to_label_forms
from app.overlay.memory import LISTED_FORM, OverlayMemory
from app.overlay.reading_list import ReadingList, find_unnamed, place_list
from app.overlay.scene import describe_scene
from app.overlay.stream_overlay import Overlay
from app.placement.free_room import find_free_places
from app.placement.rects import Rect, count_shared_px, stack_corners
from app.placement.solver import place_all
from app.types import Face, Frame, FrameResult, TrackedFace

LABELS = ("neutral", "happiness", "surprise")
SHARES = np.array([0.2, 0.7, 0.1], np.float32)


def class_photo(count: int, columns: int, top: int, height: int = 360) -> FrameResult:
    """Small faces in rows so close that only numbers fit between them."""
    faces = []
    for number in range(count):
        row, column = divmod(number, columns)
        x, y = 40.0 + 42 * column + 21 * (row % 2), top + 46.0 * row
        found = Face((x, y, x + 26, y + 26), np.zeros((6, 2), np.float32), 0.9)
        faces.append(TrackedFace(found, number + 1, "happiness", SHARES, SHARES))
    image = np.full((height, 640, 3), 90, np.uint8)
    return FrameResult(Frame(image, 0, 0.0, "class"), tuple(faces), LABELS)


def listed_of(shown: FrameResult) -> tuple[ReadingList | None, list[Rect]]:
    """The list, and all else that is in the picture."""
    memory = OverlayMemory()
    memory.begin("full", False, 0.0)
    scene, faces, _ = describe_scene(
        shown, mode="full", mirror=False, with_strips=False, memory=memory
    )
    plan = place_all(scene)
    others = [spot.rect for one in plan.values() for spot in one if spot is not None]
    others += [one.box for one in scene.faces]
    return memory.place_list([one.labels for one in faces], scene, plan), others


def test_crowd_with_room_above_is_listed_there() -> None:
    listed, others = listed_of(class_photo(30, 10, 200))
    assert listed is not None
    assert [number for number, _ in listed.lines] == list(range(30))
    rects = stack_corners(rect for _, rect in listed.lines)
    assert (count_shared_px(rects, rects) > 0).sum() == 30
    assert not (count_shared_px(rects, stack_corners(others)) > 0).any()
    assert (rects[:, :2] >= 0).all()
    assert (rects[:, 2:] <= (640, 360)).all()


def test_crowd_without_room_has_no_list() -> None:
    assert listed_of(class_photo(84, 14, 20, height=310))[0] is None


def test_few_faces_with_names_have_no_list() -> None:
    assert listed_of(class_photo(2, 2, 200))[0] is None


def test_list_stays_where_it_was() -> None:
    shown = class_photo(30, 10, 200)
    memory = OverlayMemory()
    memory.begin("full", False, 0.0)
    scene, faces, _ = describe_scene(
        shown, mode="full", mirror=False, with_strips=False, memory=memory
    )
    plan = place_all(scene)
    lines = {n: faces[n].labels[LISTED_FORM] for n in range(30)}
    first = place_list(lines, scene, plan, None)
    assert first is not None
    elsewhere = first.rect._replace(x=first.rect.x + 8, y=first.rect.y - 4)
    again = place_list(lines, scene, plan, elsewhere)
    assert again is not None
    assert again.rect == elsewhere


def test_only_faces_shown_by_number_alone_are_listed() -> None:
    shown = class_photo(30, 10, 200)
    memory = OverlayMemory()
    memory.begin("boxes", False, 0.0)
    scene, faces, _ = describe_scene(
        shown, mode="boxes", mirror=False, with_strips=False, memory=memory
    )
    plan = place_all(scene)
    assert find_unnamed([one.labels for one in faces], scene, plan) == list(range(30))
    named = {}
    for key, placed in plan.items():
        assert placed.label is not None
        named[key] = placed._replace(label=placed.label._replace(form=0))
    assert find_unnamed([one.labels for one in faces], scene, named) == []


def test_listed_readings_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    monkeypatch.setattr(
        "app.overlay.labels.put_text", lambda canvas, text, *_, **__: texts.append(text)
    )
    Overlay("boxes").draw(class_photo(30, 10, 200))
    assert texts.count("happiness") == 30
    assert texts.count("#17") == 2  # at its face and in the list


def test_forms_of_a_label_shrink() -> None:
    shown = class_photo(1, 1, 100)
    forms = to_label_forms(
        make_labels(shown.faces[0], LABELS, sizes=(20, 15), numbered=True, room_px=640)
    )
    assert [form.width for form in forms] == sorted((form.width for form in forms), reverse=True)
    assert [form.worth for form in forms] == sorted((form.worth for form in forms), reverse=True)


@pytest.mark.parametrize(
    ("walls", "shape_wh", "free"),
    [
        ([], (720, 720), [(0, 0)]),
        ([], (721, 720), []),
        ([Rect(0, 0, 720, 600)], (720, 120), [(0, 600)]),
        ([Rect(0, 0, 720, 601)], (720, 120), []),
        ([Rect(0, 0, 700, 720)], (20, 720), [(700, 0)]),
    ],
)
def test_free_places_touch_no_wall(
    walls: list[Rect], shape_wh: tuple[int, int], free: list[tuple[int, int]]
) -> None:
    x, y = find_free_places((720, 720), stack_corners(walls), shape_wh)
    assert list(zip(x.tolist(), y.tolist(), strict=True)) == free
