"""Times that are wrong are mended one by one; times that begin anew are moved on."""

import pytest

from app.sources.frame_times import MAX_LISTED_CHANGES, FrameTimes, TimeChange, TimeChanges

STEP, JUMP = 40, 1000


def given(own: list[int | None]) -> tuple[list[int], TimeChanges]:
    times = FrameTimes(((time, number) for number, time in enumerate(own)), step=STEP, jump=JUMP)
    pairs = list(times)
    assert [number for _, number in pairs] == list(range(len(own)))
    return [time for time, _ in pairs], times.changes


def steady(count: int, start: int = 0) -> list[int]:
    return [start + STEP * number for number in range(count)]


@pytest.mark.parametrize(
    "own",
    [
        steady(20),
        [0, 40, 80, 200, 210, 211, 1000, 1040],
        [0, 5_000, 10_000, 15_000],  # a slide show
        [*steady(5), *steady(5, 3_600_000)],  # a pause of an hour
        [-80, -40, 0, 40],
        [7],
        [],
    ],
)
def test_times_that_rise_are_the_files_own(own: list[int]) -> None:
    times, changes = given(list(own))
    assert times == own
    assert (changes.mended_count, changes.restarts, changes.shifts) == (0, (), ())


@pytest.mark.parametrize("wrong", [30_000, 3, -5, 35, 40])
@pytest.mark.parametrize("at", [2, 10, 18])
def test_single_wrong_time_is_mended_and_no_other_changes(at: int, wrong: int) -> None:
    own = steady(20)
    own[at] = wrong if wrong < 1000 else own[at] + wrong
    times, changes = given(list(own))
    expected = steady(20)
    assert times == expected
    assert changes.mended == (TimeChange(at, own[at], expected[at]),)
    assert changes.restarts == ()


@pytest.mark.parametrize(
    ("own", "expected", "mended"),
    [
        # two and four in a row
        ([*steady(5), 9000, 9040, *steady(9, 280)], steady(16), 2),
        ([*steady(5), 9000, 9040, 9080, 9120, *steady(9, 360)], steady(18), 4),
        # the first
        ([50_000, *steady(9, 40)], steady(10), 1),
        ([40, 40, 120, 160, 200], [40, 80, 120, 160, 200], 1),
        # pairs of one time
        ([0, 0, 80, 80, 160, 160, 240], [0, 40, 80, 120, 160, 200, 240], 3),
        # no room in between
        ([0, 1, 1, 2, 3, 60], [0, 1, 2, 3, 31, 60], 3),
        # a step back by two frames
        ([*steady(10), *steady(10, 320)], [*steady(10), 373, 386, *steady(8, 400)], 2),
    ],
)
def test_few_wrong_times(own: list[int], expected: list[int], mended: int) -> None:
    times, changes = given(list(own))
    assert times == expected
    assert (changes.mended_count, changes.restarts) == (mended, ())


def test_frames_without_a_time_come_in_between() -> None:
    times, changes = given([None, 40, None, 120, None, 140, None, None])
    assert times == [0, 40, 80, 120, 130, 140, 180, 220]
    assert (changes.mended_count, changes.restarts) == (0, ())
    assert given([None] * 4)[0] == steady(4)


def test_times_that_begin_anew_are_moved_on() -> None:
    own = [*steady(10, 1400), *steady(10, 1400), *steady(12), *steady(4, 5000)]
    times, changes = given(list(own))
    assert times == [*steady(32, 1400), *steady(4, 1400 + 20 * STEP + 5000)]
    assert changes.restarts == (TimeChange(10, 1400, 1800), TimeChange(20, 0, 2200))
    assert changes.shifts == (400, 2200)
    assert changes.starts == (1800, 2200)
    assert changes.mended_count == 0


def test_wrong_times_behind_a_restart_are_mended_too() -> None:
    own = [*steady(10), *steady(10)]
    own[15] = 99_000
    times, changes = given(list(own))
    assert times == steady(20)
    assert changes.mended == (TimeChange(15, 99_000, 600),)
    assert changes.restarts == (TimeChange(10, 0, 400),)


def test_lists_stay_short() -> None:
    own = [time for time in range(0, 4 * MAX_LISTED_CHANGES * STEP, 2 * STEP) for _ in range(2)]
    _, changes = given(list(own))
    assert len(changes.mended) == MAX_LISTED_CHANGES
    assert changes.mended_count == 2 * MAX_LISTED_CHANGES


def test_frames_wait_only_where_times_are_in_doubt() -> None:
    taken = 0

    def frames():  # type: ignore[no-untyped-def]
        nonlocal taken
        for time in [*steady(10), *steady(20)]:
            taken += 1
            yield time, None

    times = FrameTimes(frames(), step=STEP, jump=JUMP)
    ahead = []
    for number, _ in enumerate(times, start=1):
        ahead.append(taken - number)
    assert ahead[:9] == [1] * 9
    assert max(ahead) == 7
