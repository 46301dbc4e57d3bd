"""Labels are calm on faces that tremble and quick on faces that change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.contract import Contract
from app.tracking.smoothing import (
    FLOOR,
    GAP_S,
    LEAD_HOLD_S,
    MARGIN_NATS,
    NO_CLASS,
    ReadingSmoother,
)
from app.types import Floats
from tests.support.tiny_model import tiny_contract

HAPPY, SAD, ANGRY = range(3)


def odds(nats: float) -> tuple[float, float, float]:
    """HAPPY before SAD by so many nats, hardly ever ANGRY."""
    share = 0.98 / (1 + np.exp(-nats))
    return float(share), float(0.98 - share), 0.02


def play(
    steady: ReadingSmoother,
    rows: list[tuple[float, ...]],
    *,
    fps: float = 30,
    start_s: float = 0.0,
    contract: Contract | None = None,
) -> list[int]:
    """The classes shown of one person, frame by frame."""
    doubt = None if contract is None else contract.measure_sureness_nats
    return [
        int(steady.update([7], np.array([row], np.float32), start_s + n / fps, doubt).shown[0])
        for n, row in enumerate(rows)
    ]


def delay_s(shown: list[int], label: int, fps: float = 30) -> float:
    return shown.index(label) / fps


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
@pytest.mark.parametrize("before", [2.0, 4.0, 7.0])
@pytest.mark.parametrize("after", [2.0, 4.0, 7.0])
def test_clear_change_shows_within_300_ms(fps: int, before: float, after: float) -> None:
    steady = ReadingSmoother()
    play(steady, [odds(before)] * 3 * fps, fps=fps)
    shown = play(steady, [odds(-after)] * fps, fps=fps, start_s=3.0)
    assert delay_s(shown, SAD, fps) <= 0.3
    assert shown[-1] == SAD


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mean", [0.0, 0.5, 3.0])
def test_trembling_face_keeps_its_label_for_a_minute(seed: int, mean: float) -> None:
    """Even one that lies between two expressions; each frame by itself changes all the time."""
    noise = np.random.default_rng(seed).normal(mean, 0.8, 60 * 30)
    rows = [odds(float(nats)) for nats in noise]
    raw = np.array([row[0] > row[1] for row in rows])
    changes = np.count_nonzero(np.diff(play(ReadingSmoother(), rows)))
    assert changes <= 1
    if mean < 1:
        assert np.count_nonzero(np.diff(raw)) > 100


@pytest.mark.slow
def test_half_the_margin_would_not_keep_a_label_for_a_minute() -> None:
    changes = 0
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(0, 0.8, 60 * 30)
        half = ReadingSmoother(margin_nats=MARGIN_NATS / 2)
        rows = [odds(float(nats)) for nats in noise]
        changes += np.count_nonzero(np.diff(play(half, rows)))
    assert changes > 10  # in five minutes


@pytest.mark.parametrize("frames", [1, 2])
def test_blink_does_not_show(frames: int) -> None:
    rows = [odds(3)] * 30 + [odds(-4)] * frames + [odds(3)] * 30
    assert set(play(ReadingSmoother(), rows)) == {HAPPY}


def test_lead_that_stays_below_the_margin_never_shows() -> None:
    steady = ReadingSmoother(margin_nats=0.5)
    assert set(play(steady, [odds(2)] * 30 + [odds(-0.4)] * 300)) == {HAPPY}
    assert play(steady, [odds(-0.6)] * 300, start_s=11.0)[-1] == SAD


def test_new_label_waits_for_the_hold() -> None:
    steady = ReadingSmoother(smoothing_s=0.001, margin_nats=0, hold_s=0.1)
    shown = play(steady, [odds(2)] + [odds(-2)] * 20, fps=100)
    assert shown.index(SAD) == 11  # leads from frame 1 on


def test_rival_has_to_lead_without_a_break() -> None:
    steady = ReadingSmoother(smoothing_s=0.001, margin_nats=0, hold_s=0.1)
    rows = [odds(2)] + ([odds(-2)] * 8 + [odds(2)]) * 20
    assert set(play(steady, rows, fps=100)) == {HAPPY}


THREE = tiny_contract(("happy", "sad", "angry"), unsure_below=0.52, unsure_above_nats=0.9)
CLEARLY_HAPPY = [(0.9, 0.05, 0.05)] * 30


def test_label_that_is_no_longer_the_likeliest_gives_way_to_unsure() -> None:
    """Neither is the average unsure by the margin, nor is the new class beyond doubt."""
    led = [(0.20, 0.55, 0.25)] * 90
    assert -MARGIN_NATS < THREE.measure_sureness_nats(np.array(led[:1]))[0] < 0
    before = [(0.78, 0.20, 0.02)] * 30
    assert play(ReadingSmoother(), before + led, contract=THREE)[-1] == NO_CLASS


def test_doubt_and_the_lead_of_the_likeliest_add_up() -> None:
    led = [(0.34, 0.48, 0.18)] * 90
    doubt_nats = -THREE.measure_sureness_nats(np.array(led[:1]))[0]
    lead_nats = np.log(0.48 / 0.34)
    assert max(doubt_nats, lead_nats) < MARGIN_NATS < doubt_nats + lead_nats
    assert play(ReadingSmoother(), CLEARLY_HAPPY + led, contract=THREE)[-1] == NO_CLASS
    first = [(0.48, 0.34, 0.18)] * 90  # the same doubt, but the label is the likeliest
    assert play(ReadingSmoother(), CLEARLY_HAPPY + first, contract=THREE)[-1] == HAPPY


@pytest.mark.parametrize(
    ("turns", "contract"),
    [
        ([(0.2, 0.5, 0.3), (0.2, 0.3, 0.5)], None),  # two classes take turns
        ([(0.2, 0.56, 0.24), (0.2, 0.5, 0.3)], THREE),  # a class and "unsure" do
    ],
)
def test_rivals_that_take_turns_replace_a_label_together(
    turns: list[tuple[float, ...]], contract: Contract | None
) -> None:
    smoother = ReadingSmoother(smoothing_s=0.001)
    shown = play(smoother, CLEARLY_HAPPY + turns * 45, contract=contract)
    assert HAPPY not in shown[35:]


def test_change_does_not_stop_at_the_doubt_it_passes_through() -> None:
    rows = [*CLEARLY_HAPPY, *[(0.06, 0.52, 0.42)] * 6, *[(0.01, 0.97, 0.02)] * 30]
    assert set(play(ReadingSmoother(), rows, contract=THREE)) == {HAPPY, SAD}


@st.composite
def draw_readings(draw: st.DrawFn) -> list[tuple[float, ...]]:
    """Readings of a few seconds: in each passage, up to three readings take turns."""
    nats = st.sampled_from([-6.0, -2.0, -1.0, -0.5, 0.0, 0.2, 0.4, 0.7])
    rows: list[tuple[float, ...]] = []
    for _ in range(draw(st.integers(1, 5))):
        turns: list[tuple[float, ...]] = []
        for _ in range(draw(st.integers(1, 3))):
            powers = np.exp([draw(nats) for _ in range(3)])
            turns += [tuple((powers / powers.sum()).tolist())] * draw(st.integers(1, 3))
        rows += turns * draw(st.integers(1, 12))
    return rows


@given(
    draw_readings(), st.sampled_from([10, 30, 60]), st.sampled_from([0.02, 0.5, 2.0]), st.booleans()
)
def test_displayed_label_never_disagrees_with_the_average_for_longer_than_the_hold(
    rows: list[tuple[float, ...]], fps: int, smoothing_s: float, knows_doubt: bool
) -> None:
    """Neither a class that another one leads by the margin, nor one of an average that is unsure by
    the margin, nor one far below the limit of doubt, nor "unsure" where the average is sure by the
    margin. What replaces a label is the best of the average."""
    smoother = ReadingSmoother(smoothing_s=smoothing_s)
    doubt = THREE.measure_sureness_nats if knows_doubt else None
    least = 0.52 * np.exp(-MARGIN_NATS) - 1e-3
    wrong_since_s: dict[str, float] = {}
    before = None
    for n, row in enumerate(rows):
        time_s = n / fps
        done = smoother.update([7], np.array([row], np.float32), time_s, doubt)
        shares, shown = done.probabilities[0], int(done.shown[0])
        sure = np.inf if doubt is None else float(doubt(done.probabilities)[0])
        nats = MARGIN_NATS + 1e-3
        wrongs = {
            "is led": shown != NO_CLASS and np.log(shares.max() / shares[shown]) >= nats,
            "unsure": shown != NO_CLASS and sure <= -nats,
            "sure": shown == NO_CLASS and sure >= nats,
            "unlikely": knows_doubt and shown != NO_CLASS and shares[shown] < least,
        }
        for name, is_wrong in wrongs.items():
            if not is_wrong:
                wrong_since_s.pop(name, None)
            elif before is not None:
                wrong_s = time_s - wrong_since_s.setdefault(name, time_s)
                assert wrong_s < LEAD_HOLD_S, (name, time_s)
        if shown != before:
            assert shown == (shares.argmax() if sure >= 0 else NO_CLASS)
        before = shown


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.25, 1.0]))
def test_smoothed_rows_are_probabilities(seed: int, smoothing_s: float) -> None:
    rng = np.random.default_rng(seed)
    steady = ReadingSmoother(smoothing_s=smoothing_s)
    for n in range(20):
        rows = rng.dirichlet([0.1] * 5, 3).astype(np.float32)
        done = steady.update([1, 2, 3], rows, n / 30)
        np.testing.assert_allclose(done.probabilities.sum(axis=1), 1, atol=1e-5)
        assert done.probabilities.min() >= 0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_averaging_log_probabilities_is_averaging_logits(temperature: float) -> None:
    """Constants of each frame, which a softmax forgets, do not matter."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1.5, (3, 4))
    smoothing_s, fps = 0.2, 10
    steady = ReadingSmoother(smoothing_s=smoothing_s)
    share = 1 - np.exp(-1 / fps / smoothing_s)
    mean = logits[0]
    for n, row in enumerate(logits):
        powers = np.exp((row + rng.normal()) / temperature)
        done = steady.update([1], (powers / powers.sum())[None].astype(np.float32), n / fps)
        mean = mean + share * (row - mean)
    wanted = np.exp(mean / temperature)
    np.testing.assert_allclose(done.probabilities[0], wanted / wanted.sum(), atol=1e-5)


