"""The keys of the window and what each of them does. Nothing here needs OpenCV."""

from typing import Literal

Action = Literal[
    "quit",
    "pause",
    "hud",
    "map",
    "blur",
    "record",
    "snapshot",
    "calm",
    "quick",
    "neutral",
    "mirror",
    "help",
]

# As help texts name them: the key, what it does.
KEYS: tuple[tuple[str, str], ...] = (
    ("q, ESC", "quit (so does closing the window)"),
    ("space", "pause, go on; with pictures, the next one"),
    ("v", "view: everything, boxes, nothing"),
    ("e", "where on the face the evidence lies"),
    ("b", "blur faces, on the screen and in what is saved"),
    ("r", "record to a file; stop"),
    ("s", "save a snapshot and its record"),
    ("[ ]", "smooth less, more"),
    ("n", "five seconds of a neutral face, allowed for; forget"),
    ("m", "mirror the picture"),
    ("h", "show or hide this help"),
)

ESCAPE = 27
_ACTIONS: dict[int, Action] = {
    ord("q"): "quit",
    ESCAPE: "quit",
    ord(" "): "pause",
    ord("v"): "hud",
    ord("e"): "map",
    ord("b"): "blur",
    ord("r"): "record",
    ord("s"): "snapshot",
    ord("["): "quick",
    ord("]"): "calm",
    ord("n"): "neutral",
    ord("m"): "mirror",
    ord("h"): "help",
}


def action_of(code: int) -> Action | None:
    """What the key of a code of `cv2.waitKeyEx` asks for; capital letters are as good as small
    ones. Arrows and the like have codes beyond a byte, whose last byte is another key's."""
    key = code & 0xFFFF  # without the modifier bits that some window systems add
    if code < 0 or key > 0xFF:
        return None
    return _ACTIONS.get(ord(chr(key).lower()))
