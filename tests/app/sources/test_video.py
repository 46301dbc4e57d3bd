"""Videos: every frame once, upright, at its own time, and what is wrong with them in one line."""

import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace

from app.errors import SourceError
from app.frames.upright import UprightConverter
from app.sources.frame_selection import Selection
from app.sources.video import VideoSource
from app.types import Mode
from tests.support.synthetic import (
    cut,
    index_of,
    level_picture,
    noise_picture,
    write_sound_only,
    write_video,
)

VARIABLE_TICKS = [0, 40, 80, 200, 210, 211, 1000, 1040]


@pytest.mark.parametrize(
    ("rate", "ticks", "time_base"),
    [
        (Fraction(25), None, None),
        (Fraction(30000, 1001), None, None),
        (Fraction(25), VARIABLE_TICKS, Fraction(1, 1000)),
    ],
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_video_delivers_every_frame_once_at_its_own_time(tmp_path, rate, ticks, time_base, suffix):
    path = tmp_path / f"clip.{suffix}"
    write_video(path, frames=14, rate=rate, ticks=ticks, time_base=time_base)
    with VideoSource(path) as source:
        frames = list(source)
    expected_s = [float(tick * (time_base or 1 / rate)) for tick in ticks or range(14)]
    tolerance_s = 1e-9 if suffix == "mp4" else 0.00051  # Matroska counts milliseconds
    assert [frame.time_s for frame in frames] == pytest.approx(expected_s, abs=tolerance_s)
    assert [frame.index for frame in frames] == list(range(len(expected_s)))
    assert [index_of(frame.image) for frame in frames] == list(range(len(expected_s)))
    assert {frame.source for frame in frames} == {path.name}
    assert source.warning is None
    assert source.finished


def test_video_describes_itself(tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path, frames=10, rate=Fraction(30000, 1001), size_wh=(66, 50), sound="aac")
    with VideoSource(path) as source:
        assert (source.name, source.mode) == ("clip.mp4", Mode.FILE)
        assert source.size_wh == (66, 50)
        assert source.rate == Fraction(30000, 1001)
        assert source.frame_count == 10
        assert source.has_audio
        assert source.duration_s == pytest.approx(10 * 1001 / 30000)


@pytest.mark.parametrize(
    ("rotation", "mirrored", "corner"),
    [
        (0, False, (0, 0)),
        (90, False, (-1, 0)),
        (180, False, (-1, -1)),
        (-90, False, (0, -1)),
        (0, True, (0, -1)),
        (90, True, (-1, -1)),
        (180, True, (-1, 0)),
        (-90, True, (0, 0)),
    ],
)
def test_rotated_video_comes_upright(tmp_path, rotation, mirrored, corner):
    # The white block is stored at the top left; a counterclockwise quarter turn for display
    # brings it to the bottom left.
    path = tmp_path / "clip.mp4"
    write_video(path, frames=2, size_wh=(64, 48), rotation=rotation, mirrored=mirrored)
    with VideoSource(path) as source:
        images = [frame.image for frame in source]
        size_wh = source.size_wh
    assert size_wh == ((64, 48) if rotation in (0, 180) else (48, 64))
    for image in images:
        assert image.shape[1::-1] == size_wh
        row, column = (5 if side == 0 else -5 for side in corner)
        assert image[row, column].min() > 240
        assert image[-row, -column].max() < 60


RED_BLUE = np.zeros((48, 64, 3), np.uint8)
RED_BLUE[:, :32] = (40, 60, 200)
RED_BLUE[:, 32:] = (190, 90, 30)


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", [(Colorspace.ITU601, 6), (Colorspace.ITU709, 1)])
def test_colours_follow_the_matrix_that_the_video_names(tmp_path, matrix, full_range):
    path = tmp_path / "clip.mp4"
    write_video(path, frames=2, picture=lambda *_: RED_BLUE, matrix=matrix, full_range=full_range)
    with VideoSource(path) as source:
        image = next(iter(source)).image.astype(int)
    assert np.abs(image[24, 16] - RED_BLUE[24, 16]).max() <= 3
    assert np.abs(image[24, 48] - RED_BLUE[24, 48]).max() <= 3


@pytest.mark.parametrize(
    ("size_wh", "matrix"), [((64, 48), Colorspace.ITU601), ((64, 720), Colorspace.ITU709)]
)
def test_colours_of_a_silent_video_follow_its_height(tmp_path, size_wh, matrix):
    path = tmp_path / "clip.mp4"
    write_video(
        path,
        frames=1,
        size_wh=size_wh,
        picture=lambda _, wh: np.full((wh[1], wh[0], 3), (40, 60, 200), np.uint8),
        matrix=(matrix, 2),
    )
    with VideoSource(path) as source:
        image = next(iter(source)).image.astype(int)
    assert np.abs(image[20, 20] - (40, 60, 200)).max() <= 3


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt"),
    [("mkv", "ffv1", "bgra"), ("mkv", "ffv1", "yuv420p10le"), ("mkv", "ffv1", "gray")],
)
def test_unusual_pixels_become_bgr(tmp_path, suffix, codec, pix_fmt):
    path = tmp_path / f"clip.{suffix}"
    write_video(path, frames=3, size_wh=(63, 47), codec=codec, pix_fmt=pix_fmt)
    with VideoSource(path) as source:
        frames = list(source)
    assert [index_of(frame.image) for frame in frames] == [0, 1, 2]
    assert frames[0].image.shape == (47, 63, 3)
    assert frames[0].image.dtype == np.uint8


