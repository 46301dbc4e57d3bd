import contextlib
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest

from app.batch.output_names import default_output
from app.errors import SinkError
from app.files.atomic import reserve
from app.outputs.audio_copy import AudioCopy
from app.outputs.audio_formats import COPIED
from app.outputs.audio_times import AudioTimes
from app.outputs.images import ImagesSink
from app.outputs.picture_writer import write_picture
from app.outputs.video import VideoSink
from app.records.writers import RecordsSink
from app.sources.images import ImageSource
from app.sources.video import VideoSource
from app.types import FrameResult
from tests.support.synthetic import (
    LABELS,
    frame_result,
    index_of,
    level_picture,
    noise_picture,
    sound_packets,
    sound_times_s,
    tracked_face,
    write_video,
)

try:
    import resource
except ImportError:  # Windows
    resource = None


def annotate(source_path: Path, path: Path, *, stop_after: int | None = None) -> list[float]:
    """Copies a video through source and sink; the times that were written."""
    times_s = []
    with VideoSource(source_path) as source:
        sink = VideoSink(path, overwrite=False, source_video=source)
        for frame in source:
            sink.write(FrameResult(frame, (), LABELS), frame.image)
            times_s.append(frame.time_s)
            if len(times_s) == stop_after:
                break
        sink.close()
        sink.close()
        sink.abort()
    return times_s


def read_times_s(path: Path) -> list[float]:
    with VideoSource(path) as source:
        times_s = [frame.time_s for frame in source]
    assert source.warning is None
    return times_s


@contextlib.contextmanager
def full_disk(free_bytes: int):
    """No file may grow past `free_bytes`: a write fails as it does on a full disk."""
    if resource is None:
        pytest.skip("needs a limit on file sizes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# Names


@pytest.mark.parametrize(
    ("path", "output"),
    [("a/clip.mov", "a/clip_annotated.mp4"), ("clip.v2.mp4", "clip.v2_annotated.mp4")],
)
def test_default_output_stands_beside_the_input(path, output):
    assert default_output(Path(path)) == Path(output)


def test_reserve_gives_a_name_in_the_same_folder_and_leaves_nothing(tmp_path):
    partial = reserve(tmp_path / "out.mp4", overwrite=False)
    assert partial == tmp_path / ".out.mp4.partial"
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_refused_in_one_line(tmp_path):
    there = tmp_path / "there.mp4"
    there.write_text("mine")
    link = tmp_path / "link.mp4"
    link.symlink_to(there)
    cases = [
        (there, False, (), "there.mp4 exists already. Add --overwrite, or choose another name."),
        (tmp_path, True, (), "is a folder"),
        (tmp_path / "none" / "out.mp4", True, (), "none does not exist. Make it"),
        (there / "out.mp4", True, (), "there.mp4"),
        (there, True, (there,), "is the input itself"),
        (link, True, (there,), "is the input itself"),
        (tmp_path / ("x" * 300), True, (), "name too long"),
    ]
    for path, overwrite, inputs, message in cases:
        with pytest.raises(SinkError) as caught:
            reserve(path, overwrite=overwrite, inputs=inputs)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
    assert there.read_text() == "mine"
    assert reserve(there, overwrite=True, inputs=(tmp_path / "other",)).parent == tmp_path


def test_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "open", read_only)
    with pytest.raises(SinkError, match=r"out\.mp4 could not be written: Read-only file system\."):
        reserve(tmp_path / "out.mp4", overwrite=False)


# Video


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


@pytest.mark.parametrize(
    ("suffix", "codec", "copied"),
    [
        ("mkv", "libopus", True),
        ("mkv", "aac", True),
        ("mov", "pcm_s16le", False),
        ("mkv", "flac", True),
        ("avi", "libmp3lame", True),
    ],
)
def test_sound_is_copied_where_it_plays_and_becomes_aac_elsewhere(tmp_path, suffix, codec, copied):
    clip, out = tmp_path / f"clip.{suffix}", tmp_path / "out.mp4"
    write_video(clip, frames=25, sound=codec, codec="mpeg4" if suffix == "avi" else "libx264")
    annotate(clip, out)
    assert (sound_packets(out) == sound_packets(clip)) is copied
    with av.open(str(out)) as container:
        stream = container.streams.audio[0]
        seconds = [frame.samples / frame.sample_rate for frame in container.decode(stream)]
        if not copied:
            assert stream.codec_context.name == "aac"
    assert sum(seconds) == pytest.approx(1.0, abs=0.06)


