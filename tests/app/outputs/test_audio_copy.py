"""The annotated video has the sound of its source: the same bits, at the same times."""

from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from app.outputs.audio_copy import AudioCopy
from app.outputs.audio_formats import COPIED
from app.outputs.audio_times import AudioTimes
from app.outputs.video import VideoSink
from app.sources.video import VideoSource
from app.types import FrameResult
from tests.support.synthetic import LABELS, sound_packets, sound_times_s, write_video
from tests.support.videos import annotate, read_times_s


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
