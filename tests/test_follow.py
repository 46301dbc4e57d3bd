"""Known faces are looked at where they were; the rest of the frame is gone through in time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from app.follow import Follower
from app.looks import Glance, glances
from app.rounds import Rounds
from app.search import Found
from app.types import Face, Image

FRAME = np.zeros((720, 1280, 3), np.uint8)
ROUND = len(glances(1280, 720, far_faces=False))


def face(x: float, side: float = 100.0, score: float = 0.9) -> Face:
    points = np.array([(x, 50), (x + 30, 50), (x + 15, 70), (x + 15, 90), (x, 60), (x + 40, 60)])
    return Face((x, 0.0, x + side, side), points.astype(np.float32), score)


class Scene:
    """Faces that are there, found by a search whose plan holds the whole frame."""

    max_faces: int | None = None
    far_faces = False

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)
        self.glances: list[int] = []
        self.looks = 0
        self.refused: list[Face] = []
        self.patterns: list[Face] = []
        self.searches_without_patterns = 0
        self.asked = 0
        self.sure = False

    def search(
        self,
        image: Image,
        plan: Sequence[Glance],
        known: Sequence[Face],
        patterns: Sequence[Face],
    ) -> Found:
        self.glances.append(len(plan))
        whole = any(glance.full_range for glance in plan)
        places = {one.box_xyxy for one in known}
        self.patterns = list(patterns)
        self.searches_without_patterns += not patterns
        new = [f for f in self.faces if whole and f.box_xyxy not in places]
        return Found(new, [] if patterns else self.refused)

    def look_again(self, image: Image, before: Face) -> Face | None:
        self.looks += 1
        near = [f for f in self.faces if abs(f.box_xyxy[0] - before.box_xyxy[0]) < 60]
        return near[0] if near else None

    def is_face(self, image: Image, face: Face) -> bool:
        self.asked += 1
        return self.sure


def test_the_first_frame_is_looked_at_as_a_whole() -> None:
    scene = Scene(face(100))
    assert len(Follower(scene).find(FRAME, 0.0)) == 1
    assert (scene.glances, scene.looks) == ([3], 0)


def test_a_known_face_costs_one_look_and_a_share_of_a_search() -> None:
    scene = Scene(face(100))
    follower = Follower(scene, search_s=1.0)
    for frame in range(61):
        scene.faces = [face(100 + 3 * frame)]
        assert len(follower.find(FRAME, frame / 30)) == 1
    assert scene.looks == 60
    assert (scene.glances[0], max(scene.glances[1:])) == (3, 1)
    assert sum(scene.glances[1:]) == pytest.approx(2 * ROUND, abs=1)


def test_a_slow_machine_is_not_held_up_further() -> None:
    scene = Scene()
    follower = Follower(scene)
    for frame in range(5):
        follower.find(FRAME, frame / 4)
    assert scene.glances == [3] * 5


def test_frames_far_apart_are_each_searched_whole() -> None:
    scene = Scene()
    follower = Follower(scene)
    for second in range(0, 10, 2):
        follower.find(FRAME, second)
    assert scene.glances == [3, ROUND, ROUND, ROUND, ROUND]


def test_a_new_face_is_found_within_a_round() -> None:
    scene = Scene(face(100))
    follower = Follower(scene, search_s=1.0)
    follower.find(FRAME, 0.0)
    scene.faces.append(face(600))
    counts = [len(follower.find(FRAME, frame / 30)) for frame in range(1, 32)]
    assert counts[-1] == 2


def test_a_lost_face_is_searched_for_at_once() -> None:
    scene = Scene(face(100))
    follower = Follower(scene, search_s=1.0)
    for frame in range(10):
        follower.find(FRAME, frame / 30)
    scene.faces = [face(900)]  # it jumped: a cut
    counts = [len(follower.find(FRAME, frame / 30)) for frame in range(10, 14)]
    assert counts[-1] == 1


def test_a_doubtful_face_is_not_kept() -> None:
    scene = Scene(face(100))
    follower = Follower(scene)
    follower.find(FRAME, 0.0)
    scene.faces = [replace(face(100), score=0.35)]
    scene.search = lambda image, plan, known, patterns: Found([], [])  # type: ignore[method-assign]
    counts = [len(follower.find(FRAME, frame / 30)) for frame in range(1, 61)]
    assert counts[0] == 1
    assert counts[-1] == 0


def test_a_face_of_low_scores_is_kept_where_the_check_knows_it() -> None:
    scene = Scene(replace(face(100), score=0.35))
    scene.sure = True
    follower = Follower(scene)
    for frame in range(60):
        assert len(follower.find(FRAME, frame / 30)) == 1
    assert 1 <= scene.asked <= 6  # not in every frame


def test_reset_and_time_running_backwards_forget_everybody() -> None:
    scene = Scene(face(100))
    follower = Follower(scene)
    follower.find(FRAME, 5.0)
    follower.find(FRAME, 1.0)
    follower.reset()
    follower.find(FRAME, 1.1)
    assert scene.glances == [3] * 3
    assert scene.looks == 0


def test_empty_frame_yields_no_faces() -> None:
    assert Follower(Scene(face(1))).find(FRAME[:0], 0.0) == ()


def test_a_negative_time_is_refused() -> None:
    with pytest.raises(ValueError, match="seconds"):
        Follower(Scene(), search_s=-1)


def crowd(count: int) -> Scene:
    return Scene(*(face(100.0 + 200 * i) for i in range(count)))


@pytest.mark.parametrize(
    ("people", "fps", "looks"), [(3, 30, 3), (10, 30, 4), (20, 30, 7), (9, 10, 9)]
)
def test_many_faces_are_looked_at_in_turns(people: int, fps: int, looks: int) -> None:
    scene = crowd(people)
    follower = Follower(scene)
    follower.find(FRAME, 0.0)
    seen_s = dict.fromkeys(range(people), 0.0)
    for frame in range(1, 40):
        before = scene.looks
        found = follower.find(FRAME, frame / fps)
        assert len(found) == people
        assert scene.looks - before == looks
        for one in found:
            number = round((one.box_xyxy[0] - 100) / 200)
            if one.seen:
                seen_s[number] = frame / fps
            assert frame / fps - seen_s[number] <= 0.1 + 1e-6


def test_a_face_whose_turn_it_is_not_is_moved_on() -> None:
    scene = crowd(6)
    follower = Follower(scene)
    for frame in range(30):
        scene.faces = [face(100.0 + 200 * i + 3 * frame) for i in range(6)]
        found = follower.find(FRAME, frame / 30)
    assert {one.seen for one in found} == {True, False}
    for one in found:
        assert (one.box_xyxy[0] - 100 - 3 * 29) % 200 == pytest.approx(0, abs=0.1)
        assert one.landmarks[0, 0] == pytest.approx(one.box_xyxy[0], abs=0.1)


def test_a_refused_pattern_is_looked_at_again_when_its_place_changes() -> None:
    scene = Scene(face(100))
    scene.refused = [face(600)]
    follower = Follower(scene, search_s=0)
    follower.find(FRAME, 0.0)
    follower.find(FRAME, 0.1)
    assert scene.patterns == scene.refused
    follower.find(np.full_like(FRAME, 90), 0.2)
    assert scene.patterns == []
    follower.find(np.full_like(FRAME, 90), 0.3)
    assert scene.patterns == scene.refused
    for frame in range(4, 40):
        follower.find(np.full_like(FRAME, 90), frame / 10)
        assert scene.patterns in ([], scene.refused)
    assert scene.searches_without_patterns >= 3


def test_the_search_begins_where_something_changed() -> None:
    plan = list(glances(1280, 720, far_faces=False))
    rounds = Rounds()
    assert rounds.take(FRAME, plan, ROUND, known=(), in_order=False) == plan
    changed = FRAME.copy()
    changed[-100:, -100:] = 200
    taken = rounds.take(changed, plan, ROUND, known=(), in_order=False)
    assert taken[0] == plan[-1]
    assert sorted(taken, key=plan.index) == plan
    assert rounds.take(FRAME, plan, ROUND, known=(), in_order=True) == plan


def test_change_of_a_known_face_is_no_news() -> None:
    plan = list(glances(1280, 720, far_faces=False))
    rounds = Rounds()
    rounds.take(FRAME, plan, ROUND, known=(), in_order=False)
    changed = FRAME.copy()
    changed[:100, 600:700] = 200
    assert rounds.take(changed, plan, 1, known=[face(600)], in_order=False) == plan[:1]
    assert rounds.take(changed, plan, 0, known=(), in_order=False) == []
