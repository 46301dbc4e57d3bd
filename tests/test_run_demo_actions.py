"""Facial actions from the command line, with the shipped models on the shipped clip."""

import csv
import json
from pathlib import Path

import cv2
import pytest

from app import Recogniser, VideoSource
from app.actions import landmarker
from app.actions.names import ACTION_NAMES, COEFFICIENTS
from app.batch import annotate as annotate_module
from app.defaults import PORTRAIT_CLIP
from run_demo import main

COMMON = ["--video", str(PORTRAIT_CLIP), "--no-window", "--device", "cpu", "--every", "4"]


def run(*words: str | Path) -> int:
    return main([*COMMON, *map(str, words)])


def rows_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_actions_stand_in_records_notes_and_report_and_change_nothing_else(tmp_path: Path) -> None:
    with_actions, plain = tmp_path / "a.jsonl", tmp_path / "p.jsonl"
    page = tmp_path / "a.html"
    assert run("--actions", "--records", with_actions, "--report", page) == 0
    assert run("--records", plain) == 0
    rows, before = rows_of(with_actions), rows_of(plain)
    found = [row.pop("actions") for row in rows if "actions" in row]
    assert rows == before
    assert len(found) == sum(row["face_id"] is not None for row in before) > 40
    for one in found:
        assert isinstance(one, dict)
        assert tuple(one) == ACTION_NAMES
        assert one["mouthSmileLeft"] > 0.7
        assert all(0 <= one[name] <= 1 for name in COEFFICIENTS)
    for name, is_on in (("a", True), ("p", False)):
        notes = json.loads((tmp_path / f"{name}.run.json").read_text(encoding="utf-8"))
        assert notes["settings"]["actions"] is is_on
    assert "mouthSmileLeft" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("exact", [False, True])
def test_a_resumed_run_gives_the_same_bytes(
    tmp_path: Path, suffix: str, exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--actions", *(["--exact"] if exact else [])]
    assert run(*words, "--records", tmp_path / f"whole.{suffix}") == 0
    stopped = tmp_path / f"stopped.{suffix}"
    plain_read = annotate_module.FileRun.read

    def read_some(self, on_reach, checkpoint_s, clock):  # type: ignore[no-untyped-def]
        reached = []
        self._stop = lambda: len(reached) > 100
        plain_read(self, lambda n: (reached.append(n), on_reach(n)), checkpoint_s, clock)

    with monkeypatch.context() as patched:
        patched.setattr(annotate_module.FileRun, "read", read_some)
        assert run(*words, "--records", stopped) == 130
    assert run("--resume", "--records", stopped) == 2  # without --actions it is another run
    assert run(*words, "--resume", "--records", stopped) == 0
    assert stopped.read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()


def test_pictures_have_actions(tmp_path: Path) -> None:
    ok, image = cv2.VideoCapture(str(PORTRAIT_CLIP)).read()
    assert ok
    cv2.imwrite(str(tmp_path / "a.png"), image)
    records = tmp_path / "r.csv"
    words = ["--image", str(tmp_path / "a.png"), "--no-window", "--actions"]
    assert main([*words, "--records", str(records)]) == 0
    with records.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row["action_mouthSmileLeft"]) > 0.7
    assert abs(float(row["action_head_yaw_deg"])) < 15


@pytest.mark.parametrize("content", [None, b"", b"no networks"])
@pytest.mark.parametrize("source", [["--demo", "--no-window"], COMMON])
def test_a_bad_model_file_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    source: list[str],
) -> None:
    path = tmp_path / "bad.task"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(landmarker.Landmarker.__init__, "__defaults__", (path,))
    out = tmp_path / "r.csv"
    assert main([*source, "--actions", "--records", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert str(path) in line
    assert not out.exists()


def test_the_library_reads_actions_only_when_asked() -> None:
    with Recogniser(device="cpu", actions=True) as recogniser, VideoSource(PORTRAIT_CLIP) as source:
        for number, result in enumerate(recogniser.stream(source)):
            assert all(face.actions is not None for face in result.faces)
            if number == 20:
                break
        picture = recogniser.image(result.frame.image)
        assert picture.faces[0].actions is not None
        assert picture.faces[0].actions.coefficients["mouthSmileLeft"] > 0.7
    with Recogniser(device="cpu") as recogniser:
        assert recogniser.image(result.frame.image).faces[0].actions is None
