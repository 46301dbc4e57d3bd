"""What was said of each person is kept for ten seconds, in little room."""

import numpy as np
import pytest

from app.overlay.history import LABEL_HOLD_S, MAX_PEOPLE, NOT_SEEN, STEPS, UNSURE_STEP, History
from app.types import Face, TrackedFace

LABELS = ("neutral", "happiness", "anger")


def said(label: str, share: float = 0.8, face_id: int = 1) -> TrackedFace:
    shares = np.full(3, (1 - share) / 2, np.float32)
    shares[LABELS.index(label) if label in LABELS else 0] = share
    reason = None if label in LABELS else "not confident"
    found = Face((0, 0, 9, 9), np.zeros((6, 2), np.float32), 0.9)
    return TrackedFace(found, face_id, label, shares, shares, reason)


def test_nobody_has_no_history() -> None:
    history = History()
    history.add((), LABELS, 0.0)
    assert history.get_strip(1) is None


def test_strip_holds_labels_and_shares_with_now_at_its_end() -> None:
    history = History()
    for step, label in enumerate(["neutral", "happiness", "unsure"]):
        history.add([said(label, 0.5 + step / 10)], LABELS, step / 10)
    strip = history.get_strip(1)
    assert strip is not None
    assert strip.classes[-4:].tolist() == [NOT_SEEN, 0, 1, UNSURE_STEP]
    assert strip.shares[-3:] == pytest.approx([0.5, 0.6, 0.7])
    assert len(strip.classes) == len(strip.shares) == STEPS


@pytest.mark.parametrize("frames_per_s", [12, 30, 60])
def test_ten_seconds_are_kept_at_any_frame_rate(frames_per_s: int) -> None:
    history = History()
    for frame in range(15 * frames_per_s + 1):
        time_s = frame / frames_per_s
        history.add([said("neutral" if time_s < 10 else "anger")], LABELS, time_s)
    strip = history.get_strip(1)
    assert strip is not None
    assert (strip.classes == 0).sum() == pytest.approx(49, abs=1)
    assert (strip.classes == 2).sum() == pytest.approx(51, abs=1)
    assert strip.classes[-1] == 2


def test_time_in_which_a_person_was_not_seen_stays_empty() -> None:
    history = History()
    history.add([said("anger")], LABELS, 12.0)
    history.add([], LABELS, 12.1)
    history.add([], LABELS, 12.5)
    history.add([said("neutral")], LABELS, 13.0)
    strip = history.get_strip(1)
    assert strip is not None
    assert strip.classes[-12:].tolist() == [NOT_SEEN, 2, *[NOT_SEEN] * 9, 0]
    history.add([], LABELS, 14.0)
    later = history.get_strip(1)
    assert later is not None
    assert later.classes[-11:].tolist() == [*[0] * 10, NOT_SEEN]  # it held until that frame


@pytest.mark.parametrize("frames_per_s", [1, 6, 9, 16])
def test_reading_holds_until_the_next_frame(frames_per_s: int) -> None:
    history = History()
    for frame in range(10 * frames_per_s + 1):
        history.add([said("anger" if frame % 2 else "neutral")], LABELS, frame / frames_per_s)
    strip = history.get_strip(1)
    assert strip is not None
    assert (strip.classes != NOT_SEEN).all()
    assert (strip.classes == 2).sum() == pytest.approx(50, abs=10)


def test_reading_does_not_hold_without_frames_for_long() -> None:
    history = History()
    history.add([said("anger")], LABELS, 1.0)
    history.add([said("neutral")], LABELS, 6.0)
    strip = history.get_strip(1)
    assert strip is not None
    assert (strip.classes == 2).sum() == 10 * LABEL_HOLD_S + 1
    assert strip.classes[-30:].tolist() == [*[NOT_SEEN] * 29, 0]


def test_old_readings_do_not_come_back_after_a_long_absence() -> None:
    history = History()
    for step in range(50):
        history.add([said("anger")], LABELS, step / 10)
    history.add([], LABELS, 5.0)
    history.add([said("neutral")], LABELS, 14.0)
    strip = history.get_strip(1)
    assert strip is not None
    assert (strip.classes == 2).sum() == 9  # from 4.1 s on
    assert strip.classes[-1] == 0


def test_who_is_gone_for_ten_seconds_is_forgotten() -> None:
    history = History()
    history.add([said("anger")], LABELS, 0.0)
    history.add([], LABELS, 0.1)
    history.add([], LABELS, 9.8)
    assert len(history) == 1
    history.add([], LABELS, 10.1)
    assert len(history) == 0


def test_time_that_runs_backwards_begins_anew() -> None:
    history = History()
    history.add([said("anger")], LABELS, 5.0)
    history.add([said("neutral", face_id=2)], LABELS, 1.0)
    assert history.get_strip(1) is None
    assert history.get_strip(2) is not None


def test_ever_new_people_take_no_more_room() -> None:
    history = History()
    for number in range(500):
        history.add([said("anger", face_id=number)], LABELS, number / 1000)
    assert len(history) == MAX_PEOPLE
    assert history.get_strip(499) is not None
