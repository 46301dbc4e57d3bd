"""The demo clip is what its script promises: small, playable, with one face, nobody and several."""

import itertools

import av
import numpy as np
import pytest

from app.defaults import DEMO_CLIP
from tools import make_demo_clip as clip
from tools.clip_film import SAMPLE_RATE_HZ
from tools.darwin_plates import FACES, find_face, list_plates, read_plate


def test_clip_is_small_and_starts_before_it_is_all_there() -> None:
    content = DEMO_CLIP.read_bytes()
    assert len(content) <= clip.MAX_BYTES == 1_500_000
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_clip_has_the_announced_picture_and_a_quiet_sound() -> None:
    with av.open(str(DEMO_CLIP)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, video.pix_fmt) == (640, 480, "yuv420p")
        assert (video.average_rate, video.frames) == (clip.FPS, clip.FRAMES)
        assert 15 <= clip.FRAMES / clip.FPS <= 30
        sound = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    assert sound.shape[1] / SAMPLE_RATE_HZ == pytest.approx(clip.FRAMES / clip.FPS, abs=0.1)
    assert 0.01 < np.sqrt((sound**2).mean()) < 0.1
    assert np.abs(sound).max() < 0.25


def count_passages(wanted: int) -> list[float]:
    """The lengths, s, of the passages of the clip that show so many whole faces."""
    counts = [clip.count_whole_faces(index) for index in range(clip.FRAMES)]
    runs = [(count, len(list(run))) for count, run in itertools.groupby(counts)]
    return [length / clip.FPS for count, length in runs if count == wanted]


def test_one_face_nobody_and_several_faces_are_each_seen_long_enough() -> None:
    assert clip.count_whole_faces(0) == 1
    assert sum(count_passages(1)) > 10
    assert max(count_passages(0)) > 1.0
    assert max(count_passages(5)) > 1.0
    assert max(count_passages(6)) > 1.0


def test_somebody_leaves_and_comes_back() -> None:
    """Six faces, then five, then six again."""
    assert [length > 0.5 for length in count_passages(6)] == [True, True]
    assert clip.count_whole_faces(clip.FRAMES - 1) == 6


def test_three_people_change_their_expressions() -> None:
    words = [
        [find_face(plate, figure).said for _, plate, figure in one.shows if plate is not None]
        for one in clip.PRINTS
        if len(one.shows) > 1
    ]
    assert len(words) >= 3
    assert all(len(set(said)) == len(said) for said in words[:3])


@pytest.mark.parametrize(
    ("time_s", "place", "share"), [(0.0, 0, 1.0), (1.69, 0, 1.0), (1.9, 1, 0.5), (3.0, 1, 1.0)]
)
def test_pictures_fade_into_each_other(time_s: float, place: int, share: float) -> None:
    found = clip.find_shown(clip.PRINTS[0].shows, time_s)
    assert found == (place, pytest.approx(share))


@pytest.mark.slow
def test_shipped_frames_are_the_ones_the_script_draws() -> None:
    wanted = {0, 90, 260, 445, 690}
    with av.open(str(DEMO_CLIP)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index in wanted:
                shipped = frame.to_ndarray(format="rgb24").astype(np.float32)
                error = shipped - clip.draw_frame(index)
                assert np.sqrt((error**2).mean()) < 9.0, index  # what the encoder may lose
                assert np.abs(error.mean(axis=(0, 1))).max() < 2.0, index


def test_plates_are_there_and_every_face_lies_in_its_picture() -> None:
    assert len(FACES) == 31
    shapes = {plate: read_plate(plate).shape for plate in list_plates()}
    for face in FACES:
        x0, y0, x1, y1 = face.picture_xyxy
        x, y, _ = face.face_xys
        height, width, _ = shapes[face.plate]
        assert 0 <= x0 < x < x1 <= width, face.name
        assert 0 <= y0 < y < y1 <= height, face.name
    assert find_face("plate-3", 5).name == "Plate III, 5"
    assert find_face("fig20", 20).name == "Figure 20"
    with pytest.raises(KeyError, match="plate-3 has no figure 9"):
        find_face("plate-3", 9)
