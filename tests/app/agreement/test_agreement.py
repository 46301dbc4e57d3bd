"""Figures of agreement against worked examples and other libraries; codings by people."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agreement.__main__ import main
from app.agreement.episodes import compare_episodes, match_episodes
from app.agreement.figures import estimate_intervals, measure_pairs, measure_table
from app.agreement.instants import compare_instants, number_blocks
from app.agreement.people import pair_people
from app.codings.tracks import Span, Track
from app.errors import DataError
from app.records.writers import RecordsSink
from tests.support.synthetic import LABELS, frame_result, tracked_face

coders = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1)


def spans(*found: tuple[float, float, str]) -> tuple[Span, ...]:
    return tuple(Span(*one) for one in found)


def track(*found: tuple[float, float, str], instants: Sequence[float] | None = None) -> Track:
    return Track(spans(*found), spans(*found), None if instants is None else np.array(instants))


def pairs_at(human: Track, ours: Track, *, step_s: float = 1, outside: str = "none") -> list[str]:
    """Pairs of labels at the same instants, such as "a b", sorted."""
    found = compare_instants([(human, ours)], step_s=step_s, outside=outside, keep_unsure=False)
    names, table = found.labels, found.table
    return [
        f"{a} {b}"
        for m, a in enumerate(names)
        for n, b in enumerate(names)
        for _ in range(int(table[m, n]))
    ]


def test_kappa_of_a_worked_example() -> None:
    """20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.7, by chance 0.5."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = measure_pairs(pairs)
    assert (found.count, found.labels) == (50, ("n", "y"))
    assert found.confusion == ((15, 10), (5, 20))
    assert found.accuracy == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_alpha_of_krippendorffs_own_example() -> None:
    """Two observers, twelve articles, five values (Krippendorff 2011, section B)."""
    first = "a a b b d c c c e d d a".split()
    second = "b a b b b c c c e d d d".split()
    assert measure_pairs(list(zip(first, second, strict=True))).alpha == pytest.approx(
        0.692, abs=5e-4
    )


@given(coders)
def test_alpha_is_that_of_the_library(pairs: list[tuple[str, str]]) -> None:
    krippendorff = pytest.importorskip("krippendorff")
    values = np.array([["abcd".index(label) for label in pair] for pair in pairs], float).T
    found = measure_pairs(pairs).alpha
    if len(np.unique(values)) == 1:
        assert found is None
    else:
        theirs = krippendorff.alpha(reliability_data=values, level_of_measurement="nominal")
        assert found == pytest.approx(theirs)


