"""Figures of agreement against worked examples and other libraries; codings by people."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agreement import episode_figures, figures, main, match, pair_people, units
from app.codings import Span, Track, read_coding
from app.episodes import EpisodeRules
from app.records import FaceRecord, Record, RecordsSink
from app.types import DataError
from tests.synthetic import LABELS, frame_result, tracked_face

RULES = EpisodeRules(min_s=0.2)
coders = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1)


def spans(*found: tuple[float, float, str]) -> tuple[Span, ...]:
    return tuple(Span(*one) for one in found)


def track(*found: tuple[float, float, str], instants: Sequence[float] | None = None) -> Track:
    return Track(spans(*found), spans(*found), None if instants is None else tuple(instants))


def read(path: Path, text: str, **more: object) -> dict[str, Track]:
    path.write_text(text, encoding="utf-8")
    given: dict[str, object] = {"rename": {}, "rules": RULES, "frame_times": {}} | more
    return read_coding(path, **given)  # type: ignore[arg-type]


def test_kappa_of_a_worked_example() -> None:
    """20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.7, by chance 0.5."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = figures(pairs)
    assert (found.count, found.labels) == (50, ("n", "y"))
    assert found.confusion == ((15, 10), (5, 20))
    assert found.accuracy == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_alpha_of_krippendorffs_own_example() -> None:
    """Two observers, twelve articles, five values (Krippendorff 2011, section B)."""
    first = "a a b b d c c c e d d a".split()
    second = "b a b b b c c c e d d d".split()
    assert figures(list(zip(first, second, strict=True))).alpha == pytest.approx(0.692, abs=5e-4)


@given(coders)
def test_alpha_is_that_of_the_library(pairs: list[tuple[str, str]]) -> None:
    krippendorff = pytest.importorskip("krippendorff")
    values = np.array([["abcd".index(label) for label in pair] for pair in pairs], float).T
    found = figures(pairs).alpha
    if len(np.unique(values)) == 1:
        assert found is None
    else:
        theirs = krippendorff.alpha(reliability_data=values, level_of_measurement="nominal")
        assert found == pytest.approx(theirs)


@given(coders)
def test_kappa_is_that_of_the_library(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    if (found := figures(pairs).kappa) is not None:
        assert found == pytest.approx(metrics.cohen_kappa_score(*zip(*pairs, strict=True)))


@pytest.mark.parametrize(
    ("pairs", "accuracy", "kappa"),
    [([], None, None), ([("a", "a")] * 3, 1.0, None), ([("a", "b")] * 3, 0.0, 0.0)],
)
def test_what_chance_explains_has_no_kappa(
    pairs: list[tuple[str, str]], accuracy: float | None, kappa: float | None
) -> None:
    found = figures(pairs)
    assert (found.accuracy, found.kappa) == (accuracy, kappa)


TABLES = {
    "onset_s,offset_s,label\n0.5,2,Happy\n2,3.5,sadness\n": [
        (0.5, 2, "happiness"),
        (2, 3.5, "sadness"),
    ],
    "start;end;emotion\n0:00,5;0:02;joy\n": [(0.5, 2, "happiness")],
    "Begin\tEnd\tCode\n1:01:00\t1:01:02.5\tscared\n": [(3660, 3662.5, "fear")],
    "time_s,label\n0,sad\n1,sad\n2,fear\n": [(0, 2, "sadness"), (2, 3, "fear")],
    "time,label\n0,a\n1,a\n2,a\n9,a\n": [(0, 4.5, "a"), (9, 10, "a")],  # nothing is known between
    "\ufefflabel,time\n'=x,0\n\n": [(0, 1, "=x")],
}


@pytest.mark.parametrize("text", TABLES)
def test_tables_are_read_as_people_write_them(tmp_path: Path, text: str) -> None:
    (found,) = read(tmp_path / "h.csv", text).values()
    assert found.spans == spans(*TABLES[text])


def test_frames_are_counted_by_the_times_of_the_records(tmp_path: Path) -> None:
    times = {n: n / 25 for n in range(10)}
    found = read(tmp_path / "h.csv", "frame,label\n0,a\n5,b\n", frame_times=times)
    assert found[""].instants == (0.0, 0.2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a header"),
        ("label\na\n", "needs a header"),
        ("onset,label\n1,a\n", "needs a header"),
        ("onset,offset,label\n2,1,a\n", "line 2: it ends before it begins"),
        ("onset,offset,label\nsoon,1,a\n", "line 2: could not convert"),
        ("onset,offset,label\n0,2,a\n1,3,b\n", "a until 2 s overlaps b from 1 s"),
        ("time,label\n0,a\n0,b\n", "line 3: it gives a second label"),
        ("time,label\nnan,a\n", "line 2: 'nan' is not a time"),
        ("frame,label\n0,a\n", "line 2: it counts frames, so the other file must be records"),
        ("time,label,video\n0,a,x.mp4\n1,a,y.mp4\n", "is of 2 videos"),
    ],
)
def test_tables_that_cannot_be_are_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path / "h.csv", text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "h.csv"))


