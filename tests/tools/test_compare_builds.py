"""The costs of two builds: what is counted, in which order, and how ratios and aims are told."""

import json
from pathlib import Path

import pytest

from app.defaults import PORTRAIT_CLIP, ROOT
from app.errors import DataError
from tests.support.synthetic import write_video
from tools import build_tasks, compare_builds
from tools.build_costs import Cost, make_environment, measure_in_turn, measure_process
from tools.build_table import (
    AIMS,
    Aim,
    Row,
    describe_ratios,
    find_median_start,
    format_aims,
    format_row,
    judge_aims,
    make_rows,
)
from tools.build_tasks import ONCE, PER_CLIP, TASKS, Setting, Task, plan_tasks
from tools.speed_clips import SpeedClips, count_video_frames


def do_nothing(out: Path) -> Cost:
    return Cost(1.0, 1.0, 1.0)


def task(name: str = "annotate", frames: int = 101) -> Task:
    return Task(name, "clip.mp4", (do_nothing, do_nothing), frames)


def test_frames_of_the_portrait_clip_are_counted() -> None:
    assert count_video_frames(PORTRAIT_CLIP) == 240


def test_processor_time_is_that_of_the_process(tmp_path: Path) -> None:
    busy = "import time\nend = time.process_time() + 0.15\nwhile time.process_time() < end: pass"
    cost = measure_process(["-c", busy], tmp_path)
    assert 0.15 <= cost.processor_s < 1.0
    assert cost.wall_s >= 0.15


def test_failed_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"^-c import sys; sys\.exit\('no'\) failed in .* with exit code 1: no$"
    ):
        measure_process(["-c", "import sys; sys.exit('no')"], tmp_path)


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"failed in .* with exit code -9: $"):
        measure_process(["-c", "import time; time.sleep(60)"], tmp_path, timeout_s=0.3)


def test_modules_come_from_the_checkout(tmp_path: Path) -> None:
    assert make_environment(tmp_path)["PYTHONPATH"] == str(tmp_path)


