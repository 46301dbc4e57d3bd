"""The page finds the same places for labels and panels as the window, scene by scene."""

import json
import math
import re
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import app.overlay.head_axes
import app.overlay.labels
import app.overlay.memory
import app.overlay.panels
import app.overlay.reading_list
import app.overlay.scene
import app.overlay.text
import app.placement.board
import app.placement.free_room
import app.placement.label_places
import app.placement.memory
import app.placement.panel_places
import app.placement.solver
from app.actions.head_pose import HeadPose
from app.actions.values import make_actions
from app.events.event import make_event
from app.overlay.head_axes import locate_axes
from app.overlay.memory import OverlayMemory
from app.overlay.reading_list import place_list
from app.overlay.scene import describe_scene
from app.placement.free_room import find_free_places
from app.placement.memory import PlacementMemory
from app.placement.rects import Rect, find_shortest_line, stack_corners
from app.placement.solver import MAX_PANELS, place_all
from app.placement.values import Scene
from app.types import Face, Frame, FrameResult, TrackedFace
from tests.support.browser import needs_browser
from tests.support.faces import make_face
from tests.support.page_modules import (
    FLATTEN_PLAN,
    STATIC,
    RunBody,
    describe_scene_for_page,
    flatten_plan,
    write_scenes,
)
from tests.support.placement_scenes import HD, clashes, scene, walk

pytestmark = [needs_browser, pytest.mark.slow]
PHONE = (340, 255)  # what a picture of 4 : 3 has on a page 360 px wide