def test_unlike_samplings_meet_at_the_sparser_one() -> None:
    human = track((0, 1, "a"), (1, 2, "b"), instants=(0.0, 0.5, 1.0, 1.5))
    ours = track((0, 1.25, "a"), (1.25, 1.8, "b"), instants=[n / 100 for n in range(200)])
    assert units(human, ours, step_s=1, outside="none") == [
        ("a", "a"),
        ("a", "a"),
        ("b", "a"),
        ("b", "b"),
    ]


def test_instants_of_which_one_says_nothing_do_not_count() -> None:
    human = track((0, 1, "a"), instants=(0.0, 0.5, 1.0))
    ours = track((0, 0.4, "a"), instants=(0.0, 0.1, 0.2, 0.3))
    assert units(human, ours, step_s=1, outside="none") == [("a", "a")]


def test_outside_of_coded_spans_a_label_holds() -> None:
    human, ours = track((0, 1, "a")), track((0.5, 2, "a"))
    pairs = units(human, ours, step_s=0.5, outside="neutral")
    assert pairs == [("a", "neutral"), ("a", "a"), ("neutral", "a"), ("neutral", "a")]


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
    assert match(spans(*human), spans(*ours), 0.25) == expected


def test_episodes_are_judged_by_label_and_by_time() -> None:
    human = track((0, 2, "a"), (2, 4, "b"), (4, 6, "none"), (8, 9, "a"))
    ours = track((0.1, 2.2, "a"), (2.2, 4, "a"), (4, 6, "unsure"), (20, 21, "a"))
    found = episode_figures([(human, ours)], min_overlap=0.25, outside="none")
    assert (found.human, found.ours, found.right, found.pairs.count) == (3, 3, 1, 2)
    assert found.onset_difference_s == pytest.approx(0.15)
    assert found.offset_difference_s == pytest.approx(0.1)


def test_people_are_paired_by_name_by_word_or_alone() -> None:
    a, b = track((0, 1, "a")), track((0, 1, "b"))
    assert pair_people({"": a}, {"7": b}, {}) == [(a, b)]
    assert pair_people({"1": a}, {"1": b, "2": a}, {}) == [(a, b)]
    assert pair_people({"": a}, {"1": a, "2": b}, {"": "2"}) == [(a, b)]
    assert pair_people({"Ann": a, "2": b}, {"1": b, "2": a}, {"Ann": "1"}) == [(a, b), (b, a)]
    with pytest.raises(DataError, match=r"of the person 'Ann', ours of 1, 2\. .* --pair Ann=1"):
        pair_people({"Ann": a}, {"1": a, "2": b}, {})
    with pytest.raises(DataError, match="says nothing of anybody"):
        pair_people({}, {"1": a}, {})


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


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_command_compares_a_table_with_records(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    records = write_records(tmp_path / f"r.{suffix}")
    human = tmp_path / "h.csv"
    human.write_text("onset,offset,label\n0,0.8,joy\n")
    line = [str(human), str(records), "--outside", "neutral", "--pair", "=1"]
    assert main([*line, "--json", str(tmp_path / "out.json")]) == 1
    said = capsys.readouterr()
    assert "1 of our faces are in no pair" in said.err
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["by_frame"]["labels"] == ["happiness", "neutral"]
    assert found["by_frame"]["confusion"] == [[8, 0], [2, 10]]
    assert found["by_frame"]["accuracy"] == pytest.approx(0.9)
    assert found["by_episode"]["human"] == found["by_episode"]["ours"] == 1
    assert found["by_episode"]["offset_difference_s"] == pytest.approx(0.2)
    assert "  accuracy               0.900" in said.out
    assert "  neutral               2       10" in said.out
    assert main([str(human), str(records)]) == 2
    assert "--pair =1" in capsys.readouterr().err


def test_unsure_is_no_answer_unless_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, labels in (("h", "aabb"), ("o", "aa_b")):
        said = ["unsure" if label == "_" else label for label in labels]
        rows = "".join(f"{n},{label}\n" for n, label in enumerate(said))
        (tmp_path / f"{name}.csv").write_text(f"time,label\n{rows}")
    line = [str(tmp_path / "h.csv"), str(tmp_path / "o.csv")]
    assert main(line) == 0
    out = capsys.readouterr().out
    assert "  compared               3\n  accuracy               1.000" in out
    assert "left out, ours unsure  1" in out
    assert main([*line, "--keep-unsure"]) == 0
    assert "  compared               4\n  accuracy               0.750" in capsys.readouterr().out


def test_records_of_a_face_say_nothing_where_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = FaceRecord(3, (0, 0, 9, 9), 0.9, "a", None, {"a": 1.0})
    records = [Record("v", n, n / 10, face if n != 2 else None) for n in range(5)]
    monkeypatch.setattr("app.codings.RecordsReader", lambda path: records)
    found = read_coding(tmp_path / "r.jsonl", rename={}, rules=RULES, frame_times={})["3"]
    said = [found.label_at(time_s, "none") for time_s in (0.0, 0.15, 0.25, 0.35, 0.6)]
    assert said == ["a", "a", None, "a", None]
