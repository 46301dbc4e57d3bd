"""The drawing of the rooms: it is that of the code, and its arrows keep to their lanes."""

from tools.draw_rooms import (
    BOX_WIDTH_PX,
    LANE_WIDTH_PX,
    TARGET,
    Arrow,
    draw_house,
    lay_lanes,
    order_floors,
    place_boxes,
    reduce_arrows,
)


def test_the_committed_drawing_is_that_of_the_code() -> None:
    """`python -m tools.draw_rooms` makes it anew."""
    assert TARGET.read_text(encoding="utf-8") == draw_house()


def test_arrows_that_follow_from_others_are_left_out() -> None:
    arrows = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d")]
    assert reduce_arrows(arrows) == {("a", "b"), ("b", "c"), ("c", "d")}


def test_an_arrow_gets_a_lane_on_each_floor_between() -> None:
    rows, arrows = lay_lanes([["d"], ["c"], ["b"], ["a"]], [("a", "d"), ("b", "c")])
    assert rows == [["d"], ["c", "a>d 1"], ["b", "a>d 2"], ["a"]]
    assert arrows == [Arrow("a", "d", ("a>d 2", "a>d 1")), Arrow("b", "c", ())]


def test_rooms_stand_above_what_they_import() -> None:
    rows, arrows = lay_lanes([["x", "y"], ["p", "q"]], [("p", "y"), ("q", "x")])
    assert order_floors(rows, arrows) in ([["x", "y"], ["q", "p"]], [["y", "x"], ["p", "q"]])


def test_boxes_of_a_floor_do_not_overlap() -> None:
    boxes = place_boxes([["a", "a>b 1", "b"], ["c"]], 0.0, 500.0)
    assert [boxes[n].width_px for n in ("a", "a>b 1")] == [BOX_WIDTH_PX, LANE_WIDTH_PX]
    assert boxes["a"].x_px + BOX_WIDTH_PX < boxes["a>b 1"].x_px
    assert boxes["a>b 1"].x_px + LANE_WIDTH_PX < boxes["b"].x_px
    assert boxes["c"].y_px < boxes["a"].y_px
