"""All samples reach a real inlet of the Lab Streaming Layer, with the stamps of capture."""

import math
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from app.actions.names import ACTION_NAMES, COEFFICIENTS
from app.actions.values import list_action_values
from app.defaults import ROOT
from app.errors import SinkError
from app.events.clock_shift import measure_clock_shift
from app.events.lsl import LslSink, list_face_channels, load_pylsl
from app.types import UNSURE, FaceActions, Image
from tests.support.subprocesses import run_without_packages
from tests.support.synthetic import LABELS, frame_result, tracked_face

CANVAS: Image = np.zeros((4, 4, 3), np.uint8)
RESOLVE_S = 5.0
ACTIONS = FaceActions(10.0, -5.0, 2.0, 0.5, 0.25, -0.25, dict.fromkeys(COEFFICIENTS, 0.5))


@pytest.fixture(scope="module")
def lsl() -> Any:
    """pylsl, where a stream of this machine can be found on it."""
    try:
        loaded = load_pylsl()
    except SinkError as error:
        pytest.skip(str(error))
    name = f"probe-{uuid4()}"
    outlet = loaded.StreamOutlet(loaded.StreamInfo(name, "Probe", 1, 0, "float32", name))
    if not loaded.resolve_byprop("name", name, timeout=RESOLVE_S):
        pytest.skip("liblsl finds no stream on this machine's network")
    del outlet
    return loaded


@pytest.fixture
def name() -> str:
    return f"test-{uuid4().hex}"


def open_inlet(lsl: Any, name: str) -> Any:
    (found,) = lsl.resolve_byprop("name", name, timeout=RESOLVE_S)
    inlet = lsl.StreamInlet(found, recover=False)
    inlet.open_stream(RESOLVE_S)
    return inlet


def pull(inlet: Any, count: int) -> tuple[list[list[float]], list[float]]:
    samples, stamps = [], []
    for _ in range(count):
        sample, stamp = inlet.pull_sample(timeout=RESOLVE_S)
        assert sample is not None, f"{len(samples)} of {count} samples came"
        samples.append(sample)
        stamps.append(stamp)
    return samples, stamps


def frames_of(count: int) -> Iterator[Any]:
    """Frames that were filmed between 0 and 80 ms ago, with a face in every second one."""
    for index in range(count):
        faces = [tracked_face(3)] if index % 2 == 0 else []
        result = frame_result(*faces, index=index, time_s=index / 30)
        captured_s = time.monotonic() - 0.02 * (index % 5)
        yield replace(result, frame=replace(result.frame, captured_s=captured_s))


@pytest.mark.parametrize(
    ("ours_s", "expected_s", "readings"),
    [
        ([10, 10], 5.0, 2),
        ([10, 10.5, 10, 10], 5.0, 4),
        ([10, 10.004, 10, 10.002, 10, 10.004, 10, 10.006, 10, 10.008], 4.999, 10),
    ],
)
def test_clocks_are_compared_where_nothing_came_between(
    ours_s: list[float], expected_s: float, readings: int
) -> None:
    left_s = list(ours_s)
    shift_s = measure_clock_shift(lambda: 15.0, lambda: left_s.pop(0))
    assert shift_s == pytest.approx(expected_s)
    assert len(ours_s) - len(left_s) == readings


def test_every_sample_comes_and_its_stamp_is_the_moment_of_capture(lsl: Any, name: str) -> None:
    sink = LslSink(name, LABELS, source="camera:0", people=2)
    face, nobody, frames = (
        open_inlet(lsl, f"{name}_{end}") for end in ("face1", "face2", "frames")
    )
    shift_s = measure_clock_shift(lsl.local_clock, time.monotonic)
    results = list(frames_of(60))
    for result in results:
        sink.write(result, CANVAS)
    for inlet in (face, nobody, frames):
        samples, stamps = pull(inlet, len(results))
        for result, stamp in zip(results, stamps, strict=True):
            assert result.frame.captured_s is not None
            assert stamp == pytest.approx(result.frame.captured_s + shift_s, abs=0.001)
        if inlet is frames:
            assert samples == [
                [result.frame.index, pytest.approx(result.frame.time_s), len(result.faces)]
                for result in results
            ]
        elif inlet is nobody:
            assert all(math.isnan(value) for sample in samples for value in sample)
        else:
            shares = [0.25, 0.625, 0.125]
            assert samples[0] == [3, -1.5, 2, 10, 12.25, 0.875, 1, *shares, *shares]
            assert [math.isnan(sample[0]) for sample in samples[:4]] == [False, True, False, True]
    sink.close()