def test_no_smoothing_shows_each_frame_by_itself() -> None:
    rows = [odds(0.1), odds(-0.1)] * 5
    steady = ReadingSmoother(smoothing_s=0)
    assert play(steady, rows) == [HAPPY, SAD] * 5
    done = steady.update([7], np.array([odds(9)], np.float32), 1.0)
    np.testing.assert_array_equal(done.probabilities, np.array([odds(9)], np.float32))


def test_smoothing_can_be_changed_while_it_runs() -> None:
    steady = ReadingSmoother(smoothing_s=0)
    assert play(steady, [odds(0.1), odds(-0.1)]) == [HAPPY, SAD]
    steady.smoothing_s = 1.0
    assert play(steady, [odds(3)] * 10 + [odds(-3)] * 3, start_s=1.0) == [HAPPY] * 13
    steady.smoothing_s = 0
    assert play(steady, [odds(-3)], start_s=2.0) == [SAD]
    with pytest.raises(ValueError, match="seconds"):
        steady.smoothing_s = -1


@pytest.mark.parametrize(("gap_s", "shown"), [(0.9 * GAP_S, HAPPY), (1.1 * GAP_S, SAD)])
def test_long_absence_begins_anew(gap_s: float, shown: int) -> None:
    steady = ReadingSmoother(smoothing_s=2.0)
    play(steady, [odds(3)] * 30)
    assert play(steady, [odds(-1)], start_s=29 / 30 + gap_s) == [shown]


