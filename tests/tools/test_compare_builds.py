"""The costs of two builds: what is counted, in which order, and how ratios are said."""

from pathlib import Path

import pytest

from app.defaults import DEMO_CLIP
from app.errors import DataError
from tools import compare_builds
from tools.compare_builds import (
    Cost,
    Task,
    count_video_frames,
    describe_ratio,
    format_rows,
    measure_in_turn,
    measure_process,
)

TASK = Task("annotate", lambda clip, out: ["-c", "pass"], lambda clip: 101)


def test_frames_of_the_demo_clip_are_counted() -> None:
    assert count_video_frames(DEMO_CLIP) == 240


def test_ratios_are_those_of_pairs() -> None:
    assert describe_ratio([(1.0, 2.0), (2.0, 1.0), (4.0, 4.0)]) == "1.00 (0.50 to 2.00)"


def test_processor_time_is_that_of_the_process(tmp_path: Path) -> None:
    busy = "import time\nend = time.process_time() + 0.15\nwhile time.process_time() < end: pass"
    cost = measure_process(["-c", busy], tmp_path)
    assert 0.15 <= cost.processor_s < 1.0
    assert cost.wall_s >= 0.15


def test_failed_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^-c import sys; sys\.exit\('no'\) failed in .*: no$"):
        measure_process(["-c", "import sys; sys.exit('no')"], tmp_path)


def test_builds_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def note(words: list[str], checkout: Path) -> Cost:
        order.append(checkout.name)
        return Cost(1.0, 1.0, 1.0)

    monkeypatch.setattr(compare_builds, "measure_process", note)
    pairs = measure_in_turn(TASK, DEMO_CLIP, (Path("base"), Path("head")), 3, tmp_path)
    assert order == ["base", "head", "head", "base", "base", "head"]
    assert len(pairs) == 3
    assert list(tmp_path.iterdir()) == []


def test_rows_say_what_a_frame_costs_beyond_the_first() -> None:
    measured = [(Cost(2.0, 3.0, 9e9), Cost(1.0, 2.0, 9e9))]
    rows = format_rows(TASK, Path("clip.mp4"), measured, (1.0, 1.5))
    assert rows == [
        "| annotate | clip.mp4 | seconds | 2.00 | 1.00 | 0.50 (0.50 to 0.50) |",
        "| annotate | clip.mp4 | processor seconds | 3.00 | 2.00 | 0.67 (0.67 to 0.67) |",
        "| annotate | clip.mp4 | peak memory, MB | 9000000000 | 9000000000 | 1.00 (1.00 to 1.00) |",
        "| annotate | clip.mp4 | frames/s | 50.5 | 101.0 | 2.00 (2.00 to 2.00) |",
        "| annotate | clip.mp4 | processor ms a frame | 20.0 | 5.0 | 0.25 (0.25 to 0.25) |",
    ]


def test_a_clip_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_builds.main(["HEAD", "--clips", "nowhere.mp4"]) == 2
    said = capsys.readouterr().err
    assert said.endswith("nowhere.mp4 is no file. Give videos to --clips.\n")
