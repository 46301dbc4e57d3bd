"""People keep their numbers while they cross, hide, come and go, and while the camera shakes."""

import numpy as np
import pytest

from app.tracking.identities import Identities
from tools.measure_identities import SCENES, detections, follow, judge

SWITCHES_PER_1000 = 1.0


def box(x: float, y: float = 300.0, side: float = 100.0) -> list[float]:
    return [x - side / 2, y - side / 2, x + side / 2, y + side / 2]


def test_nobody_has_no_number() -> None:
    assert Identities().update(np.zeros((0, 4)), 0.0) == ()


@pytest.mark.parametrize(("hidden_s", "number"), [(0.2, 1), (1.0, 1), (2.0, 2)])
def test_a_person_who_was_hidden_is_known_again(hidden_s: float, number: int) -> None:
    identities = Identities(max_age_s=1.5)
    for frame in range(15):
        identities.update(np.array([box(200 + 4 * frame)]), frame / 30)
    back_s = 14 / 30 + hidden_s
    there = box(200 + 120 * back_s)
    assert identities.update(np.array([there]), back_s) == (number,)


def test_people_who_cross_keep_their_numbers() -> None:
    identities = Identities()
    for frame in range(60):
        way = 400 * frame / 30
        people = {1: box(300 + way), 2: box(1100 - way, side=85)}
        # Where they overlap, the detector sees the one in front only.
        seen = [1] if abs(2 * way - 800) < 60 else ([2, 1] if frame % 2 and frame else [1, 2])
        ids = identities.update(np.array([people[person] for person in seen]), frame / 30)
        assert list(ids) == seen, frame


def test_time_running_backwards_starts_anew() -> None:
    identities = Identities()
    assert identities.update(np.array([box(100)]), 5.0) == (1,)
    assert identities.update(np.array([box(100)]), 1.0) == (2,)


def test_a_negative_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="seconds"):
        Identities(max_age_s=-1)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_switches_are_rare_by_the_fields_own_count(name: str) -> None:
    pytest.importorskip("trackeval")
    rng = np.random.default_rng(7)
    line = judge([follow(SCENES[name](rng), Identities(), rng)])
    assert line["switches_per_1000"] <= SWITCHES_PER_1000
    assert line["IDF1"] > 0.95
    assert line["MOTA"] > 0.9
    assert line["HOTA"] > 0.8


def test_the_count_notices_a_memory_that_is_too_short() -> None:
    pytest.importorskip("trackeval")
    rng = np.random.default_rng(7)
    line = judge([follow(SCENES["hidden for 1 s"](rng), Identities(max_age_s=0.5), rng)])
    assert line["switches"] >= 9  # three people, hidden four times each at the most


def test_made_detections_are_missed_at_the_stated_rate() -> None:
    rng = np.random.default_rng(0)
    boxes = SCENES["shaking camera"](rng)
    seen = sum(map(len, detections(boxes, rng)))
    assert seen / (boxes.shape[0] * boxes.shape[1]) == pytest.approx(0.95, abs=0.02)
