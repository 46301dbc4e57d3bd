"""A reason is shown until another one has held for a while."""

import pytest

from app.tracking.reasons import SteadyReasons
from app.tracking.smoothing import GAP_S
from app.types import Reason


def reasons(steady: SteadyReasons, said: list[str], fps: float = 10) -> list[str]:
    return [steady.update({1: reason}, n / fps)[1] for n, reason in enumerate(said)]


def test_reason_that_flickers_does_not_show() -> None:
    said = ["dark", "blurred"] * 20
    assert set(reasons(SteadyReasons(hold_s=0.5), said)) == {"dark"}


def test_reason_that_stays_shows_after_the_hold() -> None:
    shown = reasons(SteadyReasons(hold_s=0.5), ["dark"] * 3 + ["blurred"] * 9)
    assert shown == ["dark"] * 8 + ["blurred"] * 4


def test_a_time_without_doubt_breaks_the_hold_of_a_reason() -> None:
    steady = SteadyReasons(hold_s=1.0)
    said: list[dict[int, Reason]] = [{1: "dark"}, {1: "blurred"}, {}, {}, {}]
    said += [{1: "blurred"}] * 12
    shown = [steady.update(now, n / 10) for n, now in enumerate(said)]
    first = next(n for n, now in enumerate(shown) if now.get(1) == "blurred")
    assert first / 10 == pytest.approx(1.5)  # a second after it came back


def test_reason_of_who_was_gone_begins_anew() -> None:
    steady = SteadyReasons()
    assert steady.update({1: "dark"}, 0.0) == {1: "dark"}
    assert steady.update({}, 0.1) == {}
    assert steady.update({1: "blurred"}, 0.2) == {1: "dark"}
    assert steady.update({1: "blurred"}, 0.2 + 1.1 * GAP_S) == {1: "blurred"}
