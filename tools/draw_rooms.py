"""Draws the rooms of the code and the imports between them: docs/rooms.svg.

python -m tools.draw_rooms

Rooms, purposes and arrows are read from the code. A room stands above every room that it imports.
An arrow that follows from others (a room imports one that imports the third) is left out, so that
the drawing stays readable; `tools.rooms.list_arrows` lists them all.
"""

import argparse
import ast
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

from app.files.atomic import write_text
from app.wording import format_count
from tools.rooms import (
    APP_FLOORS,
    ROOT,
    TRAINING_FLOORS,
    find_room,
    list_arrows,
    list_modules,
)

TARGET = ROOT / "docs" / "rooms.svg"
BOX_WIDTH_PX = 192
BOX_HEIGHT_PX = 86
GAP_PX = 16  # between boxes of a floor
FLOOR_GAP_PX = 48  # between floors: arrows run here
LANE_WIDTH_PX = 14  # of a floor, for an arrow that passes between its boxes
MARGIN_PX = 20
TITLE_HEIGHT_PX = 34
PURPOSE_COLUMNS = 30  # characters of a line of a box
PURPOSE_LINES = 4
SWEEPS = 8  # in which each floor is ordered by its neighbours; later ones change nothing

GROUND = {
    "app": "Values, errors, the model's contract, alignment and crops.",
    "app.pipeline": "The stages of one frame in order, and what builds them for a mode.",
    "app.recogniser": "The library's front door.",
    "app.commands": "python -m app.agreement, app.cluster, app.episodes and app.report.",
    "training": "The commands: parser() and main() of each.",
}
STYLE = """
text { font-family: system-ui, sans-serif; fill: #1c1c1c }
.title { font-size: 18px; font-weight: 600 }
.name { font-size: 13px; font-weight: 600 }
.count, .purpose { font-size: 10.5px; fill: #555 }
rect { fill: #f4f6f8; stroke: #8a97a3 }
path { fill: none; stroke: #8a97a3; stroke-width: 1.1 }
marker path { fill: #8a97a3; stroke: none }
.ground { fill: #ffffff; stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e8e8e8 } .count, .purpose { fill: #b0b6bc }
  rect { fill: #20262c; stroke: #6d7983 } .ground { fill: #14181c }
  path { stroke: #6d7983 } marker path { fill: #6d7983 }
}
"""


@dataclass(frozen=True, slots=True)
class Box:
    """The place of a room, or of a lane for an arrow: `(x_px, y_px)` is its top left."""

    x_px: float
    y_px: float
    width_px: float

    @property
    def middle_px(self) -> float:
        """The x coordinate of its middle."""
        return self.x_px + self.width_px / 2


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from a room to a lower one. `lanes` are names that stand for its place on each floor
    between the two, from above."""

    room: str
    other: str
    lanes: tuple[str, ...]


def reduce_arrows(arrows: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Leaves out every arrow that follows from others. The arrows must have no circle.

    >>> sorted(reduce_arrows([("a", "b"), ("b", "c"), ("a", "c")]))
    [('a', 'b'), ('b', 'c')]
    """
    below: dict[str, set[str]] = {}
    for room, other in arrows:
        below.setdefault(room, set()).add(other)

    def reach(room: str) -> set[str]:
        return set().union(*({other} | reach(other) for other in below.get(room, ())))

    return {
        (room, other)
        for room, others in below.items()
        for other in others
        if not any(other in reach(between) for between in others - {other})
    }


def lay_lanes(
    floors: Sequence[Sequence[str]], arrows: Iterable[tuple[str, str]]
) -> tuple[list[list[str]], list[Arrow]]:
    """Gives every arrow a lane on each floor that it crosses. Returns the floors with the lanes
    among the rooms, and the arrows.

    >>> lay_lanes([["c"], ["b"], ["a"]], [("a", "c")])
    ([['c'], ['b', 'a>c 1'], ['a']], [Arrow(room='a', other='c', lanes=('a>c 1',))])
    """
    rows = [list(floor) for floor in floors]
    floor_of = {room: floor for floor, row in enumerate(rows) for room in row}
    laid = []
    for room, other in sorted(arrows):
        crossed = range(floor_of[room] - 1, floor_of[other], -1)
        lanes = tuple(f"{room}>{other} {floor}" for floor in crossed)
        for floor, lane in zip(crossed, lanes, strict=True):
            rows[floor].append(lane)
        laid.append(Arrow(room, other, lanes))
    return rows, laid


def order_floors(floors: Sequence[Sequence[str]], arrows: Iterable[Arrow]) -> list[list[str]]:
    """Orders rooms and lanes of each floor by the mean place of their neighbours, so that fewer
    arrows cross."""
    rows = [list(floor) for floor in floors]
    joined: dict[str, set[str]] = {}
    for arrow in arrows:
        for one, two in pairwise((arrow.room, *arrow.lanes, arrow.other)):
            joined.setdefault(one, set()).add(two)
            joined.setdefault(two, set()).add(one)
    for _ in range(SWEEPS):
        for row in rows:
            boxes = place_boxes(rows, 0.0, 0.0)

            def mean_place(
                name: str, boxes: Mapping[str, Box] = boxes, row: Sequence[str] = row
            ) -> tuple[float, str]:
                near = [boxes[other].middle_px for other in joined.get(name, ())]
                return (sum(near) / len(near) if near else boxes[name].middle_px, name)

            row.sort(key=mean_place)
    return rows


def read_purpose(room: str) -> str:
    """Gives the first sentence of a room's docstring."""
    if room in GROUND:
        return GROUND[room]
    path = ROOT / room.replace(".", "/") / "__init__.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def is_lane(name: str) -> bool:
    """Tells a lane from a room."""
    return ">" in name