def test_sound_keeps_its_distance_to_a_late_picture(tmp_path):
    clip, out = tmp_path / "clip.mkv", tmp_path / "out.mp4"
    ticks = list(range(500, 1500, 40))
    write_video(clip, ticks=ticks, time_base=Fraction(1, 1000), sound="aac")
    times_s = annotate(clip, out)
    assert read_times_s(out) == pytest.approx(times_s)
    assert times_s[0] == pytest.approx(0.5)
    assert sound_times_s(out) == pytest.approx(sound_times_s(clip), abs=0.001)


def test_sound_of_a_matroska_file_with_a_late_picture_is_kept_to_its_end(tmp_path):
    clip, out = tmp_path / "clip.mkv", tmp_path / "out.mkv"
    write_video(
        clip, ticks=range(700, 1500, 40), time_base=Fraction(1, 1000), sound="aac", sound_s=3
    )
    annotate(clip, out)
    assert sound_packets(out) == sound_packets(clip)[1:]  # which lies before the start


def test_sound_ends_where_the_run_was_stopped(tmp_path):
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    write_video(clip, frames=50, sound="aac")
    annotate(clip, out, stop_after=20)
    assert len(read_times_s(out)) == 20
    packets = sound_packets(out)
    assert packets == sound_packets(clip)[: len(packets)]
    assert 0.8 - 0.022 <= sound_times_s(out)[-1] < 0.8


def test_sound_may_outlast_the_pictures(tmp_path):
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    write_video(clip, frames=10, sound="aac", sound_s=1.5)
    annotate(clip, out)
    assert sound_packets(out) == sound_packets(clip)
    assert len(read_times_s(out)) == 10


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_lead_of_a_sound_does_not_move_the_pictures(tmp_path, suffix):
    """AAC begins with a packet that only decoders need, before the start; an edit list hides it."""
    clip, out = tmp_path / "clip.mp4", tmp_path / f"out.{suffix}"
    write_video(clip, frames=10, sound="aac")
    assert sound_times_s(clip)[0] < 0
    times_s = annotate(clip, out)
    with av.open(str(out)) as container:
        shown_s = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert shown_s == pytest.approx(times_s, abs=1e-6)
    if suffix == "mkv":
        assert sound_packets(out) == sound_packets(clip)[1:]
        assert sound_times_s(out) == pytest.approx(sound_times_s(clip)[1:], abs=0.001)


def test_last_packet_without_a_duration_is_played(tmp_path):
    clip, out = tmp_path / "clip.mkv", tmp_path / "out.mp4"
    write_video(clip, frames=25, sound="alac")  # Matroska does not say how long its packets are
    annotate(clip, out)
    assert sound_packets(out) == sound_packets(clip)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm"])
@pytest.mark.parametrize("codec", ["wmav1", "wmav2"])
def test_windows_media_sound_is_written_to_its_end(tmp_path, codec, suffix):
    """Its decoder gives the last frame up without a time."""
    clip, out = tmp_path / "clip.wmv", tmp_path / f"out.{suffix}"
    write_video(clip, frames=20, codec="wmv2", sound=codec)
    annotate(clip, out)
    assert sound_seconds(out) == pytest.approx(0.8, abs=0.1)
    assert len(read_times_s(out)) == 20


def sound_seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        return sum(f.samples / f.sample_rate for f in container.decode(audio=0))


def joined_ts(folder: Path, sound: str) -> Path:
    """Two transport streams in one file: times begin anew in the middle."""
    write_video(folder / "a.ts", frames=30, sound=sound)
    path = folder / "joined.ts"
    path.write_bytes((folder / "a.ts").read_bytes() * 2)
    return path


@pytest.mark.parametrize(("sound", "suffix"), [("aac", "mp4"), ("aac", "mkv"), ("mp2", "mp4")])
def test_sound_of_joined_files_goes_on_with_the_pictures(tmp_path, sound, suffix):
    clip, out = joined_ts(tmp_path, sound), tmp_path / f"out.{suffix}"
    times_s = annotate(clip, out)
    assert len(times_s) == 60
    sound_s = sound_times_s(out)
    assert np.diff(sound_s).min() > 0.01
    assert sound_s[-1] == pytest.approx(times_s[-1], abs=0.06)
    # The second part's sound stands to its pictures as the first one's does.
    second_s = times_s[30] - times_s[0]
    near = [time_s for time_s in sound_s if second_s - 0.02 < time_s < second_s + 0.06]
    assert 2 <= len(near) <= 4


