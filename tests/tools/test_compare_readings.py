"""Two records' difference: faces matched by place, labels, centres, people and episodes counted."""

import json
from pathlib import Path

import pytest

from app.errors import DataError
from app.records.schema import FaceRecord, Record
from tools import compare_readings
from tools.compare_readings import format_verdicts, join_differences
from tools.readings_difference import (
    Box,
    FacePair,
    compare_records,
    match_faces,
    match_people,
    measure_overlap,
    pair_frames,
)
from tools.readings_verdict import Verdict, judge_difference, list_places

HERE: Box = (100, 100, 50, 50)
THERE: Box = (300, 100, 80, 80)
STEP_S = 0.1


def face(label: str = "happiness", box: Box = HERE, number: int = 1, p: float = 0.9) -> FaceRecord:
    rest = "neutral" if label == "happiness" else "happiness"
    return FaceRecord(number, box, 0.9, label, None, {label: p, rest: 1 - p})


def film(*frames: tuple[FaceRecord, ...] | FaceRecord | None, first: int = 0) -> list[Record]:
    """Records of frames 0.1 s apart. None is a frame without a face."""
    rows = []
    for number, faces in enumerate(frames, start=first):
        listed = faces if isinstance(faces, tuple) else (faces,)
        rows += [Record("clip.mp4", number, round(STEP_S * number, 6), one) for one in listed]
    return rows


def shown(label: str, frames: int, box: Box = HERE, number: int = 1) -> list[FaceRecord]:
    return [face(label, box, number)] * frames


def figures(base: list[Record], head: list[Record]) -> dict[str, tuple[str, bool | None]]:
    return {one.name: (one.figure, one.is_met) for one in judge_difference_of(base, head)}


def judge_difference_of(base: list[Record], head: list[Record]) -> list[Verdict]:
    return judge_difference(compare_records(base, head))


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (HERE, 1.0),
        ((125, 100, 50, 50), 1 / 3),
        ((150, 100, 50, 50), 0.0),
        ((100, 100, 25, 50), 0.5),
        ((100, 100, 0, 0), 0.0),
    ],
)
def test_overlap_is_what_boxes_share_of_both(other: Box, shared: float) -> None:
    assert measure_overlap(HERE, other) == pytest.approx(shared)
    assert measure_overlap(other, HERE) == pytest.approx(shared)


def test_faces_are_matched_by_place_whatever_their_numbers_and_order() -> None:
    base = [face(box=HERE, number=1), face(box=THERE, number=2)]
    head = [face(box=(302, 99, 80, 80), number=1), face(box=(101, 101, 50, 50), number=2)]
    assert match_faces(base, head) == [(0, 1), (1, 0)]
    assert match_faces(base, head[:1]) == [(1, 0)]
    assert match_faces(base, []) == match_faces([], head) == []


def test_a_face_far_away_is_another_one() -> None:
    assert match_faces([face(box=HERE)], [face(box=THERE)]) == []


def test_frames_are_paired_by_their_numbers() -> None:
    base, head = film(None, None, None), film(None, None, None, first=1)
    numbers = [
        tuple(rows[0].frame if rows else None for rows in pair) for pair in pair_frames(base, head)
    ]
    assert numbers == [(0, None), (1, 1), (2, 2), (None, 3)]
    assert compare_records(base, head).frames == 2
    assert figures(base, head)["frames in one of them only"] == ("2", False)


def test_equal_records_meet_every_aim() -> None:
    rows = film(*shown("happiness", 12), None, *shown("neutral", 9))
    verdicts = judge_difference_of(rows, rows)
    assert [one.is_met for one in verdicts] == [True, True, None, *[True] * 6]
    assert figures(rows, rows)["the same label"] == ("100.00% (21 of 21)", True)
    assert figures(rows, rows)["episodes lost"] == ("0 of 2", True)


