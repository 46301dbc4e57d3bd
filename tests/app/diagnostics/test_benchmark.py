"""The benchmark measures the real stages; its figures hold together."""

import json
import time
from contextlib import closing
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import pytest

from app.detection.pace import LIVE_PACE
from app.diagnostics.benchmark import run_benchmark
from app.diagnostics.benchmark_clip import ClipCapture, fit_picture, loop_clip
from app.diagnostics.benchmark_figures import BenchmarkFigures, TimeSpread
from app.diagnostics.benchmark_text import format_figures
from app.process.machine import count_cores, describe_machine, measure_resident_mb
from run_demo import main
from tests.support.synthetic import write_video
from tools.make_crowd_clip import places


@pytest.fixture(scope="module")
def figures() -> BenchmarkFigures:
    # So many that a face is looked at again, also where a frame takes a millisecond.
    found = run_benchmark(device="cpu", frames=60, camera_frames=3, starts=1)
    assert found is not None
    return found


@pytest.mark.slow
def test_stages_make_up_the_frame(figures: BenchmarkFigures) -> None:
    means = {name: spread.mean_ms for name, spread in figures.stages.items()}
    stages = ("detect", "align", "classify", "track", "draw")
    assert tuple(means) == (*stages, "frame", "networks", "rest")
    assert sum(means[name] for name in stages) == pytest.approx(means["frame"], rel=0.1)
    assert means["networks"] + means["rest"] == pytest.approx(means["frame"])
    assert 0 < means["networks"] < means["frame"]


@pytest.mark.slow
def test_figures_are_of_the_portrait_clip(figures: BenchmarkFigures) -> None:
    assert (figures.frames, figures.camera_frames, figures.fitted) == (60, 3, True)
    assert 0.95 <= figures.faces_a_frame <= 1
    # A face rests 25 ms after a look; the first frame's counts whole.
    assert 0 < figures.readings_a_second <= 1 / LIVE_PACE.rest_s + figures.fps / figures.frames
    assert figures.readings_a_second <= 1.5 * figures.fps
    # Who is read was looked at in the same frame.
    assert 0.5 * figures.readings_a_second / figures.fps <= figures.detections_a_frame < 12
    assert 0 <= figures.camera_looked_share <= 1
    assert 0 <= figures.camera_read_share <= 1
    assert figures.fps == pytest.approx(1000 / figures.stages["frame"].mean_ms)
    assert figures.fps_decoding < figures.fps
    assert len(figures.start_s) == 1
    assert figures.threads["OpenCV"] == "1"
    assert set(figures.threads) == {"OpenCV", "MediaPipe", "ONNX Runtime"}
    assert list(figures.alone) == ["detector, short range", "detector, full range", "classifier"]
    assert figures.provider == "CPU"


@pytest.mark.slow
def test_page_and_json_say_the_same(figures: BenchmarkFigures) -> None:
    told, text = json.loads(figures.to_json()), format_figures(figures)
    assert told["stages"]["frame"]["p50_ms"] == figures.stages["frame"].p50_ms
    assert f"{figures.fps:.1f} frames/s from picture to canvas" in text
    assert "fitted into 1280 x 720" in text
    assert max(len(line) for line in text.splitlines()) <= 120


@pytest.mark.slow
def test_facial_actions_are_a_stage_and_a_network_of_their_own() -> None:
    found = run_benchmark(device="cpu", frames=20, camera_frames=1, starts=0, actions=True)
    assert found is not None
    assert list(found.stages)[4] == "actions"
    assert found.stages["actions"].p50_ms > 1
    assert list(found.alone)[-1] == "facial actions"
    assert found.stages["networks"].mean_ms > found.stages["actions"].mean_ms
    assert "read facial actions" in format_figures(found)


def test_spread_of_times() -> None:
    spread = TimeSpread.summarise([float(n) for n in range(101)])
    assert (spread.p50_ms, spread.p95_ms, spread.p99_ms, spread.mean_ms) == (50, 95, 99, 50)
    with pytest.raises(ValueError, match="no times"):
        TimeSpread.summarise([])


@pytest.mark.parametrize(
    ("size_wh", "bars_px"), [((1280, 720), 0), ((640, 480), 160), ((320, 180), 0), ((4, 4), 280)]
)
def test_picture_fits_into_720p(size_wh: tuple[int, int], bars_px: int) -> None:
    white = np.full((size_wh[1], size_wh[0], 3), 255, np.uint8)
    shown = fit_picture(white)
    assert shown.shape == (720, 1280, 3)
    assert shown[360, :, 0].nonzero()[0][[0, -1]].tolist() == [bars_px, 1279 - bars_px]


def test_clip_goes_on_and_on(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", frames=5)
    with closing(loop_clip(tmp_path / "clip.mp4")) as pictures:
        frames = list(islice(pictures, 12))
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(12) / 25, atol=1e-6)


def test_camera_delivers_when_pictures_are_due(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", frames=5)
    capture = ClipCapture(tmp_path / "clip.mp4", fps=50)
    capture.read()
    began_s = time.monotonic()
    assert all(capture.read()[0] for _ in range(10))
    took_s = time.monotonic() - began_s
    capture.release()
    assert took_s >= 0.19
    assert capture.delivered == 11


def test_stopped_benchmark_has_no_figures() -> None:
    asked = iter([False] * 4 + [True] * 100)
    assert run_benchmark(device="cpu", frames=12, starts=0, stop=lambda: next(asked)) is None


def test_machine_is_one_line() -> None:
    assert "\n" not in describe_machine()
    assert f"{count_cores()} cores" in describe_machine()
    assert 20 < (measure_resident_mb() or 100) < 100_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--benchmark --image a.png", "--benchmark takes --video FILE"),
        ("--benchmark 0", "must be at least 1"),
        ("--benchmark --doctor", "--benchmark takes --video FILE"),
        ("--doctor --json list.json", "--json takes no FILE"),
    ],
)
def test_options_that_make_no_sense_end_with_2(
    options: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options.split())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--video missing.mp4", "missing.mp4"),
        ("--json there.json", "there.json exists already"),
        ("--model none.onnx", "none.onnx"),
    ],
)
def test_benchmark_that_cannot_be_made_is_one_line(
    options: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.json").write_text("{}")
    assert main(["--benchmark", "2", *options.split()]) == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ")
    assert said in last


@pytest.mark.parametrize("people", [1, 2, 10, 20, 24])
def test_people_of_a_made_crowd_stay_in_the_picture_and_apart(people: int) -> None:
    centres, side_px = places(people)
    assert len(centres) == people
    for x, y in centres:
        assert 0.62 * side_px < x < 1280 - 0.62 * side_px
        assert 0.62 * side_px < y < 720 - 0.62 * side_px
    for one, other in combinations(centres, 2):
        assert max(abs(one[0] - other[0]), abs(one[1] - other[1])) > 1.5 * side_px