def test_restarts_of_the_sound_alone_are_gone_on_from(tmp_path):
    """The pictures of these know of none."""
    clip = joined_ts(tmp_path, "aac")
    with av.open(str(tmp_path / "out.mp4"), "w") as output:
        sound = AudioCopy(clip, output, origin_s=Fraction(0))
        for until_s in (*(Fraction(n, 10) for n in range(60)), None):
            sound.pump(until_s)
        sound.close()
    steps_s = np.diff(sound_times_s(tmp_path / "out.mp4"))
    assert len(steps_s) > 100
    assert steps_s.max() < 0.06


@pytest.mark.parametrize("method", ["_read", "_shift", "place"])
def test_no_fault_of_the_sound_costs_the_pictures(tmp_path, monkeypatch, method):
    def broken(*_args):
        yield from ()
        raise TypeError("a fault of the program")

    clip, out = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    write_video(clip, frames=10, sound="aac")
    if method == "_read":  # the first packets are read ahead
        whole = AudioCopy._read

        def some(self):
            yield from islice(whole(self), 3)
            raise TypeError("a fault of the program")

        monkeypatch.setattr(AudioCopy, "_read", some)
    else:
        owner = AudioTimes if method == "place" else AudioCopy
        monkeypatch.setattr(owner, method, broken)
    with VideoSource(clip) as source:
        sink = VideoSink(out, source_video=source)
        for frame in source:
            sink.write(FrameResult(frame, (), LABELS), frame.image)
        sink.close()
    assert len(read_times_s(out)) == 10
    assert sink.warning is not None
    assert sink.warning.startswith(f"In {out}, the sound ends at 0.")
    assert "a fault of the program" in sink.warning


def test_sound_that_a_container_does_not_take_becomes_another(tmp_path, monkeypatch):
    clip, out = tmp_path / "clip.mkv", tmp_path / "out.webm"
    write_video(clip, frames=10, sound="flac")
    monkeypatch.setitem(COPIED, "webm", frozenset({"flac"}))  # as if it did
    annotate(clip, out)
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == "opus"


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


# A full disk


def fill_video(path: Path) -> None:
    sink = VideoSink(path, overwrite=False)
    for index in range(60):
        sink.write(frame_result(time_s=index / 25), noise_picture(index, (128, 96)))
    sink.close()


def fill_records(path: Path) -> None:
    sink = RecordsSink(path, LABELS, overwrite=False)
    for index in range(2000):
        sink.write(frame_result(tracked_face(), time_s=index / 25), level_picture(0, (6, 4)))
    sink.close()


def close_records(path: Path) -> None:
    sink = RecordsSink(path, LABELS, overwrite=False)
    for index in range(50):  # less than what is buffered
        sink.write(frame_result(tracked_face(), time_s=index / 25), level_picture(0, (6, 4)))
    sink.close()


def fill_picture(path: Path) -> None:
    write_picture(path, noise_picture(0, (128, 96)), overwrite=False)


@pytest.mark.parametrize(
    ("name", "fill"),
    [
        ("out.mp4", fill_video),
        ("out.mkv", fill_video),
        ("out.csv", fill_records),
        ("out.jsonl", close_records),
        ("out.png", fill_picture),
    ],
)
def test_full_disk_is_one_line_and_leaves_nothing(tmp_path, name, fill):
    with full_disk(4096), pytest.raises(SinkError, match=r"out\..* could not be written: ") as got:
        fill(tmp_path / name)
    assert "\n" not in str(got.value)
    assert list(tmp_path.iterdir()) == []


# Pictures


def write_pictures(folder: Path, *names: str) -> list[Path]:
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, level_picture(3, (30, 20)))[1].tobytes())
    return [folder / name for name in names]