def test_labels_and_centres_are_shares_of_faces_in_both() -> None:
    base = film(*[face()] * 200)
    near, far = face(box=(101, 100, 50, 50)), face(box=(101.1, 100, 50, 50))
    head = film(*[face()] * 196, face("neutral"), near, far, None)
    found = figures(base, head)
    assert found["faces of the base found again"] == ("99.50% (199 of 200)", True)
    assert found["the same label"] == ("99.50% (198 of 199)", True)
    centres, met = found["centre within 2% of the face's size"]
    assert centres == "99.50% (198 of 199); median 0.00%, 95 % 0.00%, largest 2.20%"
    assert met


def test_under_99_of_100_is_missed() -> None:
    base = film(*[face()] * 100)
    one = film(*[face()] * 99, face("neutral"))
    two = film(*[face()] * 98, face("neutral"), face("neutral"))
    assert figures(base, one)["the same label"][1] is True
    assert figures(base, two)["the same label"][1] is False


def test_faces_of_one_side_are_counted() -> None:
    base = film((face(), face(box=THERE, number=2)), None)
    head = film(face(), face())
    found = figures(base, head)
    assert found["faces of the base found again"] == ("50.00% (1 of 2)", False)
    assert found["faces of the head that the base lacks"] == ("1 of 2", None)


def test_no_face_is_no_fault() -> None:
    found = figures(film(None, None), film(None, None))
    assert found["the same label"] == ("no faces", True)


def test_people_are_matched_one_to_one_by_where_they_meet() -> None:
    pairs = [
        FacePair(n, 0.0, face(number=one), face(number=two))
        for n, (one, two) in enumerate([(1, 5), (1, 5), (1, 6), (2, 6), (2, 6), (3, 5)])
    ]
    assert match_people(pairs) == {1: 5, 2: 6}
    assert match_people([]) == {}


def test_other_numbers_for_the_same_people_are_no_fault() -> None:
    base = film(*[face(number=1)] * 4)
    head = film(*[face(number=7)] * 3, face(number=8))
    assert figures(base, head)["the same person"] == (
        "75.00% (3 of 4); the same number 0; people 1, 2",
        False,
    )


@pytest.mark.parametrize(
    ("frames", "lost", "gained", "shifted"),
    [
        ([*shown("happiness", 10), *shown("neutral", 10)], "0 of 2", "0 of 2", "0 of 2"),
        # One frame later: 0.1 s.
        ([*shown("happiness", 11), *shown("neutral", 9)], "0 of 2", "0 of 2", "0 of 2"),
        ([*shown("happiness", 12), *shown("neutral", 8)], "0 of 2", "0 of 2", "2 of 2"),
        ([*shown("happiness", 20)], "1 of 2", "0 of 1", "1 of 1"),
        (
            [*shown("neutral", 5), *shown("happiness", 5), *shown("neutral", 10)],
            "0 of 2",
            "1 of 3",
            "1 of 2",
        ),
    ],
)
def test_episodes_are_lost_gained_or_shifted(
    frames: list[FaceRecord], lost: str, gained: str, shifted: str
) -> None:
    base = film(*shown("happiness", 10), *shown("neutral", 10))
    found = figures(base, film(*frames))
    assert found["episodes lost"] == (lost, lost.startswith("0"))
    assert found["episodes gained"] == (gained, gained.startswith("0"))
    assert found["episodes shifted by over 0.1 s"] == (shifted, shifted.startswith("0"))


def test_an_episode_just_under_the_limit_is_not_lost() -> None:
    base = film(*shown("happiness", 5), *[None] * 9)
    head = film(*shown("happiness", 4), *[None] * 10)
    assert figures(base, head)["episodes lost"] == ("0 of 1", True)
    assert figures(head, base)["episodes gained"] == ("0 of 1", True)
    gone = film(*shown("happiness", 2), *[None] * 12)
    assert figures(base, gone)["episodes lost"] == ("1 of 1", False)


def test_an_episode_of_another_person_is_another_one() -> None:
    base = film(*[(face(number=1), face("neutral", THERE, 2))] * 8)
    head = film(*[(face("neutral", number=1), face(box=THERE, number=2))] * 8)
    assert figures(base, head)["episodes lost"] == ("2 of 2", False)


