"""Labels and panels stay where they are while faces move, and never come to lie on one another."""

from collections import Counter
from dataclasses import replace

import pytest

from app.placement.memory import OPEN_S, PlacementMemory
from app.placement.rects import Rect
from app.placement.solver import place_all
from app.placement.values import NOWHERE, Plan, Scene
from tests.support.placement_scenes import PANELS, clashes, scene, walk

JUMP_PX = 40  # further than any face moves in a frame


def jumps(before: tuple[Scene, Plan], after: tuple[Scene, Plan]) -> Counter[str]:
    """Counts what has moved both on the picture and against its face."""
    found: Counter[str] = Counter()
    boxes = {one.key: one.box for one in before[0].faces}
    for one in after[0].faces:
        was, now = before[1].get(one.key, NOWHERE), after[1][one.key]
        for kind, a, b in (("label", was.label, now.label), ("panel", was.panel, now.panel)):
            if a is None or b is None:
                continue
            dx, dy = b.rect.x - a.rect.x, b.rect.y - a.rect.y
            box = boxes[one.key]
            rx, ry = dx - (one.box.x - box.x), dy - (one.box.y - box.y)
            found[kind] += min(max(abs(dx), abs(dy)), max(abs(rx), abs(ry))) > JUMP_PX
    return found


def watched(count: int, seconds: float) -> tuple[Counter[str], list[str], float, float]:
    """Returns jumps, clashes, and the shares of labels and of panels that were shown."""
    memory, before = PlacementMemory(), None
    found: Counter[str] = Counter()
    wrong: list[str] = []
    shown = [0, 0]
    frames = 0
    for made, time_s in walk(count, seconds=seconds):
        plan = memory.place(made, time_s)
        wrong += clashes(made, plan)
        if before is not None:
            found += jumps(before, (made, plan))
        before = made, plan
        frames += 1
        shown[0] += sum(one.label is not None for one in plan.values())
        shown[1] += sum(one.panel is not None for one in plan.values())
    return found, wrong, shown[0] / (count * frames), shown[1] / (count * frames)


@pytest.mark.parametrize(
    ("count", "most_labels", "most_panels", "least_panels"),
    [(1, 0, 1, 1.0), (2, 1, 3, 1.0), (3, 3, 6, 0.97), (6, 9, 24, 0.9)],
)
def test_moving_faces_have_steady_texts_without_a_clash(
    count: int, most_labels: int, most_panels: int, least_panels: float
) -> None:
    found, wrong, labels, panels = watched(count, 8)
    assert wrong == []
    assert found["label"] <= most_labels
    assert found["panel"] <= most_panels
    assert labels >= 0.97
    assert panels >= least_panels


def test_shaking_boxes_move_nothing_against_its_face() -> None:
    memory = PlacementMemory()
    base = [Rect(200, 250, 120, 120), Rect(620, 260, 110, 110), Rect(980, 240, 130, 130)]
    spots = set()
    for frame in range(100):
        dx, dy = (frame * 7) % 5 - 2, (frame * 11) % 5 - 2
        made = scene(*(box._replace(x=box.x + dx, y=box.y + dy) for box in base))
        plan = memory.place(made, frame / 25)
        spots.add(tuple(spot and spot[:2] for placed in plan.values() for spot in placed))
    assert len(spots) == 1


def test_panel_gives_way_at_once_and_returns_only_after_a_while() -> None:
    """Somebody stands in the panel's way for a second and leaves."""
    memory = PlacementMemory()
    left, passing = Rect(40, 300, 120, 120), Rect(200, 330, 110, 110)
    away = Rect(1100, 300, 110, 110)
    changed_s = []
    last = None
    for frame in range(150):
        time_s = frame / 25
        other = passing if 1.0 <= time_s < 2.0 else away
        made = scene(left, other, blocked=(Rect(0, 430, 700, 290), Rect(0, 0, 700, 150)))
        plan = memory.place(made, time_s)
        assert clashes(made, plan) == []
        panel = plan[0, 0].panel
        now = None if panel is None else (panel.form, panel.slot)
        if last is not None and now != last[0]:
            changed_s.append(time_s)
        last = (now,)
    assert changed_s[0] == 1.0
    assert all(time_s >= 2.0 + OPEN_S for time_s in changed_s[1:])
    assert last is not None
    assert last[0] is not None
    assert last[0][0] == 0  # the fullest form again


def test_same_frame_again_is_placed_the_same() -> None:
    memory = PlacementMemory()
    for made, time_s in walk(5, seconds=2):
        plan = memory.place(made, time_s)
        assert memory.place(made, time_s) == plan


def test_two_runs_place_the_same() -> None:
    one, other = PlacementMemory(), PlacementMemory()
    for made, time_s in walk(6, seconds=3):
        assert one.place(made, time_s) == other.place(made, time_s)


def test_first_frame_and_time_that_runs_backwards_are_placed_anew() -> None:
    memory = PlacementMemory()
    scenes = [made for made, _ in walk(4, seconds=2)]
    assert memory.place(scenes[0], 5.0) == place_all(scenes[0])
    memory.place(scenes[30], 6.0)
    assert memory.place(scenes[49], 1.0) == place_all(scenes[49])


def test_who_is_missed_for_a_moment_returns_to_the_same_place() -> None:
    memory = PlacementMemory()
    crowd = scene(Rect(100, 300, 120, 120), Rect(500, 300, 120, 120), Rect(900, 300, 120, 120))
    before = memory.place(crowd, 0.0)
    for frame in range(1, 10):
        memory.place(replace(crowd, faces=crowd.faces[:2]), frame / 25)
    assert memory.place(crowd, 0.4) == before


def test_other_forms_of_a_panel_are_taken_in_place() -> None:
    memory = PlacementMemory()
    one = scene(Rect(300, 200, 150, 150))
    memory.place(one, 0.0)
    wider = tuple(form._replace(width=form.width + 10) for form in PANELS)
    after = replace(one, faces=(replace(one.faces[0], panels=wider),))
    panel = memory.place(after, 0.04)[0, 0].panel
    assert panel is not None
    assert panel.rect == Rect(454, 200, 210, 220)