def retimed(path, move):
    """The same packets in a Matroska file, at `move(number, milliseconds)`."""
    out = path.with_name("moved.mkv")
    with av.open(str(path)) as source, av.open(str(out), "w") as container:
        stream = source.streams.video[0]
        to = container.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        for number, packet in enumerate(packets):
            packet.dts = round(1000 * packet.pts * stream.time_base)
            packet.pts = move(number, packet.dts)
            packet.time_base, packet.stream = Fraction(1, 1000), to
            container.mux(packet)
    return out


def test_wrong_time_is_mended_alone_and_said(tmp_path):
    write_video(tmp_path / "clip.mkv", frames=20, codec="mjpeg", pix_fmt="yuvj420p")
    path = retimed(tmp_path / "clip.mkv", lambda number, ms: ms + 30_000 * (number == 7))
    with VideoSource(path) as source:
        times_s = [frame.time_s for frame in source]
    assert times_s == pytest.approx([n / 25 for n in range(20)])
    assert source.mended == (
        "moved.mkv has a wrong time, which was mended: at frame 7, 30.28 s became 0.28 s."
    )
    assert (source.warning, source.cut_short) == (None, False)
    assert source.time_changes == {
        "mended": 1,
        "counted_anew": 0,
        "first_mended": [{"frame": 7, "file_s": 30.28, "time_s": 0.28}],
        "first_counted_anew": [],
    }


def test_wrong_first_time_does_not_move_the_others(tmp_path):
    write_video(tmp_path / "clip.mkv", frames=12, codec="mjpeg", pix_fmt="yuvj420p")
    path = retimed(tmp_path / "clip.mkv", lambda number, ms: ms + 30_000 * (number == 0))
    with VideoSource(path) as source:
        times_s = [frame.time_s for frame in source]
    assert times_s == pytest.approx([n / 25 for n in range(12)])


def test_joined_files_go_on_and_say_so(tmp_path):
    write_video(tmp_path / "a.ts", frames=12)
    path = tmp_path / "joined.ts"
    path.write_bytes((tmp_path / "a.ts").read_bytes() * 2)
    with VideoSource(path) as source:
        times_s = [frame.time_s for frame in source]
    assert len(times_s) == 24
    assert np.diff(times_s) == pytest.approx(0.04)
    assert source.mended == "joined.ts counts its time anew at 0.48 s; times go on from there."
    assert not source.cut_short


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mjpeg"])
def test_avi_times_are_the_places_of_its_packets(tmp_path, codec):
    path = tmp_path / "clip.avi"
    write_video(
        path,
        frames=15,
        codec=codec,
        pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p",
        b_frames=0 if codec == "mjpeg" else 2,
    )
    with VideoSource(path) as source:
        frames = list(source)
    assert [index_of(frame.image) for frame in frames] == list(range(15))
    assert [frame.time_s for frame in frames] == pytest.approx([n / 25 for n in range(15)])
    assert source.warning is None


