"""Facial actions in the report."""

import re

import numpy as np
import pytest

from app.actions.head_pose import HeadPose
from app.actions.names import ACTION_NAMES
from app.actions.values import list_action_values, make_actions
from app.episodes.finder import EpisodeRules
from app.records.schema import FaceRecord, Record
from app.report.actions import ActionTally, render_actions
from app.report.page import ReportPage, render_report
from app.report.summary import Summary

OPEN, CLOSED = 0.1, 0.8


def actions(yaw: float, blink: float, jaw: float = 0.0) -> dict[str, float]:
    made = make_actions(HeadPose(yaw, 0.0, 0.0), np.zeros(51))
    values = dict(zip(ACTION_NAMES, list_action_values(made), strict=True))
    return values | {"blink": blink, "jawOpen": jaw}


def read_page(summary: Summary) -> str:
    """Renders the page of a run, and returns its text without tags."""
    page = render_report(ReportPage(summary, EpisodeRules(), (), {}))
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize(
    ("eyes", "blinks"),
    [
        ([OPEN] * 9, 0),
        ([OPEN, CLOSED, CLOSED, OPEN, CLOSED, OPEN], 2),
        ([OPEN, CLOSED, 0.4, CLOSED, OPEN], 1),  # a flutter
        ([CLOSED, CLOSED, OPEN, CLOSED], 1),  # nobody saw the first one begin
    ],
)
def test_blinks_are_counted(eyes: list[float], blinks: int) -> None:
    tally = ActionTally()
    for n, blink in enumerate(eyes):
        tally.add(actions(0.0, blink), n / 10)
    assert tally.blinks == blinks
    assert tally.seconds == pytest.approx((len(eyes) - 1) / 10)


def test_a_gap_is_no_time_and_no_blink() -> None:
    tally = ActionTally()
    tally.add(actions(0.0, OPEN), 0.0)
    tally.add(actions(0.0, CLOSED), 7.0)
    assert (tally.blinks, tally.seconds) == (0, 0.0)


def test_the_page_tells_pose_blinks_and_the_most_active() -> None:
    summary = Summary()
    for n, (yaw, blink, jaw) in enumerate([(-10, OPEN, 0.0), (20, CLOSED, 0.5), (20, OPEN, 0.1)]):
        face = FaceRecord(
            1, (0, 0, 9, 9), 0.9, "a", None, {"a": 1.0}, actions=actions(yaw, blink, jaw)
        )
        summary.add([Record("a.mp4", n, n / 10, face)])
    summary.finish()
    text = read_page(summary)
    assert "head_yaw_deg 10.0° -10.0° 20.0°" in text
    assert "jawOpen 0.20 0.00 0.50" in text
    assert "cheekPuff" not in text
    assert "1 blink in 0.2 s" in text
    assert "not validated FACS action units" in text


def test_a_run_without_actions_has_no_such_part() -> None:
    summary = Summary()
    summary.add([Record("a.mp4", 0, 0.0, FaceRecord(1, (0, 0, 9, 9), 0.9, "a", None, {"a": 1.0}))])
    summary.finish()
    assert "Facial actions" not in read_page(summary)


def test_titles_are_escaped() -> None:
    tally = ActionTally()
    tally.add(actions(0.0, OPEN), 0.0)
    assert "<script>" not in str(render_actions([("<script>", tally)]))
