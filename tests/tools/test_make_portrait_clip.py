"""The portrait clip is what its script promises: small, playable, and true to its timeline."""

import av
import numpy as np
import pytest

from app.defaults import PORTRAIT_CLIP
from tools import make_portrait_clip as clip
from tools.clip_film import SAMPLE_RATE_HZ


def test_clip_is_small_and_starts_before_it_is_all_there() -> None:
    content = PORTRAIT_CLIP.read_bytes()
    assert len(content) <= clip.MAX_BYTES
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_clip_has_the_announced_picture_and_sound() -> None:
    with av.open(str(PORTRAIT_CLIP)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, video.pix_fmt) == (640, 480, "yuv420p")
        assert video.average_rate == clip.FPS
        assert container.duration is not None
        assert 6.0 <= container.duration / av.time_base <= 10.0
        times_s = [frame.time for frame in container.decode(video=0)]
    assert times_s == pytest.approx([index / clip.FPS for index in range(clip.FRAMES)])


def test_sound_is_there_and_quiet() -> None:
    with av.open(str(PORTRAIT_CLIP)) as container:
        sound = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    assert sound.shape[1] / SAMPLE_RATE_HZ == pytest.approx(clip.FRAMES / clip.FPS, abs=0.1)
    assert 0.01 < np.sqrt((sound**2).mean()) < 0.1
    assert np.abs(sound).max() < 0.25


def test_timeline_covers_every_frame_once() -> None:
    assert clip.TIMELINE[0].first == 0
    assert clip.TIMELINE[-1].stop == clip.FRAMES
    for before, after in zip(clip.TIMELINE[:-1], clip.TIMELINE[1:], strict=True):
        assert before.first < before.stop == after.first
    for index in (-1, clip.FRAMES):
        with pytest.raises(IndexError, match="239"):
            clip.expected_faces(index)


def test_timeline_agrees_with_what_is_drawn() -> None:
    frames = range(clip.FRAMES)
    assert [clip.expected_faces(i) for i in frames] == [clip.drawn_faces(i) for i in frames]


@pytest.mark.parametrize(
    ("faces", "least_s"), [(0, 0.8), (1, 4.0), (2, 1.5)], ids=["away", "one", "two"]
)
def test_each_part_lasts_long_enough_to_be_seen(faces: int, least_s: float) -> None:
    longest = max(part.stop - part.first for part in clip.TIMELINE if part.faces == faces)
    assert longest / clip.FPS >= least_s


@pytest.mark.slow
def test_shipped_frames_are_the_ones_the_script_draws() -> None:
    wanted = {0, 100, 145, 239}
    with av.open(str(PORTRAIT_CLIP)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index in wanted:
                shipped = frame.to_ndarray(format="rgb24").astype(np.float32)
                error = shipped - clip.draw_frame(index)
                assert np.sqrt((error**2).mean()) < 8.0, index  # what the encoder may lose
                assert np.abs(error.mean(axis=(0, 1))).max() < 2.0, index
