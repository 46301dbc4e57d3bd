"""Who is who from frame to frame: a standard assignment of boxes to moving people.

Each person's place and size are estimated by a filter of constant velocity (alpha-beta, gains by
the time since they were last seen), so that people who cross, or pass behind something, are looked
for where they should be by then. Detections are assigned at the least total cost (Kuhn and Munkres'
problem, by scipy).
"""

import importlib
import math
import sys
from dataclasses import dataclass
from functools import cache
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from app.errors import DeviceError
from app.process.memory_room import format_memory_line, has_room
from app.stage_state import SavedState, State, dump_array, load_array

# Boxes further apart than this, in mean face sides, are not the same person; after an absence the
# reach grows with the time, for people turn.
MAX_DISTANCE = 1.0
REACH_PER_S = 1.0
MOST_GROWTH = math.log(2.0)
SIZE_WEIGHT = 1.5  # of the logarithm of the sizes' ratio, against a side's distance
# The filter: how fast a place is believed, and how fast a velocity.
PLACE_S, VELOCITY_S = 0.03, 0.15
SIZE_S = 0.15
# A velocity that nobody confirms fades.
COAST_S = 1.0
IMPOSSIBLE = 1e6
# Of address space, for scipy's libraries and what these take at once. Its algebra library tries
# again for ever where it gets none, and holds up every other import meanwhile.
SCIPY_BYTES = 400 << 20


@dataclass(slots=True)
class MovingPerson:
    """`state (3,)`: centre x, y px and the logarithm of the side; `velocity (2,)` px/s."""

    face_id: int
    state: NDArray[np.float64]
    velocity: NDArray[np.float64]
    seen_s: float
    born_s: float

    def predict_state(self, time_s: float) -> NDArray[np.float64]:
        """State `(3,)` expected then: the velocity fades, so the way made has an end."""
        way_s = COAST_S * (1 - math.exp(-(time_s - self.seen_s) / COAST_S))
        expected = self.state.copy()
        expected[:2] += self.velocity * way_s
        return expected

    def can_be(self, now: NDArray[np.float64], time_s: float) -> bool:
        """Whether a state `(3,)` is near enough to the one expected then to be the same person."""
        x, y, size = self.predict_state(time_s).tolist()
        u, v, other = now.tolist()
        side = (math.exp(size) + math.exp(other)) / 2
        reach = MAX_DISTANCE + REACH_PER_S * (time_s - self.seen_s)
        return math.hypot(x - u, y - v) < reach * side and abs(size - other) < MOST_GROWTH

    def add_sight(self, now: NDArray[np.float64], time_s: float) -> None:
        step_s = time_s - self.seen_s
        if step_s <= 0:
            self.state = now
            return
        expected = self.predict_state(time_s)
        surprise = now - expected
        # The first velocity is what the second sight says; then it is averaged.
        first = self.seen_s == self.born_s
        quick = 1 - math.exp(-step_s / PLACE_S)
        slow = 1.0 if first else 1 - math.exp(-step_s / VELOCITY_S)
        fade = math.exp(-step_s / COAST_S)
        self.velocity = fade * self.velocity + slow * surprise[:2] / max(step_s, VELOCITY_S / 3)
        share = np.array([quick, quick, 1 - math.exp(-step_s / SIZE_S)])
        self.state = expected + share * surprise
        self.seen_s = time_s


class Identities:
    """Gives boxes identities, counted from 1 and never used twice.

    A person keeps theirs while seen again within `max_age_s`. Times are seconds; a jump back
    starts everybody anew.
    """

    def __init__(self, *, max_age_s: float = 1.5) -> None:
        if max_age_s < 0:
            raise ValueError("max_age_s is a time of at least 0 seconds")
        self._max_age_s = max_age_s
        self._people: list[MovingPerson] = []
        self._next_id = 1
        self._now_s = -math.inf

    def update(self, boxes: NDArray[np.float64], time_s: float) -> tuple[int, ...]:
        """Identities of `boxes (N, 4)` xyxy px, in their order."""
        if time_s < self._now_s:
            self.reset()
        self._now_s = time_s
        self._people = [p for p in self._people if time_s - p.seen_s <= self._max_age_s]
        states = _states(boxes)
        if len(states):
            _prepare()
        found = self._assign(states, time_s)
        ids = []
        for row, state in enumerate(states):
            if row in found:
                person = self._people[found[row]]
                person.add_sight(state, time_s)
            else:
                person = MovingPerson(self._next_id, state, np.zeros(2), time_s, time_s)
                self._next_id += 1
                self._people.append(person)
            ids.append(person.face_id)
        return tuple(ids)

    def reset(self) -> None:
        """Everybody who comes now is new."""
        self._people = []
        self._now_s = -math.inf

    def state(self) -> State:
        return {
            "people": [
                {
                    "face_id": one.face_id,
                    "state": dump_array(one.state),
                    "velocity": dump_array(one.velocity),
                    "seen_s": float(one.seen_s),
                    "born_s": float(one.born_s),
                }
                for one in self._people
            ],
            "next_id": self._next_id,
            "now_s": self._now_s,
        }

    def restore(self, state: SavedState) -> None:
        self._people = [
            MovingPerson(
                int(one["face_id"]),
                load_array(one["state"]),
                load_array(one["velocity"]),
                float(one["seen_s"]),
                float(one["born_s"]),
            )
            for one in state["people"]
        ]
        self._next_id = int(state["next_id"])
        self._now_s = float(state["now_s"])

    def _assign(self, now: NDArray[np.float64], time_s: float) -> dict[int, int]:
        """Row of `now (N, 3)` -> place in the list of people, at the least total cost."""
        if not self._people or not len(now):
            return {}
        if len(self._people) == len(now) == 1:  # nothing to choose
            return {0: 0} if self._people[0].can_be(now[0], time_s) else {}
        expected = np.array([person.predict_state(time_s) for person in self._people])  # (M, 3)
        absent_s = np.array([time_s - person.seen_s for person in self._people])
        apart = np.linalg.norm(expected[:, None, :2] - now[None, :, :2], axis=2)  # (M, N)
        sides = (np.exp(expected[:, None, 2]) + np.exp(now[None, :, 2])) / 2
        growth = np.abs(expected[:, None, 2] - now[None, :, 2])
        reach = MAX_DISTANCE + REACH_PER_S * absent_s[:, None]
        near = apart / sides
        possible = (near < reach) & (growth < MOST_GROWTH)
        # Of two people who may be meant, the one who was there a moment ago is likelier.
        cost = near + SIZE_WEIGHT * growth + 0.5 * absent_s[:, None]
        rows, columns = _assigned(np.where(possible, cost, IMPOSSIBLE))
        return {int(n): int(m) for m, n in zip(rows, columns, strict=True) if possible[m, n]}


def _states(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N, 4)` xyxy px -> `(N, 3)` centre and logarithm of the side."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    spans = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.column_stack([centres, np.log(np.sqrt(spans[:, 0] * spans[:, 1]))])


@cache
def _prepare() -> None:
    """Begins to import scipy's assignment, which takes a third of a second: the first picture need
    not wait for it, and the second person not either."""
    if has_room(SCIPY_BYTES):
        Thread(target=importlib.import_module, args=("scipy.optimize",)).start()


def _assigned(cost: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    if "scipy.optimize" not in sys.modules and not has_room(SCIPY_BYTES):
        raise DeviceError(format_memory_line("to load SciPy, which tells several people apart"))
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cost)
    return rows, columns
