"""Keys mean what the help says."""

import pytest

from app.live.keys import KEYS, find_action


@pytest.mark.parametrize(
    ("code", "action"),
    [
        (-1, None),
        (ord("q"), "quit"),
        (ord("Q"), "quit"),
        (27, "quit"),
        (32, "pause"),
        (ord("s"), "snapshot"),
        (ord("m"), "mirror"),
        (ord("H"), "help"),
        (ord("x"), None),
        (ord("v"), "hud"),
        (ord("e"), "map"),
        (ord("b"), "blur"),
        (ord("r"), "record"),
        (ord("n"), "neutral"),
        (ord("["), "quick"),
        (ord("]"), "calm"),
        *((arrow, None) for arrow in (0xFF51, 0xFF52, 0xFF53, 0xFF54)),  # Left, Up, Right, Down
        *((arrow, None) for arrow in (0x250000, 0x260000, 0x270000, 0x280000)),  # on Windows
        (0xFFE2 | 0x100000, None),  # Shift
        (ord("q") | 0x100000, "quit"),  # modifier bits that some window systems add
    ],
)
def test_key_codes_become_actions(code: int, action: str | None) -> None:
    assert find_action(code) == action


def test_help_names_every_action() -> None:
    assert [key for key, _ in KEYS] == [
        *("q, ESC", "space", "v", "e", "b", "r", "s", "[ ]", "n", "t", "m", "h")
    ]
