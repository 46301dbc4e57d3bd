"""Options become one typed plan, and those that do not go together are refused."""

from pathlib import Path

import pytest

from app.cli.make_plan import make_selection, plan_batch, plan_run
from app.cli.options import parse_options, parser
from app.defaults import DEFAULT_MODEL
from app.errors import SourceError
from app.runs.plan import (
    CameraInput,
    DemoInput,
    Input,
    OutputPaths,
    PicturesInput,
    RecognitionSettings,
    VideoInput,
    ViewSettings,
)
from app.sources.camera_address import CameraAddress
from app.sources.frame_selection import Selection

CAMERA = CameraAddress(0)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("line", "source", "outputs", "draws_pictures"),
    [
        ("", CameraInput(CAMERA), OutputPaths(), False),
        ("--size 9x8 --fps 5", CameraInput(CAMERA, (9, 8), 5.0), OutputPaths(), False),
        ("--demo", DemoInput(), OutputPaths(), False),
        (
            "--demo --no-window",
            DemoInput(),
            OutputPaths(video=Path("demo_annotated.mp4")),
            False,
        ),
        (
            "--demo --no-window --records r.csv",
            DemoInput(),
            OutputPaths(records=Path("r.csv")),
            False,
        ),
        (
            "--video a.mp4 -o o.mp4",
            VideoInput(Path("a.mp4")),
            OutputPaths(video=Path("o.mp4")),
            False,
        ),
        ("--image p", PicturesInput((Path("p"),)), OutputPaths(), False),
        ("--image p --no-window", PicturesInput((Path("p"),)), OutputPaths(), True),
        (
            "--image p --no-window --report r.html",
            PicturesInput((Path("p"),)),
            OutputPaths(report=Path("r.html")),
            False,
        ),
        ("--image p -o o", PicturesInput((Path("p"),)), OutputPaths(pictures=Path("o")), True),
    ],
)
def test_what_is_read_and_written(
    line: str, source: Input, outputs: OutputPaths, *, draws_pictures: bool
) -> None:
    plan = plan_run(parser().parse_args(line.split()))
    assert (plan.source, plan.outputs) == (source, outputs)
    assert plan.draws_pictures is draws_pictures
    assert plan.in_window is ("--no-window" not in line)
    assert not plan.is_resumable


def test_every_setting_reaches_the_plan() -> None:
    line = (
        "--demo --model small --device cpu --prior-correction 0.5 --max-faces 2 --far-faces "
        "--smoothing 1 --mirror --hud boxes --if-lost stop --every 3 --start 1:05 --overwrite "
        "--no-stills"
    )
    plan = plan_run(parser().parse_args(line.split()))
    model = DEFAULT_MODEL.with_name("dacl_small.onnx")
    assert plan.recognition == RecognitionSettings(model, "cpu", 0.5, 2, True, 1.0)
    assert plan.view == ViewSettings(True, "boxes", False, Path(), "stop", False)
    assert plan.selection == Selection(start_s=65.0, every=3)
    assert (plan.overwrite, plan.with_stills, plan.resume) == (True, False, False)
    assert plan.settings["model"] == str(model)
    assert (plan.settings["every"], plan.settings["end"], plan.settings["start"]) == (3, None, 65)


@pytest.mark.parametrize(
    ("line", "mirror"), [("", True), ("--demo", False), ("--no-mirror", False)]
)
def test_cameras_are_mirrored_unless_told_otherwise(line: str, *, mirror: bool) -> None:
    assert plan_run(parser().parse_args(line.split())).view.mirror is mirror


def test_each_video_of_a_batch_has_its_own_plan() -> None:
    line = "--video a.mp4 b.mp4 http://host/c.mp4 --no-window --records out --jobs 2 --resume"
    batch = plan_batch(parser().parse_args(line.split()))
    assert (batch.workers, batch.folders) == (2, (Path("out"),))
    assert [str(plan.outputs.records) for plan in batch.runs] == [
        "out/a.jsonl",
        "out/b.jsonl",
        "out/c.jsonl",
    ]
    assert [plan.video.address is not None for plan in batch.runs] == [False, False, True]
    assert [plan.input_files for plan in batch.runs] == [(Path("a.mp4"),), (Path("b.mp4"),), ()]
    assert all(
        plan.is_resumable and plan.resume and not plan.keeps_partial_results for plan in batch.runs
    )


def test_single_video_completes_its_results_when_it_is_stopped() -> None:
    batch = plan_batch(parser().parse_args("--video a.mp4 --no-window".split()))
    (plan,) = batch.runs
    assert plan.outputs == OutputPaths(video=Path("a_annotated.mp4"))
    assert (plan.keeps_partial_results, batch.workers, batch.folders) == (True, 1, ())


@pytest.mark.parametrize("line", ["--start 5 --end 2", "--every 2 --fps 5"])
def test_selection_that_cannot_be_is_refused(line: str) -> None:
    with pytest.raises(SourceError, match="These frames cannot be chosen"):
        make_selection(parser().parse_args(["--demo", *line.split()]))


@pytest.mark.parametrize(
    ("line", "alone", "canvases"),
    [
        ("--demo --no-window --events -", True, False),
        ("--video a.mp4 --no-window --records -", True, False),
        ("--demo --no-window --events - -o o.mp4", False, True),
        ("--video a.mp4 --no-window --events - --osc 127.0.0.1:9", False, False),
        ("--demo --events -", False, True),
        ("--demo --no-window --virtual-camera", False, True),
        ("--demo --no-window --osc 127.0.0.1:9 --records r.csv", False, False),
    ],
)
def test_other_programs_are_told_and_nothing_is_drawn_for_nobody(
    line: str, alone: bool, canvases: bool
) -> None:
    plan = plan_run(parse_options(line.split()))
    assert plan.live_outputs.are_asked
    assert plan.is_alone_on_stdout is alone
    assert plan.needs_canvases is canvases
    assert not plan.is_resumable
    assert plan.outputs.video == (Path("o.mp4") if "o.mp4" in line else None)
