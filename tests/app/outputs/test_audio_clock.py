"""Samples that are counted give back what a container has rounded away."""

from fractions import Fraction
from types import SimpleNamespace

import pytest

from app.outputs.audio_clock import SampleClock

MILLISECONDS = Fraction(1, 1000)


def make_clock(time_base: Fraction, frame_size: int) -> SampleClock:
    context = SimpleNamespace(sample_rate=48_000, frame_size=frame_size)
    stream = SimpleNamespace(codec_context=context, time_base=time_base)
    return SampleClock(stream)  # type: ignore[arg-type]


def test_rounded_times_become_whole_packets_of_samples() -> None:
    clock = make_clock(MILLISECONDS, 1024)
    taken = [clock.take(Fraction(ms, 1000), 21) for ms in (0, 21, 43, 64)]
    assert clock.time_base == Fraction(1, 48_000)
    assert taken == [(0, 1024), (1024, 1024), (2048, 1024), (3072, 1024)]


def test_gap_of_more_than_the_rounding_is_kept() -> None:
    clock = make_clock(MILLISECONDS, 1024)
    assert [clock.take(Fraction(ms, 1000), 21)[0] for ms in (0, 500)] == [0, 24_000]


@pytest.mark.parametrize(
    ("ticks", "durations"), [([1024, 1024], [1024, 1024]), ([1024, None], [1024, 1000])]
)
def test_packet_without_a_duration_is_as_long_as_its_distance(
    ticks: list[int | None], durations: list[int]
) -> None:
    clock = make_clock(Fraction(1, 48_000), 1024)
    starts_s = Fraction(0), Fraction(1000, 48_000)
    taken = [clock.take(one, tick)[1] for one, tick in zip(starts_s, ticks, strict=True)]
    assert clock.time_base == Fraction(1, 48_000)
    assert taken == durations
