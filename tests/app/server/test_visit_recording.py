"""A visitor's recording has the columns of the records, those of facial actions if read, and notes
that say how it came about."""

import csv
import json
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import create_autospec

import numpy as np
import pytest

from app.actions.names import ACTION_NAMES
from app.actions.reader import ActionReader
from app.errors import SinkError
from app.outputs.run_metadata import RunNotes, name_notes
from app.records.writers import RecordsSink
from app.server.visit_recording import VisitRecording
from app.server.visit_session import SharedNetworks
from app.types import Frame, FrameResult, TrackedFace
from tests.app.server.conftest import NoFrames
from tests.support.faces import make_face


def begin_recording(folder: Path, networks: SharedNetworks) -> VisitRecording:
    state = replace(networks.first_state, blur=True, smoothing_s=0.25)
    return VisitRecording(folder, networks, NoFrames(), state)


def make_result(networks: SharedNetworks, index: int = 3, faces: int = 1) -> FrameResult:
    labels = networks.classifier.labels
    shares = np.full(len(labels), 1 / len(labels), np.float32)
    found = [
        TrackedFace(make_face(8, 8, 32), number, labels[1], shares, shares)
        for number in range(1, faces + 1)
    ]
    frame = Frame(np.zeros((48, 64, 3), np.uint8), index, index / 30, "camera")
    return FrameResult(frame, tuple(found), labels)


@pytest.mark.parametrize("with_actions", [False, True])
def test_tables_have_columns_of_actions_where_they_are_read(
    tmp_path: Path, networks: SharedNetworks, with_actions: bool
) -> None:
    if with_actions:
        networks = replace(networks, actions=create_autospec(ActionReader, instance=True))
    recording = begin_recording(tmp_path, networks)
    recording.write(make_result(networks))
    paths, _ = recording.finish()
    (table,) = [path for path in paths if path.suffix == ".csv" and "episodes" not in path.name]
    with table.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["label"] == networks.classifier.labels[1]
    named = {name.removeprefix("action_") for name in row if name.startswith("action_")}
    assert named == (set(ACTION_NAMES) if with_actions else set())


def test_the_notes_tell_how_the_recording_came_about(
    tmp_path: Path, networks: SharedNetworks
) -> None:
    recording = begin_recording(tmp_path, networks)
    for index, faces in ((3, 1), (4, 0), (5, 2)):
        recording.write(make_result(networks, index, faces))
    paths, lacks = recording.finish()
    assert lacks is None
    assert paths[-1] == name_notes(paths[0])
    notes = json.loads(paths[-1].read_text(encoding="utf-8"))
    assert notes["command"] == []  # it belongs to the server
    assert notes["input"] == {
        "name": "camera",
        "live": True,
        "files": [],
        "stream": {"frame_count": None},
    }
    assert notes["counts"] == {"frames": 3, "frames_without_face": 1, "faces": 3, "people": 2}
    assert notes["gaps"] == [{"after_s": 0.166667, "seconds": 2.0}]  # not the one before it began
    assert notes["model"]["sha256"] == networks.classifier.sha256
    assert notes["settings"] == {
        "actions": False,
        "blur": True,
        "exact": False,
        "far_faces": False,
        "max_faces": None,
        "smoothing": 0.25,
    }
    assert (notes["interrupted"], notes["cut_short"], notes["dropped"]) == (False, None, {})


def test_a_recording_with_too_many_rows_says_so_in_its_notes(
    tmp_path: Path, networks: SharedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.server.visit_recording.MAX_RECORDED_ROWS", 3)
    recording = begin_recording(tmp_path, networks)
    for index in range(4):
        recording.write(make_result(networks, index))
    paths, lacks = recording.finish()
    assert lacks == "A recording has at most 3 rows."
    notes = json.loads(paths[-1].read_text(encoding="utf-8"))
    assert notes["cut_short"] == lacks
    assert notes["counts"]["frames"] == 3


def test_records_are_kept_where_the_notes_cannot_be_written(
    tmp_path: Path, networks: SharedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SinkError("No space left on device.")

    recording = begin_recording(tmp_path, networks)
    recording.write(make_result(networks))
    monkeypatch.setattr(RunNotes, "close", fail)
    paths, lacks = recording.finish()
    assert [path.suffix for path in paths] == [".jsonl", ".csv", ".csv", ".vtt"]
    assert lacks == f"{name_notes(paths[0]).name} could not be written."


def test_nothing_is_left_where_no_frame_came(tmp_path: Path, networks: SharedNetworks) -> None:
    recording = begin_recording(tmp_path, networks)
    assert recording.finish() == ([], "Nothing was recorded: no frame came.")
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_fails_ends_the_recording_and_not_its_source(
    tmp_path: Path, networks: SharedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    recording = begin_recording(tmp_path, networks)
    monkeypatch.setattr(RecordsSink, "write", fail)
    result = make_result(networks)
    for _ in range(1000):
        recording.write(result)
        if recording.failure is not None:
            break
        time.sleep(0.01)
    with pytest.raises(OSError, match="No space"):
        recording.finish()
    recording.abort()
    assert list(tmp_path.iterdir()) == []
