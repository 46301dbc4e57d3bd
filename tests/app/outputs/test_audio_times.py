"""Audio keeps its distance from the pictures where a file's times begin anew."""

from fractions import Fraction

import pytest

from app.outputs.audio_times import AudioTimes

BASE = Fraction(1, 100)
TICKS = [0, 10, 20, 30, 0, 10, 20, 30]  # two files that were joined


def place(shifts_s: list[Fraction], until_s: Fraction | None) -> list[tuple[float, str | None]]:
    times = AudioTimes(Fraction(0), lambda: shifts_s)
    times.until_s = until_s
    named = iter([(tick, "abcdefgh"[number]) for number, tick in enumerate(TICKS)])
    found = []
    for start_s, name, _ in times.place(named, BASE, Fraction(1, 10)):
        found.append((float(start_s), name))
        if name is None:
            break
    return found


@pytest.mark.parametrize(
    ("shifts_s", "until_s", "second_s"),
    [
        ([Fraction(45, 100)], None, [0.45, 0.55, 0.65, 0.75]),  # as the pictures were moved
        ([Fraction(9)], None, [0.4, 0.5, 0.6, 0.7]),  # those began anew somewhere else
        ([], None, [0.4, 0.5, 0.6, 0.7]),  # those did not begin anew
        ([], Fraction(1), [None]),  # those may still do so
    ],
)
def test_second_part_stands_to_its_pictures_as_the_first_does(
    shifts_s: list[Fraction], until_s: Fraction | None, second_s: list[float | None]
) -> None:
    found = place(shifts_s, until_s)
    assert found[:4] == [(0.0, "a"), (0.1, "b"), (0.2, "c"), (0.3, "d")]
    assert [None if name is None else start_s for start_s, name in found[4:]] == second_s


@pytest.mark.parametrize(
    ("start_s", "anew", "overlaps"), [(0.9, True, True), (0.96, True, False), (0.5, False, False)]
)
def test_audio_under_which_earlier_audio_still_lasts_overlaps(
    start_s: float, anew: bool, overlaps: bool
) -> None:
    times = AudioTimes(Fraction(0), tuple)
    times.end_s = Fraction(1)
    assert times.overlaps_earlier(Fraction(start_s), Fraction(1, 10), anew) == overlaps
