"""What of a plan cannot be had is known before anything is loaded."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import SinkError
from app.runs.check_plan import check_plan, is_plan_finished
from app.runs.checkpoint import ResumeFile
from app.runs.plan import (
    DemoInput,
    OutputPaths,
    PicturesInput,
    RunPlan,
    VideoInput,
    ViewSettings,
)

VIDEO = VideoInput(Path("clip.mp4"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "there.csv").touch()
    (tmp_path / "there.mp4").touch()
    (tmp_path / "noted.run.json").touch()  # of noted.jsonl
    (tmp_path / "clip.mp4").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        (OutputPaths(video=Path("nowhere/o.txt")), "The folder nowhere does not exist"),
        (OutputPaths(episodes=(Path("e.srt"),)), "e.srt must end in"),
        (OutputPaths(report=Path("r.pdf")), "r.pdf must end in .html"),
        (OutputPaths(records=Path("-")), "nothing goes to the standard output"),
        (OutputPaths(video=Path("-")), "nothing goes to the standard output"),
        (OutputPaths(pictures=Path("-")), "nothing goes to the standard output"),
        (OutputPaths(records=Path("r.csv"), episodes=(Path("r.csv"),)), "r.csv cannot be two"),
        (OutputPaths(records=Path("there.csv")), "there.csv exists already"),
        (OutputPaths(records=Path("none/r.csv")), "The folder none does not exist"),
        (OutputPaths(records=Path("noted.csv")), "noted.csv would share its notes, noted.run.json"),
    ],
)
def test_names_that_cannot_be_are_refused(outputs: OutputPaths, why: str, here: Path) -> None:
    before = sorted(here.iterdir())
    with pytest.raises(SinkError, match=why):
        check_plan(RunPlan(DemoInput(), outputs))
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        (OutputPaths(video=Path("o.txt")), "o.txt is not a video that can be written"),
        (OutputPaths(records=Path("r.xml")), "r.xml must end in .jsonl, .csv or .parquet"),
    ],
)
def test_suffixes_of_a_batch_are_checked_before_it_begins(outputs: OutputPaths, why: str) -> None:
    with pytest.raises(SinkError, match=why):
        check_plan(RunPlan(VIDEO, outputs))


def test_input_is_never_replaced() -> None:
    plan = RunPlan(VIDEO, OutputPaths(video=Path("clip.mp4")), overwrite=True)
    with pytest.raises(SinkError, match="input itself"):
        check_plan(plan)
    pictures = PicturesInput((Path("there.csv"),))
    records = OutputPaths(records=Path("there.csv"))
    with pytest.raises(SinkError, match="input itself"):
        check_plan(RunPlan(pictures, records, overwrite=True))


def test_records_are_complained_of_first_but_where_videos_are_read_one_by_one() -> None:
    outputs = OutputPaths(video=Path("there.mp4"), records=Path("there.csv"))
    with pytest.raises(SinkError, match=r"^there\.csv exists"):
        check_plan(RunPlan(DemoInput(), outputs))
    with pytest.raises(SinkError, match=r"^there\.mp4 exists"):
        check_plan(RunPlan(VIDEO, outputs))


def test_finished_run_is_known_and_an_unfinished_one_is_none() -> None:
    outputs = OutputPaths(video=Path("there.mp4"))
    plan = RunPlan(VIDEO, outputs, resume=True)
    assert is_plan_finished(plan)
    check_plan(plan)
    assert not is_plan_finished(replace(plan, resume=False))
    with pytest.raises(SinkError, match="nothing says that its faces are covered"):
        check_plan(replace(plan, view=ViewSettings(blur=True)))
    ResumeFile(outputs.first).path.touch()
    assert not is_plan_finished(plan)
    check_plan(plan)
    with pytest.raises(SinkError, match=r"An unfinished run of clip\.mp4 lies beside there\.mp4"):
        check_plan(replace(plan, resume=False))
