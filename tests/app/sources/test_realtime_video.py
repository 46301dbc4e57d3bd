"""A video that plays like a camera keeps its times, leaves late frames out, and ends."""

import time
from fractions import Fraction
from pathlib import Path

import pytest

from app.errors import SourceError
from app.sources.realtime_video import RealtimeVideo
from app.sources.video import VideoSource
from app.types import Frame, Mode, Silence
from tests.support.synthetic import cut, index_of, noise_picture, write_video

FRAMES, RATE = 12, 40


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    write_video(path, frames=FRAMES, rate=Fraction(RATE))
    return path


def test_every_frame_comes_when_it_is_due_and_the_video_ends(clip: Path) -> None:
    with RealtimeVideo(VideoSource(clip)) as video:
        assert video.mode is Mode.LIVE
        taken = [(frame, time.monotonic()) for frame in video if isinstance(frame, Frame)]
        assert video.warning is None
    frames = [frame for frame, _ in taken]
    assert [index_of(frame.image) for frame in frames] == [frame.index for frame in frames]
    assert frames[-1].index == FRAMES - 1
    first = frames[0]
    for frame, taken_s in taken:
        assert frame.time_s == pytest.approx(frame.index / RATE)
        assert frame.captured_s is not None
        assert first.captured_s is not None
        assert frame.captured_s - first.captured_s == pytest.approx(frame.time_s - first.time_s)
        assert taken_s >= frame.captured_s


def test_frames_that_come_too_late_are_left_out_and_counted(clip: Path) -> None:
    with RealtimeVideo(VideoSource(clip)) as video:
        taken = []
        for frame in video:
            if isinstance(frame, Frame):
                taken.append(frame.index)
                time.sleep(0.1)  # four frames long
        late = FRAMES - len(taken)
        assert 4 <= late < FRAMES
        assert taken == sorted(set(taken))
        assert video.remarks == (
            f"{late} frames of {FRAMES} came while another was read, and were left out, as with a "
            "camera.",
        )
        assert video.warning is None


def test_a_gap_in_the_video_is_waited_for_with_signs_of_life(tmp_path: Path) -> None:
    write_video(tmp_path / "gap.mkv", ticks=[0, 400], time_base=Fraction(1, 1000))
    began_s = time.monotonic()
    with RealtimeVideo(VideoSource(tmp_path / "gap.mkv")) as video:
        given = list(video)
    assert time.monotonic() - began_s > 0.4
    assert [frame.time_s for frame in given if isinstance(frame, Frame)] == [0, 0.4]
    assert {silence.why for silence in given if isinstance(silence, Silence)} == {None}


def test_closing_in_the_middle_ends_a_wait_at_once(tmp_path: Path) -> None:
    write_video(tmp_path / "gap.mkv", ticks=[0, 60_000], time_base=Fraction(1, 1000))
    began_s = time.monotonic()
    with RealtimeVideo(VideoSource(tmp_path / "gap.mkv")) as video:
        assert any(isinstance(given, Frame) for given in video)
    assert time.monotonic() - began_s < 5


def test_a_video_that_is_cut_short_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    write_video(path, frames=20, picture=noise_picture)
    cut(path, 0.6)
    with RealtimeVideo(VideoSource(path)) as video:
        assert [given for given in video if isinstance(given, Frame)]
        assert video.warning is not None
        assert "cut short" in video.warning


class FailingVideo(VideoSource):
    """Gives its first frame and then fails."""

    def __iter__(self):
        yield next(super().__iter__())
        raise SourceError("the disk is gone")


def test_a_failure_comes_after_the_frames_before_it(clip: Path) -> None:
    taken = []
    with RealtimeVideo(FailingVideo(clip)) as video:
        with pytest.raises(SourceError, match="the disk is gone"):
            taken.extend(frame.index for frame in video if isinstance(frame, Frame))
        assert video.gaps == ()
    assert taken == [0]
