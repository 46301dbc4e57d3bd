"""The command compares files and says what is doubtful."""

import json
from pathlib import Path

import pytest

from app.agreement.__main__ import main
from app.records.writers import RecordsSink
from tests.support.synthetic import LABELS, frame_result, tracked_face


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


@pytest.mark.parametrize(
    "options",
    [
        ["neutral"],
        ["NEUTRE"],
        ["no  expression"],
        ["Baseline", "--rename", "baseline=neutral"],
    ],
)
def test_the_label_outside_of_spans_has_one_name_as_others_have(
    tmp_path: Path, records: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    coding = human(tmp_path, "onset,offset,label\n0,0.8,joy\n")
    main([coding, str(records), "--pair", "=1", "--outside", *options])
    said = capsys.readouterr()
    assert "  accuracy               0.900\n" in said.out
    assert "note: the records" not in said.err
    assert "changed nothing" not in said.err


def test_a_label_outside_of_spans_that_the_records_cannot_give_is_named(
    tmp_path: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coding = human(tmp_path, "onset,offset,label\n0,0.8,joy\n")
    main([coding, str(records), "--pair", "=1", "--outside", "nuetral"])
    said = capsys.readouterr().err
    assert "note: the records cannot give nuetral, but" in said
    assert "--rename 'nuetral=neutral'" in said
    main([coding, str(records), "--pair", "=1"])
    assert "cannot give" not in capsys.readouterr().err


@pytest.mark.parametrize("outside", ["", "NA", " - "])
def test_no_label_outside_of_spans_is_refused(
    tmp_path: Path, records: Path, outside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    coding = human(tmp_path, "onset,offset,label\n0,0.8,joy\n")
    assert main([coding, str(records), "--pair", "=1", f"--outside={outside}"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: --outside must name a label, got ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pair", "Ann=1", "--pair", "Ann=2"], "--pair gives 'Ann' as '1' and as '2'"),
        (
            ["--rename", "calm=neutral", "--rename", "Calm=sad"],
            "--rename gives 'calm' as 'neutral' and as 'sad'",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    tmp_path: Path,
    records: Path,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([human(tmp_path, "onset,offset,label\n0,1,joy\n"), str(records), *options])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_renamings_that_change_nothing_are_noted(
    tmp_path: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [human(tmp_path, "start,end,label\n0,1,Calm\n"), str(records), "--pair", "=1"]
    main([*line, "--rename", "calm=neutral", "--rename", "typo=sad", "--rename", "Happy=joy"])
    said = capsys.readouterr().err
    assert "note: --rename changed nothing for 'typo': no label is so called." in said
