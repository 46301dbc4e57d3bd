"""Charts stay within their drawings and can be read by any parser of XML."""

from collections.abc import Sequence
from xml.etree import ElementTree

import pytest

from app.pages.charts import (
    HEIGHT,
    WIDTH,
    ReliabilityBar,
    Series,
    TimelineSpan,
    choose_ticks,
    draw_line_chart,
    draw_reliability_chart,
    draw_timeline,
)


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1, 37, [10, 20, 30]),
        (1, 3, [1, 1.5, 2, 2.5, 3]),
        (0, 0.9, [0, 0.2, 0.4, 0.6, 0.8]),
        (5, 5, [5]),
    ],
)
def test_ticks_are_round(low: float, high: float, wanted: list[float]) -> None:
    assert choose_ticks(low, high) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "points", [(), ((1.0, 0.5),), ((1.0, 0.5), (2.0, 0.9), (3.0, 7.0))], ids=len
)
def test_lines_stay_within_the_drawing(points: Sequence[tuple[float, float]]) -> None:
    drawing = draw_line_chart(
        "a & b", [Series("one", tuple(points))], x_label="epoch", y_range=(0, 1), mark_x=1.0
    )
    root = ElementTree.fromstring(drawing.text)
    assert root.findtext("title") == "a & b"
    lines = root.findall("polyline")
    assert len(lines) == (len(points) > 1)
    assert len(root.findall("circle")) == (len(points) == 1)
    for line in lines:
        places = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
        assert len(places) == len(points)
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)


def test_reliability_has_a_bar_and_a_dot_a_filled_bin() -> None:
    bars = [ReliabilityBar(k / 4, (k + 1) / 4, 3 * (k % 2), k / 4 + 0.1, 0.5) for k in range(4)]
    root = ElementTree.fromstring(draw_reliability_chart("title", bars).text)
    assert len(root.findall("rect")) == len(root.findall("circle")) == 2
    assert [float(dot.get("r", "")) for dot in root.findall("circle")] == [9.0, 9.0]


def test_timeline_has_an_area_a_stretch_and_a_bar_a_span() -> None:
    spans = [TimelineSpan(0.0, 5.0, "a < b"), TimelineSpan(9.999, 10.0, "short")]
    stretches = [[(0.0, 1.0), (5.0, 1.0)], [], [(6.0, 0.0), (12.0, 2.0)]]
    root = ElementTree.fromstring(draw_timeline("a & b", "k1", stretches, spans, 10.0).text)
    assert root.get("aria-label") == "a & b"
    first, second = (area.get("points") for area in root.findall("polygon"))
    assert first == "0.0,82.0 0.0,4.0 500.0,4.0 500.0,82.0"
    assert second == "600.0,82.0 600.0,82.0 1000.0,4.0 1000.0,82.0"  # what is beyond is cut
    assert [bar.get("width") for bar in root.findall("rect")] == ["500.0", "2.0"]
    assert [bar.findtext("title") for bar in root.findall("rect")] == ["a < b", "short"]
