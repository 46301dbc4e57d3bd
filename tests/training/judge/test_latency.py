"""Works take turns, by a clock that is an argument; the machine is named from what Linux says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from training.judge.latency import (
    MIN_ROUNDS,
    CpuFacts,
    Spread,
    compute_ratio,
    describe_timing_machine,
    take_turns,
)


class Clock:
    """Stands still unless a work moves it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def work(self, name: str, takes_s: float, log: list[str]) -> Callable[[], object]:
        def done() -> None:
            self.now_s += takes_s
            log.append(name)

        return done


def test_each_work_is_timed_once_a_round_after_a_pause_and_runs_that_are_not() -> None:
    clock, log = Clock(), []
    works = {"a": clock.work("a", 0.0015, log), "b": clock.work("b", 0.5, log)}
    times = take_turns(works, 2, clock=clock, sleep=lambda _: log.append("-"))
    a, b = ["-", *"aaaa"], ["-", *"bb"]  # untimed: at least four milliseconds
    assert log == ["a", "a", "b", "b", *a, *b, *b, *a]
    np.testing.assert_allclose(times["a"], [1.5, 1.5])
    np.testing.assert_allclose(times["b"], [500, 500])


@pytest.mark.parametrize(("at_most_s", "rounds"), [(0.5, MIN_ROUNDS), (7.0, 8), (1e9, 20)])
def test_no_round_begins_late_once_there_are_enough(at_most_s: float, rounds: int) -> None:
    clock = Clock()
    work = {"a": clock.work("a", 0.5, [])}  # a round takes a second
    assert len(take_turns(work, 20, at_most_s=at_most_s, clock=clock, sleep=id)["a"]) == rounds


def test_ratios_are_taken_within_a_round() -> None:
    """A moment that slows both tenfold does not show."""
    own, other = np.array([1.0, 10.0, 1.0]), np.array([2.0, 20.0, 2.0])
    assert compute_ratio(own, other) == Spread(0.5, 0.5, 0.5)


def test_spread_is_the_middle_eight_tenths() -> None:
    spread = Spread.from_values(list(range(11)))
    assert spread == Spread(5.0, 1.0, 9.0)
    assert spread.format(1) == "5.0 (1.0–9.0)"


@pytest.mark.parametrize(
    ("text", "model", "int8"),
    [
        (
            "processor : 0\nmodel name\t: Fast One\nflags : fpu avx512_vnni avx2 amx_int8\n",
            "Fast One",
            ("avx512_vnni", "amx_int8"),
        ),
        ("Features : fp asimd asimddp\n", None, ("asimddp",)),
        ("", None, ()),
    ],
)
def test_processor_is_named(
    text: str, model: str | None, int8: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    cpu = CpuFacts.read(path)
    assert cpu.model
    assert model in (None, cpu.model)
    assert cpu.int8 == int8
    assert cpu.cores >= 1


def test_processor_without_cpuinfo_still_has_a_name(tmp_path: Path) -> None:
    assert CpuFacts.read(tmp_path / "missing").model


def test_figures_name_their_machine() -> None:
    line = describe_timing_machine(2)
    assert "ONNX Runtime" in line
    assert "CPU, 2 threads" in line