def crowd(count: int, size_wh: tuple[int, int]) -> Scene:
    """Rows of faces that fill a picture."""
    columns = math.ceil(math.sqrt(count * size_wh[0] / size_wh[1]))
    wide, high = size_wh[0] // columns, size_wh[1] // math.ceil(count / columns)
    side = round(0.6 * min(wide, high))
    faces = [
        Rect(at % columns * wide + wide // 6, at // columns * high + high // 4, side, side)
        for at in range(count)
    ]
    return scene(*faces, size_wh=size_wh)


def list_made_scenes() -> list[Scene]:
    made = [
        scene(),
        scene(Rect(300, 200, 150, 150)),
        scene(Rect(0, 0, 1280, 720)),
        scene(Rect(-100, -40, 1480, 800)),
        scene(Rect(-1000, -1000, 3280, 2720)),
        scene(*(Rect(60 + 245 * at, 150 + 90 * (at % 2), 90, 90) for at in range(5))),
        scene(Rect(40, 300, 120, 120), blocked=(Rect(0, 430, 700, 290), Rect(0, 0, 700, 150))),
        crowd(20, HD),
        crowd(60, HD),
        crowd(20, PHONE),
        crowd(60, PHONE),
        crowd(MAX_PANELS, HD),
    ]
    for seed in range(60):
        chance = np.random.default_rng(seed)
        size_wh = (HD, PHONE, (640, 480), (270, 480))[seed % 4]
        boxes = [
            Rect(
                *(int(chance.integers(-0.1 * side, 0.95 * side)) for side in size_wh),
                *(int(chance.integers(1, 0.4 * size_wh[0])) for _ in range(2)),
            )
            for _ in range(int(chance.integers(1, 9)))
        ]
        made.append(scene(*boxes, size_wh=size_wh, blocked=(Rect(0, 0, 90, 18),)))
    return made


def test_single_pictures_are_placed_as_in_the_window(run_modules: RunBody) -> None:
    scenes = list_made_scenes()
    ours = run_modules(
        f"""{write_scenes(scenes)} {FLATTEN_PLAN} const m = await load('solver.js');
        return scenes.map((one) => list(m.placeAll(one)));"""
    )
    for made, placed in zip(scenes, ours, strict=True):
        assert placed == flatten_plan(place_all(made))


def list_stream(kind: str) -> list[tuple[Scene, float]]:
    """Makes scenes of a stream with their times."""
    if kind.isdecimal():
        return list(walk(int(kind), seconds=6))
    if kind == "phone":
        return list(walk(3, seconds=6, size_wh=PHONE))
    steps = list(walk(4, seconds=6))
    if kind == "gone and back":
        return [
            (replace(made, faces=made.faces[: 2 if 1 < time_s < 2 or time_s > 4 else 4]), time_s)
            for made, time_s in steps
        ]
    if kind == "blocked":
        wall = Rect(300, 0, 500, 720)
        return [(replace(made, blocked=(wall,) * (1 < s < 3)), s) for made, s in steps]
    if kind == "backwards":
        return steps[60:] + steps[:60]
    assert kind == "slow"
    return steps[::10]


@pytest.mark.parametrize(
    "kind",
    ["1", "2", "3", "6", "14", "20", "phone", "gone and back", "blocked", "backwards", "slow"],
)
def test_streams_are_placed_as_in_the_window(run_modules: RunBody, kind: str) -> None:
    steps = list_stream(kind)
    times = json.dumps([time_s for _, time_s in steps])
    ours = run_modules(
        f"""{write_scenes([made for made, _ in steps])} {FLATTEN_PLAN}
        const m = await load('placement_memory.js'); const memory = new m.PlacementMemory();
        return {times}.map((time, at) => list(memory.place(scenes[at], time)));"""
    )
    memory = PlacementMemory()
    for at, ((made, time_s), placed) in enumerate(zip(steps, ours, strict=True)):
        assert placed == flatten_plan(memory.place(made, time_s)), at


@pytest.mark.parametrize("count", [20, 60])
@pytest.mark.parametrize("size_wh", [PHONE, HD])
def test_crowds_are_placed_without_a_clash_and_within_a_frames_time(
    run_modules: RunBody, count: int, size_wh: tuple[int, int]
) -> None:
    made = crowd(count, size_wh)
    plan = place_all(made)
    assert clashes(made, plan) == []
    took_ms = run_modules(
        f"""{write_scenes([made])} const m = await load('placement_memory.js');
        const memory = new m.PlacementMemory(); memory.place(scenes[0], 0);
        const began = performance.now();
        for (let at = 1; at <= 50; at += 1) memory.place(scenes[0], at / 25);
        return (performance.now() - began) / 50;"""
    )
    assert took_ms < 33


def test_free_room_and_lines_are_those_of_the_window(run_modules: RunBody) -> None:
    walls = [Rect(40, 40, 50, 60), Rect(-20, 100, 70, 400), Rect(200, 10, 3, 300)]
    boxes = json.dumps([rect.corners for rect in walls])
    free = run_modules(
        f"""const m = await load('free_room.js');
        return m.findFreePlaces([340, 255], {boxes}, {{width: 61, height: 47}});"""
    )
    x, y = find_free_places(PHONE, stack_corners(walls), (61, 47))
    assert free == np.column_stack([x, y]).tolist()
    pairs = [(a, b) for a in walls for b in walls]
    described = json.dumps([[a._asdict(), b._asdict()] for a, b in pairs])
    lines = run_modules(
        f"""const m = await load('rects.js');
        return {described}.map(([a, b]) => m.findShortestLine(a, b).map(({{x, y}}) => [x, y]));"""
    )
    assert lines == [[list(end) for end in find_shortest_line(a, b)] for a, b in pairs]


NAMES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
MEASURE = """const measure = (text, size, bold) =>
  Math.ceil(text.length * size * (bold ? 0.6 : 0.5));"""


def measure_alike(text: str, size: int, weight: int) -> int:
    """Measures as `MEASURE` does."""
    return math.ceil(len(text) * size * (0.6 if weight == app.overlay.text.BOLD else 0.5))


@pytest.fixture
def same_letters(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives the window the letters of `MEASURE`."""
    caches = (
        app.overlay.labels._label,
        app.overlay.panels.make_panels,
        app.overlay.text.shorten_text,
    )
    for module in (app.overlay.labels, app.overlay.panels, app.overlay.text):
        monkeypatch.setattr(module, "measure_text", measure_alike)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def make_result(
    *faces: Face, size_wh: tuple[int, int], unread: tuple[Face, ...] = ()
) -> FrameResult:
    """Makes a result whose faces are read in turn as each class, or as unsure."""
    tracked = []
    for at, face in enumerate(faces):
        shares = np.full(len(NAMES), 0.05, np.float32)
        shares[at % len(NAMES)] = 0.65
        one = TrackedFace(face, at + 1, NAMES[at % len(NAMES)], shares, shares)
        if at % 4 == 2:
            one = replace(one, label="unsure", reason=("dark", "not confident")[at % 8 == 2])
        tracked.append(one)
    picture = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    return FrameResult(Frame(picture, 0, 1.0, "made"), tuple(tracked), NAMES, unread=unread)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("with_panels", [False, True])
@pytest.mark.parametrize(
    ("count", "side", "size_wh"),
    [(0, 1, HD), (1, 170, (640, 480)), (4, 130, HD), (8, 40, PHONE), (3, 90, (120, 90))],
)
def test_faces_need_the_room_that_they_need_in_the_window(
    run_modules: RunBody,
    same_letters: None,
    count: int,
    side: int,
    size_wh: tuple[int, int],
    with_panels: bool,
    mirror: bool,
) -> None:
    faces = [make_face(7 + 1.3 * side * at, 11 + 30 * (at % 3), side) for at in range(count)]
    result = make_result(*faces, size_wh=size_wh, unread=(make_face(3, 60, 20),))
    reserved = (Rect(0, 0, 90, 18),)
    memory = OverlayMemory()
    memory.begin("full", mirror, 1.0)
    made, drawn, size = describe_scene(
        result,
        mode="full" if with_panels else "boxes",
        mirror=mirror,
        with_strips=True,
        memory=memory,
        reserved=reserved,
    )
    event = make_event(result) | {"unread_boxes": [[3, 60, 20, 20]]}
    ours = run_modules(
        f"""{MEASURE} const m = await load('scene.js');
        const {{OverlayMemory}} = await load('overlay_memory.js');
        const memory = new OverlayMemory(); memory.begin('full', 1);
        const event = {json.dumps(event)}; const size = {json.dumps(size_wh)};
        const places = new m.CanvasPlaces(event.size, size, {json.dumps(mirror)});
        const one = m.describeScene(event, {{labels: {json.dumps(NAMES)}, places, size, memory,
          hasPanels: {json.dumps(with_panels)}, reserved: [{json.dumps(reserved[0]._asdict())}],
          measure}});
        return {{...one, faces: one.faces.map(({{box, labels}}) => [box,
          labels.map(({{number, text, share, size}}) =>
            [number, text, share.replace('\\u202f', ' '), size])])}};"""
    )
    assert ours["scene"] == describe_scene_for_page(made)
    assert ours["size"] == size
    assert ours["faces"] == [
        [one.box._asdict(), [list(label[:4]) for label in one.labels]] for one in drawn
    ]


def test_a_list_of_readings_lies_where_the_windows_does(
    run_modules: RunBody, same_letters: None
) -> None:
    faces = [make_face(20 + 26 * (at % 10), 60 + 30 * (at // 10), 22) for at in range(30)]
    result = make_result(*faces, size_wh=(640, 480))
    memory = OverlayMemory()
    memory.begin("boxes", False, 1.0)
    made, drawn, _ = describe_scene(
        result, mode="boxes", mirror=False, with_strips=True, memory=memory
    )
    plan = place_all(made)
    labels = [one.labels for one in drawn]
    page_labels = json.dumps([[label._asdict() for label in forms] for forms in labels])
    for kept in (None, Rect(300, 100, 5, 5), Rect(0, 0, 5, 5)):
        listed = {number: labels[number][1] for number in range(0, 30, 2)}
        wanted = place_list(listed, made, plan, kept)
        assert wanted is not None
        ours = run_modules(
            f"""const scenes = [{json.dumps(describe_scene_for_page(made))}];
            const m = await load('reading_list.js');
            const {{placeAll}} = await load('solver.js'); const labels = {page_labels};
            const lines = new Map({json.dumps(list(listed))}.map((at) => [at, labels[at][1]]));
            const plan = placeAll(scenes[0]);
            return [m.findUnnamed(labels, scenes[0], plan), m.placeList(lines, scenes[0], plan,
              {json.dumps(kept and kept._asdict())})];"""
        )
        assert ours[0] == app.overlay.reading_list.find_unnamed(labels, made, plan)
        assert ours[1]["rect"] == wanted.rect._asdict()
        assert ours[1]["lines"] == [[at, rect._asdict()] for at, rect in wanted.lines]


def test_sizes_numbers_and_rows_are_held_as_in_the_window(run_modules: RunBody) -> None:
    steps = [
        (0.0, 20, 1), (0.5, 21, 2), (1.0, 30, 1), (1.5, 30, 1), (2.2, 30, 1), (3.0, 12, 1),
        (3.5, 20, 1), (6.0, 12, 1), (7.1, 12, 1), (8.0, 12, 3), (1.0, 14, 1),
    ]  # fmt: skip
    chance = np.random.default_rng(1)
    shares = [chance.dirichlet(np.full(5, 2.0)).astype(np.float32) for _ in steps]
    memory, wanted = OverlayMemory(), []
    for (time_s, size, count), row in zip(steps, shares, strict=True):
        memory.begin("full", False, time_s)
        numbered = memory.is_numbered(count)
        wanted.append([memory.hold_size(size), numbered, list(memory.choose_rows(1, row, 3))])
    ours = run_modules(
        f"""const m = await load('overlay_memory.js'); const memory = new m.OverlayMemory();
        const shares = {json.dumps([row.tolist() for row in shares])};
        return {json.dumps(steps)}.map(([time, size, count], at) => {{
          memory.begin('full', time); const isNumbered = memory.isNumbered(count);
          return [memory.holdSize(size), isNumbered, memory.chooseRows(1, shares[at], 3)];
        }});"""
    )
    assert ours == wanted


@pytest.mark.parametrize("mirror", [False, True])
def test_axes_of_heads_lie_where_the_windows_do(run_modules: RunBody, mirror: bool) -> None:
    poses = [HeadPose(*(float(angle) for angle in row)) for row in np.ndindex(3, 3, 3)]
    poses = [HeadPose(*(40 * (angle - 1) for angle in pose)) for pose in poses]
    result = make_result(make_face(50, 50, 100), size_wh=(300, 200))
    actions = [make_actions(pose, np.zeros(51)) for pose in poses]
    faces = [replace(result.faces[0], actions=one) for one in actions]
    events = [make_event(replace(result, faces=(one,)))["faces"][0] for one in faces]
    ours = run_modules(
        f"""const m = await load('head_axes.js'); const s = await load('scene.js');
        const places = new s.CanvasPlaces([300, 200], [300, 200], {json.dumps(mirror)});
        return {json.dumps(events)}.map((face) => {{ const {{start, ends}} = m.locateAxes(face);
          return [start, ...ends].map((one) => places.locate(one)); }});"""
    )
    for face, one, points in zip(faces, actions, ours, strict=True):
        start, ends = locate_axes(face, one, 300 if mirror else None)
        assert np.abs(np.array(points) - np.array([start, *ends])).max() <= 0.51
    assert json.loads(json.dumps(ours[13]))[3] == pytest.approx(ours[13][0])  # a nose seen head-on


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("board.js", app.placement.board),
        ("free_room.js", app.placement.free_room),
        ("label_places.js", app.placement.label_places),
        ("panel_places.js", app.placement.panel_places),
        ("placement_memory.js", app.placement.memory),
        ("solver.js", app.placement.solver),
        ("reading_list.js", app.overlay.reading_list),
        ("overlay_memory.js", app.overlay.memory),
        ("steady_order.js", app.overlay.memory),
        ("scene.js", app.overlay.scene),
        ("head_axes.js", app.overlay.head_axes),
    ],
)
def test_numbers_are_those_of_the_window(file: str, module: ModuleType) -> None:
    text = (STATIC / file).read_text(encoding="utf-8")
    found = dict(re.findall(r"^(?:export )?const ([A-Z_]+) = ([\d.]+);", text, re.MULTILINE))
    assert found
    ours = {name: float(value) for name, value in found.items()}
    assert ours == {name: float(vars(module)[name]) for name in found}
