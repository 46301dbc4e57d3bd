"""Draws the rooms of the code and the imports between them: docs/rooms.svg.

python -m tools.draw_rooms

Rooms, purposes and arrows are read from the code. A room stands above every room that it imports.
An arrow that follows from others (a room imports one that imports the third) is left out, so that
the drawing stays readable; `tools.rooms.list_arrows` lists them all.
"""

import argparse
import ast
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
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
MARGIN_PX = 20
TITLE_HEIGHT_PX = 34
PURPOSE_COLUMNS = 32  # characters of a line of a box
PURPOSE_LINES = 4
SWEEPS = 8  # in which each floor is ordered by its neighbours; later ones change nothing

GROUND = {
    "app": "Values, errors, the model's contract, alignment and crops.",
    "app.pipeline": "The stages of one frame in order, and what builds them for a mode.",
    "app.recogniser": "The library's front door.",
    "app.commands": "python -m app.episodes, app.report and app.agreement.",
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
class Room:
    """A room of the drawing, at `(x_px, y_px)`, the top left of its box."""

    name: str
    purpose: str
    modules: int
    x_px: float
    y_px: float


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


def order_floors(
    floors: Sequence[Sequence[str]], arrows: Iterable[tuple[str, str]]
) -> list[list[str]]:
    """Orders the rooms of each floor by the mean place of the rooms that they are joined to, so
    that fewer arrows cross."""
    rows = [list(floor) for floor in floors]
    joined: dict[str, set[str]] = {}
    for room, other in arrows:
        joined.setdefault(room, set()).add(other)
        joined.setdefault(other, set()).add(room)
    for _ in range(SWEEPS):
        for row in rows:
            place = {
                room: (index + 0.5) / len(line) for line in rows for index, room in enumerate(line)
            }

            def mean_place(room: str, place: Mapping[str, float] = place) -> tuple[float, str]:
                near = [place[other] for other in joined.get(room, ()) if other in place]
                return (sum(near) / len(near) if near else place[room], room)

            row.sort(key=mean_place)
    return rows


def read_purpose(room: str) -> str:
    """Gives the first sentence of a room's docstring."""
    if room in GROUND:
        return GROUND[room]
    path = ROOT / room.replace(".", "/") / "__init__.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def place_rooms(floors: Sequence[Sequence[str]], top_px: float, width_px: float) -> list[Room]:
    """Gives each room its place: the lowest floor at the bottom, each floor centred."""
    counts: dict[str, int] = {}
    for package in ("app", "training"):
        for module, path in list_modules(package).items():
            if path.name != "__init__.py":
                room = find_room(module)
                counts[room] = counts.get(room, 0) + 1
    rooms = []
    for row, floor in enumerate(reversed(floors)):
        used_px = len(floor) * (BOX_WIDTH_PX + GAP_PX) - GAP_PX
        for column, name in enumerate(floor):
            rooms.append(
                Room(
                    name,
                    read_purpose(name),
                    counts.get(name, 0),
                    (width_px - used_px) / 2 + column * (BOX_WIDTH_PX + GAP_PX),
                    top_px + row * (BOX_HEIGHT_PX + FLOOR_GAP_PX),
                )
            )
    return rooms


def draw_room(room: Room) -> str:
    """Draws one box: name, number of modules and purpose."""
    lines = textwrap.wrap(
        room.purpose.replace("`", ""), PURPOSE_COLUMNS, max_lines=PURPOSE_LINES, placeholder=" …"
    )
    name = "ground floor" if room.name == "app" else room.name.replace("app.", "", 1)
    name = "commands" if room.name == "training" else name.replace("training.", "", 1)
    texts = "".join(
        f'<text class="purpose" x="{room.x_px + 9:g}" y="{room.y_px + 36 + 13 * k:g}">'
        f"{escape(line)}</text>"
        for k, line in enumerate(lines)
    )
    return (
        f'<rect x="{room.x_px:g}" y="{room.y_px:g}" width="{BOX_WIDTH_PX}" '
        f'height="{BOX_HEIGHT_PX}" rx="5"/>'
        f'<text class="name" x="{room.x_px + 9:g}" y="{room.y_px + 19:g}">{escape(name)}</text>'
        f'<text class="count" text-anchor="end" x="{room.x_px + BOX_WIDTH_PX - 9:g}" '
        f'y="{room.y_px + 19:g}">{format_count(room.modules, "module")}</text>{texts}'
    )


def draw_arrow(room: Room, other: Room) -> str:
    """Draws a curve from the bottom of a room to the top of a lower one."""
    x0, y0 = room.x_px + BOX_WIDTH_PX / 2, room.y_px + BOX_HEIGHT_PX
    x1, y1 = other.x_px + BOX_WIDTH_PX / 2, other.y_px - 4
    bend = (y1 - y0) / 2
    return (
        f'<path d="M {x0:g} {y0:g} C {x0:g} {y0 + bend:g} {x1:g} {y1 - bend:g} {x1:g} {y1:g}" '
        'marker-end="url(#tip)"/>'
    )


def draw_house() -> str:
    """Draws the rooms of `app` and, below them, those of `training`, as SVG text."""
    sides: list[tuple[str, Sequence[Sequence[str]]]] = [("app", APP_FLOORS)]
    if TRAINING_FLOORS:
        sides.append(("training", TRAINING_FLOORS))
    widest = max(len(floor) for _, floors in sides for floor in floors)
    width_px = widest * (BOX_WIDTH_PX + GAP_PX) - GAP_PX + 2 * MARGIN_PX
    parts: list[str] = []
    top_px = float(MARGIN_PX)
    for package, floors in sides:
        arrows = reduce_arrows(list_arrows(package))
        rooms = {
            room.name: room
            for room in place_rooms(
                order_floors(floors, arrows), top_px + TITLE_HEIGHT_PX, width_px
            )
        }
        total = len(list_arrows(package))
        parts.append(
            f'<text class="title" x="{MARGIN_PX}" y="{top_px + 16:g}">{package}/: '
            f"{len(rooms)} rooms on {len(floors)} floors, {total} arrows, none upward</text>"
        )
        parts += [draw_arrow(rooms[one], rooms[other]) for one, other in sorted(arrows)]
        parts += [draw_room(room) for room in rooms.values()]
        top_px += TITLE_HEIGHT_PX + len(floors) * (BOX_HEIGHT_PX + FLOOR_GAP_PX)
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
