"""The measurement of calm and promptness counts right, on readings made by hand."""

from pathlib import Path

import numpy as np
import pytest

from app.errors import DataError
from app.tracking.smoothing import NO_CLASS
from app.types import Face
from tests.support.tiny_model import tiny_contract
from tools.made_frames import FacePicture
from tools.measure_steadiness import (
    ABSENT,
    Setting,
    changes_per_minute,
    delays_ms,
    each_frame,
    percentile,
    steadied,
)
from tools.steady_recording import Change, Reading, Recording, load, save
from tools.steady_scenes import PLACES, Camera, Shown, Stage

FPS = 10.0
NAN = (np.nan, np.nan)


def reading(*rows: tuple[float, float], changes: tuple[Change, ...] = ()) -> Reading:
    return Reading(np.array(rows, np.float32), changes)


def test_changes_are_counted_by_the_minute_of_presence() -> None:
    shown = np.array([[0, 1, ABSENT, 1, 0, NO_CLASS], [2, ABSENT, ABSENT, ABSENT, 2, 2]])
    # 3 changes in 5 frames of 0.1 s; none.
    np.testing.assert_allclose(changes_per_minute(shown, FPS), [360, 0])


def test_delay_is_from_the_first_frame_with_something_new() -> None:
    changes = (Change(0.2, 0.0, 0, 1, 0.3), Change(0.5, 0.0, 1, 0, 0.3))
    one = reading(*[(1.0, 0.0)] * 8, changes=changes)
    shown = np.array([[0, 0, 0, NO_CLASS, 1, 1, 1, 1]])
    np.testing.assert_allclose(delays_ms([one], shown, FPS), [200, np.inf])


def test_percentile_may_be_infinite() -> None:
    values = np.array([3.0, 1.0, np.inf, 2.0])
    assert [percentile(values, share) for share in (25, 50, 75, 100)] == [1, 2, 3, np.inf]


def test_replay_goes_through_the_very_steadying() -> None:
    wobbling = reading(*[(0.9, 0.1), (0.45, 0.55)] * 20, NAN, (0.9, 0.1))
    changing = reading(*[(0.9, 0.1)] * 10, *[(0.05, 0.95)] * 32)
    contract = tiny_contract()
    raw = each_frame([wobbling, changing], contract)
    assert raw[0].tolist() == [0, 1] * 20 + [ABSENT, 0]
    shown = steadied([wobbling, changing], FPS, contract, Setting())
    assert shown[0].tolist() == [0] * 40 + [ABSENT, 0]
    assert shown[1].tolist() == sorted(shown[1].tolist())
    assert 10 <= shown[1].tolist().index(1) <= 13


def test_readings_come_back_from_their_file(tmp_path: Path) -> None:
    change = Change(0.1, 1 / 30, 0, 1, 0.2)
    recording = Recording(
        ("a", "b"),
        FPS,
        (reading((1.0, 0.0), NAN),),
        (reading((0.5, 0.5), (0.25, 0.75), changes=(change,)),),
    )
    save(recording, tmp_path / "r.npz")
    again = load(tmp_path / "r.npz")
    assert (again.labels, again.fps, again.changing[0].changes) == (("a", "b"), FPS, (change,))
    np.testing.assert_array_equal(again.still[0].raw, recording.still[0].raw)
    assert again.still[0].seen.tolist() == [True, False]
    (tmp_path / "no.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="no recording"):
        load(tmp_path / "no.npz")


def grey_face(level: int) -> FacePicture:
    points = np.array([(16, 18), (32, 18), (24, 26), (24, 35), (8, 21), (40, 21)], np.float32)
    face = Face((6.0, 8.0, 42.0, 44.0), points, 0.9)
    return FacePicture(np.full((48, 48, 3), level, np.uint8), face, np.zeros(0, np.uint8), "grey")


@pytest.mark.slow
def test_face_fades_from_one_picture_to_the_next() -> None:
    camera = Camera(noise=0.0, sway_px=0, sway_deg=0, sway_size=0, shake_px=0, jpeg=100)
    stage = Stage(np.random.default_rng(0), camera)
    play = [Shown(0.0, 0.0, 0), Shown(3 / 30, 0.1, 1)]
    x, y = map(round, PLACES[0])
    levels = [
        float(frame[y - 5 : y + 5, x - 5 : x + 5].mean())
        for _, frame in stage.frames([grey_face(60), grey_face(180)], [play], 7 / 30)
    ]
    assert levels == pytest.approx([60, 60, 60, 100, 140, 180, 180], abs=2)


def test_camera_trembles_and_repeats_itself() -> None:
    def frames(seed: int) -> list[np.ndarray]:
        stage = Stage(np.random.default_rng(seed), Camera())
        return [f for _, f in stage.frames([grey_face(90)], [[Shown(0, 0, 0)]], 2 / 30)]

    first, again = frames(1), frames(1)
    assert first[0].shape == (720, 1280, 3)
    np.testing.assert_array_equal(first[1], again[1])
    noise = first[0].astype(float) - first[1]
    assert 1 < noise.std() < 12
