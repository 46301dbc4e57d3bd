"""Known faces are looked at where they were; the rest of the frame is gone through in time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.detection.follower import Follower
from app.detection.networks import Glance, list_glances
from app.detection.pace import FILE_PACE, LIVE_PACE, Pace
from app.detection.search import SearchResult
from app.detection.view_schedule import ViewSchedule
from app.privacy.face_ledger import LOOK_BACK_S
from app.process.stage_clock import StageClock
from app.tracking.tracker import Tracker
from app.types import Face, Image

FRAME = np.zeros((720, 1280, 3), np.uint8)
ROUND = len(list_glances(1280, 720, far_faces=False))


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
        self.confirmed: list[int] = []
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
        *,
        waiting: Sequence[Face] = (),
        most: int | None = None,
    ) -> SearchResult:
        self.glances.append(len(plan))
        whole = any(glance.is_full_range for glance in plan)
        places = {one.box_xyxy for one in known}
        self.patterns = list(patterns)
        self.searches_without_patterns += not patterns
        new = [f for f in (*waiting, *self.faces) if f.box_xyxy not in places]
        new = [f for f in new if whole or f in waiting]
        self.confirmed.append(len(new[:most]))
        return SearchResult(
            new[:most], [] if patterns else self.refused, new[most:] if most else []
        )

    def look_again(self, image: Image, before: Face) -> Face | None:
        self.looks += 1
        near = [f for f in self.faces if abs(f.box_xyxy[0] - before.box_xyxy[0]) < 60]
        return near[0] if near else None

    def is_face(self, image: Image, face: Face) -> bool:
        self.asked += 1
        return self.sure


@pytest.mark.parametrize(("pace", "glances"), [(FILE_PACE, ROUND), (LIVE_PACE, 3)])
def test_the_first_frame_of_a_file_is_searched_whole(pace: Pace, glances: int) -> None:
    scene = Scene(face(100))
    assert len(Follower(scene, pace=pace).find(FRAME, 0.0)) == 1
    assert (scene.glances, scene.looks) == ([glances], 0)


def test_all_of_a_crowd_are_in_the_first_frame_of_a_file() -> None:
    scene = crowd(60)
    assert len(Follower(scene).find(FRAME, 0.0)) == 60


@pytest.mark.parametrize("fps", [1, 8, 30])
def test_a_crowd_before_a_camera_comes_in_by_four_a_frame(fps: int) -> None:
    scene = crowd(60)
    follower = Follower(scene, pace=LIVE_PACE)
    counts = [len(follower.find(FRAME, frame / fps)) for frame in range(15)]
    assert scene.confirmed[: 3 * fps] == [4] * min(15, 3 * fps)
    if fps > 1:  # at one a second the later ones have moved before it is their turn
        assert counts == [4 * frame for frame in range(1, 16)]


def test_where_blurring_depends_on_it_a_cameras_frame_is_searched_whole() -> None:
    scene = crowd(60)
    assert len(Follower(scene, pace=replace(LIVE_PACE, is_thorough=True)).find(FRAME, 0.0)) == 60


class SlowMachine:
    """Shows frames to a follower as a camera does: the newest, as soon as the one before is done.
    Each view, each look and each face looked at from near take their time."""

    def __init__(self, scene: Scene, base_s: float) -> None:
        self.scene, self.base_s, self.now_s = scene, base_s, 0.0
        self.follower, self.clock, self.tracker = (
            Follower(scene, pace=LIVE_PACE),
            StageClock(),
            Tracker(),
        )
        self.ids: set[int] = set()

    def frame(self) -> float:
        """The seconds that the next frame takes."""
        scene = self.scene
        scene.glances, scene.looks, scene.confirmed = [], 0, []
        stage_s = self.clock.advance(self.now_s)
        faces = self.follower.find(FRAME, stage_s)
        rows = np.full((len(faces), 2), 0.5, np.float32)
        self.ids |= set(self.tracker.update(faces, rows, stage_s).face_ids)
        took_s = self.base_s * (
            1 + 0.1 * sum(scene.glances) + 0.1 * scene.looks + sum(scene.confirmed)
        )
        self.now_s += took_s
        return took_s


@pytest.mark.parametrize("base_s", [0.02, 0.3, 0.9, 1.1, 3.0, 9.0])
@pytest.mark.parametrize("people", [1, 4])
def test_a_slower_machine_does_no_more_a_frame_and_keeps_everybody(
    base_s: float, people: int
) -> None:
    machine = SlowMachine(crowd(people), base_s)
    took = [machine.frame() / base_s for _ in range(40)]
    assert max(took) <= 5.601
    assert max(took[1:]) <= 1.601  # three views, three looks, nobody new: no spiral
    assert len(machine.ids) == people


def test_a_slow_machine_finds_who_comes_in() -> None:
    machine = SlowMachine(Scene(face(100)), 2.0)
    machine.frame()
    machine.scene.faces.append(face(600))
    for _ in range(2 * ROUND):
        machine.frame()
    assert machine.ids == {1, 2}


def test_a_known_face_costs_one_look_and_a_share_of_a_search() -> None:
    scene = Scene(face(100))
    follower = Follower(scene, search_s=1.0)
    for frame in range(121):
        scene.faces = [face(100 + 3 * frame)]
        assert len(follower.find(FRAME, frame / 30)) == 1
    assert scene.looks == 120
    assert (scene.glances[0], max(scene.glances[1:])) == (ROUND, 1)
    # After 3 s the views are due again, one a frame at most.
    assert sum(scene.glances[1:]) == pytest.approx(ROUND, abs=2)


def test_where_all_changes_a_round_takes_its_time() -> None:
    scene = Scene(face(100))
    follower = Follower(scene, search_s=1.0)
    for frame in range(61):
        follower.find(np.full_like(FRAME, 90 * (frame % 3)), frame / 30)
    assert max(scene.glances[1:]) == 1
    assert sum(scene.glances[1:]) == pytest.approx(1.5 * ROUND, abs=2)  # from half a round on


def test_where_nothing_changes_a_round_takes_three_times_as_long() -> None:
    scene = Scene(face(100))
    follower = Follower(scene, search_s=1.0)
    for frame in range(601):
        follower.find(FRAME, frame / 30)
    assert sum(scene.glances) == pytest.approx(7 * ROUND, abs=1)  # at 0, 3, .. 18 s


def test_more_frames_a_second_do_not_mean_more_glances() -> None:
    glanced = []
    for fps in (30, 120):
        scene = Scene(face(100))
        follower = Follower(scene, search_s=1.0)
        for frame in range(4 * fps):
            follower.find(np.full_like(FRAME, 90 * (frame % 3)), frame / fps)
        glanced.append(sum(scene.glances))
    assert glanced[1] == pytest.approx(glanced[0], abs=2)


@pytest.mark.parametrize("fps", [2, 5, 25, 60])
def test_a_thorough_search_takes_each_view_as_often_as_a_blur_looks_back(fps: int) -> None:
    scene = Scene(face(100))
    follower = Follower(scene, pace=Pace(is_thorough=True))
    seen_s = dict.fromkeys(list_glances(1280, 720, far_faces=False), 0.0)
    search = scene.search

    def watched(
        image: Image, plan: Sequence[Glance], *rest: Sequence[Face], **more: Any
    ) -> SearchResult:
        for glance in plan:
            seen_s[glance] = now_s
        return search(image, plan, *rest, **more)

    scene.search = watched  # type: ignore[assignment]
    for frame in range(6 * fps):
        now_s = frame / fps
        flickering = FRAME.copy()
        flickering[:, 640:] = 200 * (frame % 2)
        follower.find(flickering, now_s)
        # What appears right after a look is found at the next one, at the latest a frame before.
        assert all(now_s - last_s <= LOOK_BACK_S - 0.5 / fps for last_s in seen_s.values()) or (
            now_s < LOOK_BACK_S
        )


@pytest.mark.parametrize(("fps", "looks"), [(30, 30), (60, 30), (100, 34), (25, 25)])
def test_a_cameras_faces_rest_between_fast_frames(fps: int, looks: int) -> None:
    scene = Scene(face(100))
    follower = Follower(scene, pace=Pace(rest_s=0.025))
    for frame in range(fps + 1):
        (found,) = follower.find(FRAME, frame / fps)
        assert found.box_xyxy[0] == pytest.approx(100)
    assert scene.looks == pytest.approx(looks, abs=1)


def test_a_slow_machine_is_not_held_up_further() -> None:
    scene = Scene()
    follower = Follower(scene, pace=LIVE_PACE)
    for frame in range(5):
        follower.find(FRAME, frame / 4)
    assert scene.glances == [3] * 5


def test_frames_far_apart_are_each_searched_whole() -> None:
    scene = Scene()
    follower = Follower(scene)
    for second in range(0, 10, 2):
        follower.find(FRAME, second)
    assert scene.glances == [ROUND] * 5


def test_a_new_face_is_found_within_a_round() -> None:
    scene = Scene(face(100))
    follower = Follower(scene, search_s=1.0)
    follower.find(FRAME, 0.0)
    scene.faces.append(face(600))
    entered = FRAME.copy()
    entered[:100, 600:700] = 200
    counts = [len(follower.find(entered, frame / 30)) for frame in range(1, 32)]
    assert counts[-1] == 2


def test_a_face_that_nothing_announces_is_found_in_time() -> None:
    scene = Scene(face(100))
    follower = Follower(scene, search_s=1.0)
    follower.find(FRAME, 0.0)
    scene.faces.append(face(600))
    counts = [len(follower.find(FRAME, frame / 30)) for frame in range(1, 100)]
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
    scene.search = lambda *_, **__: SearchResult([], [])  # type: ignore[method-assign]
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
    assert scene.glances == [ROUND] * 3
    assert scene.looks == 0


def test_empty_frame_yields_no_faces() -> None:
    assert Follower(Scene(face(1))).find(FRAME[:0], 0.0) == ()


def test_a_negative_time_is_refused() -> None:
    with pytest.raises(ValueError, match="seconds"):
        Follower(Scene(), search_s=-1)
    with pytest.raises(ValueError, match="seconds"):
        Pace(rest_s=-1)
    with pytest.raises(ValueError, match="seconds"):
        Pace(most_step_s=0)


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


@pytest.mark.parametrize(("people", "looks"), [(2, 2), (9, 3), (20, 4)])
def test_a_cameras_crowd_is_looked_at_less_often_where_frames_are_late(
    people: int, looks: int
) -> None:
    scene = crowd(people)
    follower = Follower(scene, pace=LIVE_PACE)
    for frame in range(5):
        follower.find(FRAME, frame / 8)  # until everybody is known
    scene.looks = 0
    for frame in range(5, 35):
        assert len(follower.find(FRAME, frame / 8)) == people
    assert scene.looks == 30 * looks


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


def test_a_face_keeps_its_key_while_it_is_followed() -> None:
    scene = crowd(6)
    follower = Follower(scene)
    keys: dict[int, set[int | None]] = {}
    for frame in range(30):
        scene.faces = [face(100.0 + 200 * i + 3 * frame) for i in range(6)]
        for one in follower.find(FRAME, frame / 30):
            keys.setdefault(round((one.box_xyxy[0] - 100 - 3 * frame) / 200), set()).add(one.key)
    assert sorted(keys) == [0, 1, 2, 3, 4, 5]
    assert set.union(*keys.values()) == {1, 2, 3, 4, 5, 6}
    assert all(len(own) == 1 for own in keys.values())


def test_no_key_is_given_twice() -> None:
    follower = Follower(crowd(2))
    assert {one.key for one in follower.find(FRAME, 5.0)} == {1, 2}
    assert {one.key for one in follower.find(FRAME, 1.0)} == {3, 4}  # time ran backwards
    again = Follower(crowd(2))
    again.restore(follower.state())
    assert {one.key for one in again.find(FRAME, 1.1)} == {3, 4}
    again.reset()
    assert {one.key for one in again.find(FRAME, 1.2)} == {5, 6}


def test_a_state_from_before_faces_had_keys_is_taken_up() -> None:
    follower = Follower(crowd(2))
    follower.find(FRAME, 0.0)
    state = follower.state()
    del state["next_key"]
    for one in state["known"]:
        del one["face"]["key"]
    again = Follower(crowd(2))
    again.restore(state)
    assert {one.key for one in again.find(FRAME, 0.1)} == {1, 2}


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


PLAN = list(list_glances(1280, 720, far_faces=False))


def rounds_taken() -> ViewSchedule:
    """All views were taken at 0 s, of a black frame."""
    rounds = ViewSchedule()
    assert rounds.choose_views(FRAME, PLAN, ROUND, time_s=0, round_s=1, known=()) == PLAN
    return rounds


def test_the_search_begins_where_something_changed() -> None:
    rounds = rounds_taken()
    changed = FRAME.copy()
    changed[-100:, -100:] = 200
    taken = rounds.choose_views(changed, PLAN, ROUND, time_s=0.6, round_s=1, known=())
    assert taken == [*PLAN[:2], PLAN[-1]]
    assert rounds.choose_views(changed, PLAN, ROUND, time_s=1.2, round_s=1, known=()) == []
    # After three rounds those are due that were not looked at since.
    later = rounds.choose_views(changed, PLAN, ROUND, time_s=3, round_s=1, known=())
    assert later == PLAN[2:-1]


def test_what_changes_all_the_time_lets_others_have_their_turn() -> None:
    rounds = rounds_taken()
    seen = []
    for frame in range(1, 120):
        flickering = FRAME.copy()
        flickering[:, 640:] = 200 * (frame % 2)
        seen += rounds.choose_views(flickering, PLAN, 1, time_s=frame / 10, round_s=1, known=())
    assert set(seen) == set(PLAN)


def test_noise_is_no_change() -> None:
    rounds = rounds_taken()
    noise = np.random.default_rng(0).normal(0, 4, FRAME.shape).clip(0, 255).astype(np.uint8)
    assert rounds.choose_views(noise, PLAN, ROUND, time_s=1, round_s=1, known=()) == []


def test_change_of_a_known_face_is_no_news() -> None:
    rounds = rounds_taken()
    changed = FRAME.copy()
    changed[:100, 600:700] = 200
    news = rounds.choose_views(changed, PLAN, 0, time_s=1, round_s=1, known=())
    assert news == []
    assert rounds.choose_views(changed, PLAN, 9, time_s=1, round_s=1, known=[face(600)]) == []
    assert rounds.choose_views(changed, PLAN, 1, time_s=1, round_s=1, known=()) == PLAN[:1]


@pytest.mark.parametrize(("width_px", "is_news"), [(50, False), (100, True)])
def test_change_beside_a_known_face_is_news_where_another_face_has_room(
    width_px: int, is_news: bool
) -> None:
    rounds = rounds_taken()
    changed = FRAME.copy()
    changed[:100, 700 : 700 + width_px] = 200  # to the right of a face of 100 px
    news = rounds.choose_views(changed, PLAN, 9, time_s=1, round_s=1, known=[face(600)])
    assert bool(news) == is_news


def test_in_a_hurry_all_take_their_turns_whatever_changes() -> None:
    rounds = ViewSchedule()
    taken = []
    for frame in range(2 * ROUND):
        flickering = np.full_like(FRAME, 90 * (frame % 2))
        taken += rounds.choose_views(flickering, PLAN, 1, time_s=frame / 30, round_s=0, known=())
    assert taken == [*PLAN, *PLAN]
