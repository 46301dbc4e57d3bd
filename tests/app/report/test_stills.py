"""Stills are the squares around faces, of the right frames and the right video."""

import cv2
import numpy as np
import pytest

from app.episodes.episode import Episode
from app.report.stills import (
    PICTURE_PX,
    SIDE_PX,
    Still,
    StillsInPassing,
    collect_stills,
    cut_still,
    make_picture_still,
)
from app.types import Frame


def test_still_of_a_picture_is_small_and_knows_its_size() -> None:
    still = make_picture_still(np.full((1000, 2000, 3), 200, np.uint8), {3: (10, 10, 50, 50)})
    whole, cut = (
        cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR)
        for one in (still.jpeg, still.faces[3])
    )
    assert still.size_wh == (2000, 1000)
    assert whole.shape == (PICTURE_PX // 2, PICTURE_PX, 3)
    assert cut.shape == (SIDE_PX, SIDE_PX, 3)


@pytest.mark.parametrize("side", [20, 400])
def test_still_is_the_square_about_the_box(side: int) -> None:
    image = np.zeros((1000, 1000, 3), np.uint8)
    image[300 : 300 + side, 300 : 300 + side] = 200
    still = cut_still(image, (300, 300, side, side))
    assert still.shape == (SIDE_PX, SIDE_PX, 3)
    middle = still[SIDE_PX // 2, SIDE_PX // 2]
    assert middle.tolist() == [200, 200, 200]
    bright = (still[..., 0] > 100).mean()
    assert bright == pytest.approx(1 / 1.5**2, abs=0.03)


@pytest.mark.parametrize(
    "box", [(-50, -50, 80, 80), (90, 90, 300, 300), (500, 500, 10, 10), (5, 5, 0, 0)]
)
def test_still_of_a_box_that_reaches_out_is_black_there(box: tuple[int, ...]) -> None:
    still = cut_still(np.full((100, 100, 3), 255, np.uint8), box)  # type: ignore[arg-type]
    assert still.shape == (SIDE_PX, SIDE_PX, 3)


def episode(label: str, peak: float, apex_frame: int, face_id: int = 1) -> Episode:
    return Episode("a", face_id, label, 0, apex_frame / 10, 9, apex_frame, peak, peak, 9)


def frame(index: int) -> Frame:
    return Frame(np.full((80, 80, 3), 10 * index, np.uint8), index, index / 10, "a")


def level(still: Still) -> int:
    picture = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
    return round(float(picture[90:110, 90:110].mean()) / 10)


def test_stills_in_passing_are_of_the_highest_point() -> None:
    passing = StillsInPassing()
    box = {1: (20.0, 20.0, 40.0, 40.0)}
    for index in range(6):
        passing.add_frame(frame(index), [(1, "a")] if index in (1, 3) else [], box)
    passing.end_episodes([episode("a", 0.8, 3), episode("b", 0.9, 3)])
    passing.add_frame(frame(7), [(1, "a")], box)
    passing.end_episodes([episode("a", 0.7, 7)])  # less sure than the one before
    assert [(one.episode.label, level(one)) for one in passing.list_stills()] == [("a", 3)]


def test_stills_of_another_video_are_not_taken() -> None:
    box = (20.0, 20.0, 40.0, 40.0)
    frames = [frame(n) for n in range(9)]
    wanted = [(episode("a", 0.8, 2), box), (episode("b", 0.9, 5), box)]
    assert [level(one) for one in collect_stills(frames, wanted)] == [5, 2]
    other = [Frame(one.image, one.index, one.time_s + 0.5, "b") for one in frames]
    assert collect_stills(other, wanted) == []
    rest = iter(frames)
    collect_stills(rest, wanted)
    assert next(rest).index == 6
