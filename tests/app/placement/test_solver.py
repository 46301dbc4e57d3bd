"""Labels and panels cover no face and not one another, however faces lie."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.placement.board import MAX_FEW_FACES
from app.placement.rects import Rect, count_shared_px, stack_corners
from app.placement.solver import MAX_PANELS, place_all
from app.placement.values import DETACHED
from tests.support.placement_scenes import HD, clashes, scene

boxes = st.builds(
    Rect, st.integers(-200, 1300), st.integers(-200, 750), st.integers(1, 700), st.integers(1, 700)
)


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(boxes, min_size=MAX_FEW_FACES + 1, max_size=12))
def test_many_faces_any_way_are_placed_without_a_clash(faces: list[Rect]) -> None:
    made = scene(*faces, blocked=(Rect(0, 0, 150, 30),))
    plan = place_all(made)
    assert clashes(made, plan) == []
    assert place_all(made) == plan
    others = stack_corners(one.box for one in made.faces)
    for number, one in enumerate(made.faces):
        for spot in plan[one.key]:
            if spot is not None:
                over = count_shared_px(stack_corners([spot.rect]), others)[0]
                over[number] = 0
                assert not over.any()


@given(st.lists(boxes, min_size=1, max_size=MAX_FEW_FACES))
def test_few_faces_always_have_labels_that_cover_at_most_their_own_face(faces: list[Rect]) -> None:
    made = scene(*faces)
    plan = place_all(made)
    own = [f"label of {one.key} covers eyes or mouth" for one in made.faces]
    assert [what for what in clashes(made, plan) if what not in own] == []
    if len(faces) == 1:
        assert plan[0, 0].label is not None


def test_label_is_above_and_panel_beside_where_there_is_room() -> None:
    box = Rect(300, 200, 150, 150)
    label, panel = place_all(scene(box))[0, 0]
    assert label is not None
    assert panel is not None
    assert (label.form, label.rect) == (0, Rect(300, 170, 150, 26))
    assert (panel.form, panel.rect) == (0, Rect(454, 200, 200, 220))


@pytest.mark.parametrize(
    ("box", "covered"),
    [(Rect(0, 0, 1280, 720), False), (Rect(-100, -40, 1480, 800), False)],
)
def test_face_that_fills_the_picture_keeps_label_and_a_small_panel(
    box: Rect, covered: bool
) -> None:
    made = scene(box)
    plan = place_all(made)
    assert plan[0, 0].label is not None
    assert plan[0, 0].panel is not None
    assert plan[0, 0].panel.form >= 3
    assert bool(clashes(made, plan)) == covered


def test_picture_that_is_all_eyes_and_mouth_still_has_a_label() -> None:
    made = scene(Rect(-1000, -1000, 3280, 2720))
    plan = place_all(made)
    assert plan[0, 0].label is not None
    assert plan[0, 0].panel is None
    assert plan[0, 0].label.rect.y in (0, 720 - plan[0, 0].label.rect.height)


def test_five_people_side_by_side_all_have_full_panels_of_one_form() -> None:
    faces = [Rect(60 + 245 * number, 150 + 90 * (number % 2), 90, 90) for number in range(5)]
    made = scene(*faces)
    plan = place_all(made)
    assert clashes(made, plan) == []
    forms = {None if placed.panel is None else placed.panel.form for placed in plan.values()}
    assert len(forms) == 1
    assert forms <= {0, 1, 2}


@pytest.mark.parametrize(("count", "columns", "named"), [(20, 5, 20), (60, 10, 60)])
def test_rows_of_faces_all_have_labels_with_names(count: int, columns: int, named: int) -> None:
    rows = -(-count // columns)
    wide, high = HD[0] // columns, HD[1] // rows
    side = round(0.6 * min(wide, high))
    faces = [
        Rect(number % columns * wide + 20, number // columns * high + 30, side, side)
        for number in range(count)
    ]
    made = scene(*faces)
    plan = place_all(made)
    assert clashes(made, plan) == []
    assert sum(one.label is not None and one.label.form < 3 for one in plan.values()) == named
    assert all(one.panel is None for one in plan.values()) == (count > MAX_PANELS)


def test_panel_without_room_beside_its_face_stands_away_from_it() -> None:
    middle = Rect(600, 300, 80, 80)
    around = [
        Rect(x, y, 120, 120)
        for x, y in [(470, 300), (690, 300), (600, 170), (600, 400), (480, 170), (720, 170)]
    ]
    made = scene(middle, *around, Rect(480, 430, 100, 100), Rect(730, 430, 100, 100))
    plan = place_all(made)
    assert clashes(made, plan) == []
    panel = plan[0, 0].panel
    assert panel is None or panel.slot == DETACHED or panel.form >= 3


def test_nobody_needs_no_room() -> None:
    assert place_all(scene()) == {}