def test_the_description_names_every_channel_and_its_unit(lsl: Any, name: str) -> None:
    sink = LslSink(name, LABELS, people=1, with_actions=True)
    inlet = open_inlet(lsl, f"{name}_face1")
    info = inlet.info(RESOLVE_S)
    assert info.nominal_srate() == lsl.IRREGULAR_RATE
    assert info.type() == "Expression"
    channel = info.desc().child("channels").child("channel")
    described = []
    while channel.child_value("label"):
        described.append((channel.child_value("label"), channel.child_value("unit")))
        channel = channel.next_sibling()
    assert described == list_face_channels(LABELS, with_actions=True)
    assert len(described) == info.channel_count() == 7 + 2 * len(LABELS) + len(ACTION_NAMES)
    assert info.desc().child_value("labels") == ",".join(LABELS)
    assert "not validated FACS units" in info.desc().child_value("actions")
    faces = [replace(tracked_face(label=UNSURE), actions=ACTIONS), tracked_face(2)]
    for index, face in enumerate(faces):
        sink.write(frame_result(face, index=index, time_s=9.0 * index), CANVAS)
    (with_actions, without), _ = pull(inlet, 2)
    assert with_actions[6] == -1  # unsure
    assert with_actions[-len(ACTION_NAMES) :] == pytest.approx(list_action_values(ACTIONS))
    assert all(math.isnan(value) for value in without[-len(ACTION_NAMES) :])
    sink.close()


def test_an_inlet_that_comes_later_and_one_that_leaves_hold_up_nobody(lsl: Any, name: str) -> None:
    said: list[str] = []
    sink = LslSink(name, LABELS, people=1, say=said.append)
    results = list(frames_of(12))
    for result in results[:4]:
        sink.write(result, CANVAS)
    for part in (results[4:8], results[8:]):
        inlet = open_inlet(lsl, f"{name}_frames")
        for result in part:
            sink.write(result, CANVAS)
        samples, _ = pull(inlet, len(part))
        assert [sample[0] for sample in samples] == [result.frame.index for result in part]
        inlet.close_stream()
    assert said == []
    sink.write(frame_result(tracked_face(8), tracked_face(9), time_s=1), CANVAS)
    sink.write(frame_result(tracked_face(8), tracked_face(9), time_s=2), CANVAS)
    assert said == ["LSL has streams for 1 people; --max-faces N opens others."]
    sink.close()
    sink.abort()
    with pytest.raises(SinkError, match="closed already"):
        sink.write(results[0], CANVAS)


@pytest.mark.slow
def test_the_library_of_lsl_says_nothing(lsl: Any) -> None:
    code = (
        "from app.events.lsl import LslSink\n"
        "sink = LslSink('quiet', ['a'], people=1)\n"
        "sink.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout + done.stderr == ""


@pytest.mark.slow
def test_a_missing_package_is_one_clear_line() -> None:
    done = run_without_packages(
        "pylsl",
        "import platform\n"
        "platform.machine = lambda: 'x86_64'\n"
        "from app.errors import SinkError\n"
        "from app.events.lsl import LslSink\n"
        "try:\n"
        "    LslSink('n', ['a'])\n"
        "except SinkError as error:\n"
        "    print(error)\n",
    )
    assert done.stdout == (
        "--lsl needs the package pylsl: python -m pip install -c constraints.txt -e '.[live]'\n"
    ), done.stderr


def test_a_missing_library_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        """Fails as pylsl does where it finds no liblsl."""

        def find_spec(self, fullname: str, path: object, target: object = None) -> None:
            if fullname == "pylsl":
                raise RuntimeError("LSL binary library file was not found.")

    monkeypatch.delitem(sys.modules, "pylsl", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(SinkError, match="liblsl does not run here"):
        load_pylsl()


@pytest.mark.parametrize("name", ["", "a'b"])
def test_a_name_by_which_no_stream_is_found_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="LSL"):
        LslSink(name, ("neutral",))
