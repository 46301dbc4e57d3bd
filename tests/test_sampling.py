"""Which frames of a video are read, by their own times."""

from fractions import Fraction
from pathlib import Path

import pytest

from app.sampling import Selection, parse_time
from app.types import Frame
from app.video_source import VideoSource
from tests.synthetic import index_of, write_video


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


def test_variable_rates_are_sampled_by_time(tmp_path: Path) -> None:
    ticks = [0, 10, 20, 500, 510, 1000, 1990]  # ms
    write_video(tmp_path / "vfr.mkv", ticks=ticks, time_base=Fraction(1, 1000))
    with VideoSource(tmp_path / "vfr.mkv", selection=Selection(fps=2)) as source:
        assert [round(1000 * frame.time_s) for frame in source] == [0, 500, 1000, 1990]


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
