"""A few hundred damaged files; `python -m tests.support.fuzz` feeds as many as one likes."""

import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.fuzz import BAD, Worker, run
from tests.support.fuzz_cases import DAMAGES, make_case, whole_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does")


@pytest.mark.slow
def test_damaged_files_end_in_frames_or_in_a_clear_error() -> None:
    endings = list(run(range(0, 3300, 11), seed=1, timeout_s=20))
    assert [e for e in endings if e.outcome in BAD] == []
    counts = Counter(e.outcome for e in endings)
    assert min(counts["read whole"], counts["recovered"], counts["refused"]) >= 5
    assert {e.damage.partition(".")[0] for e in endings} == {d.__name__ for d in DAMAGES}


@pytest.mark.slow
def test_cases_that_once_ended_badly_end_well() -> None:
    """A part of a PNG that announces 2 GB, and a stream that begins in the middle of a file."""
    cases = (5002, 5309)
    assert [e.outcome for e in run(cases, seed=0, timeout_s=20)] == ["refused", "recovered"]


def test_case_is_the_same_for_the_same_number(tmp_path: Path) -> None:
    whole = whole_files(tmp_path)
    assert len(whole) >= 14
    assert make_case(whole, 3, 77) == make_case(whole, 3, 77)
    assert make_case(whole, 3, 77) != make_case(whole, 4, 77)


@pytest.mark.parametrize(
    ("body", "outcome", "detail"),
    [
        ("os.kill(os.getpid(), 11)", "crash", "SIGSEGV"),
        ("time.sleep(60)", "hang", "longer than 0.5 s"),
        ("print('7\\tother error\\tx.png\\tKeyError()', flush=True)", "other error", "KeyError()"),
    ],
)
def test_what_brings_a_worker_down_is_counted(body: str, outcome: str, detail: str) -> None:
    worker = Worker(0, Path())
    worker._line = [sys.executable, "-c", f"import os, time; input(); {body}"]
    ending = worker.ask(7, timeout_s=0.5 - 30 if outcome == "hang" else 20)
    worker.stop()
    assert (ending.number, ending.outcome) == (7, outcome)
    assert detail in ending.detail