def test_dropped_frames_of_an_avi_are_not_missed(tmp_path):
    path = tmp_path / "clip.avi"
    ticks = [*range(10), *range(30, 40)]  # the writer puts empty packets in between
    write_video(path, ticks=ticks, codec="mjpeg", pix_fmt="yuvj420p")
    with VideoSource(path) as source:
        times_s = [frame.time_s for frame in source]
    assert times_s == pytest.approx([tick / 25 for tick in ticks])
    assert (source.warning, source.cut_short) == (None, False)


@pytest.mark.parametrize("ticks", [range(0, 60_000, 10_000), [0, 40, 80, 1080, 2080, 3080]])
def test_long_last_frames_are_not_missed(tmp_path, ticks):
    path = tmp_path / "slides.mkv"
    write_video(path, ticks=ticks, time_base=Fraction(1, 1000), rate=Fraction(1, 10))
    with VideoSource(path) as source:
        assert [frame.time_s for frame in source] == [tick / 1000 for tick in ticks]
    assert (source.warning, source.cut_short) == (None, False)


def test_second_video_track_is_named(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [
            container.add_stream("libx264", rate=25, width=width, height=48, pix_fmt="yuv420p")
            for width in (64, 96)
        ]
        for number in range(4):
            for stream in streams:
                image = level_picture(number, (stream.width, 48))
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        for stream in streams:
            container.mux(stream.encode(None))
    with VideoSource(path) as source:
        size_wh = next(iter(source)).image.shape[1::-1]
    other = {64: 96, 96: 64}[size_wh[0]]
    assert source.remarks == [
        f"two.mkv has 2 video tracks: the one of {size_wh[0]} x 48 px was read, and not that of "
        f"{other} x 48 px."
    ]
    assert source.warning is None


def test_mp4_whose_recording_was_not_finished_is_named_so(tmp_path):
    path = tmp_path / "battery.mp4"
    with av.open(str(path), "w") as container:  # with its index at the end, as cameras write it
        stream = container.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p")
        for number in range(4):
            image = level_picture(number, (64, 48))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"moov") - 4])
    with pytest.raises(
        SourceError, match=r"its index \(moov\) is missing, so the recording was not"
    ):
        VideoSource(path)


def test_matroska_with_a_late_picture_is_not_cut_short(tmp_path):
    path = tmp_path / "late.mkv"
    ticks = range(700, 1500, 40)
    write_video(path, ticks=ticks, time_base=Fraction(1, 1000), sound="aac", sound_s=3)
    with VideoSource(path) as source:
        times_s = [frame.time_s for frame in source]
    assert times_s == pytest.approx([tick / 1000 for tick in ticks])
    assert source.duration_s == pytest.approx(0.8, abs=0.001)
    assert (source.frame_count, source.warning, source.cut_short) == (20, None, False)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_cut_video_delivers_what_is_there_and_says_so(tmp_path, suffix):
    path = tmp_path / f"clip.{suffix}"
    write_video(
        path, frames=50, picture=noise_picture, codec="mpeg4" if suffix == "avi" else "libx264"
    )
    cut(path, 0.5)
    with VideoSource(path) as source:
        frames = list(source)
    assert 15 <= len(frames) <= 30
    assert [frame.time_s for frame in frames] == pytest.approx(
        [index / 25 for index in range(len(frames))], abs=0.001
    )
    assert source.warning == (
        f"clip.{suffix} is damaged or cut short after {len(frames) / 25:.1f} s "
        f"({len(frames)} frames); the rest was left out."
    )


def test_tags_that_are_no_utf8_do_no_harm(tmp_path):
    path = tmp_path / "clip.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "TITLE"
        stream = container.add_stream("mjpeg", rate=25, width=64, height=48)
        stream.pix_fmt = "yuvj420p"
        picture = VideoFrame.from_ndarray(level_picture(0, (64, 48)), format="bgr24")
        container.mux(stream.encode(picture.reformat(format="yuvj420p")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"TITLE", b"Caf\xe9s"))
    with VideoSource(path) as source:
        assert len(list(source)) == 1


def test_damage_in_the_middle_is_stepped_over(tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path, frames=50, picture=noise_picture)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    with VideoSource(path) as source:
        frames = list(source)
    assert len(frames) >= 45
    assert frames[-1].time_s == pytest.approx(49 / 25)
    assert source.warning is not None
    assert source.warning.startswith("clip.mp4 is damaged in ")
    assert "\n" not in source.warning


