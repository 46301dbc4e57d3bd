"""Notes of a run: who made what of which file, in values that JSON has."""

import hashlib
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from app.actions.names import ACTIONS_NOTE
from app.errors import SinkError
from app.files.hidden import DisplacedError
from app.outputs.run_metadata import RunNotes, name_notes, read_notes
from app.sources.base import Gap, InputFile, SourceDefaults
from app.sources.video import VideoSource
from app.types import Mode
from tests.support.synthetic import frame_result, tracked_face, write_video
from tests.support.tiny_model import tiny_contract


class Pictures(SourceDefaults):
    name, mode, warning = "2 pictures", Mode.PICTURES, "1 of 2 pictures left out"
    frame_count = 2

    def list_files(self) -> list[InputFile]:
        return [InputFile("a.png", "0a", 1), InputFile("gone.png", None, None)]


def notes(
    folder: Path, source: Any, path: Path | None = None, *, actions: bool = False, **more: Any
) -> RunNotes:
    (folder / "m.onnx").write_bytes(b"model")
    settings = {"video": Path("in.mp4"), "max_faces": None, "pair": [1, "x"]}
    return RunNotes(
        path,
        source=source,
        model=folder / "m.onnx",
        contract=tiny_contract(),
        provider="CPU",
        settings={**settings, "actions": True} if actions else settings,
        interrupted=lambda: False,
        command=["run_demo.py", "--video", "in.mp4"],
        overwrite=False,
        **more,
    )


def test_notes_name_video_model_and_counts(tmp_path: Path) -> None:
    video = tmp_path / "in.mp4"
    write_video(video, frames=5, rate=Fraction(25), sound="aac")
    path = name_notes(tmp_path / "talk.jsonl")
    assert path == tmp_path / "talk.run.json"
    with VideoSource(video) as source:
        one = notes(tmp_path, source, path)
        for result in (frame_result(tracked_face(), tracked_face(2)), frame_result(index=1)):
            one.write(result, result.frame.image)
        assert not path.exists()
        one.close()
        one.close()
    found = json.loads(path.read_text())
    assert found == read_notes(tmp_path / "talk.jsonl")
    assert found["command"] == ["run_demo.py", "--video", "in.mp4"]
    assert found["model"]["sha256"] == hashlib.sha256(b"model").hexdigest()
    assert found["model"]["contract"]["labels"] == ["dark", "bright"]
    assert not {"probe_logits", "embedding"} & found["model"]["contract"].keys()
    assert found["model"]["decision_rule"] == {
        "prior_correction": 0,
        "temperature": 1,
        "mirror_images": False,
    }
    assert found["input"]["files"] == [
        {
            "name": "in.mp4",
            "sha256": hashlib.sha256(video.read_bytes()).hexdigest(),
            "bytes": video.stat().st_size,
        }
    ]
    stream = found["input"]["stream"]
    assert (stream["size_wh"], stream["rate"], stream["has_audio"]) == ([64, 48], "25", True)
    assert found["counts"] == {"frames": 2, "frames_without_face": 1, "faces": 2, "people": 2}
    assert found["settings"] == {"video": "in.mp4", "max_faces": None, "pair": [1, "x"]}
    assert found["versions"]["numpy"]
    assert (found["interrupted"], found["cut_short"], found["provider"]) == (False, None, "CPU")
    assert found["begun"] <= found["ended"]


@pytest.mark.parametrize("is_notes_name_taken", [False, True])
def test_notes_follow_records_that_got_another_name(
    tmp_path: Path, *, is_notes_name_taken: bool
) -> None:
    records = tmp_path / "d6.jsonl"
    one = notes(tmp_path, Pictures(), name_notes(records), records=records)
    if is_notes_name_taken:
        name_notes(records).write_text("yours")
        with pytest.raises(DisplacedError):
            one.close()
    else:
        one.close()
    (tmp_path / "m.onnx").unlink()
    others = [SinkError("x"), DisplacedError(tmp_path / "d6.mp4", tmp_path / "d6_2.mp4")]
    one.follow_records(others)
    assert not (tmp_path / "d6_2.run.json").exists()
    one.follow_records([*others, DisplacedError(records, tmp_path / "d6_2.jsonl")])
    assert read_notes(tmp_path / "d6_2.jsonl")["provider"] == "CPU"
    left = ["d6.run.json"] if is_notes_name_taken else []
    assert sorted(path.name for path in tmp_path.iterdir()) == [*left, "d6_2.run.json"]


def test_what_cannot_be_read_has_no_hash(tmp_path: Path) -> None:
    found = notes(tmp_path, Pictures()).describe()
    assert found["cut_short"] == "1 of 2 pictures left out"
    assert found["input"] == {
        "name": "2 pictures",
        "live": False,
        "files": [
            {"name": "a.png", "sha256": "0a", "bytes": 1},
            {"name": "gone.png", "sha256": None, "bytes": None},
        ],
        "stream": {"frame_count": 2},
    }
    assert found["gaps"] == []
    assert found["model"]["decision_rule"]["mirror_images"] is True
    used = notes(tmp_path, Pictures(), prior_correction=0.75).describe()
    assert used["model"]["decision_rule"]["prior_correction"] == 0.75


def test_notes_of_facial_actions_say_what_they_are_not(tmp_path: Path) -> None:
    assert notes(tmp_path, Pictures(), actions=True).describe()["actions_note"] == ACTIONS_NOTE
    assert "actions_note" not in notes(tmp_path, Pictures()).describe()


def test_notes_list_the_gaps_that_they_are_given(tmp_path: Path) -> None:
    found = notes(tmp_path, Pictures(), find_gaps=lambda: [Gap(1.25, 0.5)]).describe()
    assert found["gaps"] == [{"after_s": 1.25, "seconds": 0.5}]


def test_aborted_notes_leave_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.run.json"
    one = notes(tmp_path, Pictures(), path)
    one.abort()
    one.close()
    assert not path.exists()
    path.write_text("mine")
    with pytest.raises(SinkError, match="exists already"):
        notes(tmp_path, Pictures(), path)


@pytest.mark.parametrize("text", [None, "", "[1]", "{"])
def test_missing_or_damaged_notes_are_no_notes(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "r.run.json").write_text(text)
    assert read_notes(tmp_path / "r.csv") == {}


@pytest.mark.parametrize(
    "content",
    [b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a": ' + b"9" * 60 + b"}", b'{"a": "\\ud800"}'],
)
def test_notes_that_are_damaged_or_absurd_say_nothing(tmp_path: Path, content: bytes) -> None:
    name_notes(tmp_path / "r.jsonl").write_bytes(content)
    assert read_notes(tmp_path / "r.jsonl") == {}
