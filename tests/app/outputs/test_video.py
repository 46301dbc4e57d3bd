"""The annotated video keeps its source's times, size and colours, and is whole or not there."""

from fractions import Fraction

import av
import numpy as np
import pytest

from app.errors import SinkError
from app.outputs.video import VideoSink
from app.sources.video import VideoSource
from tests.support.synthetic import (
    frame_result,
    index_of,
    level_picture,
    noise_picture,
    sound_packets,
    sound_times_s,
    write_video,
)
from tests.support.videos import annotate, read_times_s


@pytest.mark.parametrize(
    ("rate", "ticks", "time_base"),
    [
        (Fraction(25), None, None),
        (Fraction(24000, 1001), None, None),
        (Fraction(25), [0, 40, 80, 200, 210, 211, 1000, 1040], Fraction(1, 1000)),
        (Fraction(25), [500, 540, 1580], Fraction(1, 1000)),
    ],
)
def test_annotated_video_has_the_frames_times_and_sound_of_its_source(
    tmp_path, rate, ticks, time_base
):
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    write_video(clip, frames=14, rate=rate, ticks=ticks, time_base=time_base, sound="aac")
    times_s = annotate(clip, out)
    assert read_times_s(out) == pytest.approx(times_s, abs=1e-9)
    with VideoSource(out) as copy, VideoSource(clip) as source:
        assert [index_of(frame.image) for frame in copy] == list(range(len(times_s)))
        assert copy.duration_s == pytest.approx(source.duration_s, abs=1e-6)
        if ticks is None:
            assert copy.rate == rate
    assert sound_packets(out) == sound_packets(clip)
    assert sound_times_s(out) == pytest.approx(sound_times_s(clip), abs=1e-4)


def test_annotated_video_plays_in_browsers(tmp_path):
    clip, out = tmp_path / "clip.mkv", tmp_path / "out.mp4"
    write_video(clip, size_wh=(63, 47), codec="ffv1", pix_fmt="bgra", picture=noise_picture)
    annotate(clip, out)
    content = out.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (64, 48)
        assert stream.frames == 12


def test_canvas_of_another_size_is_fitted_in_undistorted(tmp_path):
    path = tmp_path / "out.mp4"
    sink = VideoSink(path, overwrite=False)
    for index, shape in enumerate([(48, 64), (96, 64), (48, 64)]):
        sink.write(
            frame_result(index=index, time_s=index / 25), np.full((*shape, 3), 200, np.uint8)
        )
    sink.close()
    with VideoSource(path) as source:
        images = [frame.image.astype(int) for frame in source]
    assert [image.shape for image in images] == [(48, 64, 3)] * 3
    for image in (images[0], images[2]):
        assert image.min() > 190
    assert images[1][:, 18:46].min() > 190
    assert max(images[1][:, :14].max(), images[1][:, 50:].max()) < 10


def test_odd_sizes_repeat_the_last_column_and_row(tmp_path):
    path = tmp_path / "out.mp4"
    canvas = np.full((47, 63, 3), 40, np.uint8)
    canvas[-8:, -8:] = 200
    sink = VideoSink(path, overwrite=False)
    sink.write(frame_result(), canvas)
    sink.close()
    with VideoSource(path) as source:
        (frame,) = source
    assert frame.image.shape == (48, 64, 3)
    assert np.abs(frame.image[-1, -8:].astype(int) - 200).max() <= 6
    assert np.abs(frame.image[-8:, -1].astype(int) - 200).max() <= 6


@pytest.mark.parametrize(
    ("size_wh", "matrix"), [((64, 48), 6), ((1280, 16), 1)], ids=["BT.601", "BT.709"]
)
def test_colours_survive_and_are_named(tmp_path, size_wh, matrix):
    path = tmp_path / "out.mp4"
    canvas = np.empty((size_wh[1], size_wh[0], 3), np.uint8)
    canvas[:, :32], canvas[:, 32:] = (40, 60, 200), (190, 90, 30)
    sink = VideoSink(path, overwrite=False)
    sink.write(frame_result(), canvas)
    sink.close()
    with VideoSource(path) as source:
        image = next(iter(source)).image.astype(int)
    assert np.abs(image[8, 16] - (40, 60, 200)).max() <= 3
    assert np.abs(image[8, 48] - (190, 90, 30)).max() <= 3
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (matrix, 1)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "m4v"])
def test_camera_times_are_kept_and_never_collide(tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    sink = VideoSink(path, overwrite=False)
    times_s = [0.0, 0.0331, 0.0331, 0.25, 0.2, 3.0]
    for index, time_s in enumerate(times_s):
        sink.write(frame_result(index=index, time_s=time_s), level_picture(index, (64, 48)))
    sink.close()
    with VideoSource(path) as source:
        frames = list(source)
        assert not source.has_audio
    assert [index_of(frame.image) for frame in frames] == list(range(6))
    written_s = [frame.time_s for frame in frames]
    assert written_s == sorted(set(written_s))
    assert written_s == pytest.approx([0.0, 0.0331, 0.0331, 0.25, 0.25, 3.0], abs=0.0021)


def test_rotated_source_is_written_upright_without_a_rotation(tmp_path):
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    write_video(clip, frames=3, rotation=90)
    annotate(clip, out)
    with av.open(str(out)) as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height, frame.rotation) == (48, 64, 0)


def test_video_is_refused_before_anything_is_written(tmp_path):
    clip = tmp_path / "clip.mp4"
    write_video(clip, frames=2)
    with pytest.raises(SinkError, match=r"Use one of \.mp4, \.m4v, \.mov, \.mkv"):
        VideoSink(tmp_path / "out.gif", overwrite=False)
    with pytest.raises(SinkError, match="exists already"):
        VideoSink(clip, overwrite=False)
    with VideoSource(clip) as source, pytest.raises(SinkError, match="is the input itself"):
        VideoSink(clip, overwrite=True, source_video=source)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_overwritten_video_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_text("old")
    sink = VideoSink(path, overwrite=True)
    sink.write(frame_result(), level_picture(0, (64, 48)))
    sink.write(frame_result(index=1, time_s=0.04), level_picture(1, (64, 48)))
    assert path.read_text() == "old"
    sink.close()
    assert len(read_times_s(path)) == 2


@pytest.mark.parametrize("frames", [0, 1, 80])
def test_aborted_video_leaves_nothing(tmp_path, frames):
    sink = VideoSink(tmp_path / "out.mp4", overwrite=False)
    for index in range(frames):
        sink.write(frame_result(time_s=index / 25), noise_picture(index, (64, 48)))
    sink.abort()
    sink.abort()
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_video_without_frames_is_an_error_and_leaves_nothing(tmp_path):
    sink = VideoSink(tmp_path / "out.mp4", overwrite=False)
    with pytest.raises(SinkError, match="got no frame"):
        sink.close()
    assert list(tmp_path.iterdir()) == []