def test_places_of_differences_are_listed() -> None:
    base = film(*shown("happiness", 10), *shown("neutral", 10), face(), face())
    head = film(*shown("happiness", 12), *shown("neutral", 8), face(box=(105, 100, 50, 50)), None)
    assert list_places(compare_records(base, head), 5) == [
        "shifted: happiness of person 1, 0.00 to 1.00 s, now 0.00 to 1.20 s",
        "shifted: neutral of person 1, 1.00 to 2.00 s, now 1.20 to 2.00 s",
        "label: frames 10 to 11 (1.00 s), person 1: neutral, now happiness",
        "only in base: frame 21 (2.10 s), person 1, 50 px wide, happiness",
        "centre: frame 20 (2.00 s), person 1: 10.0% of the face apart",
    ]


def test_several_videos_are_added_up() -> None:
    one = compare_records(film(face()), film(face("neutral")))
    two = compare_records(film(face(), face()), film(face(), None))
    joined = join_differences([one, two])
    assert (joined.frames, len(joined.pairs), joined.same_labels) == (3, 2, 1)
    assert joined.people == (2, 2)


def test_table_says_what_is_missed() -> None:
    verdicts = judge_difference_of(film(face()), film(face("neutral")))
    rows = format_verdicts("clip.mp4", verdicts)
    assert rows[0] == "| clip.mp4 | figure | aim | |"
    assert rows[5] == "| the same label | 0.00% (0 of 1) | >= 99% | **missed** |"
    assert rows[4] == "| faces of the head that the base lacks | 0 of 1 |  |  |"


def test_records_of_several_videos_are_refused() -> None:
    rows = [Record("a.mp4", 0, 0.0), Record("b.mp4", 0, 0.0)]
    with pytest.raises(DataError, match=r"several sources, a\.mp4 and b\.mp4"):
        compare_records(rows, rows[:1])


def write_rows(path: Path, label: str) -> None:
    shares = {"happiness": 0.9, "neutral": 0.1}
    row = {
        "source": "clip.mp4",
        "frame": 0,
        "time_s": 0.0,
        "face_id": 1,
        **dict(zip(("x", "y", "width", "height"), HERE, strict=True)),
        "det_score": 0.9,
        "label": label,
        "probabilities": shares,
    }
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")


def test_two_records_files_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, same, other = (tmp_path / f"{name}.jsonl" for name in ("base", "same", "other"))
    for path, label in ((base, "happiness"), (same, "happiness"), (other, "neutral")):
        write_rows(path, label)
    table = tmp_path / "table.json"
    assert compare_readings.main(["--records", str(base), str(same)]) == 0
    assert compare_readings.main(["--records", str(base), str(other), "--json", str(table)]) == 1
    assert "| the same label | 0.00% (0 of 1) | >= 99% | **missed** |" in capsys.readouterr().out
    assert json.loads(table.read_text())["base.jsonl, other.jsonl"][3] == {
        "name": "the same label",
        "figure": "0.00% (0 of 1)",
        "aim": ">= 99%",
        "is_met": False,
    }
    assert compare_readings.main(["--records", str(base), str(tmp_path / "none.jsonl")]) == 2
    assert capsys.readouterr().err.endswith("does not exist. Give a file that --records wrote.\n")


def test_commits_that_are_none_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"")
    assert compare_readings.main(["no-such-ref", ".", str(clip)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: 'no-such-ref' names no commit: ")
    assert said.count("\n") == 1


def test_clips_that_are_none_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_readings.main(["HEAD", ".", "nowhere.mp4"]) == 2
    assert capsys.readouterr().err.endswith("nowhere.mp4 is no file. Give videos after HEAD_REF.\n")


@pytest.mark.parametrize(
    "words",
    [[], ["HEAD"], ["HEAD", "."], ["HEAD", ".", "a.mp4", "--records", "a", "b"]],
)
def test_either_builds_or_records_are_compared(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        compare_readings.main(words)
    assert ended.value.code == 2
    assert "give BASE_REF, HEAD_REF and at least one CLIP" in capsys.readouterr().err