def place_boxes(floors: Sequence[Sequence[str]], top_px: float, width_px: float) -> dict[str, Box]:
    """Gives each room and lane its place: the lowest floor at the bottom, each floor centred."""
    boxes = {}
    for row, floor in enumerate(reversed(floors)):
        widths = [LANE_WIDTH_PX if is_lane(name) else BOX_WIDTH_PX for name in floor]
        x_px = (width_px - measure_floor(floor)) / 2
        for name, width in zip(floor, widths, strict=True):
            boxes[name] = Box(x_px, top_px + row * (BOX_HEIGHT_PX + FLOOR_GAP_PX), width)
            x_px += width + GAP_PX
    return boxes


def measure_floor(floor: Sequence[str]) -> float:
    """Returns the width in px that a floor takes."""
    return sum(LANE_WIDTH_PX if is_lane(n) else BOX_WIDTH_PX for n in floor) + GAP_PX * (
        len(floor) - 1
    )


def count_modules() -> Counter[str]:
    """Counts the modules of each room, without `__init__`."""
    return Counter(
        find_room(module)
        for package in ("app", "training")
        for module, path in list_modules(package).items()
        if path.name != "__init__.py"
    )


def draw_room(name: str, box: Box, modules: int) -> str:
    """Draws one box: name, number of modules and purpose."""
    purpose = read_purpose(name).replace("`", "")
    lines = textwrap.wrap(purpose, PURPOSE_COLUMNS, max_lines=PURPOSE_LINES, placeholder=" …")
    title = {"app": "ground floor", "training": "commands"}.get(name, name.partition(".")[2])
    texts = "".join(
        f'<text class="purpose" x="{box.x_px + 9:g}" y="{box.y_px + 36 + 13 * k:g}">'
        f"{escape(line)}</text>"
        for k, line in enumerate(lines)
    )
    return (
        f'<rect x="{box.x_px:g}" y="{box.y_px:g}" width="{BOX_WIDTH_PX}" '
        f'height="{BOX_HEIGHT_PX}" rx="5"/>'
        f'<text class="name" x="{box.x_px + 9:g}" y="{box.y_px + 19:g}">{escape(title)}</text>'
        f'<text class="count" text-anchor="end" x="{box.x_px + BOX_WIDTH_PX - 9:g}" '
        f'y="{box.y_px + 19:g}">{format_count(modules, "module")}</text>{texts}'
    )


def draw_arrow(arrow: Arrow, boxes: Mapping[str, Box]) -> str:
    """Draws a curve from the bottom of a room through its lanes to the top of the lower room."""
    way = [boxes[name] for name in (arrow.room, *arrow.lanes, arrow.other)]
    steps = [f"M {way[0].middle_px:g} {way[0].y_px + BOX_HEIGHT_PX:g}"]
    for upper, lower in pairwise(way):
        x0, x1 = upper.middle_px, lower.middle_px
        y0, y1 = upper.y_px + BOX_HEIGHT_PX, lower.y_px
        if lower is way[-1]:
            y1 -= 4  # the tip
        bend = (y1 - y0) / 2
        steps.append(f"C {x0:g} {y0 + bend:g} {x1:g} {y1 - bend:g} {x1:g} {y1:g}")
        if lower is not way[-1]:
            steps.append(f"V {lower.y_px + BOX_HEIGHT_PX:g}")
    return f'<path d="{" ".join(steps)}" marker-end="url(#tip)"/>'


def draw_house() -> str:
    """Draws the rooms of `app` and, below them, those of `training`, as SVG text."""
    sides: list[tuple[str, Sequence[Sequence[str]]]] = [("app", APP_FLOORS)]
    if TRAINING_FLOORS:
        sides.append(("training", TRAINING_FLOORS))
    drawn = []
    for package, floors in sides:
        rows, arrows = lay_lanes(floors, reduce_arrows(list_arrows(package)))
        drawn.append((package, order_floors(rows, arrows), arrows))
    width_px = max(measure_floor(row) for _, rows, _ in drawn for row in rows) + 2 * MARGIN_PX
    modules = count_modules()
    parts: list[str] = []
    top_px = float(MARGIN_PX)
    for package, rows, arrows in drawn:
        boxes = place_boxes(rows, top_px + TITLE_HEIGHT_PX, width_px)
        rooms = {name: box for name, box in boxes.items() if not is_lane(name)}
        total = len(list_arrows(package))
        parts.append(
            f'<text class="title" x="{MARGIN_PX}" y="{top_px + 16:g}">{package}/: '
            f"{len(rooms)} rooms on {len(rows)} floors, {total} arrows, none upward</text>"
        )
        parts += [draw_arrow(arrow, boxes) for arrow in arrows]
        parts += [draw_room(name, box, modules[name]) for name, box in rooms.items()]
        top_px += TITLE_HEIGHT_PX + len(rows) * (BOX_HEIGHT_PX + FLOOR_GAP_PX)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width_px:g} {top_px:g}" '
        f'width="{width_px:g}" height="{top_px:g}">\n<style>{STYLE}</style>\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M 0 0 L 8 4 L 0 8 z"/></marker></defs>\n'
        f'<rect class="ground" width="{width_px:g}" height="{top_px:g}"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.draw_rooms", description="Draw the rooms of the code."
    )
    parser.add_argument("-o", "--output", type=Path, default=TARGET, help="default: docs/rooms.svg")
    write_text(parser.parse_args(argv).output, draw_house(), overwrite=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
