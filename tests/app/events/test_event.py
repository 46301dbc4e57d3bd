"""One event tells of one frame what the records tell, and when the frame was filmed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from app.actions.names import ACTIONS_NOTE, COEFFICIENTS
from app.events.event import EVENT_SCHEMA, EventClock, encode_event, make_event
from app.records.rows import make_json_row, make_records
from app.types import FaceActions, Frame, FrameResult
from tests.support.synthetic import frame_result, tracked_face

CLOCK = EventClock(monotonic=lambda: 100.25, utc=lambda: 1_700_000_000.25)


def test_the_faces_of_an_event_are_rows_of_the_records() -> None:
    result = frame_result(tracked_face(1), tracked_face(2), index=3, time_s=0.12)
    event = make_event(result, CLOCK)
    rows = [make_json_row(record) for record in make_records(result)]
    assert rows
    assert event["faces"] == [
        {key: value for key, value in row.items() if key not in event} for row in rows
    ]
    assert (event["frame"], event["time_s"]) == (rows[0]["frame"], rows[0]["time_s"])


@pytest.mark.parametrize(
    ("captured_s", "monotonic", "utc", "age_ms"),
    [
        (100.0, 100.0, "2023-11-14T22:13:20.000Z", 250.0),
        (100.25, 100.25, "2023-11-14T22:13:20.250Z", 0.0),
        (None, None, None, None),
    ],
)
def test_an_event_says_when_its_frame_was_filmed(
    captured_s: float | None, monotonic: float | None, utc: str | None, age_ms: float | None
) -> None:
    frame = Frame(np.zeros((48, 64, 3), np.uint8), 7, 0.5, "camera:0", captured_s)
    event = make_event(FrameResult(frame, (), ("a", "b"), doubt="a face is lost"), CLOCK)
    assert event == {
        "type": "frame",
        "schema": EVENT_SCHEMA,
        "source": "camera:0",
        "frame": 7,
        "time_s": 0.5,
        "captured_monotonic_s": monotonic,
        "captured_utc": utc,
        "age_ms": age_ms,
        "size": [64, 48],
        "doubt": "a face is lost",
        "unread": 0,
        "faces": [],
    }


def test_an_event_with_facial_actions_says_what_they_are_not() -> None:
    actions = FaceActions(10.0, -5.0, 2.0, 0.5, 0.25, -0.25, dict.fromkeys(COEFFICIENTS, 0.5))
    with_actions = replace(tracked_face(2), actions=actions)
    event = make_event(frame_result(tracked_face(1), with_actions), CLOCK)
    assert event["actions_note"] == ACTIONS_NOTE
    assert "not validated FACS units" in ACTIONS_NOTE
    assert "actions_note" not in make_event(frame_result(tracked_face(1)), CLOCK)


def test_a_stop_between_two_clocks_moves_no_moment_of_capture() -> None:
    left_s = [10.0, 10.5, 10.5, 10.5, 10.6]  # the program was stopped after the first
    clock = EventClock(monotonic=lambda: left_s.pop(0), utc=lambda: 1_700_000_000.5)
    assert clock.find_utc_s(10.25) == 1_700_000_000.25
    assert left_s == [10.6]


def test_an_event_is_one_line_that_json_reads_back() -> None:
    result = frame_result(tracked_face(1), tracked_face(2), index=3, time_s=0.12)
    result = replace(result, frame=replace(result.frame, source="Zoë\n\udc80.mp4"))
    event = make_event(result, CLOCK)
    line = encode_event(event)
    assert "\n" not in line
    line.encode()  # no lone surrogate is left
    assert json.loads(line)["source"] == event["source"]
    with pytest.raises(ValueError, match="JSON"):
        encode_event({"value": float("nan")})
