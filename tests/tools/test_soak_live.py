"""The live soak sees frames that are missing, and none in a short run of everything."""

import json
from pathlib import Path

import pytest

from tools.live_receivers import KINDS, Received
from tools.soak_live import SAMPLE_AT, VISITS, find_record_faults, list_faults, main


def write_run(folder: Path, frames: list[int], counted: int, dropped: dict[str, int]) -> list[Path]:
    records, notes = folder / "a.jsonl", folder / "a.run.json"
    records.write_text("".join(json.dumps({"frame": frame}) + "\n" for frame in frames))
    notes.write_text(json.dumps({"counts": {"frames": counted}, "dropped": dropped}))
    return [records, notes]


@pytest.mark.parametrize(
    ("frames", "counted", "dropped", "faults"),
    [
        ([0, 1, 1, 2], 3, {}, []),
        ([0, 1, 4], 3, {}, ["The records lack 2 frames after frame 1."]),
        ([1, 2], 2, {}, ["The records begin with frame [1]."]),
        ([0, 1], 3, {}, ["The notes tell of {'frames': 3} and left out {}."]),
        ([0], 1, {"a": 1}, ["The notes tell of {'frames': 1} and left out {'a': 1}."]),
    ],
)
def test_a_frame_that_records_lack_is_seen(
    tmp_path: Path, frames: list[int], counted: int, dropped: dict[str, int], faults: list[str]
) -> None:
    records, notes = write_run(tmp_path, frames, counted, dropped)
    assert find_record_faults(records, notes) == (len(set(frames)), faults)


@pytest.mark.parametrize(
    ("kind", "frames", "missed", "faults"),
    [
        ("lsl", [3, 4, 5], 0, []),
        ("lsl", [3, 5, 6], 0, ["lsl lacks 1 of 4 frames: after 3"]),
        ("events", [3, 5, 6], 1, []),
        ("osc", [3, 5, 6], 0, []),
        ("pipe", [], 0, ["pipe received nothing"]),
    ],
)
def test_a_frame_that_a_receiver_lacks_is_seen(
    kind: str, frames: list[int], missed: int, faults: list[str]
) -> None:
    received = Received([(frame, 0.1, None) for frame in frames], len(frames), missed)
    assert list_faults(kind, received) == faults


def test_frames_that_were_missed_before_the_first_and_after_the_last_one_do_not_count() -> None:
    received = Received()
    for message in (
        {"type": "missed", "frames": 5},
        {"type": "frame", "frame": 7, "captured_monotonic_s": 0.0},
        {"type": "missed", "frames": 2},
        {"type": "frame", "frame": 10, "captured_monotonic_s": 0.1},
        {"type": "missed", "frames": 3},  # the frame after it comes too late
    ):
        received.note_event(json.dumps(message))
    assert (received.frames, received.missed) == (2, 2)
    assert list_faults("events", received) == []


def test_every_kind_of_receiver_comes_and_all_have_left_at_a_sample() -> None:
    assert {visit.kind for visit in VISITS} == set(KINDS)
    assert all(0 <= visit.begins < visit.ends < SAMPLE_AT for visit in VISITS)


@pytest.mark.slow
def test_a_short_run_of_everything_lacks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--minutes", "0.01", "--cycle", "40"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert said.splitlines()[-1] == "Nothing grew, and nothing is missing."
