"""In a group of frames, a face is looked at in the last one, and in others where it has to be."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest

from app.detection.follower import Follower
from app.detection.networks import Glance
from app.detection.search import SearchResult
from app.types import Face, Frame, Image

RATE = 30.0


def face(x: float, y: float = 100.0, score: float = 0.9, side: float = 100.0) -> Face:
    points = np.array([(30, 40), (70, 40), (50, 60), (50, 80), (5, 50), (95, 50)]) * side / 100
    return Face((x, y, x + side, y + side), (points + (x, y)).astype(np.float32), score)


def picture(number: int) -> Image:
    """A frame that tells its number."""
    image = np.full((480, 640, 3), 90, np.uint8)
    image[0, 0] = number
    return image


def film_frame(number: int, time_s: float) -> Frame:
    return Frame(picture(number), number, time_s, "film")


class Film:
    """Shows in each frame the faces of `script`, and counts the looks at each frame."""

    max_faces: int | None = None
    far_faces = False

    def __init__(self, script: Callable[[int], Sequence[Face]]) -> None:
        self.script = script
        self.looks: list[int] = []

    def look_again(self, image: Image, before: Face) -> Face | None:
        number = int(image[0, 0, 0])
        self.looks.append(number)
        near = [
            one
            for one in self.script(number)
            if abs(one.box_xyxy[0] - before.box_xyxy[0]) < 80
            and abs(one.box_xyxy[1] - before.box_xyxy[1]) < 80
        ]
        return near[0] if near else None

    def search(
        self,
        image: Image,
        plan: Sequence[Glance],
        known: Sequence[Face],
        patterns: Sequence[Face],
        *,
        waiting: Sequence[Face] = (),
        most: int | None = None,
    ) -> SearchResult:
        places = {one.box_xyxy for one in known}
        new = [f for f in self.script(int(image[0, 0, 0])) if f.box_xyxy not in places]
        return SearchResult(new if plan else [], [])

    def is_face(self, image: Image, face: Face) -> bool:
        return False


def follow(film: Film, frames: int = 7) -> list[tuple[Face, ...]]:
    """The faces of a film: its first frame alone, then groups of three."""
    follower = Follower(film)
    found = follower.find_group([film_frame(0, 0.0)])
    for first in range(1, frames, 3):
        found += follower.find_group([film_frame(n, n / RATE) for n in range(first, first + 3)])
    return found


def lefts(found: Sequence[Sequence[Face]]) -> list[list[float]]:
    return [[round(one.box_xyxy[0], 3) for one in faces] for faces in found]


def test_a_face_at_rest_is_looked_at_in_the_last_frame_of_a_group() -> None:
    film = Film(lambda n: [face(200)])
    found = follow(film)
    assert film.looks == [3, 6]
    assert lefts(found) == [[200.0]] * 7
    assert [faces[0].seen for faces in found] == [True, False, False, True, False, False, True]
    assert {faces[0].key for faces in found} == {1}


def test_a_slow_face_lies_on_the_line_between_its_looks() -> None:
    assert lefts(follow(Film(lambda n: [face(200 + n)]))) == [[200.0 + n] for n in range(7)]


def test_a_face_that_sets_off_is_looked_at_in_every_frame_until_its_way_is_known() -> None:
    film = Film(lambda n: [face(200 + 8 * n)])
    found = follow(film)
    assert lefts(found) == [[200.0 + 8 * n] for n in range(7)]
    # In the second group it is where it was expected.
    assert film.looks == [3, 1, 2, 3, 6]


def test_a_face_that_starts_and_stops_is_where_it_is_in_every_frame() -> None:
    places = [200, 200, 200, 200, 230, 260, 290, 290, 290, 290]
    assert lefts(follow(Film(lambda n: [face(places[n])]), 10)) == [[float(x)] for x in places]


def test_a_face_that_leaves_is_seen_as_long_as_it_is_there() -> None:
    found = follow(Film(lambda n: [face(200)] if n < 5 else []))
    assert lefts(found) == [*[[200.0]] * 5, [], []]


def test_a_face_that_comes_is_traced_back_to_where_it_is_whole() -> None:
    scores = {2: 0.5, 3: 0.9, 4: 0.85, 5: 0.9, 6: 0.9}
    found = follow(Film(lambda n: [face(200, score=scores[n])] if n in scores else []))
    assert lefts(found)[:3] == [[], [], []]
    assert lefts(found)[3:] == [[200.0]] * 4
    found = follow(Film(lambda n: [face(200, score=0.9)] if n > 4 else []))
    assert lefts(found) == [*[[]] * 5, [200.0], [200.0]]
    assert found[5][0].key == found[6][0].key


def test_a_face_that_was_lost_for_a_moment_comes_back_with_its_key() -> None:
    found = follow(Film(lambda n: [face(200)] if n not in (5, 6, 7) else []), 10)
    assert lefts(found) == [*[[200.0]] * 5, [], [], [], [200.0], [200.0]]
    assert {faces[0].key for faces in found if faces} == {1}


def test_a_crowd_that_moves_costs_one_look_at_each_face() -> None:
    film = Film(lambda n: [face(120 * k + 8 * n) for k in range(5)])
    found = follow(film)
    assert film.looks == [3] * 5 + [6] * 5
    assert sorted(lefts(found)[1]) == pytest.approx([120.0 * k + 8 for k in range(5)])


def test_a_cut_begins_a_stream_anew_within_a_group() -> None:
    film = Film(lambda n: [face(200)])
    follower = Follower(film)
    follower.find_group([film_frame(0, 0.0)])
    found = follower.find_group([film_frame(1, 0.03), film_frame(2, 5.0), film_frame(3, 5.03)])
    assert lefts(found) == [[200.0]] * 3
    assert [faces[0].key for faces in found] == [1, 2, 2]


def test_a_restored_follower_finds_the_same_faces() -> None:
    def script(n: int) -> list[Face]:
        return [face(200 + 8 * n), face(420 - n)] if n != 4 else [face(420 - n)]

    whole = follow(Film(script), 13)
    follower = Follower(Film(script))
    found = follower.find_group([film_frame(0, 0.0)])
    for first in range(1, 13, 3):
        kept = follower.state()
        follower = Follower(Film(script))
        follower.restore(kept)
        found += follower.find_group([film_frame(n, n / RATE) for n in range(first, first + 3)])
    assert lefts(found) == lefts(whole)
    assert [[f.key for f in faces] for faces in found] == [[f.key for f in w] for w in whole]


class Unasked(Frame):
    """A frame whose image is never asked for."""

    @property
    def image(self) -> Image:
        raise AssertionError

    @image.setter
    def image(self, image: Image) -> None:
        """Keeps nothing."""

    @property
    def size_wh(self) -> tuple[int, int]:
        return 640, 480

    @property
    def rough_grey(self) -> Image:
        return picture(self.index)[..., 1]


def test_pictures_between_two_looks_are_not_asked_for() -> None:
    follower = Follower(Film(lambda n: [face(200)]))
    follower.find_group([film_frame(0, 0.0)])
    between = [Unasked(picture(n), n, n / RATE, "film") for n in (1, 2)]
    assert lefts(follower.find_group([*between, film_frame(3, 3 / RATE)])) == [[200.0]] * 3


def flash(number: int, time_s: float, at: set[int], box: tuple[int, int, int, int]) -> Frame:
    """A frame of a detailed picture, of which a part is another picture in the frames `at`."""
    scenes = [np.random.default_rng(seed).integers(0, 255, (12, 16, 3)) for seed in (0, 1)]
    image, other = (
        cv2.resize(one.astype(np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC)
        for one in scenes
    )
    if number in at:
        x0, y0, x1, y1 = box
        image[y0:y1, x0:x1] = other[y0:y1, x0:x1]
    image[0, 0] = number
    return Frame(image, number, time_s, "film")


@pytest.mark.parametrize(
    "box",
    [(0, 0, 640, 480), (180, 80, 320, 220)],
    ids=["another scene", "something before the face"],
)
@pytest.mark.parametrize("at", [{4}, {5}, {4, 5}])
def test_a_flash_between_two_looks_is_looked_at(
    at: set[int], box: tuple[int, int, int, int]
) -> None:
    film = Film(lambda n: [] if n in at else [face(200)])
    follower = Follower(film)
    found = follower.find_group([flash(0, 0.0, at, box)])
    for first in (1, 4, 7):
        group = [flash(n, n / RATE, at, box) for n in range(first, first + 3)]
        found += follower.find_group(group)
    assert [len(faces) for faces in found] == [int(n not in at) for n in range(10)]


def test_a_scene_that_ends_with_a_group_is_not_interpolated_into_the_next_one() -> None:
    """The person of the new scene sits where the one before sat."""
    film = Film(lambda n: [face(200)])
    follower = Follower(film)
    box = (0, 0, 640, 480)
    for first in (0, 1, 4):
        numbers = [0] if first == 0 else range(first, first + 3)
        follower.find_group([flash(n, n / RATE, set(), box) for n in numbers])
    film.looks.clear()
    follower.find_group([flash(n, n / RATE, {7, 8, 9}, box) for n in (7, 8, 9)])
    assert film.looks == [7, 8, 9]
