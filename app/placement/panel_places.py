"""Finds the best free place for the panel of one face: at the face, or away from it with a line."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.placement.board import (
    KEEP_GAIN,
    MAX_DISTANCE,
    OVER_OWN_COST,
    TOUCH_COST,
    Board,
    Choice,
    measure_gap_share,
)
from app.placement.free_room import choose_cell_px, find_free_places
from app.placement.rects import Corners, Rect, count_shared_px, stack_corners
from app.placement.slots import PANEL_COSTS, list_panel_places, to_rect
from app.placement.values import DETACHED, Spot

ON_FACE_COST = 0.1  # of a panel that covers any of its own face, besides the share that it covers
DETACHED_COST = 0.3  # of a panel that stands away from its face
DISTANCE_COST = 0.6  # of one picture diagonal between a detached panel and its face
MAX_LINES = 24  # nearest free places whose line to the face is checked
LINE_POINTS = 12  # of a line, at which it is checked
LINE_ENDS = (0.02, 0.98)  # of a line: its ends touch the face and the panel themselves


def find_panel(
    board: Board, number: int, first: int, label: Spot | None, kept: Spot | None
) -> Choice | None:
    """Finds the best place for the panel of face `number`, in the form `first` or a smaller one.

    Args:
        board: The picture, with the places that are taken.
        number: The face.
        first: The largest form that may be taken.
        label: The place of the face's label.
        kept: The place of the panel in the frame before, which is preferred.

    Returns:
        The place and its gain; None where there is no room.
    """
    one = board.scene.faces[number]
    around = one.box if label is None else one.box.enclose(label.rect)
    walls = _list_walls(board, number)
    best: Choice | None = None
    for form in range(first, len(one.panels)):
        shape = one.panels[form]
        if best is not None and best.gain >= shape.worth:
            break
        places = list_panel_places(one.box, around, shape, board.scene)
        costs = PANEL_COSTS + board.predict_costs(number, places)
        own = count_shared_px(places, board.boxes[number : number + 1])[:, 0]
        if shape.over_own:
            costs += OVER_OWN_COST * own / (shape.width * shape.height) + ON_FACE_COST * (own > 0)
        else:
            costs[own > 0] = np.inf
        width, height = board.scene.size_wh
        if shape.width > width or shape.height > height:
            continue
        costs[count_shared_px(places, walls).sum(axis=1) > 0] = np.inf
        if kept is not None and kept.slot >= 0:
            costs[kept.slot] -= KEEP_GAIN
        slot = int(costs.argmin())
        gain = shape.worth - float(costs[slot])
        if np.isfinite(gain) and (best is None or gain > best.gain):
            best = Choice(Spot(form, slot, to_rect(places[slot])), gain)
        may_detach = form == first or (shape.over_own and not one.panels[form - 1].over_own)
        if may_detach and (best is None or best.gain < shape.worth - DETACHED_COST):
            away = _find_detached(board, number, form, walls, kept)
            if away is not None and (best is None or away.gain > best.gain):
                best = away
    return best


def compute_panel_cost(board: Board, number: int, spot: Spot) -> float:
    """Computes the cost of the panel of face `number` at a place."""
    over_own = board.scene.faces[number].panels[spot.form].over_own
    cost = TOUCH_COST * board.touches_faces(number, spot.rect, over_own=over_own)
    if spot.slot == DETACHED:
        return (
            cost + DETACHED_COST + DISTANCE_COST * measure_gap_share(board.scene, number, spot.rect)
        )
    own = board.measure_own_share(number, spot.rect)
    return cost + float(PANEL_COSTS[spot.slot]) + OVER_OWN_COST * own + ON_FACE_COST * (own > 0)


def _list_walls(board: Board, number: int) -> Corners:
    """Lists `(M, 4)` of all that a new panel of face `number` must not touch. Other faces, labels
    and panels are enlarged, so that some room is left around them."""
    room = 2 * board.scene.gap_px
    others = np.delete(board.boxes, number, axis=0) + (-room, -room, room, room)
    half = (room + 1) // 2
    taken = board.taken + (-half, -half, half, half)
    return np.vstack([others, board.inner, board.blocked, taken])


def _find_detached(
    board: Board, number: int, form: int, walls: Corners, kept: Spot | None
) -> Choice | None:
    """Finds the free place nearest to a face whose line to the face crosses no face and no text."""
    width, height = board.scene.size_wh
    one = board.scene.faces[number]
    shape = one.panels[form]
    room = 2 * board.scene.gap_px
    walls = np.vstack([walls, stack_corners([one.box]) + (-room, -room, room, room)])
    x, y = find_free_places(board.scene.size_wh, walls, (shape.width, shape.height))
    if not len(x):
        return None
    dx = np.maximum(0, np.maximum(x - one.box.right, one.box.x - x - shape.width))
    dy = np.maximum(0, np.maximum(y - one.box.bottom, one.box.y - y - shape.height))
    far = np.hypot(dx, dy) / np.hypot(width, height)
    if kept is not None and kept.slot == DETACHED:
        reach = 2 * choose_cell_px(board.scene.size_wh)
        near = np.hypot(x - kept.rect.x, y - kept.rect.y) <= reach
        far = np.where(near, far - KEEP_GAIN, far)
    order = np.argsort(far, kind="stable")[:MAX_LINES]
    rects = [Rect(int(x[i]), int(y[i]), shape.width, shape.height) for i in order]
    costs = DETACHED_COST + DISTANCE_COST * far[order]
    costs += board.predict_costs(number, stack_corners(rects), is_detached=True)
    costs[~_have_clear_lines(board, number, rects) | (far[order] > MAX_DISTANCE)] = np.inf
    best = int(costs.argmin())
    if not np.isfinite(costs[best]):
        return None
    return Choice(Spot(form, DETACHED, rects[best]), shape.worth - float(costs[best]))


def _have_clear_lines(board: Board, number: int, rects: Sequence[Rect]) -> NDArray[np.bool_]:
    """Decides for each place `(P,)` whether its line to the face crosses no face and no text."""
    box = board.scene.faces[number].box
    own = stack_corners(rects)
    x = _find_gaps(own[:, 0], own[:, 2], box.x, box.right)  # (P, 2)
    y = _find_gaps(own[:, 1], own[:, 3], box.y, box.bottom)
    steps = np.linspace(*LINE_ENDS, LINE_POINTS)
    xs, ys = x[:, :1] + (x[:, 1:] - x[:, :1]) * steps, y[:, :1] + (y[:, 1:] - y[:, :1]) * steps
    walls = np.vstack([np.delete(board.boxes, number, axis=0), board.taken, board.blocked])
    hit = (
        (xs[..., None] > walls[:, 0])
        & (xs[..., None] < walls[:, 2])
        & (ys[..., None] > walls[:, 1])
        & (ys[..., None] < walls[:, 3])
    )  # (P, steps, M)
    return np.asarray(~hit.any(axis=(1, 2)), np.bool_)


def _find_gaps(
    low: NDArray[np.float64], high: NDArray[np.float64], box_low: int, box_high: int
) -> NDArray[np.float64]:
    """Returns the two ends `(P, 2)` of the gap between each interval `(P,)` and that of a box. For
    intervals that overlap both ends are the middle of the common part."""
    middle = (np.maximum(low, box_low) + np.minimum(high, box_high)) / 2
    ours = np.where(high <= box_low, high, np.where(low >= box_high, low, middle))
    theirs = np.where(high <= box_low, box_low, np.where(low >= box_high, box_high, middle))
    return np.stack([ours, theirs], axis=1)
