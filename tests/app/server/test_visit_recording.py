"""A visitor's recording has the columns of the records, and those of facial actions if read."""

import csv
import time
from pathlib import Path

import numpy as np
import pytest

from app.actions.names import ACTION_NAMES
from app.records.writers import RecordsSink
from app.server.visit_recording import VisitRecording
from tests.support.synthetic import LABELS, frame_result, tracked_face


@pytest.mark.parametrize("with_actions", [False, True])
def test_tables_have_columns_of_actions_where_they_are_read(
    tmp_path: Path, with_actions: bool
) -> None:
    recording = VisitRecording(tmp_path, LABELS, with_actions=with_actions)
    recording.write(frame_result(tracked_face(), image=np.zeros((48, 64, 3), np.uint8)))
    paths, _ = recording.finish()
    (table,) = [path for path in paths if path.suffix == ".csv" and "episodes" not in path.name]
    with table.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["label"] == "happy"
    named = {name.removeprefix("action_") for name in row if name.startswith("action_")}
    assert named == (set(ACTION_NAMES) if with_actions else set())


def test_an_output_that_fails_ends_the_recording_and_not_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    recording = VisitRecording(tmp_path, LABELS)
    monkeypatch.setattr(RecordsSink, "write", fail)
    result = frame_result(tracked_face(), image=np.zeros((48, 64, 3), np.uint8))
    for _ in range(1000):
        recording.write(result)
        if recording.failure is not None:
            break
        time.sleep(0.01)
    with pytest.raises(OSError, match="No space"):
        recording.finish()
    recording.abort()
    assert list(tmp_path.iterdir()) == []
