"""Which frames of a video are read, by their own times."""

from fractions import Fraction
from pathlib import Path

import pytest

from app.sources.frame_selection import Selection, parse_time
from app.sources.video import VideoSource
from app.types import Frame
from tests.support.synthetic import index_of, write_video


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90.5", 90.5), ("1:30", 90), ("01:02:03.25", 3723.25), ("100:00:00", 360_000)],
)
def test_times_are_seconds_or_clocks(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1:60", "1:75:00", "a", "", "1:2:3:4"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - float's own words are fine
        parse_time(text)


@pytest.mark.parametrize(
    ("selection", "frames"),
    [
        (Selection(), range(12)),
        (Selection(every=5), [0, 5, 10]),
        (Selection(start_s=0.12), range(3, 12)),  # 3 / 25 s, as binary has it
        (Selection(start_s=0.13, end_s=0.32), range(4, 8)),
        (Selection(start_s=0.13, end_s=0.32, every=3), [4, 7]),
        (Selection(fps=10), [0, 3, 5, 8, 10]),
        (Selection(fps=25), range(12)),
        (Selection(fps=100), range(12)),
        (Selection(start_s=0.2, fps=12.5), [5, 7, 9, 11]),
        (Selection(start_s=9), []),
    ],
)
def test_frames_keep_their_number_and_time(
    tmp_path: Path, selection: Selection, frames: list[int]
) -> None:
    write_video(tmp_path / "clip.mp4")
    with VideoSource(tmp_path / "clip.mp4", selection=selection) as source:
        read: list[Frame] = list(source)
    assert [frame.index for frame in read] == list(frames)
    assert [index_of(frame.image) for frame in read] == list(frames)
    assert [frame.time_s for frame in read] == [pytest.approx(n / 25) for n in frames]


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(start_s=100), "clip.mp4 ends at 0.5 s, before the start (100 s)."),
        (
            Selection(start_s=0.21, end_s=0.22),
            "clip.mp4 has no frame between the start and the end that were asked for.",
        ),
    ],
)
def test_why_no_frame_is_chosen_is_said(tmp_path: Path, selection: Selection, said: str) -> None:
    write_video(tmp_path / "clip.mp4")
    with VideoSource(tmp_path / "clip.mp4", selection=selection) as source:
        assert list(source) == []
        assert source.explain_no_frames() == said


def test_variable_rates_are_sampled_by_time(tmp_path: Path) -> None:
    ticks = [0, 10, 20, 500, 510, 1000, 1990]  # ms
    write_video(tmp_path / "vfr.mkv", ticks=ticks, time_base=Fraction(1, 1000))
    with VideoSource(tmp_path / "vfr.mkv", selection=Selection(fps=2)) as source:
        assert [round(1000 * frame.time_s) for frame in source] == [0, 500, 1000, 1990]


@pytest.mark.parametrize("cut_off", [False, True], ids=["rounded", "cut off"])
@pytest.mark.parametrize(
    ("rate", "fps", "step"),
    [(30, 30, 1), (30, 15, 2), (30, 10, 3), (60, 30, 2), (24, 24, 1), (24, 12, 2), (120, 30, 4)],
)
def test_millisecond_times_are_sampled_as_exact_ones(
    rate: int, fps: float, step: int, *, cut_off: bool
) -> None:
    times_s = [n / rate for n in range(120)]
    rounded_s = [int(1000 * t) / 1000 if cut_off else round(t, 3) for t in times_s]
    for times, tick_s in ((times_s, 1 / 90_000), (rounded_s, 0.001)):
        chooser = Selection(fps=fps).chooser(tick_s)
        read = [number for number, time_s in enumerate(times) if chooser.wants(time_s)]
        assert read == list(range(0, 120, step))


def test_coarse_time_bases_are_exact() -> None:
    chooser = Selection(fps=10).chooser(1 / 25)  # of an AVI
    assert [n for n in range(12) if chooser.wants(n / 25)] == [0, 3, 5, 8, 10]


@pytest.mark.parametrize("moment_s", [1 / 3, 1 / 30, 0.7])
def test_what_ends_at_a_moment_and_what_begins_there_make_one_whole(moment_s: float) -> None:
    times_s = [round(n / 30, 3) for n in range(30)]
    before, after = Selection(end_s=moment_s), Selection(start_s=moment_s)
    parts = [
        [n for n, time_s in enumerate(times_s) if chooser.wants(time_s)]
        for chooser in (before.chooser(0.001), after.chooser(0.001))
    ]
    assert parts == [list(range(round(30 * moment_s))), list(range(round(30 * moment_s), 30))]


def test_video_in_milliseconds_is_read_whole_at_its_own_rate(tmp_path: Path) -> None:
    ticks = [round(1000 * n / 30) for n in range(12)]
    write_video(tmp_path / "clip.mkv", ticks=ticks, time_base=Fraction(1, 1000))
    with VideoSource(tmp_path / "clip.mkv", selection=Selection(fps=30)) as source:
        assert len(list(source)) == 12


def test_frames_that_were_worked_on_are_skipped(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4")
    with VideoSource(tmp_path / "clip.mp4", selection=Selection(every=2)) as source:
        source.skip(5)
        assert [frame.index for frame in source] == [6, 8, 10]
        assert source.reached == 12


@pytest.mark.parametrize(
    "wrong", [{"start_s": 2, "end_s": 2}, {"every": 0}, {"fps": 0}, {"every": 2, "fps": 5}]
)
def test_selections_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"end must|at least 1|not both"):
        Selection(**wrong)  # type: ignore[arg-type]
