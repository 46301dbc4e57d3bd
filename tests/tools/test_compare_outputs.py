"""Two builds' outputs: what is compared, what is left out, and how a difference is shown."""

import io
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.defaults import ROOT
from app.errors import DataError
from tests.support.synthetic import write_video
from tools.compare_outputs import check_exit, judge_resumed
from tools.output_commands import (
    BROKEN,
    RESUMED,
    UNBROKEN,
    Command,
    find_training_commands,
    list_commands,
)
from tools.output_difference import (
    DOCTOR,
    JOBS,
    blank_notes,
    compare_folders,
    describe_difference,
    hash_parts,
    make_comparable,
)


def notes(begun: str, faces: int, indent: int = 1) -> str:
    facts = {"begun": begun, "counts": {"faces": faces}, "timings": {"seconds": {"a": [1.5]}}}
    return json.dumps(facts, indent=indent) + "\n"


def archive(member: str, content: bytes, year: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr(zipfile.ZipInfo(member, (year, 1, 1, 0, 0, 0)), content)
    return file.getvalue()


def test_only_times_are_blanked_in_notes() -> None:
    assert blank_notes(notes("today", 3)) == (
        '{\n "begun": …,\n "counts": {\n  "faces": 3\n },\n "timings": …\n}\n'
    )
    assert blank_notes(notes("today", 3, indent=2)) != blank_notes(notes("today", 3))
    assert blank_notes("{no JSON") == "{no JSON"


@pytest.mark.parametrize(
    ("name", "base", "head"),
    [
        ("r/clip.run.json", notes("today", 3), notes("yesterday", 3)),
        (
            "r/r.html",
            '<th scope="row">speed</th><td>5 frames/s</td>',
            '<th scope="row">speed</th><td>6 frames/s</td>',
        ),
        (
            "terminal/r.err",
            "9 faces in 1.5 s (6.0 frames/s) -> a",
            "9 faces in 1 s (9 frames/s) -> a",
        ),
        ("terminal/r.err", "9 faces, 1.5 s from frame 2 on", "9 faces, 2.5 s from frame 2 on"),
        ("terminal/r.out", "/tmp/one/base/a.csv", "/tmp/one/head/a.csv"),
        (JOBS, "a\nb\n", "b\na\n"),
        (DOCTOR, '[{"name": "disk", "value": 1}]', '[{"name": "disk", "value": 2}]'),
    ],
)
def test_what_differs_from_run_to_run_is_left_out(name: str, base: str, head: str) -> None:
    folders = {"/tmp/one/base": "OUT", "/tmp/one/head": "OUT", "/tmp/one": "MADE"}
    assert describe_difference(name, base.encode(), head.encode(), folders) == []


@pytest.mark.parametrize(
    ("name", "base", "head"),
    [
        ("r/clip.run.json", notes("today", 3), notes("today", 4)),
        ("r/clip.run.json", notes("today", 3), notes("today", 3).rstrip()),
        ("r/r.html", '<th scope="row">file</th><td>a</td>', '<th scope="row">file</th><td>b</td>'),
        ("terminal/r.err", "9 faces in 1.5 s", "8 faces in 1.5 s"),
        ("terminal/help.out", "averaged, 0.5 s", "averaged, 0.6 s"),
        ("r/r.csv", "a,b\n", "a,b\r\n"),
        (DOCTOR, '[{"name": "disk", "value": 1}]', '[{"name": "disk", "worth": 1}]'),
    ],
)
def test_any_other_difference_counts(name: str, base: str, head: str) -> None:
    lines = describe_difference(name, base.encode(), head.encode(), {})
    assert lines[0] == f"{name}: the text differs"
    assert any(line.startswith("  -") for line in lines[3:])
    assert any(line.startswith("  +") for line in lines[3:]) or not head.endswith("\n")


def test_long_difference_is_cut() -> None:
    base, head = ("\n".join(f"{letter}{k}" for k in range(50)).encode() for letter in "ab")
    lines = describe_difference("r.csv", base, head, {})
    assert len(lines) == 14
    assert lines[-1] == "  … 91 more lines"


def test_parts_of_archives_and_videos_are_named(tmp_path: Path) -> None:
    base, head = archive("a", b"one", 2020), archive("a", b"one", 2021)
    assert describe_difference("n.pt", base, base, {}) == []
    assert make_comparable("n.pt", base + b"\xff", {}) is None
    text = describe_difference("n.pt", base + b"\xff", head + b"\xff", {})[0]
    assert text.endswith("though every part is the same")
    other = describe_difference("n.pt", base + b"\xff", archive("a", b"two", 2020) + b"\xff", {})
    assert re.fullmatch(r"n.pt: the bytes differ \(\d+ and \d+\)", other[0])
    assert [line[:5] for line in other[-2:]] == ["  -a ", "  +a "]
    write_video(tmp_path / "v.mp4", frames=3, sound="aac")
    parts = hash_parts("v.mp4", (tmp_path / "v.mp4").read_bytes())
    frames = [line for line in parts if line.startswith("frame")]
    assert [line.split()[2:4] for line in frames] == [["yuv420p", "64x48"]] * 3
    assert len({line.split()[-1] for line in frames}) == 3
    assert any(line.startswith("audio") for line in parts)
    assert hash_parts("picture.png", b"\x89PNG") == []


def test_folders_are_compared_file_by_file(tmp_path: Path) -> None:
    for build, files in (
        ("base", {"same/a.csv": "1", "other.csv": "2", "gone.csv": "", "r/tensorboard/x": "5"}),
        ("head", {"same/a.csv": "1", "other.csv": "3", "new.csv": "", "r/tensorboard/y": "6"}),
    ):
        for name, text in files.items():
            path = tmp_path / build / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    shown: list[str] = []
    assert compare_folders(tmp_path / "base", tmp_path / "head", {}, shown.append) == (4, 3)
    assert [line for line in shown if line[0] != " "] == [
        "gone.csv: only in base",
        "new.csv: only in head",
        "other.csv: the text differs",
    ]


def write_resumed(out: Path, records: str, said: str) -> None:
    for name in (UNBROKEN.name, RESUMED.name, "terminal"):
        (out / name).mkdir(parents=True)
    (out / UNBROKEN.name / "clip.jsonl").write_text("rows")
    (out / RESUMED.name / "clip.jsonl").write_text(records)
    (out / "terminal" / "resumed.out").touch()
    (out / "terminal" / "resumed.err").write_text(said)


def test_old_run_is_gone_on_with_or_refused_in_one_line(tmp_path: Path) -> None:
    base, head = tmp_path / "base", tmp_path / "head"
    write_resumed(base, "rows", "exit code 0\n")
    write_resumed(head, "other rows", "exit code 0\n")
    assert judge_resumed(base, head).endswith("is gone on with.")
    assert (head / RESUMED.name / "clip.jsonl").exists()  # and is compared
    (head / "terminal" / "resumed.err").write_text("error: It is too old.\nexit code 2\n")
    assert judge_resumed(base, head).endswith("is refused: error: It is too old.")
    assert not (head / RESUMED.name).exists()
    assert not (base / "terminal" / "resumed.err").exists()
    write_resumed(tmp_path / "bad", "other rows", "exit code 0\n")
    with pytest.raises(DataError, match="did not go on as it began"):
        judge_resumed(tmp_path / "bad", head)


def used_names(command: Command) -> Sequence[str]:
    names = re.findall(r"\{base\}/([^/]+)/", " ".join(command.words))
    return [*names, command.copy_of] if command.copy_of else names


def test_commands_read_what_earlier_ones_wrote() -> None:
    commands = [*list_commands(find_training_commands(ROOT)), BROKEN, RESUMED]
    names = [command.name for command in commands]
    assert len(names) == len(set(names))
    for place, command in enumerate(commands):
        assert set(used_names(command)) <= set(names[:place])
        for word in command.words:
            word.format(made="", out="", base="")
    with pytest.raises(DataError, match="'records' ended with exit code 2 in the first build"):
        check_exit(UNBROKEN, 2)


def test_commands_of_training_are_found(tmp_path: Path) -> None:
    for name, text in {
        "train.py": "\ndef main() -> int:\n",
        "loss.py": "\ndef mainly() -> int:\n",
        "page/__main__.py": "\ndef main() -> int:\n",
        "page/other.py": "\ndef main() -> int:\n",
    }.items():
        (tmp_path / "training" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "training" / name).write_text(text)
    assert find_training_commands(tmp_path) == ["training.page", "training.train"]
    assert {"training.train", "training.export"} <= set(find_training_commands(ROOT))
