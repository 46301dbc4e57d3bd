"""Episodes: where each begins, peaks and ends, at any frame rate, for each person."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.episodes.__main__ import main
from app.episodes.finder import EpisodeFinder, EpisodeRules, find_episodes
from app.episodes.sink import EpisodesSink
from app.errors import DataError, SinkError
from app.records.frames import group_by_frame
from app.records.schema import FaceRecord, Record
from app.records.writers import RecordsSink
from app.types import UNSURE
from tests.support.synthetic import LABELS, frame_result, tracked_face

RULES = EpisodeRules(enter=0.6, leave=0.4, min_s=0.3, max_gap_s=0.25)
STEP_S = 0.1


def face(happy: float | None, face_id: int = 1, label: str = "happy") -> FaceRecord:
    """`happy`: its probability; sad has the rest."""
    shares = {"happy": happy or 0.0, "sad": 1 - (happy or 0.0)}
    return FaceRecord(face_id, (0, 0, 9, 9), 0.9, label, None, shares)


def rows(happy: Sequence[float | None], step_s: float = STEP_S) -> list[Record]:
    """One face; None: it is not there."""
    return [
        Record("a.mp4", n, n * step_s, None if value is None else face(value))
        for n, value in enumerate(happy)
    ]


def spans(
    happy: Sequence[float | None], label: str = "happy", rules: EpisodeRules = RULES
) -> list[tuple[float, float, float]]:
    found = find_episodes(rows(happy), rules)
    return [
        (round(one.onset_s, 6), round(one.apex_s, 6), round(one.offset_s, 6))
        for one in found
        if one.label == label
    ]


@pytest.mark.parametrize(
    ("happy", "expected"),
    [
        ([], []),
        ([0.5, 0.5, 0.5, 0.5, 0.5], []),  # never enters
        ([0.9, 0.9], []),  # too short
        ([0.9, 0.9, 0.9], [(0.0, 0.0, 0.3)]),  # just long enough
        ([0.1, 0.7, 0.9, 0.8, 0.1], [(0.1, 0.2, 0.4)]),
        # Between the thresholds it neither begins nor ends, and belongs to what enters.
        ([0.41, 0.45, 0.6, 0.41, 0.39], [(0.0, 0.2, 0.4)]),
        ([0.5, 0.7, 0.45, 0.45, 0.7, 0.3, 0.5, 0.5], [(0.0, 0.1, 0.5)]),
        # Away for up to 0.25 s: one episode; for longer: two, the first to where it was seen.
        ([0.7, 0.7, None, None, 0.8, 0.7], [(0.0, 0.4, 0.6)]),
        (
            [0.7, 0.7, 0.7, None, None, None, None, 0.8, 0.7, 0.7],
            [(0.0, 0.0, 0.3), (0.7, 0.7, 1.0)],
        ),
        # It lasts until the end, whose frame is shown as long as the one before it.
        ([0.1, 0.2, 0.9, 0.9, 0.9, 0.95], [(0.2, 0.5, 0.6)]),
    ],
)
def test_episode_is_where_its_probability_says(
    happy: list[float | None], expected: list[tuple[float, float, float]]
) -> None:
    assert spans(happy) == expected


def test_one_expression_ends_where_the_next_begins() -> None:
    happy = [0.9, 0.9, 0.9, 0.55, 0.45, 0.3, 0.1, 0.1, 0.1]
    assert spans(happy) == [(0.0, 0.0, 0.5)]
    assert spans(happy, "sad") == [(0.5, 0.6, 0.9)]
    # An abrupt change: the next takes over although the first is still above `leave`.
    abrupt = [0.9, 0.9, 0.9, 0.4, 0.4, 0.4, 0.4]
    assert spans(abrupt) == [(0.0, 0.0, 0.3)]
    assert spans(abrupt, "sad") == [(0.3, 0.3, 0.7)]


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=80),
    st.floats(0.01, 1),
)
def test_episodes_of_a_person_never_overlap_and_keep_the_rules(
    happy: list[float | None], step_s: float
) -> None:
    found = find_episodes(rows(happy, step_s), RULES)
    for before, after in pairwise(found):
        assert before.offset_s <= after.onset_s
    for one in found:
        assert one.onset_s <= one.apex_s < one.offset_s
        assert one.duration_s >= RULES.min_s - 1e-6
        value = happy[one.apex_frame]
        assert value is not None
        assert one.peak == (value if one.label == "happy" else 1 - value) >= RULES.enter
        assert RULES.leave <= one.mean <= one.peak + 1e-9
        assert one.apex_s == one.apex_frame * step_s


@pytest.mark.parametrize("every", [1, 2, 5])
def test_frame_rate_does_not_matter(every: int) -> None:
    whole = rows([0.1] * 30 + [0.9] * 30 + [0.1] * 30, 0.02)
    (only,) = [one for one in find_episodes(whole[::every], RULES) if one.label == "happy"]
    assert (only.onset_s, only.offset_s) == pytest.approx((0.6, 1.2))


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 1, 2, 3, 4], [(0.0, 0.5)]),
        ([0, 1, 2, 3, 100, 101, 102, 103], [(0.0, 0.4), (10.0, 10.4)]),  # a pause
        ([0, 1, 2, 3, 4, 100], [(0.0, 0.5)]),  # the frame behind it is too short
        ([0, 1, 2, 3, 5.5, 6], [(0.0, 0.65)]),  # no longer than the gap that is let pass
        ([0, 10, 20, 30], [(0.0, 4.0)]),  # frames that are far apart from the beginning
        ([0, 1, 2, 3, 13, 23, 33, 43, 53], [(0.0, 0.4), (3.3, 6.3)]),  # and from some time on
    ],
)
def test_episode_ends_where_nothing_was_filmed(
    times: list[float], expected: list[tuple[float, float]]
) -> None:
    records = [Record("a.mp4", n, time / 10, face(0.9)) for n, time in enumerate(times)]
    found = find_episodes(records, RULES)
    assert [(one.onset_s, round(one.offset_s, 6)) for one in found] == expected


@pytest.mark.parametrize("begin", range(1, 30))
def test_gap_of_just_the_length_is_let_pass(begin: int) -> None:
    happy = [None if begin <= n < begin + 5 else 0.9 for n in range(40)]
    assert len(find_episodes(rows(happy), replace(RULES, min_s=0, max_gap_s=0.5))) == 1


def test_each_person_has_episodes_of_its_own() -> None:
    both = [
        Record("a.mp4", n, n / 10, face(value, number))
        for n in range(6)
        for number, value in ((1, 0.9), (2, 0.1))
    ]
    found = find_episodes(both, RULES)
    assert [(one.face_id, one.label, one.frames) for one in found] == [
        (1, "happy", 6),
        (2, "sad", 6),
    ]


def test_unsure_frames_are_as_if_unseen() -> None:
    records = rows([0.9] * 9)
    for n in (3, 4):
        records[n] = replace(records[n], face=face(0.1, label=UNSURE))
    (only,) = find_episodes(records, RULES)
    assert (only.label, only.onset_s, only.frames) == ("happy", 0.0, 7)
    assert only.offset_s == pytest.approx(0.9)


def test_every_source_stands_for_itself() -> None:
    first, second = rows([0.9] * 5), rows([0.9] * 5)
    second = [replace(row, source="0.mp4") for row in second]
    found = find_episodes(first + second, RULES)
    assert [one.source for one in found] == ["a.mp4", "0.mp4"]
    assert [one.offset_s for one in found] == [0.5, 0.5]


@pytest.mark.parametrize("min_s", [0.0, 0.3])
def test_pictures_have_no_episodes(min_s: float) -> None:
    pictures = [Record(f"{n}.png", n, 0.0, face(0.9)) for n in range(5)]
    assert find_episodes(pictures, replace(RULES, min_s=min_s)) == []


@pytest.mark.parametrize("time_s", [0.0, 0.05, 0.1])
def test_time_that_does_not_go_on_is_an_error(time_s: float) -> None:
    with pytest.raises(DataError, match="no time of its own at frame 2"):
        find_episodes([*rows([0.9, 0.9]), Record("a.mp4", 2, time_s)], RULES)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"enter": 1.1}, {"leave": 0.0}, {"enter": 0.3}, {"enter": math.nan}),
        *({"min_s": -1.0}, {"min_s": math.nan}, {"max_gap_s": -0.1}, {"max_gap_s": math.nan}),
    ],
)
def test_rules_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"leave is at most enter|at least 0"):
        EpisodeRules(**wrong)


def test_finder_says_when_an_episode_is_at_its_highest_so_far() -> None:
    finder = EpisodeFinder(RULES)
    peaks = []
    for frame in group_by_frame(rows([0.5, 0.7, 0.6, 0.8, 0.8])):
        finder.add(frame)
        peaks.append(finder.peaks)
    assert peaks == [(), ((1, "happy"),), (), ((1, "happy"),), ()]


def happy_result(index: int, source: str = "clip.mp4"):  # type: ignore[no-untyped-def]
    return frame_result(
        tracked_face(probabilities=(0.1, 0.8, 0.1)), index=index, time_s=index / 10, source=source
    )


@pytest.mark.parametrize("suffix", ["csv", "vtt", "eaf", "txt"])
def test_sink_writes_what_the_command_makes_of_the_records(tmp_path: Path, suffix: str) -> None:
    records = RecordsSink(tmp_path / "r.jsonl", LABELS, overwrite=False)
    sink = EpisodesSink(tmp_path / f"live.{suffix}", overwrite=False)
    for index in range(8):
        for output in (records, sink):
            result = happy_result(index)
            output.write(result, result.frame.image)
    assert [path.name for path in tmp_path.glob("live*")] == []
    records.close()
    sink.close()
    sink.close()
    assert main([str(tmp_path / "r.jsonl"), "-o", str(tmp_path / f"later.{suffix}")]) == 0
    live, later = ((tmp_path / f"{name}.{suffix}").read_text() for name in ("live", "later"))
    assert live == later
    assert "happy" in live


def test_aborted_sink_leaves_nothing(tmp_path: Path) -> None:
    sink = EpisodesSink(tmp_path / "e.csv", overwrite=False)
    sink.write(happy_result(0), happy_result(0).frame.image)
    sink.abort()
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_command_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = RecordsSink(tmp_path / "r.csv", LABELS, overwrite=False)
    for index in range(8):
        records.write(happy_result(index), happy_result(index).frame.image)
    records.close()
    (tmp_path / "r.csv").write_bytes((tmp_path / "r.csv").read_bytes()[:-3])
    out = tmp_path / "e.csv"
    line = [str(tmp_path / "r.csv"), "-o", str(out)]
    assert main(line) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("1 episode of 1 face -> ")
    assert "ends within a line" in said[1]
    assert main(line) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*line, "--overwrite", "--only", "neutral"]) == 1
    assert len(out.read_text().splitlines()) == 1
    capsys.readouterr()
    assert main([*line, "--overwrite", "--only", "happy", "Hapy"]) == 1
    assert "no label 'Hapy'. Their labels are neutral, happy, label." in capsys.readouterr().err
    assert main([*line, "--overwrite", "--enter", "0.2"]) == 2
    assert "leave is at most enter; they are 0.2 and 0.4." in capsys.readouterr().err
    assert main([*line[:2], str(tmp_path / "r.csv"), "--overwrite"]) == 2
    assert "is the input itself" in capsys.readouterr().err


def test_outputs_that_cannot_all_be_are_refused_before_one_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = RecordsSink(tmp_path / "r.csv", LABELS, overwrite=False)
    for source in ("a.mp4", "b.mp4"):
        result = frame_result(tracked_face(), source=source)
        records.write(result, result.frame.image)
    records.close()
    for other, said in (("e.vtt", "would mix 2 inputs"), ("e.csv", "Two outputs are one file.")):
        words = (tmp_path / "r.csv", "-o", tmp_path / "e.csv", "-o", tmp_path / other)
        assert main([*map(str, words)]) == 2
        assert said in capsys.readouterr().err
        assert not list(tmp_path.glob("e.*"))


@pytest.mark.parametrize("name", ["e.srt", "e", "e.json"])
def test_unknown_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SinkError, match=r"must end in \.csv, \.vtt"):
        EpisodesSink(tmp_path / name, overwrite=False)
