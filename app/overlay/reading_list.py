"""The list of readings of faces whose label has room for nothing but their number."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from app.overlay.labels import Label
from app.placement.free_room import find_free_places
from app.placement.rects import Corners, Rect, count_shared_px, stack_corners
from app.placement.values import Plan, Scene

LEAST_LISTED = 2  # for fewer, numbers stay alone
SHARES = (1.0, 0.75, 0.5, 0.25)  # of the faces that are listed where there is no room for all
MAX_COLUMNS = 4


class ReadingList(NamedTuple):
    """Where the list is, and the number of the face and the place of each of its lines."""

    rect: Rect
    lines: tuple[tuple[int, Rect], ...]


def find_unnamed(labels: Sequence[tuple[Label, ...]], scene: Scene, plan: Plan) -> list[int]:
    """Returns the places in the scene of faces that are shown with their number alone."""
    spots = [plan[one.key].label for one in scene.faces]
    return [
        number
        for number, (forms, spot) in enumerate(zip(labels, spots, strict=True))
        if spot is not None and forms[spot.form].number and not forms[spot.form].text
    ]


def place_list(
    lines: Mapping[int, Label], scene: Scene, plan: Plan, kept: Rect | None
) -> ReadingList | None:
    """Finds room for a list of `lines` (by place in the scene), the first faces where there is not
    enough for all. `kept`: where the list was; it stays there if it can."""
    if len(lines) < LEAST_LISTED:
        return None
    walls = _walls(scene, plan)
    middle = stack_corners(scene.faces[number].box for number in lines).mean(axis=0)
    centre_x, centre_y = (middle[:2] + middle[2:]) / 2
    for share in SHARES:
        listed = sorted(lines)[: max(LEAST_LISTED, round(share * len(lines)))]
        for columns, (width, height) in _shapes([lines[number] for number in listed]):
            if kept is not None:
                rect = Rect(kept.x, kept.y, width, height).move_inside(*scene.size_wh)
                if not (count_shared_px(stack_corners([rect]), walls) > 0).any():
                    return _laid_out(rect, listed, lines, columns)
            x, y = find_free_places(scene.size_wh, walls, (width, height))
            if len(x):
                far = np.hypot(x + width / 2 - centre_x, y + height / 2 - centre_y)
                best = int(far.argmin())
                rect = Rect(int(x[best]), int(y[best]), width, height)
                return _laid_out(rect, listed, lines, columns)
    return None


def _walls(scene: Scene, plan: Plan) -> Corners:
    """Returns `(M, 4)` of all that a list must not cover."""
    gap = scene.gap_px
    placed = [spot.rect for one in plan.values() for spot in one if spot is not None]
    boxes = stack_corners(one.box for one in scene.faces) + (-gap, -gap, gap, gap)
    return np.vstack([boxes, stack_corners(scene.blocked), stack_corners(placed)])


def _shapes(labels: Sequence[Label]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yields numbers of columns, each with the size px of a list that has them."""
    wide, high, gap = _cell(labels)
    for columns in range(1, min(MAX_COLUMNS, len(labels)) + 1):
        rows = -(-len(labels) // columns)
        yield columns, (columns * (wide + gap) - gap, rows * (high + gap) - gap)


def _cell(labels: Sequence[Label]) -> tuple[int, int, int]:
    """Returns the width and height of a line, and the gap between two, px."""
    high = max(label.height for label in labels)
    return max(label.width for label in labels), high, max(1, high // 10)


def _laid_out(
    rect: Rect, listed: Sequence[int], lines: Mapping[int, Label], columns: int
) -> ReadingList:
    labels = [lines[number] for number in listed]
    wide, high, gap = _cell(labels)
    rows = -(-len(listed) // columns)
    places = []
    for place, number in enumerate(listed):
        column, row = divmod(place, rows)
        x, y = rect.x + column * (wide + gap), rect.y + row * (high + gap)
        places.append((number, Rect(x, y, wide, high)))
    return ReadingList(rect, tuple(places))
