"""Words what a page is told of the server and of the switches: the messages "hello" and "state"."""

from collections.abc import Sequence

from app.live.remote import LiveState
from app.overlay.palette import choose_colour
from app.overlay.text import SOFT_WHITE, Colour
from app.server.limits import describe_limits
from app.server.page_messages import WatchedSource
from app.server.source_feed import SourceFeed
from app.types import UNSURE, Json

SCHEMA = 1  # of the page's messages


def make_hello(labels: Sequence[str], feed: SourceFeed | None, version: str, state: Json) -> Json:
    """Makes the first message that a page gets.

    Args:
        labels: The names of the model's classes.
        feed: The server's camera or video; None for none.
        version: That of the program.
        state: The first state.
    """
    camera: Json | None = None
    if feed is not None:
        camera = {
            "name": feed.source.name,
            "size": None if feed.size_wh is None else list(feed.size_wh),
            "fps": None if feed.state is None else _round(feed.state.fps),
        }
    colours = {label: format_colour(choose_colour(label, labels)) for label in labels}
    return {
        "type": "hello",
        "schema": SCHEMA,
        "version": version,
        "labels": list(labels),
        "colours": colours | {UNSURE: format_colour(SOFT_WHITE)},
        "server_camera": camera,
        "limits": describe_limits(),
        "state": state,
    }


def make_state(state: LiveState, source: WatchedSource, recording: Json | None) -> Json:
    """Makes the message on the switches of what is watched, and on the recording."""
    return {
        "type": "state",
        "blur": state.blur,
        "map": state.with_maps,
        "smoothing_s": state.smoothing_s,
        "neutral": {"left_s": _round(state.neutral_left_s), "known": state.neutral_known},
        "recording": recording,
        "source": None if source == "none" else source,
        "fps": _round(state.fps),
        "latency_ms": _round(state.latency_ms),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def format_colour(colour: Colour) -> str:
    """Formats a colour, BGR, as a style sheet has it.

    >>> format_colour((0, 159, 230))
    '#e69f00'
    """
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"
