"""Names the keys of the window and the action of each. Nothing here needs OpenCV."""

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
    "teach",
    "mirror",
    "help",
]

# For help texts: the name of the key, and what the key does.
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
    ("t", "teach it your face: each expression for five seconds"),
    ("m", "mirror the picture"),
    ("h", "show or hide this help"),
)

ESCAPE = 27  # the key's code in ASCII
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
    ord("t"): "teach",
    ord("m"): "mirror",
    ord("h"): "help",
}


def find_action(code: int) -> Action | None:
    """Finds the action of a key by its code of `cv2.waitKeyEx`; None for a key without an action.

    Capital letters count as small ones. Arrow keys have codes beyond a byte, whose last byte is the
    code of another key.

    >>> find_action(ord("Q")), find_action(ord("x")), find_action(0x10000 | ord("m"))
    ('quit', None, 'mirror')
    """
    key = code & 0xFFFF  # without the modifier bits that some window systems add
    if code < 0 or key > 0xFF:
        return None
    return _ACTIONS.get(ord(chr(key).lower()))
