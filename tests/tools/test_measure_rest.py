"""A part's own time is without that of the parts it asks, and without the networks'."""

import time
from types import SimpleNamespace

import pytest

from tools.measure_rest import NETWORKS, PARTS, Clocks


def test_own_time_is_without_other_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = SimpleNamespace(s=0.0)
    monkeypatch.setattr(time, "perf_counter", lambda: now.s)
    clocks = Clocks()

    def spend(seconds: float) -> None:
        now.s += seconds

    inner = clocks.clocked("inner", lambda: spend(2.0))

    def network(of: SimpleNamespace) -> None:
        spend(4.0)
        of.inference_s += 4.0

    counted = clocks.networks(network)

    def work() -> None:
        spend(1.0)
        inner()
        inner()
        counted(SimpleNamespace(inference_s=0.0))

    clocks.clocked("outer", work)()
    assert dict(clocks.own_s) == {"inner": 4.0, NETWORKS: 4.0, "outer": 1.0}
    assert dict(clocks.calls) == {"inner": 2, "outer": 1}


def test_every_part_is_one_of_the_program() -> None:
    assert [part for part in PARTS if not callable(getattr(part[1], part[2], None))] == []
