"""Finds the best free place on a picture for the label or panel of one face."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.placement.free_room import choose_cell_px, find_free_places
from app.placement.rects import Corners, Rect, count_shared_px, stack_corners
from app.placement.slots import (
    LABEL_COSTS,
    PANEL_COSTS,
    list_label_places,
    list_panel_places,
    to_rect,
)
from app.placement.values import DETACHED, Scene, Spot

OVER_OWN_COST = 0.4  # for a label that lies over its own face as a whole; less for a part of it
KEEP_GAIN = 0.2  # what the place of a moment ago is worth
DETACHED_COST, DISTANCE_COST = 0.3, 0.6  # the latter for a picture's diagonal
MAX_DISTANCE = 0.45  # of a panel from its face, in diagonals
SOON_S = np.array([0.4, 0.8, 1.2])  # where faces are going to be is looked at for new places
SOON_COST = 0.2  # for each of these times at which another face would be there
CROWD = 13  # so many faces cross each other's ways too often to look ahead
FEW = 3  # up to so many faces, a label with no free place is put where it hides least
TOUCH_SHARE = 0.07  # of a face's sides may lie under what has stood beside it for some time
TOUCH_COST = 0.3  # of that, so that something better is found soon
LINE_TRIES = 24  # places whose line is looked at
Drift = NDArray[np.float64]  # (N, 2): how far each face moves in a second, px


Choice = tuple[Spot, float]  # a place, and what it gains


class Board:
    """One picture's faces, and what has been placed so far. Faces are numbered as in the scene."""

    def __init__(
        self, scene: Scene, taken: Iterable[Rect] = (), drift: Drift | None = None
    ) -> None:
        self._scene = scene
        self._boxes = stack_corners(one.box for one in scene.faces)  # (N, 4)
        self._inner = stack_corners(one.inner for one in scene.faces)  # (N, 4)
        self._blocked = stack_corners(scene.blocked)
        self._all_taken = np.zeros((2 * len(scene.faces), 4))  # labels and panels
        self._count = 0
        crowded = len(scene.faces) >= CROWD  # who moves where is then of little use
        self._drift = None if crowded or drift is None or not drift.any() else drift
        for rect in taken:
            self.take(rect)

    @property
    def _taken(self) -> Corners:
        return self._all_taken[: self._count]

    def take(self, rect: Rect) -> None:
        """Marks the place of a label or panel."""
        self._all_taken[self._count] = rect.x, rect.y, rect.right, rect.bottom
        self._count += 1

    def is_free(self, rect: Rect) -> bool:
        """Returns whether no label or panel has taken any of a place."""
        return not (count_shared_px(stack_corners([rect]), self._taken) > 0).any()

    # Labels

    def label_options(
        self, numbers: Sequence[int], form: int
    ) -> list[tuple[Corners, NDArray[np.float64]]]:
        """Returns for each face its label's slots `(S, 4)` and what each costs `(S,)`, infinite
        where a face or something blocked would be covered. Other labels are not looked at."""
        if not len(numbers):
            return []
        sizes = np.array(
            [self._scene.faces[i].labels[form][:2] for i in numbers], np.float64
        )  # (n, 2)
        places = list_label_places(self._boxes[list(numbers)], sizes, self._scene)  # (n, S, 4)
        count, slots = places.shape[:2]
        flat = places.reshape(-1, 4)
        over = count_shared_px(flat, self._boxes).reshape(count, slots, -1)  # (n, S, N)
        own = over[np.arange(count), :, list(numbers)]  # (n, S)
        wrong = over.sum(axis=2) - own
        wrong += (
            count_shared_px(flat, np.vstack([self._inner, self._blocked]))
            .sum(axis=1)
            .reshape(own.shape)
        )
        cost = LABEL_COSTS + OVER_OWN_COST * own / sizes.prod(axis=1)[:, None]
        cost[wrong > 0.5] = np.inf
        return list(zip(places, cost, strict=True))

    def pick_label(
        self,
        number: int,
        form: int,
        options: tuple[Corners, NDArray[np.float64]],
        kept: Spot | None,
    ) -> Choice | None:
        """Returns the best free place for a label in a form, and what it gains."""
        places, cost = options
        if not np.isfinite(cost).any():
            return None
        cost = cost + self._soon(number, places)
        if kept is not None and kept.slot >= 0:
            cost[kept.slot] -= KEEP_GAIN
        if self._count:
            cost = np.where(count_shared_px(places, self._taken).sum(axis=1) > 0, np.inf, cost)
        slot = int(cost.argmin())
        if not np.isfinite(cost[slot]):
            return None
        gain = self._scene.faces[number].labels[form].worth - float(cost[slot])
        return Spot(form, slot, to_rect(places[slot])), gain

    def best_label(self, number: int, first: int, kept: Spot | None) -> Spot | None:
        """Returns the best free place for a label, in the form `first` or a smaller one."""
        best: Choice | None = None
        for form in range(first, len(self._scene.faces[number].labels)):
            options = self.label_options([number], form)[0]
            chosen = self.pick_label(number, form, options, kept)
            if chosen is not None and (best is None or chosen[1] > best[1]):
                best = chosen
        if best is not None:
            return best[0]
        if len(self._scene.faces) <= FEW:
            return self._last_resort(number, kept)
        return None

    def _last_resort(self, number: int, kept: Spot | None) -> Spot | None:
        """Returns the place at which a label hides least of its own face, where none is free."""
        one = self._scene.faces[number]
        taken = np.vstack([self._taken, self._blocked])
        others = np.delete(self._boxes, number, axis=0)
        best: tuple[float, Spot] | None = None
        for form, size in enumerate(one.labels):
            sizes = np.array([size[:2]], np.float64)
            places = list_label_places(self._boxes[number : number + 1], sizes, self._scene)[0]
            hidden = count_shared_px(places, self._inner[number : number + 1])[:, 0] / (
                size[0] * size[1]
            )
            cost = hidden - 0.2 * size.worth + 0.1 * LABEL_COSTS
            cost[count_shared_px(places, np.vstack([taken, others])).sum(axis=1) > 0] = np.inf
            if kept is not None:
                cost[kept.slot] -= KEEP_GAIN
            slot = int(cost.argmin())
            if np.isfinite(cost[slot]) and (best is None or cost[slot] < best[0]):
                best = float(cost[slot]), Spot(form, slot, to_rect(places[slot]))
        return None if best is None else best[1]

    def label_cost(self, number: int, spot: Spot) -> float:
        cost = float(LABEL_COSTS[spot.slot]) + OVER_OWN_COST * self._own_share(number, spot.rect)
        return cost + TOUCH_COST * self._touches(number, spot.rect, over_own=True)

    # Panels

    def best_panel(
        self, number: int, first: int, label: Spot | None, kept: Spot | None
    ) -> Choice | None:
        """Returns the best place for a panel in the form `first` or a smaller one, and its gain."""
        one = self._scene.faces[number]
        around = one.box if label is None else one.box.enclose(label.rect)
        blocks = self._blocks(number)
        best: Choice | None = None
        for form in range(first, len(one.panels)):
            shape = one.panels[form]
            if best is not None and best[1] >= shape.worth:
                break
            places = list_panel_places(one.box, around, shape, self._scene)
            cost = PANEL_COSTS + self._soon(number, places)
            own = count_shared_px(places, self._boxes[number : number + 1])[:, 0]
            if shape.over_own:
                cost += OVER_OWN_COST * own / (shape.width * shape.height) + 0.1 * (own > 0)
            else:
                cost[own > 0] = np.inf
            width, height = self._scene.size_wh
            if shape.width > width or shape.height > height:
                continue
            cost[count_shared_px(places, blocks).sum(axis=1) > 0] = np.inf
            if kept is not None and kept.slot >= 0:
                cost[kept.slot] -= KEEP_GAIN
            slot = int(cost.argmin())
            gain = shape.worth - float(cost[slot])
            if np.isfinite(gain) and (best is None or gain > best[1]):
                best = Spot(form, slot, to_rect(places[slot])), gain
            away_too = form == first or (shape.over_own and not one.panels[form - 1].over_own)
            if away_too and (best is None or best[1] < shape.worth - DETACHED_COST):
                away = self._detached(number, form, blocks, kept)
                if away is not None and (best is None or away[1] > best[1]):
                    best = away
        return best

    def panel_cost(self, number: int, spot: Spot) -> float:
        over_own = self._scene.faces[number].panels[spot.form].over_own
        cost = TOUCH_COST * self._touches(number, spot.rect, over_own=over_own)
        if spot.slot == DETACHED:
            return cost + DETACHED_COST + DISTANCE_COST * self._distance(number, spot.rect)
        own = self._own_share(number, spot.rect)
        return cost + float(PANEL_COSTS[spot.slot]) + OVER_OWN_COST * own + 0.1 * (own > 0)

    def _blocks(self, number: int) -> Corners:
        """Returns what a new panel of a face must not touch; other faces with some room around."""
        room = 2 * self._scene.gap_px
        others = np.delete(self._boxes, number, axis=0) + (-room, -room, room, room)
        half = (room + 1) // 2
        taken = self._taken + (-half, -half, half, half)
        return np.vstack([others, self._inner, self._blocked, taken])

    def _detached(
        self, number: int, form: int, blocks: Corners, kept: Spot | None
    ) -> Choice | None:
        """Returns the free place nearest to a face whose line crosses no face and no text."""
        width, height = self._scene.size_wh
        one = self._scene.faces[number]
        shape = one.panels[form]
        room = 2 * self._scene.gap_px
        walls = np.vstack([blocks, stack_corners([one.box]) + (-room, -room, room, room)])
        x, y = find_free_places(self._scene.size_wh, walls, (shape.width, shape.height))
        if not len(x):
            return None
        dx = np.maximum(0, np.maximum(x - one.box.right, one.box.x - x - shape.width))
        dy = np.maximum(0, np.maximum(y - one.box.bottom, one.box.y - y - shape.height))
        far = np.hypot(dx, dy) / np.hypot(width, height)
        if kept is not None and kept.slot == DETACHED:
            near = np.hypot(x - kept.rect.x, y - kept.rect.y) <= 2 * choose_cell_px(
                self._scene.size_wh
            )
            far = np.where(near, far - KEEP_GAIN, far)
        order = np.argsort(far, kind="stable")[:LINE_TRIES]
        rects = [Rect(int(x[i]), int(y[i]), shape.width, shape.height) for i in order]
        cost = DETACHED_COST + DISTANCE_COST * far[order]
        cost += self._soon(number, stack_corners(rects), is_detached=True)
        cost[~self._lines_clear(number, rects) | (far[order] > MAX_DISTANCE)] = np.inf
        best = int(cost.argmin())
        if not np.isfinite(cost[best]):
            return None
        return Spot(form, DETACHED, rects[best]), shape.worth - float(cost[best])

    def _lines_clear(self, number: int, rects: Sequence[Rect]) -> NDArray[np.bool_]:
        """Returns of each place `(P,)` whether its line to the face crosses no face and no text."""
        box = self._scene.faces[number].box
        own = stack_corners(rects)
        x = _facing(own[:, 0], own[:, 2], box.x, box.right)  # (P, 2)
        y = _facing(own[:, 1], own[:, 3], box.y, box.bottom)
        steps = np.linspace(0.02, 0.98, 12)
        xs, ys = x[:, :1] + (x[:, 1:] - x[:, :1]) * steps, y[:, :1] + (y[:, 1:] - y[:, :1]) * steps
        walls = np.vstack(
            [
                np.delete(self._boxes, number, axis=0),
                self._taken,
                self._blocked,
            ]
        )
        hit = (
            (xs[..., None] > walls[:, 0])
            & (xs[..., None] < walls[:, 2])
            & (ys[..., None] > walls[:, 1])
            & (ys[..., None] < walls[:, 3])
        )  # (P, steps, M)
        return np.asarray(~hit.any(axis=(1, 2)), np.bool_)

    # Both

    def _soon(
        self, number: int, places: Corners, *, is_detached: bool = False
    ) -> NDArray[np.float64]:
        """Returns what places `(P, 4)` cost for who is going to move into them, `(P,)`. They move
        with their face, or stay on the picture."""
        cost = np.zeros(len(places))
        if self._drift is None:
            return cost
        own = self._drift[number]
        boxes, drift = self._boxes, self._drift
        if not is_detached:  # what moves with its face meets the others as they move past it
            boxes, drift = np.delete(boxes, number, axis=0), np.delete(drift, number, axis=0) - own
        moves = np.concatenate([drift, drift], axis=1)  # (M, 4)
        soon = boxes + SOON_S[:, None, None] * moves  # (T, M, 4)
        hit = count_shared_px(places, soon.reshape(-1, 4)).reshape(len(places), len(SOON_S), -1) > 0
        cost += SOON_COST * hit.any(axis=2).sum(axis=1)
        if not is_detached:
            width, height = self._scene.size_wh
            low = places[:, None, :2] + SOON_S[:, None] * own  # (P, T, 2)
            high = places[:, None, 2:] + SOON_S[:, None] * own
            out = (low < 0).any(axis=2) | (high > (width, height)).any(axis=2)
            cost += SOON_COST * out.sum(axis=1)
        return cost

    def _touches(self, number: int, rect: Rect, *, over_own: bool) -> bool:
        """Returns whether a place covers a part of a face's box, where that was not meant."""
        over = count_shared_px(stack_corners([rect]), self._boxes)[0]
        if over_own:
            over[number] = 0
        return bool(over.any())

    def _own_share(self, number: int, rect: Rect) -> float:
        over = count_shared_px(stack_corners([rect]), self._boxes[number : number + 1])
        return float(over[0, 0]) / max(1, rect.area)

    def _distance(self, number: int, rect: Rect) -> float:
        box, (width, height) = self._scene.faces[number].box, self._scene.size_wh
        dx = max(0, rect.x - box.right, box.x - rect.right)
        dy = max(0, rect.y - box.bottom, box.y - rect.bottom)
        return float(np.hypot(dx, dy) / np.hypot(width, height))

    def stay(
        self, spots: Sequence[tuple[int, Spot]], *, over_own: Sequence[bool]
    ) -> NDArray[np.bool_]:
        """Returns of places that were taken before whether they can stay as far as faces go: they
        may touch the border of a face for a while, but no inner part."""
        if not spots:
            return np.zeros(0, np.bool_)
        ours = stack_corners(spot.rect for _, spot in spots)
        width, height = self._scene.size_wh
        shrunk = stack_corners(one.box.shrink(TOUCH_SHARE) for one in self._scene.faces)
        over = count_shared_px(ours, shrunk)
        rows, numbers = np.arange(len(spots)), [number for number, _ in spots]
        # Over its own face lies only what the picture's border has pushed there.
        own = count_shared_px(ours, self._boxes)[rows, numbers]
        over[rows, numbers] = np.where(over_own, 0, own)
        wrong = over.sum(axis=1)
        wrong += count_shared_px(ours, np.vstack([self._inner, self._blocked])).sum(axis=1)
        far = np.array(
            [
                spot.slot == DETACHED and self._distance(number, spot.rect) > 1.2 * MAX_DISTANCE
                for number, spot in spots
            ]
        )
        inside = (
            (ours[:, 0] >= 0) & (ours[:, 1] >= 0) & (ours[:, 2] <= width) & (ours[:, 3] <= height)
        )
        return np.asarray((wrong <= 0) & ~far & inside, np.bool_)


def _facing(
    low: NDArray[np.float64], high: NDArray[np.float64], box_low: int, box_high: int
) -> NDArray[np.float64]:
    """Returns the two ends `(P, 2)` of the gaps between intervals `(P,)` and one of a box."""
    middle = (np.maximum(low, box_low) + np.minimum(high, box_high)) / 2
    ours = np.where(high <= box_low, high, np.where(low >= box_high, low, middle))
    theirs = np.where(high <= box_low, box_low, np.where(low >= box_high, box_high, middle))
    return np.stack([ours, theirs], axis=1)
