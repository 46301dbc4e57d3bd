"""The encoder that is taken is one that works, and what cannot be is said with what can."""

import os
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

from app.errors import SinkError
from app.outputs.encoder_choice import choose_encoding
from app.outputs.encoder_trial import Trial, calm_threads, list_working, try_encoder
from app.outputs.encoders import (
    CODECS,
    ENCODERS,
    SOFTWARE,
    Encoder,
    Encoding,
    build_context_settings,
)
from app.outputs.video import VideoSink
from tests.support.synthetic import frame_result, level_picture, noise_picture


def machine(**frame_ms: float):
    """Stands in for a machine: the encoders that work on it, and what a frame takes them."""

    def attempt(encoder: Encoder) -> Trial:
        if encoder.name in frame_ms:
            return Trial(encoder, None, frame_ms[encoder.name])
        return Trial(encoder, "no such device")

    return attempt


HERE = machine(libx264=3.0, mpeg4=1.0, h264_nvenc=1.0, hevc_nvenc=1.0)


@pytest.mark.parametrize(
    ("name", "container", "encoder"),
    [
        (None, "mp4", "libx264"),
        (None, "webm", "libvpx-vp9"),
        ("h264", "matroska", "libx264"),
        ("h264_nvenc", "mov", "h264_nvenc"),
        ("mpeg4", "mp4", "mpeg4"),
        ("auto", "mp4", "h264_nvenc"),
        ("auto", "webm", "libvpx-vp9"),
    ],
)
def test_codec_names_an_encoder(name: str | None, container: str, encoder: str) -> None:
    assert choose_encoding(name, None, container, HERE).encoder.name == encoder


@pytest.mark.parametrize(
    ("frame_ms", "taken"),
    [
        ({"libx264": 3.0}, "libx264"),
        ({"libx264": 3.0, "h264_qsv": 2.9}, "h264_qsv"),
        ({"libx264": 3.0, "h264_qsv": 3.1}, "libx264"),
        ({"libx264": 3.0, "h264_nvenc": 9.0, "h264_amf": 2.0}, "h264_amf"),
        ({"h264_amf": 9.0}, "h264_amf"),
    ],
)
def test_auto_takes_hardware_that_works_and_is_no_slower(
    frame_ms: dict[str, float], taken: str
) -> None:
    found = choose_encoding("auto", 30, "mp4", machine(**frame_ms))
    assert (found.encoder.name, found.crf) == (taken, 30)
    assert (found.fallback is not None) == found.encoder.hardware


@pytest.mark.parametrize(
    ("name", "crf", "container", "said"),
    [
        ("h265", None, "mp4", "'h265' is no codec that is written here. These work here: auto, "),
        ("h264", None, "webm", ".webm files hold no h264 here."),
        ("libx265", None, "mp4", "libx265 does not work here (no such device). These work here: "),
        ("hevc_amf", None, "mp4", "hevc_amf does not work here (no such device)."),
        ("h264", 52, "mp4", "--crf 52 is out of range: libx264 takes 0 (best) to 51; 20 is usual."),
        (None, -1, "mp4", "--crf -1 is out of range"),
        ("mpeg4", 0, "mp4", "mpeg4 takes 1 (best) to 31"),
        ("h264_videotoolbox", 20, "mp4", "takes no --crf"),
    ],
)
def test_what_cannot_be_is_one_line_with_what_can(
    name: str | None, crf: int | None, container: str, said: str
) -> None:
    with pytest.raises(SinkError) as caught:
        choose_encoding(name, crf, container, HERE)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    if "These work here" in said:
        names = str(caught.value).partition("These work here: ")[2].rstrip(".")
        assert names == "auto, h264, mpeg4, h264_nvenc, hevc_nvenc"


def test_trial_tells_what_encodes_from_what_is_only_listed() -> None:
    trial = try_encoder(ENCODERS["libx264"])
    assert trial.why is None
    assert trial.frame_ms > 0
    assert try_encoder(Encoder("libnone", "h264")).why == "this FFmpeg was built without it"
    found = {one.encoder.name for one in list_working(("h264",))}
    assert "libx264" in found
    for encoder in ENCODERS.values():
        if encoder.codec == "h264":
            assert (try_encoder(encoder).why is None) == (encoder.name in found)


