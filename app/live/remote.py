"""The port through which a page turns the switches of a session, and sees how they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.live.keys import Action


@dataclass(frozen=True, slots=True)
class LiveState:
    """The switches and figures of a session.

    `neutral_left_s` is the time in seconds that a look at resting faces still takes; None while
    there is none. `neutral_known` people are corrected. `fps` counts results a second, and
    `latency_ms` is the eased time from capture to result; both are None until they are known.
    """

    blur: bool
    with_maps: bool
    smoothing_s: float | None
    neutral_left_s: float | None = None
    neutral_known: int = 0
    fps: float | None = None
    latency_ms: float | None = None


class Remote(Protocol):
    """Turns the keys of a session from elsewhere than its window. All methods return at once."""

    def take_actions(self) -> Sequence[Action]:
        """Returns the actions asked for since the last call, in order."""

    def show_state(self, state: LiveState) -> None:
        """Takes the present state, after each frame and while none comes."""

    def show_message(self, line: str) -> None:
        """Takes a line that the window would show for some seconds."""
