"""The keys of the window and what each of them does. Nothing here needs OpenCV."""

from typing import Literal

Action = Literal["quit", "pause", "snapshot", "mirror", "help"]

# As help texts name them: the key, what it does.
KEYS: tuple[tuple[str, str], ...] = (
    ("q, ESC", "quit (so does closing the window)"),
    ("space", "pause, go on; with pictures, the next one"),
    ("s", "save a snapshot"),
    ("m", "mirror the picture"),
    ("h", "show or hide this help"),
)

ESCAPE = 27
_ACTIONS: dict[int, Action] = {
    ord("q"): "quit",
    ESCAPE: "quit",
    ord(" "): "pause",
    ord("s"): "snapshot",
    ord("m"): "mirror",
    ord("h"): "help",
}


def action_of(code: int) -> Action | None:
    """What the key of an OpenCV key code asks for; capital letters are as good as small ones."""
    if code < 0:
        return None
    return _ACTIONS.get(ord(chr(code & 0xFF).lower()))