def _video_without_index(path: Path) -> None:
    write_video(path, frames=20, picture=noise_picture)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moov") + 40])


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("missing.mp4", lambda path: None, "does not exist"),
        ("empty.mp4", lambda path: path.write_bytes(b""), "is empty"),
        ("folder", lambda path: path.mkdir(), "is a folder"),
        ("notes.txt", lambda path: path.write_text("Not a video.\n" * 50), "is not a video"),
        ("fake.mp4", lambda path: path.write_text("Not a video.\n" * 50), "is not a video"),
        ("song.m4a", write_sound_only, "has sound but no picture"),
        ("headless.mp4", _video_without_index, "is not a video, or is damaged"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path, name, make, message):
    path = tmp_path / name
    make(path)
    with pytest.raises(SourceError, match=message) as caught:
        VideoSource(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pictures_that_cannot_be_decoded_are_an_error(tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path, frames=5)
    content = path.read_bytes()
    start = content.index(b"mdat") + 4
    path.write_bytes(content[:start] + bytes(len(content) - start))
    with pytest.raises(SourceError, match="none of its pictures can be decoded"):
        VideoSource(path)


def test_closing_ends_the_iteration(tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path)
    source = VideoSource(path)
    frames = iter(source)
    next(frames)
    source.close()
    source.close()
    assert list(frames) == []
    assert not source.finished


@pytest.mark.parametrize(
    ("size_wh", "most", "threads"),
    [((64, 48), 8, 1), ((1920, 1080), 8, 2), ((1920, 1080), 1, 1), ((3840, 2160), 8, 4)],
)
def test_decoder_has_threads_for_the_size_of_its_pictures(tmp_path, size_wh, most, threads):
    write_video(tmp_path / "clip.mp4", frames=1, size_wh=size_wh)
    with VideoSource(tmp_path / "clip.mp4", threads=most) as source:
        assert source._stream.codec_context.thread_count == threads


def test_frames_that_are_read_ahead_are_told_of_when_they_come(tmp_path):
    """The thread is at the end of the file while the first frames are here."""
    write_video(tmp_path / "clip.mkv", frames=6, codec="mjpeg", pix_fmt="yuvj420p")
    path = retimed(tmp_path / "clip.mkv", lambda number, ms: ms + 30_000 * (number == 3))
    told = []
    with VideoSource(path, selection=Selection(every=2)) as source:
        with source.read_ahead():
            for frame in source:
                time.sleep(0.05)
                told.append((frame.index, source.reached, source.mended is None, source.finished))
        assert told == [(0, 1, True, False), (2, 3, True, False), (4, 5, False, False)]
        assert (source.reached, source.finished) == (6, True)
        assert source.frame_duration_s == pytest.approx(0.08)


def test_reading_ahead_ends_with_the_block_or_the_file(tmp_path):
    write_video(tmp_path / "clip.mp4")
    source = VideoSource(tmp_path / "clip.mp4")
    with source.read_ahead():
        assert next(iter(source)).index == 0
    assert not any(thread.name == "read clip.mp4" for thread in threading.enumerate())
    assert not source.finished
    source.close()
    source = VideoSource(tmp_path / "clip.mp4")
    with source.read_ahead():
        source.close()
        assert list(source) == []


def test_stop_is_asked_where_frames_are_taken(tmp_path, monkeypatch):
    """A server or a damaged file may give no frame for long, and then nobody else asks."""
    write_video(tmp_path / "clip.mp4")
    keep_picture = UprightConverter.keep_picture

    def keep_slowly(self, frame, shape):
        time.sleep(0.15)  # longer than the wait for a frame before `stop` is asked
        return keep_picture(self, frame, shape)

    asked, taken = set(), []

    def stop():
        asked.add(threading.current_thread().name)
        return len(taken) >= 3

    with VideoSource(tmp_path / "clip.mp4", stop=stop) as source:
        monkeypatch.setattr(UprightConverter, "keep_picture", keep_slowly)
        with source.read_ahead():
            taken.extend(frame.index for frame in source)
    assert asked == {threading.current_thread().name}
    assert 3 <= len(taken) < 12
    assert not source.finished
