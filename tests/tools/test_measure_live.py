"""The figures of live outputs are those of the frames that were received, and aims are judged."""

import json
import math
from pathlib import Path

import pytest

from app.errors import DataError
from tools import measure_live
from tools.live_receivers import Received
from tools.measure_live import Figure, main, summarise_latency


@pytest.mark.parametrize(
    ("value", "aim", "more_is_better", "missed"),
    [
        (60.0, 60, False, False),
        (60.1, 60, False, True),
        (20.0, 20, True, False),
        (19.9, 20, True, True),
        (math.nan, 20, True, True),
        (math.nan, 20, False, True),
        (99.0, None, False, False),
    ],
)
def test_an_aim_is_a_limit(
    value: float, aim: float | None, more_is_better: bool, missed: bool
) -> None:
    assert Figure("x", value, "ms", aim, more_is_better).is_missed is missed


def test_a_frame_is_as_old_as_its_picture_left_the_camera() -> None:
    sent_s = [1.0, 2.0, 3.0, 4.0]
    events = Received([(1, 1.05, 1.01), (2, 2.06, 2.01), (3, 3.07, 3.01), (4, 4.08, 4.01)], 4)
    osc = Received([(1, 1.5, None), (2, 2.125, None), (4, 4.125, None), (9, 9.0, None)], 4)
    figures = {
        one.name: one.value for one in summarise_latency(events, {"OSC": osc}, sent_s, begins_s=1.5)
    }
    assert figures["capture to event, WebSocket, p50"] == pytest.approx(70)
    assert figures["capture to event, WebSocket, p95"] == pytest.approx(79)
    assert figures["capture to event, OSC, p95"] == pytest.approx(125)
    assert figures["frames of 3 left out for WebSocket"] == 0
    assert figures["frames of 3 left out for OSC"] == 1


def test_a_receiver_that_got_nothing_is_an_error() -> None:
    with pytest.raises(DataError, match="OSC received nothing"):
        summarise_latency(Received([(1, 1.1, 1.0)], 1), {"OSC": Received()}, [1.0], 0.0)


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--aims",), 1)])
def test_a_missed_aim_is_an_exit_code_if_asked_for(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    code: int,
) -> None:
    figures = [Figure("age", 61.0, "ms", 60.0), Figure("rate", 30.0, "a second", 20, True)]
    monkeypatch.setattr(measure_live, "PARTS", {"latency": lambda film, seconds: figures})
    monkeypatch.setattr(measure_live.SpeedClips, "make", lambda self, kind, clip: clip)
    told = tmp_path / "figures.json"
    assert main(["latency", "--json", str(told), *words]) == code
    assert "| age | 61.00 ms | <= 60: missed |" in capsys.readouterr().out
    assert [one["value"] for one in json.loads(told.read_text())["figures"]] == [61.0, 30.0]


@pytest.mark.parametrize("words", [("latencies",), ("--seconds", "0"), ("--seconds", "nan")])
def test_what_cannot_be_measured_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 2
