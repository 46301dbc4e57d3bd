"""A file of events gets its name when it is whole."""

import json
from pathlib import Path

import numpy as np
import pytest

from app.errors import SinkError
from app.events.file_sink import EventsSink
from app.types import Image
from tests.support.synthetic import frame_result, tracked_face

CANVAS: Image = np.zeros((4, 4, 3), np.uint8)


def test_a_file_holds_one_line_per_frame_and_is_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    sink = EventsSink(path)
    for index in range(3):
        sink.write(frame_result(tracked_face(), index=index), CANVAS)
    assert not path.exists()
    sink.close()
    sink.close()
    sink.abort()
    assert [json.loads(line)["frame"] for line in path.read_text().splitlines()] == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(SinkError, match=r"e\.jsonl is closed already"):
        sink.write(frame_result(), CANVAS)
    with pytest.raises(SinkError, match="exists already"):
        EventsSink(path)


def test_a_run_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    sink = EventsSink(tmp_path / "e.jsonl")
    sink.write(frame_result(), CANVAS)
    sink.abort()
    assert list(tmp_path.iterdir()) == []
