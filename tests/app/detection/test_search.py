"""Faces are found from small to close, once each, landmarks where they are; patterns are not."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.boxes import is_same_look, is_same_place, measure_distance, turn_half
from app.detection.follower import Follower
from app.detection.network_input import list_tiles, render_view, view_face, view_part
from app.detection.networks import Glance, list_glances
from app.detection.search import LEAST_SCORE, FaceSearch, compute_needed_score
from app.pictures.reader import read_picture
from app.types import Face, Image
from tools.made_frames import FacePicture, background, clip_faces, paste


@pytest.fixture(scope="module")
def search() -> Iterator[FaceSearch]:
    with FaceSearch() as search:
        yield search


@pytest.fixture(scope="module")
def source() -> FacePicture:
    return clip_faces()[0]


def scene(source: FacePicture, side_px: float, roll: float) -> tuple[Image, Face]:
    frame = background(np.random.default_rng(3)).copy()
    return frame, paste(frame, source, centre_xy=(640, 360), side_px=side_px, roll=roll)


@pytest.mark.parametrize(
    ("before", "share", "needed"),
    [
        (0.5, 0.5, 0.66),
        (0.9, 0.1, 0.66),  # the mean of the log-odds, not of the answers
        (0.9, 0.9, 0.55),
        (0.2, 0.2, 0.729),
        (0.05, 0.2, 0.768),  # the lowest answers that are not refused
        (1.0, 0.05, 0.504),  # certainty counts as 0.9999
        (1.0, 1.0, LEAST_SCORE),
        (0.99999999, 1.0, LEAST_SCORE),
    ],
)
def test_the_surer_the_face_check_is_the_less_score_a_face_needs(
    before: float, share: float, needed: float
) -> None:
    assert compute_needed_score(before, share) == pytest.approx(needed, abs=1e-3)
    assert compute_needed_score(share, before) == compute_needed_score(before, share)


@pytest.mark.slow
@pytest.mark.parametrize(("side_px", "roll"), [(67, 0), (67, 30), (150, -30), (350, 15), (700, 0)])
def test_a_face_of_any_size_is_found_once(
    search: FaceSearch, source: FacePicture, side_px: float, roll: float
) -> None:
    frame, true = scene(source, side_px, roll)
    (found,) = search.detect(frame)
    assert is_same_place(found, true)
    apart = np.hypot(*(true.landmarks[1] - true.landmarks[0]))
    error = np.hypot(*(found.landmarks[:4] - true.landmarks[:4]).T).mean() / apart
    assert error < 0.2


@pytest.mark.parametrize("upside_down", [False, True])
@pytest.mark.parametrize("side_px", [80, 200])
def test_a_face_is_taken_the_way_up_in_which_it_is_seen_best(
    search: FaceSearch, source: FacePicture, side_px: float, upside_down: bool
) -> None:
    """Handed a face that was seen badly, as upright, it finds out which way up it is."""
    frame, true = scene(source, side_px, 0)
    right = search.look_again(frame, true, quick=False)
    assert right is not None
    if upside_down:
        frame = np.ascontiguousarray(frame[::-1, ::-1])
        height, width = frame.shape[:2]
        x0, y0, x1, y1 = right.box_xyxy
        box = (width - x1, height - y1, width - x0, height - y0)
        right = replace(right, box_xyxy=box, landmarks=(width, height) - right.landmarks)
    given = turn_half(right) if upside_down else right
    taken = search._right_way_up(frame, replace(given, score=0.6), sure=False)
    assert taken is not None
    apart = np.hypot(*(right.landmarks[1] - right.landmarks[0]))
    assert np.abs(taken.landmarks[:4] - right.landmarks[:4]).max() < 0.2 * apart
    assert is_same_place(taken, right)


def test_a_half_turn_twice_is_none(source: FacePicture) -> None:
    _, true = scene(source, 100, 20)
    twice = turn_half(turn_half(true))
    np.testing.assert_allclose(twice.landmarks, true.landmarks, atol=1e-3)
    np.testing.assert_allclose(twice.box_xyxy, true.box_xyxy, atol=1e-3)
    eyes, mouth = turn_half(true).landmarks[:2].mean(axis=0), turn_half(true).landmarks[3]
    assert eyes[1] > mouth[1]


@pytest.mark.skipif("GROUP_PHOTO" not in os.environ, reason="needs a group photo: GROUP_PHOTO")
def test_nobody_stands_upright_in_a_photo_that_is_upside_down(search: FaceSearch) -> None:
    picture = read_picture(Path(os.environ["GROUP_PHOTO"]))
    upright = search.detect(picture)
    assert len(upright) > 1
    height, width = picture.shape[:2]
    for found in search.detect(np.ascontiguousarray(picture[::-1, ::-1])):
        assert found.landmarks[:2, 1].mean() > found.landmarks[3, 1]
        x0, y0, x1, y1 = found.box_xyxy
        back = Face((width - x1, height - y1, width - x0, height - y0), found.landmarks, 1.0)
        assert any(is_same_look(back, one) for one in upright)


def test_far_faces_are_found_when_asked(source: FacePicture) -> None:
    frame, true = scene(source, 40, 0)
    with FaceSearch(far_faces=True) as far:
        assert any(is_same_place(found, true) for found in far.detect(frame))


def test_a_stream_follows_a_moving_face(search: FaceSearch, source: FacePicture) -> None:
    follower = Follower(search)
    plain = background(np.random.default_rng(3))
    for index in range(8):
        frame = plain.copy()
        centre_xy = (400.0 + 20 * index, 300.0 + 5 * index)
        true = paste(frame, source, centre_xy=centre_xy, side_px=160, roll=2.0 * index)
        (found,) = follower.find(frame, index / 30)
        assert measure_distance(found, true) < 0.15


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 20, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((3, 900, 3), np.uint8),
        np.full((480, 640, 3), 255, np.uint8),
    ],
    ids=lambda image: f"{image.shape[1]}x{image.shape[0]}",
)
def test_empty_frame_yields_no_faces(search: FaceSearch, image: Image) -> None:
    assert search.detect(image) == ()


@given(
    width=st.integers(1, 4000), height=st.integers(1, 4000), x=st.floats(0, 1), y=st.floats(0, 1)
)
def test_a_face_as_small_as_the_overlap_lies_whole_in_a_tile(
    width: int, height: int, x: float, y: float
) -> None:
    longer = max(width, height)
    side = 0.1 * longer
    left, top = x * max(0.0, width - side), y * max(0.0, height - side)
    right, bottom = min(left + side, width), min(top + side, height)
    assert any(
        x0 - 1e-6 <= left and y0 - 1e-6 <= top and x1 + 1e-6 >= right and y1 + 1e-6 >= bottom
        for x0, y0, x1, y1 in list_tiles(width, height, 0.375 * longer, 0.1 * longer)
    )


def test_far_faces_add_glances() -> None:
    near = list_glances(1280, 720, far_faces=False)
    assert [glance.is_full_range for glance in near[:2]] == [True, False]
    assert len(list_glances(1280, 720, far_faces=True)) > 2 * len(near)


@given(x=st.floats(-50, 50), y=st.floats(-50, 50), side=st.floats(1, 500))
def test_a_view_leads_there_and_back(x: float, y: float, side: float) -> None:
    view = view_part((x, y, x + side, y + side), 128)
    points = np.array([[0.0, 0.0], [128.0, 128.0], [30.0, 90.0]])
    there = view.to_frame(points)
    np.testing.assert_allclose(there[:2], [[x, y], [x + side, y + side]], atol=1e-3)


class CountedLooks(FaceSearch):
    """A search that keeps what it was asked to look at first, and counts all looks."""

    def find_hints(self, image: Image, plan: Iterable[Glance]) -> list[Face]:
        self.plan = [*getattr(self, "plan", []), *plan]
        return super().find_hints(image, plan)


def test_tiles_inside_a_found_face_are_not_searched(source: FacePicture) -> None:
    frame, true = scene(source, 600, 0)
    with CountedLooks() as search:
        (found,) = search.detect(frame)
        skipped = set(list_glances(1280, 720, far_faces=False)) - set(search.plan)
    x0, y0, x1, y1 = found.box_xyxy
    assert is_same_place(found, true)
    assert skipped
    for view in skipped:
        left, top, right, bottom = view.box_xyxy
        assert x0 <= left <= right <= x1
        assert y0 <= top <= bottom <= y1


def test_a_blank_picture_costs_only_the_looks_at_the_whole(search: FaceSearch) -> None:
    before = search.inferences
    assert search.detect(np.full((480, 640, 3), 90, np.uint8)) == ()
    assert search.inferences - before <= 2


def test_a_face_of_low_contrast_is_not_taken_for_a_flat_view(
    search: FaceSearch, source: FacePicture
) -> None:
    frame = np.full((720, 1280, 3), 128, np.uint8)
    true = paste(frame, source, centre_xy=(640, 360), side_px=150, roll=0)
    faint = (128 + 0.1 * (frame.astype(np.float32) - 128)).astype(np.uint8)
    (found,) = search.detect(faint)
    assert is_same_place(found, true)


def test_a_clear_face_costs_few_looks(search: FaceSearch, source: FacePicture) -> None:
    frame = np.full((720, 1280, 3), 128, np.uint8)
    paste(frame, source, centre_xy=(640, 360), side_px=300, roll=0)
    hints = search.find_hints(frame, list_glances(1280, 720, far_faces=False)[:2])
    before = search.inferences
    faces = search.search(frame, (), waiting=hints).faces
    assert len(faces) == 1
    assert search.inferences - before == 2  # the other hint is of the same face


@pytest.mark.parametrize("side_px", [128, 700, 3000])
def test_halving_before_the_average_changes_a_view_by_less_than_a_grey_level(side_px: int) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (60, 60, 3)).astype(np.uint8)
    picture = np.asarray(cv2.resize(noise, (side_px, side_px)), np.uint8)
    shown = render_view(picture, view_part((0, 0, side_px, side_px), 128))
    exact = np.asarray(cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA), np.int16)
    assert np.abs(shown - exact).mean() < 1


@pytest.mark.slow
def test_patterns_are_no_faces(search: FaceSearch) -> None:
    rng = np.random.default_rng(0)
    assert [len(search.detect(background(rng))) for _ in range(10)] == [0] * 10


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_face_is_where_its_view_says(source: FacePicture, mirrored: bool) -> None:
    _, true = scene(source, 150, 25)
    here = view_face(true, 2.0, 128).face_from_frame(true, mirrored=mirrored)
    x0, y0, x1, y1 = here.box_xyxy
    assert [(x0 + x1) / 2, (y0 + y1) / 2] == pytest.approx([64, 64], abs=8)
    assert here.width_px == pytest.approx(0.82 / 2.0 * 128, rel=0.15)
    assert (here.landmarks[0, 0] > here.landmarks[1, 0]) == mirrored


def test_a_face_is_shown_upright(source: FacePicture) -> None:
    frame, true = scene(source, 150, 25)
    view = view_face(true, 1.4, 128)
    points = true.landmarks @ view.matrix[:, :2].T + view.matrix[:, 2]
    assert points[0, 1] == pytest.approx(points[1, 1], abs=6)
    assert points[3, 1] > points[0, 1] + 20
    assert render_view(frame, view).shape == (128, 128, 3)


def test_what_lies_outside_is_black() -> None:
    white = np.full((40, 40, 3), 255, np.uint8)
    shown = render_view(white, view_part((20, 20, 60, 60), 16))
    assert shown[4, 4].tolist() == [255, 255, 255]
    assert shown[12, 12].tolist() == [0, 0, 0]
    assert not render_view(white, view_part((100, 100, 140, 140), 16)).any()
