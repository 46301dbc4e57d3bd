"""Assigns the boxes of each frame to people, by their expected places.

The keys of faces (`Face.key`) do not serve here. A key ends when the follower loses the face, for
example behind another person, and two faces that cross may exchange their keys; a person must keep
the same number through both.

The place and the size of each person are estimated by a filter of constant velocity (an alpha-beta
filter whose gains follow from the time since the last sight). So people who cross, or pass behind
something, are expected where they should be by then. Boxes are assigned to people at the least
total cost (`app.tracking.assignment`).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.stage_state import SavedState, State, dump_array, load_array
from app.tracking.assignment import solve_assignment

MAX_DISTANCE = 1.0  # mean face sides between the expected and the seen place of one person
REACH_PER_S = 1.0  # that this distance grows by during an absence, because people turn
MAX_GROWTH = math.log(2.0)  # logarithm of the largest ratio of two sizes of one person
MAX_AGE_S = 1.5  # after which a person who was not seen is gone
SIZE_WEIGHT = 1.5  # cost of the logarithm of the sizes' ratio, where a distance of one side costs 1
ABSENCE_COST_PER_S = 0.5  # for a person who was not seen; a distance of one side costs 1
# Time constants with which the filter follows what is seen.
PLACE_S = 0.03  # about one frame: longer, the place would lag behind a person who turns
VELOCITY_S = 0.15  # several frames, because differences of noisy places are noisier than places
SIZE_S = 0.15  # several frames, because boxes tremble, while true sizes change slowly
COAST_S = 1.0  # with which the velocity of a person who is not seen fades
IMPOSSIBLE = 1e6  # cost of a pair that cannot be


@dataclass(slots=True)
class MovingPerson:
    """A person at the last sight, at `seen_s`: `state (3,)` is the centre x, y in px and the
    logarithm of the side; `velocity (2,)` is in px/s."""

    face_id: int
    state: NDArray[np.float64]
    velocity: NDArray[np.float64]
    seen_s: float
    born_s: float

    def predict_state(self, time_s: float) -> NDArray[np.float64]:
        """Predicts the state `(3,)` at `time_s`. The velocity fades, so the way has an end."""
        way_s = COAST_S * (1 - math.exp(-(time_s - self.seen_s) / COAST_S))
        expected = self.state.copy()
        expected[:2] += self.velocity * way_s
        return expected

    def can_be(self, now: NDArray[np.float64], time_s: float) -> bool:
        """Tells whether a state `(3,)` seen at `time_s` is near enough to the expected one."""
        x, y, size = self.predict_state(time_s).tolist()
        u, v, other = now.tolist()
        side = (math.exp(size) + math.exp(other)) / 2
        reach = MAX_DISTANCE + REACH_PER_S * (time_s - self.seen_s)
        return math.hypot(x - u, y - v) < reach * side and abs(size - other) < MAX_GROWTH

    def add_sight(self, now: NDArray[np.float64], time_s: float) -> None:
        """Takes the state `(3,)` in which the person was seen at `time_s` into the estimate."""
        step_s = time_s - self.seen_s
        if step_s <= 0:
            self.state = now
            return
        expected = self.predict_state(time_s)
        surprise = now - expected
        # The second sight alone gives the first velocity; later ones are averaged.
        first = self.seen_s == self.born_s
        quick = 1 - math.exp(-step_s / PLACE_S)
        slow = 1.0 if first else 1 - math.exp(-step_s / VELOCITY_S)
        fade = math.exp(-step_s / COAST_S)
        self.velocity = fade * self.velocity + slow * surprise[:2] / max(step_s, VELOCITY_S / 3)
        share = np.array([quick, quick, 1 - math.exp(-step_s / SIZE_S)])
        self.state = expected + share * surprise
        self.seen_s = time_s


class Identities:
    """Gives the boxes of one stream the numbers of their people, from 1 and never used twice.

    A person keeps the number while seen again within `max_age_s` seconds. When time runs backwards,
    everybody is new.

    >>> identities = Identities()
    >>> identities.update(np.array([[0.0, 0.0, 50.0, 50.0], [200.0, 0.0, 250.0, 50.0]]), 0.0)
    (1, 2)
    >>> identities.update(np.array([[203.0, 0.0, 253.0, 50.0]]), 0.04)
    (2,)
    """

    def __init__(self, *, max_age_s: float = MAX_AGE_S) -> None:
        if max_age_s < 0:
            raise ValueError(f"max_age_s is a time of at least 0 seconds, got {max_age_s}")
        self._max_age_s = max_age_s
        self._people: list[MovingPerson] = []
        self._next_id = 1
        self._now_s = -math.inf

    def update(self, boxes: NDArray[np.float64], time_s: float) -> tuple[int, ...]:
        """Takes the boxes of one frame.

        Args:
            boxes: float64 (N, 4), corners x0, y0, x1, y1 in px.
            time_s: The time of the frame in seconds.

        Returns:
            The numbers of the N people, in the order of the boxes.
        """
        if time_s < self._now_s:
            self.reset()
        self._now_s = time_s
        self._people = [p for p in self._people if time_s - p.seen_s <= self._max_age_s]
        states = _make_states(boxes)
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
        """Forgets everybody. Numbers go on from the last one."""
        self._people = []
        self._now_s = -math.inf

    def state(self) -> State:
        """Returns all that the next frame's numbers depend on but its boxes."""
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
        """Takes up a state that `state` gave."""
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
        """Maps rows of `now (N, 3)` to places in the list of people, at the least total cost."""
        if not self._people or not len(now):
            return {}
        if len(self._people) == len(now) == 1:  # no choice
            return {0: 0} if self._people[0].can_be(now[0], time_s) else {}
        expected = np.array([person.predict_state(time_s) for person in self._people])  # (M, 3)
        absent_s = np.array([time_s - person.seen_s for person in self._people])
        apart = np.linalg.norm(expected[:, None, :2] - now[None, :, :2], axis=2)  # (M, N)
        sides = (np.exp(expected[:, None, 2]) + np.exp(now[None, :, 2])) / 2
        growth = np.abs(expected[:, None, 2] - now[None, :, 2])
        reach = MAX_DISTANCE + REACH_PER_S * absent_s[:, None]
        near = apart / sides
        possible = (near < reach) & (growth < MAX_GROWTH)
        # Of two possible people, the one who was seen a moment ago is likelier.
        cost = near + SIZE_WEIGHT * growth + ABSENCE_COST_PER_S * absent_s[:, None]
        pairs = solve_assignment(np.where(possible, cost, IMPOSSIBLE))
        return {n: m for m, n in pairs if possible[m, n]}


def _make_states(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turns boxes `(N, 4)` xyxy px into states `(N, 3)`: centre and logarithm of the side."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    spans = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.column_stack([centres, np.log(np.sqrt(spans[:, 0] * spans[:, 1]))])