def test_builds_take_turns(tmp_path: Path) -> None:
    order: list[str] = []

    def note(name: str, out: Path) -> Cost:
        assert out.is_dir()
        order.append(name)
        return Cost(len(order), 1.0, 1.0)

    pairs = measure_in_turn(
        (lambda out: note("base", out), lambda out: note("head", out)), 3, tmp_path
    )
    assert order == ["base", "head", "head", "base", "base", "head"]
    assert [(base.wall_s, head.wall_s) for base, head in pairs] == [(1, 2), (4, 3), (5, 6)]
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_removed_where_a_run_fails(tmp_path: Path) -> None:
    def fail(out: Path) -> Cost:
        raise DataError("no")

    with pytest.raises(DataError, match="no"):
        measure_in_turn((fail, do_nothing), 1, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_ratios_are_those_of_pairs() -> None:
    row = Row("a", "c", "seconds", ((1.0, 2.0), (2.0, 1.0), (4.0, 4.0)))
    assert row.medians == (2.0, 2.0)
    assert row.ratios == [0.5, 1.0, 2.0]
    assert describe_ratios(row.ratios) == "1.00 (0.50 to 2.00)"
    assert format_row(row) == "| a | c | seconds | 2.00 | 2.00 | 1.00 (0.50 to 2.00) |"
    assert row.to_json()["ratio"] == 1.0


def test_nothing_has_no_ratio() -> None:
    row = Row("a", "c", "faces a frame", ((0.0, 1.0),))
    assert row.ratios == []
    assert format_row(row) == "| a | c | faces a frame | 0.00 | 1.00 |  |"
    assert "ratio" not in row.to_json()


def test_rows_say_what_a_frame_costs_in_all_and_beyond_the_first() -> None:
    measured = [(Cost(2.0, 3.0, 9e9), Cost(1.0, 2.0, 9e9))]
    rows = make_rows(task(), measured, (Cost(1.0, 1.0, 1.0), Cost(0.5, 1.5, 1.0)))
    assert {row.figure: row.medians for row in rows} == {
        "seconds": (2.0, 1.0),
        "processor seconds": (3.0, 2.0),
        "frames/s": (50.5, 101.0),
        "processor ms a frame": (pytest.approx(29.703, abs=1e-3), pytest.approx(19.802, abs=1e-3)),
        "frames/s beyond the start": (100.0, 200.0),
        "processor ms a frame beyond the start": (20.0, 5.0),
        "peak memory, MB": (9e9, 9e9),
    }


def test_a_start_has_no_rate() -> None:
    rows = make_rows(task("first-frame", 0), [(Cost(2.0, 1.0, 9e9), Cost(1.0, 1.0, 9e9))])
    assert [row.figure for row in rows] == ["seconds", "processor seconds", "peak memory, MB"]


def test_memory_below_that_of_the_command_itself_is_not_told() -> None:
    rows = make_rows(task("import", 0), [(Cost(2.0, 1.0, 1.0), Cost(1.0, 1.0, 1.0))])
    assert [row.figure for row in rows] == ["seconds", "processor seconds"]


def test_figures_of_live_runs_are_told_where_all_runs_have_them() -> None:
    base = Cost(9.0, 9.0, 9.0, {"frames/s": 20.0, "readings": 5.0})
    head = Cost(9.0, 9.0, 9.0, {"frames/s": 30.0})
    rows = make_rows(task("live-720p", 0), [(base, head)])
    assert [(row.figure, row.ratios) for row in rows] == [("frames/s", [1.5])]


def test_start_is_the_median_of_its_runs() -> None:
    costs = [(Cost(w, 2 * w, 1.0), Cost(10 * w, w, 1.0)) for w in (1.0, 5.0, 2.0)]
    assert find_median_start(costs) == (Cost(2.0, 4.0, 1.0), Cost(20.0, 2.0, 1.0))


@pytest.mark.parametrize(
    ("aim", "head", "met"),
    [
        (Aim("annotate", "frames/s", 3.0, True), 30.0, True),
        (Aim("annotate", "frames/s", 3.0, True), 29.9, False),
        (Aim("annotate", "frames/s", 0.5, False), 5.0, True),
        (Aim("annotate", "frames/s", 0.5, False), 5.1, False),
        (Aim("annotate", "frames/s", 29.5, True, of_ratio=False), 29.6, True),
        (Aim("annotate", "frames/s", 29.5, True, of_ratio=False), 29.4, False),
    ],
)
def test_aims_are_of_ratios_or_of_the_head(aim: Aim, head: float, met: bool) -> None:
    assert aim.is_met(Row("annotate", "c", "frames/s", ((10.0, head),))) is met


def test_aims_are_those_of_tasks_and_told_for_every_clip() -> None:
    assert {aim.task for aim in AIMS} <= set(TASKS)
    rows = [Row("records", clip, "frames/s", ((10.0, 31.0),)) for clip in ("a.mp4", "b.mp4")]
    assert format_aims(judge_aims(rows))[2:] == [
        "| records | a.mp4 | frames/s | 31.0 | 3.10 (3.10 to 3.10) | >= 3 x | met |",
        "| records | b.mp4 | frames/s | 31.0 | 3.10 (3.10 to 3.10) | >= 3 x | met |",
    ]


def test_tasks_of_files_are_planned_for_every_clip_and_the_others_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(name: str):
        return lambda setting, clip: Task(name, clip.name, (do_nothing, do_nothing))

    for name in PER_CLIP:
        monkeypatch.setitem(PER_CLIP, name, note(name))
    for name in ONCE:
        monkeypatch.setitem(ONCE, name, note(name))
    setting = Setting((tmp_path, tmp_path), SpeedClips(tmp_path), tmp_path, repeat=1)
    clips = [Path("a.mp4"), Path("b.mp4")]
    made = [make() for make in plan_tasks(setting, clips, ("live-720p", "records", "annotate"))]
    assert [(one.name, one.clip) for one in made] == [
        ("annotate", "a.mp4"),
        ("records", "a.mp4"),
        ("annotate", "b.mp4"),
        ("records", "b.mp4"),
        ("live-720p", "a.mp4"),
    ]
    assert len(plan_tasks(setting, clips[:1], ())) == len(TASKS)


def test_words_of_a_run_are_those_of_old_builds_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, str]] = []

    def note(words: list[str], checkout: Path) -> Cost:
        ran.append((checkout.name, " ".join(words).replace(str(tmp_path), "T")))
        return Cost(1.0, 1.0, 1.0)

    monkeypatch.setattr(build_tasks, "measure_process", note)
    clip = tmp_path / "clip.mp4"
    write_video(clip, frames=5)
    builds = (tmp_path / "base", tmp_path / "head")
    setting = Setting(builds, SpeedClips(tmp_path / "made"), tmp_path, repeat=1)
    read = "run_demo.py --video T/clip.mp4 --no-window --device cpu"
    annotated = build_tasks.make_annotate(setting, clip)
    assert annotated.frames == 5
    for measure in annotated.measure:
        measure(tmp_path / "o")
    outputs = "-o T/o/a.mp4 --records T/o/a.jsonl"
    assert ran == [("base", f"{read} {outputs}"), ("head", f"{read} {outputs}")]
    ran.clear()
    plain = build_tasks.make_plain_loop(setting, clip)
    assert plain.starts is not None
    for measure in (*plain.measure, plain.starts[0]):
        measure(tmp_path / "o")
    loop = "-m tools.plain_loop T/clip.mp4 T/o/a.mp4"
    assert ran == [
        (ROOT.name, loop),
        ("head", f"{read} {outputs}"),
        (ROOT.name, f"{loop} --frames 1"),
    ]
    ran.clear()
    jobs = build_tasks.make_jobs(setting, clip)
    jobs.measure[0](tmp_path / "o")
    assert jobs.frames == 10
    read = "run_demo.py --video T/twice_clip --no-window --device cpu"
    assert ran == [("base", f"{read} --jobs 2 -o T/o --records T/o")]


@pytest.mark.slow
def test_values_are_written_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(setting: Setting, clips: list[Path], names: list[str]):
        return [lambda: task("annotate", 2)]

    monkeypatch.setattr(compare_builds, "plan_tasks", plan)
    table = tmp_path / "table.json"
    words = ["HEAD", ".", "--runs", "2", "--json", str(table)]
    assert compare_builds.main(words) == 0
    found = json.loads(table.read_text())
    assert found["runs"] == 2
    assert found["rows"][2] == {
        "task": "annotate",
        "clip": "clip.mp4",
        "figure": "frames/s",
        "pairs": [[2.0, 2.0], [2.0, 2.0]],
        "ratio": 1.0,
        "ratios": [1.0, 1.0],
    }
    assert compare_builds.main([*words, "--aims"]) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["HEAD", ".", "nowhere.mp4"], "nowhere.mp4 is no file. Give videos after HEAD_REF."),
        (["no-such-ref"], "'no-such-ref' names no commit"),
        (
            ["HEAD", str(PORTRAIT_CLIP)],
            "names no commit but a file. HEAD_REF comes before the files",
        ),
    ],
)
def test_wrong_refs_and_clips_are_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_builds.main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", [["--runs", "0"], ["--repeat", "0"], ["--live-seconds", "0"]])
def test_nothing_cannot_be_measured(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        compare_builds.main(["HEAD", *words])
    assert "--runs and --repeat are at least 1" in capsys.readouterr().err