WORKING = {one.encoder.codec for one in list_working() if not one.encoder.hardware}
PAIRS = [
    (codec, suffix, container)
    for codec in CODECS
    for suffix, container in ((".mp4", "mp4"), (".mov", "mov"), (".mkv", "matroska"))
    if container != "mov" or codec not in ("av1", "vp9")
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("codec", "suffix", "container"), [*PAIRS, ("vp9", ".webm", "webm"), ("av1", ".webm", "webm")]
)
def test_every_codec_keeps_frames_and_times(
    codec: str, suffix: str, container: str, tmp_path: Path
) -> None:
    if codec not in WORKING:
        pytest.skip(f"this FFmpeg has no encoder of {codec}")
    path = tmp_path / f"out{suffix}"
    encoding = choose_encoding(codec, None, container)
    sink = VideoSink(path, overwrite=False, encoding=encoding)
    ticks_ms = [0, 40, 120, 125, 600]
    for index, tick in enumerate(ticks_ms):
        picture = level_picture(index, (320, 180))
        sink.write(frame_result(index=index, time_s=tick / 1000), picture)
    sink.close()
    assert sink.encoder == encoding.describe()
    with av.open(str(path)) as read:
        (stream,) = read.streams.video
        assert stream.codec_context.codec.canonical_name == codec
        times_s = [frame.pts * stream.time_base for frame in read.decode(stream)]
    assert times_s == [Fraction(tick, 1000) for tick in ticks_ms]


def test_larger_crf_makes_a_smaller_file(tmp_path: Path) -> None:
    sizes = []
    for crf in (5, 45):
        sink = VideoSink(
            tmp_path / f"{crf}.mp4", overwrite=False, encoding=Encoding(SOFTWARE[0], crf)
        )
        for index in range(8):
            sink.write(frame_result(time_s=index / 25), noise_picture(index, (320, 180)))
        sink.close()
        sizes.append(sink.path.stat().st_size)
    assert sizes[0] > 1.3 * sizes[1]


def test_hardware_that_refuses_a_size_gives_way_to_software(tmp_path: Path) -> None:
    broken = Encoder("h264_nvenc_of_another_machine", "h264", hardware=True)
    path = tmp_path / "out.mp4"
    sink = VideoSink(path, overwrite=False, encoding=Encoding(broken, 30, fallback=SOFTWARE[0]))
    sink.write(frame_result(), level_picture(0, (64, 48)))
    sink.close()
    assert sink.encoder == {"name": "libx264", "codec": "h264", "hardware": False, "crf": 30}
    with pytest.raises(SinkError, match="could not be written"):
        VideoSink(tmp_path / "b.mp4", overwrite=False, encoding=Encoding(broken)).write(
            frame_result(), level_picture(0, (64, 48))
        )
    assert [one.name for one in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.skipif(sys.platform != "linux", reason="priorities are Linux's")
def test_no_thread_is_left_with_real_time_priority(tmp_path: Path) -> None:
    policies = {os.SCHED_FIFO, os.SCHED_RR}
    before = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pytest.skip("only root may have real-time priority")
    assert os.sched_getscheduler(0) in policies
    calm_threads()
    assert os.sched_getscheduler(0) == before
    sink = VideoSink(
        tmp_path / "a.mp4", overwrite=False, encoding=choose_encoding("av1", None, "mp4")
    )
    picture = level_picture(0, (128, 96))
    for index in range(3):
        sink.write(frame_result(image=picture, index=index, time_s=index / 10), picture)
        tasks = [int(task) for task in os.listdir("/proc/self/task")]
        assert not policies & {os.sched_getscheduler(task) for task in tasks}
    sink.close()
    tasks = [int(task) for task in os.listdir("/proc/self/task")]
    assert not policies & {os.sched_getscheduler(task) for task in tasks}


@pytest.mark.parametrize(
    ("name", "size_wh", "most", "threads"),
    [
        ("libx264", (640, 480), 8, "1"),
        ("libx264", (1280, 720), 8, "2"),
        ("libx264", (1920, 1080), 8, "5"),
        ("libx264", (1920, 1080), 2, "2"),
        ("libx264", (3840, 2160), 16, "16"),
        ("libx265", (640, 480), 8, "8"),
        ("libx265", (640, 480), None, None),
    ],
)
def test_encoder_has_threads_for_the_size_of_its_pictures(
    name: str, size_wh: tuple[int, int], most: int | None, threads: str | None
) -> None:
    encoder = ENCODERS[name]
    settings = build_context_settings(encoder, size_wh=size_wh, rate=Fraction(25), threads=most)
    assert settings.options.get("threads") == threads


@pytest.mark.parametrize(
    ("size_wh", "words"),
    [
        ((640, 480), "subme=1:me=dia"),
        ((1918, 1080), "subme=1:me=dia"),
        ((1080, 1920), "subme=1:me=dia:partitions=i8x8,i4x4:rc-lookahead=6"),
    ],
)
def test_large_pictures_have_options_of_their_own(size_wh: tuple[int, int], words: str) -> None:
    settings = build_context_settings(ENCODERS["libx264"], size_wh=size_wh, rate=Fraction(25))
    assert settings.options["x264-params"] == words
    assert (settings.options["preset"], settings.options["crf"]) == ("veryfast", "20")
