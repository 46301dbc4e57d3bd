"""Finds the best free place for the label of one face."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from app.placement.board import (
    KEEP_GAIN,
    MAX_FEW_FACES,
    OVER_OWN_COST,
    TOUCH_COST,
    Board,
    Choice,
    Costs,
)
from app.placement.rects import Corners, count_shared_px
from app.placement.slots import LABEL_COSTS, list_label_places, to_rect
from app.placement.values import Spot

# Where no place is free, hiding little of the face counts most, then showing more, then the slot.
RESORT_WORTH_SHARE = 0.2
RESORT_SLOT_SHARE = 0.1


class LabelOptions(NamedTuple):
    """The slots of one label: `places (S, 4)` of x0, y0, x1, y1 px, and `costs (S,)`, infinite
    where a face or a blocked part of the picture would be covered."""

    places: Corners
    costs: Costs


def list_label_options(board: Board, numbers: Sequence[int], form: int) -> list[LabelOptions]:
    """Lists the slots and costs of the labels of several faces in one form. Places that are taken
    are not considered, so the result is the same for all boards of one scene."""
    if not len(numbers):
        return []
    faces = board.scene.faces
    sizes = np.array([faces[i].labels[form][:2] for i in numbers], np.float64)  # (n, 2)
    places = list_label_places(board.boxes[list(numbers)], sizes, board.scene)  # (n, S, 4)
    count, slots = places.shape[:2]
    flat = places.reshape(-1, 4)
    over = count_shared_px(flat, board.boxes).reshape(count, slots, -1)  # (n, S, N)
    own = over[np.arange(count), :, list(numbers)]  # (n, S)
    wrong = over.sum(axis=2) - own
    never = np.vstack([board.inner, board.blocked])
    wrong += count_shared_px(flat, never).sum(axis=1).reshape(own.shape)
    costs = LABEL_COSTS + OVER_OWN_COST * own / sizes.prod(axis=1)[:, None]
    costs[wrong > 0.5] = np.inf  # areas are whole pixels
    return [LabelOptions(*one) for one in zip(places, costs, strict=True)]


def pick_label(
    board: Board, number: int, form: int, options: LabelOptions, kept: Spot | None
) -> Choice | None:
    """Picks the best free place for the label of face `number` in one form. `kept`: its place in
    the frame before, which is preferred. None: no place is free."""
    places, costs = options
    if not np.isfinite(costs).any():
        return None
    costs = costs + board.predict_costs(number, places)
    if kept is not None and kept.slot >= 0:
        costs[kept.slot] -= KEEP_GAIN
    if len(board.taken):
        costs = np.where(count_shared_px(places, board.taken).sum(axis=1) > 0, np.inf, costs)
    slot = int(costs.argmin())
    if not np.isfinite(costs[slot]):
        return None
    gain = board.scene.faces[number].labels[form].worth - float(costs[slot])
    return Choice(Spot(form, slot, to_rect(places[slot])), gain)


def find_label(board: Board, number: int, first: int, kept: Spot | None) -> Spot | None:
    """Finds the best free place for the label of face `number`, in the form `first` or a smaller
    one. A label of up to `MAX_FEW_FACES` faces may cover its own face where no place is free."""
    best: Choice | None = None
    for form in range(first, len(board.scene.faces[number].labels)):
        (options,) = list_label_options(board, [number], form)
        chosen = pick_label(board, number, form, options, kept)
        if chosen is not None and (best is None or chosen.gain > best.gain):
            best = chosen
    if best is not None:
        return best.spot
    if len(board.scene.faces) <= MAX_FEW_FACES:
        return _find_least_hiding(board, number, kept)
    return None


def _find_least_hiding(board: Board, number: int, kept: Spot | None) -> Spot | None:
    """Returns the place at which the label hides least of its own face."""
    one = board.scene.faces[number]
    others = np.delete(board.boxes, number, axis=0)
    walls = np.vstack([board.taken, board.blocked, others])
    best: tuple[float, Spot] | None = None
    for form, shape in enumerate(one.labels):
        sizes = np.array([shape[:2]], np.float64)
        places = list_label_places(board.boxes[number : number + 1], sizes, board.scene)[0]
        hidden = count_shared_px(places, board.inner[number : number + 1])[:, 0]
        hidden /= shape.width * shape.height
        costs = hidden - RESORT_WORTH_SHARE * shape.worth + RESORT_SLOT_SHARE * LABEL_COSTS
        costs[count_shared_px(places, walls).sum(axis=1) > 0] = np.inf
        if kept is not None:
            costs[kept.slot] -= KEEP_GAIN
        slot = int(costs.argmin())
        if np.isfinite(costs[slot]) and (best is None or costs[slot] < best[0]):
            best = float(costs[slot]), Spot(form, slot, to_rect(places[slot]))
    return None if best is None else best[1]


def compute_label_cost(board: Board, number: int, spot: Spot) -> float:
    """Computes the cost of the label of face `number` at a place."""
    cost = float(LABEL_COSTS[spot.slot])
    cost += OVER_OWN_COST * board.measure_own_share(number, spot.rect)
    return cost + TOUCH_COST * board.touches_faces(number, spot.rect, over_own=True)
