"""A list of labels, for faces at which there is room for their number alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from app.overlay.labels import Label
from app.placement.free_room import find_free_places
from app.placement.rects import Corners, Rect, count_shared_px, stack_corners
from app.placement.values import Plan, Scene

MIN_LISTED = 2  # faces; a list of fewer is left out
SHARES = (1.0, 0.75, 0.5, 0.25)  # of the faces, tried in turn until the list has room
MAX_COLUMNS = 4  # of the list


class ReadingList(NamedTuple):
    """The list's place, and for each line the face's index in the scene and the line's place."""

    rect: Rect
    lines: tuple[tuple[int, Rect], ...]


def find_unnamed(labels: Sequence[tuple[Label, ...]], scene: Scene, plan: Plan) -> list[int]:
    """Finds the faces that are shown with their number alone.

    Args:
        labels: For each face of the scene, the forms of its label.
        scene: The picture and its faces.
        plan: The places of the labels.

    Returns:
        The faces' indices in the scene.
    """
    spots = [plan[one.key].label for one in scene.faces]
    return [
        number
        for number, (forms, spot) in enumerate(zip(labels, spots, strict=True))
        if spot is not None and forms[spot.form].number and not forms[spot.form].text
    ]


def place_list(
    lines: Mapping[int, Label], scene: Scene, plan: Plan, kept: Rect | None
) -> ReadingList | None:
    """Finds room for a list of labels.

    Args:
        lines: The label of each listed face, by the face's index in the scene.
        scene: The picture and its faces.
        plan: The places of labels and panels, which the list must not cover.
        kept: The list's place in the frame before, which it keeps if possible.

    Returns:
        The list; of the first faces alone where there is no room for all; None where there is none.
    """
    if len(lines) < MIN_LISTED:
        return None
    walls = _list_walls(scene, plan)
    middle = stack_corners(scene.faces[number].box for number in lines).mean(axis=0)
    centre_x, centre_y = (middle[:2] + middle[2:]) / 2
    for share in SHARES:
        listed = sorted(lines)[: max(MIN_LISTED, round(share * len(lines)))]
        for columns, (width, height) in _list_shapes([lines[number] for number in listed]):
            if kept is not None:
                rect = Rect(kept.x, kept.y, width, height).move_inside(*scene.size_wh)
                if not (count_shared_px(stack_corners([rect]), walls) > 0).any():
                    return _lay_out(rect, listed, lines, columns)
            x, y = find_free_places(scene.size_wh, walls, (width, height))
            if len(x):
                far = np.hypot(x + width / 2 - centre_x, y + height / 2 - centre_y)
                best = int(far.argmin())
                rect = Rect(int(x[best]), int(y[best]), width, height)
                return _lay_out(rect, listed, lines, columns)
    return None


def _list_walls(scene: Scene, plan: Plan) -> Corners:
    """Lists all that a reading list must not cover, `(M, 4)` of x0, y0, x1, y1 px."""
    gap = scene.gap_px
    placed = [spot.rect for one in plan.values() for spot in one if spot is not None]
    boxes = stack_corners(one.box for one in scene.faces) + (-gap, -gap, gap, gap)
    return np.vstack([boxes, stack_corners(scene.blocked), stack_corners(placed)])


def _list_shapes(labels: Sequence[Label]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yields each possible number of columns with the list's width and height, px."""
    wide, high, gap = _measure_cell(labels)
    for columns in range(1, min(MAX_COLUMNS, len(labels)) + 1):
        rows = -(-len(labels) // columns)
        yield columns, (columns * (wide + gap) - gap, rows * (high + gap) - gap)


def _measure_cell(labels: Sequence[Label]) -> tuple[int, int, int]:
    """Returns the width and height of a line, and the gap between two lines, px."""
    high = max(label.height for label in labels)
    return max(label.width for label in labels), high, max(1, high // 10)


def _lay_out(
    rect: Rect, listed: Sequence[int], lines: Mapping[int, Label], columns: int
) -> ReadingList:
    labels = [lines[number] for number in listed]
    wide, high, gap = _measure_cell(labels)
    rows = -(-len(listed) // columns)
    places = []
    for place, number in enumerate(listed):
        column, row = divmod(place, rows)
        x, y = rect.x + column * (wide + gap), rect.y + row * (high + gap)
        places.append((number, Rect(x, y, wide, high)))
    return ReadingList(rect, tuple(places))
