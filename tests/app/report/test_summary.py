"""What records say as a whole, in bounded space."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.records.schema import FaceRecord, Record
from app.report.summary import MAX_BINS, Summary, Timeline
from app.types import UNSURE, FaceQuality

CLEAR = FaceQuality(120.0, 0.0, 5.0, 0.5, 0.5)


def face(happy: float, face_id: int = 1, quality: FaceQuality | None = CLEAR) -> FaceRecord:
    label = "happy" if happy > 0.5 else "sad"
    shares = {"happy": happy, "sad": 1 - happy}
    return FaceRecord(face_id, (0, 0, 9, 9), 0.9, label, None, shares, quality=quality)


@given(st.lists(st.floats(0, 20_000), min_size=1, max_size=200))
def test_timeline_keeps_every_frame_in_bounded_space(times: list[float]) -> None:
    line = Timeline(("a", "b"))
    for n, time_s in enumerate(times):
        line.add(time_s, (1.0, n % 2))
    steps = line.list_steps()
    assert len(steps) <= MAX_BINS
    assert max(times) < MAX_BINS * line.bin_s
    for begin, means in steps:
        inside = [n % 2 for n, t in enumerate(times) if begin <= t < begin + line.bin_s]
        assert means == pytest.approx([1.0, np.mean(inside)])


def test_four_hours_take_no_more_than_one() -> None:
    line = Timeline(("a",))
    for second in range(4 * 3600):
        line.add(second, (0.5,))
    assert len(line.list_steps()) <= MAX_BINS
    assert line.bin_s == 32.0


def test_records_of_two_models_keep_the_labels_of_both() -> None:
    summary = Summary()
    for source, shares in (("a.mp4", {"happy": 1.0}), ("b.mp4", {"calm": 0.75, "happy": 0.25})):
        one = FaceRecord(1, (0, 0, 9, 9), 0.9, next(iter(shares)), None, shares)
        for n in range(3):
            summary.add([Record(source, n, n / 10, one)])
    summary.finish()
    assert summary.labels == ("happy", "calm")
    second = summary.people["b.mp4", 1].timeline
    assert second.labels == ("happy", "calm", UNSURE)
    assert second.list_steps()[0][1] == pytest.approx([0.25, 0.75, 0.0])


def test_summary_counts_frames_faces_and_labels() -> None:
    summary = Summary()
    for n in range(10):
        rows = [Record("a.mp4", n, n / 10, face(0.9)), Record("a.mp4", n, n / 10, face(0.1, 2))]
        summary.add(rows if n < 8 else [Record("a.mp4", n, n / 10)])
    summary.finish()
    trouble = summary.trouble
    assert (trouble.frames, trouble.empty_frames, trouble.faces) == (10, 2, 16)
    assert summary.labels == ("happy", "sad")
    people = summary.people
    assert [one.label_counts for one in people.values()] == [{"happy": 8}, {"sad": 8}]
    assert [one.last_s for one in people.values()] == [0.7, 0.7]
    assert [(one.face_id, one.label, one.offset_s) for one in summary.episodes] == [
        (1, "happy", 0.8),
        (2, "sad", 0.8),
    ]
    assert summary.end_s == {"a.mp4": 1.0}  # also where nobody is in sight at the end


@pytest.mark.parametrize(
    ("quality", "counted"),
    [
        (CLEAR, set()),
        (FaceQuality(29.0, 0, 0, 0.5, 0.5), {"small"}),
        (FaceQuality(99.0, 0, -31.0, 0.5, 0.5), {"turned"}),
        (FaceQuality(99.0, 90, 0, 0.04, 0.5), {"blurred"}),
        (FaceQuality(99.0, 0, 0, 0.5, 0.05), {"dark"}),
        (FaceQuality(99.0, 0, 0, 0.5, 0.95), {"bright"}),
        (FaceQuality(9.0, 0, 60, None, None), {"small", "turned"}),
    ],
)
def test_doubtful_faces_are_counted_by_what_is_wrong(
    quality: FaceQuality, counted: set[str]
) -> None:
    summary = Summary()
    summary.add([Record("a", 0, 0.0, face(0.9, quality=quality))])
    names = ("small", "blurred", "turned", "dark", "bright")
    assert {name for name in names if getattr(summary.trouble, name)} == counted
    assert summary.trouble.faces_with_quality == 1


def test_faces_without_figures_are_not_judged() -> None:
    summary = Summary()
    summary.add([Record("a", 0, 0.0, face(0.9, quality=None))])
    assert (summary.trouble.faces, summary.trouble.faces_with_quality) == (1, 0)


def test_doubt_is_counted_by_its_reason() -> None:
    summary = Summary()
    for n, reason in enumerate(("dark", "dark", None)):
        unsure = FaceRecord(1, (0, 0, 9, 9), 0.9, UNSURE, reason, {"a": 1.0})
        summary.add([Record("a", n, n / 10, unsure)])
    assert summary.trouble.reasons == {"dark": 2, "no reason given": 1}
    assert summary.trouble.unsure == 3