@given(coders)
def test_kappa_is_that_of_the_library(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    if (found := measure_pairs(pairs).kappa) is not None:
        assert found == pytest.approx(metrics.cohen_kappa_score(*zip(*pairs, strict=True)))


@pytest.mark.parametrize(
    ("pairs", "accuracy", "kappa"),
    [([], None, None), ([("a", "a")] * 3, 1.0, None), ([("a", "b")] * 3, 0.0, 0.0)],
)
def test_what_chance_explains_has_no_kappa(
    pairs: list[tuple[str, str]], accuracy: float | None, kappa: float | None
) -> None:
    found = measure_pairs(pairs)
    assert (found.accuracy, found.kappa) == (accuracy, kappa)


def test_f1_of_labels_is_that_of_the_library() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    pairs = [("a", "a")] * 5 + [("a", "b")] * 3 + [("b", "b")] * 2 + [("c", "b")] + [("b", "d")]
    found = measure_pairs(pairs)
    human, ours = zip(*pairs, strict=True)
    theirs = metrics.f1_score(human, ours, labels=list("abcd"), average=None, zero_division=0)
    assert [one.f1 for one in found.by_label] == pytest.approx(list(theirs))
    assert found.mean_f1 == pytest.approx(theirs[:3].mean())  # d is no label of the human's
    first = found.by_label[0]
    assert (first.human, first.ours, first.precision, first.recall) == (8, 5, 1.0, 5 / 8)
    assert found.by_label[2].precision is None


def test_intervals_hold_what_resampling_whole_stretches_gives() -> None:
    """Stretches of one unit each are independent units, whose interval scipy gives, too."""
    scipy = pytest.importorskip("scipy.stats")
    right = np.arange(60) < 42
    blocks = np.zeros((60, 2, 2))
    blocks[right, 0, 0] = blocks[~right, 0, 1] = 1
    found = estimate_intervals(("a", "b"), blocks)
    theirs = scipy.bootstrap(
        (right.astype(float),), np.mean, n_resamples=2000, method="percentile", rng=1
    )
    limits = theirs.confidence_interval
    assert found.figures["accuracy"] == pytest.approx((limits.low, limits.high), abs=0.02)
    assert found.blocks == 60
    assert estimate_intervals(("a", "b"), blocks) == found
    # Ten frames a stretch are ten times the units, and tell no more.
    more = estimate_intervals(("a", "b"), 10 * blocks)
    assert more.figures["accuracy"] == found.figures["accuracy"]


def test_few_stretches_have_no_interval() -> None:
    blocks = np.ones((9, 2, 2))
    assert estimate_intervals(("a", "b"), blocks).figures == {}
    assert estimate_intervals(("a", "b"), np.concatenate([blocks, np.zeros((5, 2, 2))])).blocks == 9


def test_labels_that_neither_used_have_no_row() -> None:
    found = measure_table(("a", "b", "c"), np.array([[2.0, 0, 1], [0, 0, 0], [0, 0, 0]]))
    assert (found.labels, found.confusion) == (("a", "c"), ((2, 1), (0, 0)))


def test_stretches_are_whole_spans_of_two_seconds_or_more() -> None:
    times = np.arange(0, 10, 0.5)
    said = np.array([0] * 6 + [1] * 2 + [0] * 2 + [2] * 8 + [0] * 2)
    assert number_blocks(times, said).tolist() == [0] * 6 + [1] * 4 + [2] * 8 + [3] * 2


def test_unlike_samplings_meet_at_the_sparser_one() -> None:
    human = track((0, 1, "a"), (1, 2, "b"), instants=(0.0, 0.5, 1.0, 1.5))
    ours = track((0, 1.25, "a"), (1.25, 1.8, "b"), instants=[n / 100 for n in range(200)])
    assert pairs_at(human, ours) == ["a a", "a a", "b a", "b b"]


def test_instants_of_which_one_says_nothing_do_not_count() -> None:
    human = track((0, 1, "a"), instants=(0.0, 0.5, 1.0))
    ours = track((0, 0.4, "a"), instants=(0.0, 0.1, 0.2, 0.3))
    assert pairs_at(human, ours) == ["a a"]


def test_outside_of_coded_spans_a_label_holds() -> None:
    human, ours = track((0, 1, "a")), track((0.5, 2, "a"))
    found = pairs_at(human, ours, step_s=0.5, outside="neutral")
    assert found == ["a a", "a neutral", "neutral a", "neutral a"]


def test_where_nobody_says_anything_is_not_coded() -> None:
    """2 s of a face in a recording of 10 s, of which the human has coded 3."""
    human = track((0, 3, "a"))
    ours = track((0, 2, "a"), instants=np.arange(0, 10, 0.5).tolist())
    found = compare_instants([(human, ours)], step_s=1, outside="none", keep_unsure=False)
    assert (found.coded, found.not_seen, found.coverage) == (6, 2, pytest.approx(4 / 6))


def test_what_a_coder_left_open_is_not_outside() -> None:
    human, ours = track((0, 1, ""), (1, 2, "a")), track((0, 3, "a"))
    assert pairs_at(human, ours) == ["a a", "none a"]


def test_too_many_instants_are_refused() -> None:
    far = track((0, 1e9, "a"))
    with pytest.raises(DataError, match="25000000000 instants would be compared"):
        pairs_at(far, far, step_s=0.04)


@pytest.mark.parametrize(
    ("human", "ours", "expected"),
    [
        ([], [(0, 1, "a")], []),
        ([(0, 1, "a")], [(0, 1, "b")], [(0, 0)]),
        ([(0, 1, "a")], [(0.9, 2, "a")], []),
        ([(0, 4, "a")], [(0, 1, "a"), (1, 4, "a")], [(0, 1)]),
        ([(0, 2, "a"), (2, 4, "b")], [(0, 2.1, "a"), (2.1, 4, "b")], [(0, 0), (1, 1)]),
    ],
)
def test_episodes_are_matched_one_to_one(human: list, ours: list, expected: list) -> None:
    assert match_episodes(spans(*human), spans(*ours), 0.25) == expected


@given(st.lists(st.floats(0, 9), min_size=2, max_size=9), st.lists(st.floats(0, 9), max_size=9))
def test_pairs_of_episodes_overlap_the_most(human: list[float], ours: list[float]) -> None:
    """As the solution of the assignment problem has it."""
    optimize = pytest.importorskip("scipy.optimize")

    def episodes(times: list[float]) -> tuple[Span, ...]:
        times = sorted(times)
        pairs = zip(times[::2], times[1::2], strict=False)
        return tuple(Span(a, b, "a") for a, b in pairs if b > a)

    one, other = episodes(human), episodes(ours)
    shares = np.zeros((len(one), len(other)))
    for m, a in enumerate(one):
        for n, b in enumerate(other):
            common = min(a.offset_s, b.offset_s) - max(a.onset_s, b.onset_s)
            union = max(a.offset_s, b.offset_s) - min(a.onset_s, b.onset_s)
            shares[m, n] = max(0.0, common) / union
    rows, columns = optimize.linear_sum_assignment(-shares)
    found = match_episodes(one, other, 0.0)
    assert sum(shares[m, n] for m, n in found) == pytest.approx(shares[rows, columns].sum())
    assert len({m for m, _ in found}) == len({n for _, n in found}) == len(found)


def test_episodes_are_judged_by_label_and_by_time() -> None:
    human = track((0, 2, "a"), (2, 4, "b"), (4, 6, "none"), (8, 9, "a"))
    ours = track((0.1, 2.2, "a"), (2.2, 4, "a"), (4, 6, "unsure"), (20, 21, "a"))
    found = compare_episodes([(human, ours)], min_overlap=0.25, outside="none")
    assert (found.human, found.ours, found.right, found.pairs.count) == (3, 3, 1, 2)
    assert found.onset_difference_s == pytest.approx(0.15)
    assert found.offset_difference_s == pytest.approx(0.1)


def test_people_are_paired_by_name_by_word_or_alone() -> None:
    a = track((0, 1, "a"))
    assert pair_people({"": a}, {"7": a}, {}) == {"": "7"}
    assert pair_people({"1": a}, {"1": a, "2": a}, {}) == {"1": "1"}
    assert pair_people({"face 2": a, "1": a}, {"1": a, "2": a}, {}) == {"face 2": "2", "1": "1"}
    assert pair_people({"2": a, "Ann": a}, {"face 1": a, "face 2": a}, {"Ann": "1"}) == {
        "2": "face 2",
        "Ann": "face 1",
    }
    assert pair_people({"": a}, {"1": a, "2": a}, {"": "2"}) == {"": "2"}
    assert pair_people({"Ann": a, "2": a}, {"1": a, "2": a}, {"Ann": "1"}) == {"Ann": "1", "2": "2"}
    # Of people who are named, others may be left out.
    assert pair_people({"Ann": a, "Ben": a}, {"1": a, "2": a}, {"Ann": "1"}) == {"Ann": "1"}


@pytest.mark.parametrize(
    ("human", "named", "message"),
    [
        ({"Ann"}, {}, "is of Ann, ours of 1, 2. Say who is who by --pair Ann=1."),
        ({"Ann M", "gaze"}, {}, "'=1. If these are tiers, name the one"),
        ({"Ann"}, {"Ben": "1"}, "has no person 'Ben'. It is of Ann."),
        ({"Ann"}, {"Ann": "9"}, "ours of 1, 2"),
        (set(), {}, "says nothing of anybody"),
    ],
)
def test_people_without_a_counterpart_are_asked_for(
    human: set[str], named: dict[str, str], message: str
) -> None:
    a = track((0, 1, "a"))
    with pytest.raises(DataError) as caught:
        pair_people(dict.fromkeys(sorted(human), a), {"1": a, "2": a}, named)
    assert message.replace("'=1", "=1") in str(caught.value).replace("'=1", "=1")


def write_records(path: Path) -> Path:
    sink = RecordsSink(path, LABELS, overwrite=False)
    for index in range(20):
        happy = 0.8 if index < 10 else 0.1
        face = tracked_face(
            label="happy" if index < 10 else "neutral", probabilities=(0.9 - happy, happy, 0.1)
        )
        faces = [face, tracked_face(2)] if index == 0 else [face]
        result = frame_result(*faces, index=index, time_s=index / 10)
        sink.write(result, result.frame.image)
    sink.close()
    return path


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """2 s of face 1, the first of them happy, and of face 2 one frame."""
    return write_records(tmp_path / "r.jsonl")


def human(folder: Path, text: str) -> str:
    path = folder / "h.csv"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_command_compares_a_table_with_records(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    records = write_records(tmp_path / f"r.{suffix}")
    coding = human(tmp_path, "onset,offset,label\n0,0.8,joy\n")
    line = [coding, str(records), "--outside", "neutral", "--pair", "=1"]
    assert main([*line, "--json", str(tmp_path / "out.json")]) == 1
    said = capsys.readouterr()
    assert "1 of our faces is in no pair and was left out" in said.err
    found = json.loads((tmp_path / "out.json").read_text())
    by_frame = found["by_frame"]
    assert by_frame["labels"] == ["happiness", "neutral"]
    assert by_frame["confusion"] == [[8, 0], [2, 10]]
    assert by_frame["accuracy"] == pytest.approx(0.9)
    assert by_frame["mean_f1"] == pytest.approx((2 * 8 / 18 + 2 * 10 / 22) / 2)
    assert (by_frame["coded"], by_frame["coverage"]) == (20, 1.0)
    assert by_frame["intervals"]["figures"] == {}
    assert found["by_episode"]["human"] == found["by_episode"]["ours"] == 1
    assert found["by_episode"]["offset_difference_s"] == pytest.approx(0.2)
    assert "  accuracy               0.900\n" in said.out
    assert "  neutral               2       10\n" in said.out
    assert "  happiness      8    10      0.800   1.000  0.889\n" in said.out
    assert "no intervals: " in said.out
    assert main([coding, str(records)]) == 2
    assert "--pair =1" in capsys.readouterr().err


def test_unsure_is_no_answer_unless_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, labels in (("h", "aabb_"), ("o", "aa_bb")):
        said = ["unsure" if label == "_" else label for label in labels]
        rows = "".join(f"{n},{label}\n" for n, label in enumerate(said))
        (tmp_path / f"{name}.csv").write_text(f"time,label\n{rows}")
    line = [str(tmp_path / "h.csv"), str(tmp_path / "o.csv")]
    assert main(line) == 0
    out = capsys.readouterr().out
    assert "  compared               3\n  accuracy               1.000\n" in out
    assert "  coded by the human     4\n  left out, human unsure 1\n" in out
    assert "  left out, ours unsure  1\n  coverage               0.750\n" in out
    assert main([*line, "--keep-unsure"]) == 0
    out = capsys.readouterr().out
    assert "  compared               5\n  accuracy               0.600\n" in out


def test_intervals_stand_beside_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twelve spans of 2 s each; ours is wrong in every fourth."""
    for name, wrong in (("h", False), ("o", True)):
        rows = "".join(
            f"{2 * n},{2 * n + 2},{'ab'[(n + (wrong and n % 4 == 0)) % 2]}\n" for n in range(12)
        )
        (tmp_path / f"{name}.csv").write_text(f"onset,offset,label\n{rows}")
    assert main([str(tmp_path / "h.csv"), str(tmp_path / "o.csv")]) == 0
    out = capsys.readouterr().out
    assert "  accuracy               0.750  (0.500 to 1.000)\n" in out
    assert "95 % intervals, from 2000 resamplings of 12 stretches\n" in out
    assert "  b        300   450      0.667   1.000  0.800  (" in out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("start,end,label\n0,900,joy\n900,1900,a\n", "look like milliseconds"),
        ("start,end,label\n0,9,joy\n9,19,a\n", "look like numbers of frames"),
        ("start,end,label\n0,9,joy\n9,1000000,a\n", "Give times from the beginning of the video"),
        ("start,end,label\n00:00:00:00,00:00:02:12,joy\n", "is a timecode"),
    ],
)
def test_times_in_another_unit_are_refused(
    tmp_path: Path, records: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every one of them gave a perfect score: its first span covers all of the records."""
    assert main([human(tmp_path, text), str(records), "--pair", "=1"]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("start,end,label\n0,800,joy\n", "ms"),
        ("start_ms,end_ms,label\n0,800,joy\n", None),
        ("start,end,label\n0,7,joy\n", "frames"),
        ("start,end,label\n0,0.013333333,joy\n", "min"),
        ("start (frame),end (frame),label\n0,7,joy\n", None),
        ("frame,label\n0,joy\n1,joy\n2,joy\n3,joy\n4,joy\n5,joy\n6,joy\n7,joy\n", None),
    ],
)
def test_units_that_are_named_are_read(
    tmp_path: Path, records: Path, text: str, unit: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--pair", "=1", "--outside", "neutral", "--json", str(tmp_path / "f.json")]
    options += [] if unit is None else ["--unit", unit]
    main([human(tmp_path, text), str(records), *options])
    found = json.loads((tmp_path / "f.json").read_text())["by_frame"]
    row = found["labels"].index("happiness")
    assert found["confusion"][row][row] == 8


def test_a_coding_of_a_longer_video_is_compared_and_warned_of(
    tmp_path: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coding = human(tmp_path, "start,end,label\n0,1,joy\n1,5,neutral\n")
    assert main([coding, str(records), "--pair", "=1"]) == 1
    said = capsys.readouterr()
    assert "reaches to 5 s" in said.err
    assert "What comes later was left out." in said.err
    assert "  accuracy               1.000\n" in said.out


def test_records_that_were_cut_are_said_to_be(
    tmp_path: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records.write_bytes(records.read_bytes()[:-40])
    coding = human(tmp_path, "start,end,label\n0,1,joy\n1,1.9,neutral\n")
    assert main([coding, str(records), "--pair", "=1"]) == 1
    assert "r.jsonl ends within a line; that line was left out." in capsys.readouterr().err


def test_labels_that_the_records_cannot_give_are_named(
    tmp_path: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coding = human(tmp_path, "start,end,label\n0,1,Hapiness\n1,1.9,Neutral\n")
    main([coding, str(records), "--pair", "=1"])
    said = capsys.readouterr().err
    assert "note: the records cannot give hapiness, but happiness, label, neutral." in said
    assert "--rename 'hapiness=happiness'" in said


def test_a_word_that_is_nearly_known_is_proposed(
    tmp_path: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([human(tmp_path, "start,end,label\n0,1,hapy\n"), str(records), "--pair", "=1"])
    assert "--rename 'hapy=happiness'" in capsys.readouterr().err


def test_a_table_of_changes_is_told_from_one_of_instants(
    tmp_path: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([human(tmp_path, "frame,label\n0,happy\n10,neutral\n"), str(records), "--pair", "=1"])
    assert "note: the human's labels are of 2 instants that can be" in capsys.readouterr().err


def test_a_coding_whose_column_of_labels_is_empty_is_named(
    tmp_path: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coding = human(tmp_path, "onset,offset,code\n0,1,\n")
    assert main([coding, str(records)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {coding} has no row with a label to compare. 1 of ")


def test_records_of_several_videos_are_refused(
    tmp_path: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = records.read_text()
    records.write_text(lines + lines.replace("clip.mp4", "other.mp4"))
    assert main([human(tmp_path, "start,end,label\n0,1,joy\n"), str(records)]) == 2
    assert "is of 2 videos or pictures ('clip.mp4', 'other.mp4')" in capsys.readouterr().err