@pytest.mark.parametrize("back", ["reset", "time"])
def test_cut_begins_anew(back: str) -> None:
    steady = ReadingSmoother()
    play(steady, [odds(3)] * 30, start_s=5.0)
    if back == "reset":
        steady.reset()
    assert play(steady, [odds(-1)], start_s=0.0 if back == "time" else 6.0) == [SAD]


def test_people_do_not_mix() -> None:
    steady = ReadingSmoother()
    for n in range(30):
        order = [1, 2] if n % 2 else [2, 1]
        rows = np.array([odds(3 if one == 1 else -3) for one in order], np.float32)
        done = steady.update(order, rows, n / 30)
        assert dict(zip(order, done.shown.tolist(), strict=True)) == {1: HAPPY, 2: SAD}


def test_nobody_is_steadied_to_nothing() -> None:
    done = ReadingSmoother().update([], np.zeros((0, 3), np.float32), 0.0)
    assert (done.probabilities.shape, done.shown.shape) == ((0, 3), (0,))


DOUBT = tiny_contract(unsure_below=0.6)


def test_unsure_is_entered_and_left_by_the_margin() -> None:
    steady = ReadingSmoother(margin_nats=0.3)
    at = float(np.log(1.5))  # log odds of 0.6

    def two(nats: float) -> list[tuple[float, ...]]:
        share = 1 / (1 + np.exp(-nats))
        return [(share, 1 - share)] * 90

    steps = [(2.0, 0), (at - 0.2, 0), (0.0, NO_CLASS), (at + 0.2, NO_CLASS), (at + 0.5, 0)]
    for n, (nats, label) in enumerate(steps):
        assert play(steady, two(nats), start_s=3.0 * n, contract=DOUBT)[-1] == label, nats


@pytest.mark.parametrize("options", [{"smoothing_s": -1}, {"margin_nats": -1}, {"hold_s": -0.1}])
def test_negative_settings_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        ReadingSmoother(**options)


def test_reading_is_not_believed_to_be_impossible() -> None:
    def after(before: Floats) -> list[int]:
        steady = ReadingSmoother()
        steady.update([7], before, 0.0)
        return play(steady, [odds(-2)] * 30, start_s=1 / 30)

    sure = np.array([[1.0, 0.0, 0.0]], np.float32)
    almost = np.array([[1 - 2 * FLOOR, FLOOR, FLOOR]], np.float32)
    assert after(sure) == after(almost)
