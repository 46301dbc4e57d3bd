"""Adds up the facial actions of a person, and renders them in the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.actions.names import ACTION_NAMES, COEFFICIENTS, POSE_NAMES
from app.pages.document import render_remark, render_table
from app.pages.html import Html, fill_html, join_html
from app.wording import format_count

CLOSED = 0.5  # of `blink`: the eyes count as closed
OPEN = 0.3  # below it they count as open again, so that a flutter at the limit is one blink
GAP_S = 0.5  # a longer time without a reading is left out of the time in which blinks are counted
MOST_COEFFICIENTS = 8  # of each person
MIN_SHOWN = 0.2  # a coefficient that never reaches this is left out

REMARK = (
    "Head pose in degrees towards the camera's axis: yaw is positive to the picture's right, pitch "
    "down, roll counterclockwise. The other names are ARKit's coefficients of a face rig, 0 to 1, "
    "as a network guesses them: they are not validated FACS action units, and a person's resting "
    "face has values of its own. A blink is a time in which the mean of both eyeBlink coefficients "
    f"is above {CLOSED:g}; looking down looks like one."
)


@dataclass(slots=True)
class ActionTally:
    """Adds up facial actions by `ACTION_NAMES`: `lowest` and `highest` `(57,)`, and `sums` over
    `faces` rows. `blinks` counts closings of the eyes in `seconds`."""

    faces: int = 0
    blinks: int = 0
    seconds: float = 0.0
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(ACTION_NAMES)))
    lowest: NDArray[np.float64] = field(default_factory=lambda: np.full(len(ACTION_NAMES), np.inf))
    highest: NDArray[np.float64] = field(
        default_factory=lambda: np.full(len(ACTION_NAMES), -np.inf)
    )
    _is_closed: bool = False
    _last_s: float | None = None

    def add(self, actions: Mapping[str, float], time_s: float) -> None:
        """Takes the actions of a face at a time in seconds, in order of time."""
        now = np.array([actions[name] for name in ACTION_NAMES])
        self.sums = self.sums + now
        self.lowest, self.highest = np.minimum(self.lowest, now), np.maximum(self.highest, now)
        step_s = np.inf if self._last_s is None else time_s - self._last_s
        if not 0 < step_s <= GAP_S:
            self._is_closed = actions["blink"] >= CLOSED  # nobody saw it begin
        else:
            self.seconds += step_s
            if actions["blink"] >= CLOSED and not self._is_closed:
                self.blinks += 1
                self._is_closed = True
            elif actions["blink"] < OPEN:
                self._is_closed = False
        self._last_s = time_s
        self.faces += 1

    def list_rows(self) -> list[tuple[str, ...]]:
        """Lists pose and the most active coefficients: name, mean, least and greatest value."""
        rows = [name for name in ACTION_NAMES if name in POSE_NAMES]
        high = dict(zip(ACTION_NAMES, self.highest.tolist(), strict=True))
        active = sorted(COEFFICIENTS, key=lambda name: -high[name])[:MOST_COEFFICIENTS]
        rows += [name for name in active if high[name] >= MIN_SHOWN]
        return [
            (
                name,
                *(
                    f"{value:.1f}°" if name in POSE_NAMES else f"{value:.2f}"
                    for value in (self.sums[at] / self.faces, self.lowest[at], self.highest[at])
                ),
            )
            for name in rows
            for at in [ACTION_NAMES.index(name)]
        ]


def render_actions(people: Sequence[tuple[str, ActionTally]]) -> Html:
    """Renders the facial actions of people, each with a title."""
    body = join_html(
        fill_html(
            "<article><h3>{title} <small>{blinks}</small></h3>\n{table}</article>\n",
            title=title,
            blinks=_word_blinks(tally),
            table=render_table(
                ("action", "mean", "least", "greatest"), tally.list_rows(), "numbers"
            ),
        )
        for title, tally in people
    )
    return body + render_remark(REMARK) + Html("\n")


def _word_blinks(tally: ActionTally) -> str:
    if not tally.seconds:
        return ""
    return f"{format_count(tally.blinks, 'blink')} in {tally.seconds:.1f} s"