def run_pictures(target: Path | None, paths: list[Path], *, overwrite: bool = False) -> Path:
    source = ImageSource(paths)
    sink = ImagesSink(target, source, overwrite=overwrite)
    for frame in source:
        sink.write(FrameResult(frame, (), LABELS), frame.image)
    sink.close()
    sink.abort()
    return sink.path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pictures_go_into_a_folder_that_is_made(tmp_path):
    paths = write_pictures(tmp_path, "x/a.png", "x/b.jpg", "y/a.png")
    out = tmp_path / "out"
    assert run_pictures(out, paths) == out
    assert names(out) == ["a_annotated.png", "a_annotated_2.png", "b_annotated.jpg"]
    image = cv2.imread(str(out / "a_annotated.png"))
    assert np.array_equal(image, level_picture(3, (30, 20)))


@pytest.mark.parametrize("name", ["out.pdf", "out.mp4", "out.GIF", "out.heic"])
def test_no_folder_is_made_under_the_name_of_another_file(tmp_path: Path, name: str) -> None:
    paths = write_pictures(tmp_path, "a.png")
    with pytest.raises(SinkError, match="is not a picture that can be written"):
        run_pictures(tmp_path / name, paths)
    assert names(tmp_path) == ["a.png"]
    assert run_pictures(tmp_path / "out.v2", paths) == tmp_path / "out.v2" / "a_annotated.png"


def test_pictures_without_a_target_go_beside_themselves(tmp_path):
    paths = write_pictures(tmp_path, "x/a.png", "x/b.jpg")
    assert run_pictures(None, paths) == tmp_path / "x"
    assert names(tmp_path / "x") == ["a.png", "a_annotated.png", "b.jpg", "b_annotated.jpg"]
    (alone,) = write_pictures(tmp_path, "y/c.bmp")
    assert run_pictures(None, [alone]) == tmp_path / "y" / "c_annotated.bmp"


def test_single_picture_may_name_its_file(tmp_path):
    paths = write_pictures(tmp_path, "a.png", "b.png")
    out = tmp_path / "out.jpg"
    assert run_pictures(out, paths[:1]) == out
    assert out.read_bytes()[:3] == b"\xff\xd8\xff"
    with pytest.raises(SinkError, match="is one picture, but there are 2 to write"):
        run_pictures(tmp_path / "other.png", paths)


def test_suffix_that_cannot_be_written_becomes_png(tmp_path):
    source = SimpleNamespace(files={"a.xyz": tmp_path / "a.xyz"})
    sink = ImagesSink(None, source, overwrite=False)
    sink.write(frame_result(source="a.xyz"), level_picture(0, (30, 20)))
    assert names(tmp_path) == ["a_annotated.png"]


def test_existing_picture_is_refused_before_the_first_is_written(tmp_path):
    paths = write_pictures(tmp_path, "a.png", "b.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "b_annotated.png").write_text("mine")
    with pytest.raises(SinkError, match=r"b_annotated\.png exists already"):
        run_pictures(out, paths)
    assert names(out) == ["b_annotated.png"]
    run_pictures(out, paths, overwrite=True)
    assert names(out) == ["a_annotated.png", "b_annotated.png"]
    with pytest.raises(SinkError, match="is the input itself"):
        run_pictures(paths[0], paths[:1], overwrite=True)


def test_folder_that_stayed_empty_is_removed(tmp_path):
    paths = write_pictures(tmp_path, "a.png", "b.png")
    ImagesSink(tmp_path / "out", ImageSource(paths), overwrite=False).abort()
    assert names(tmp_path) == ["a.png", "b.png"]
    with pytest.raises(SinkError, match="none does not exist"):
        ImagesSink(tmp_path / "none" / "out", ImageSource(paths), overwrite=False)


def test_picture_of_unknown_kind_is_refused(tmp_path):
    with pytest.raises(SinkError, match=r"Choose a name that ends in \.png"):
        write_picture(tmp_path / "a.xyz", level_picture(0, (30, 20)), overwrite=False)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["../../evil.png", "in/../../evil.png", "/etc/evil.png"])
def test_pictures_stay_in_the_folder_that_was_asked_for(tmp_path, name):
    out = tmp_path / "deep" / "out"
    out.parent.mkdir()
    sink = ImagesSink(out, SimpleNamespace(files={name: Path(name)}), overwrite=False)
    result = frame_result(source=name)
    sink.write(result, result.frame.image)
    sink.close()
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [Path("deep/out/evil_annotated.png")]
