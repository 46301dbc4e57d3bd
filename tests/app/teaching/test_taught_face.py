"""A profile corrects the face that it belongs to and no other, and lets go of a stranger."""

import numpy as np

from app.contract import EmbeddingFacts
from app.teaching.profile import FaceProfile
from app.teaching.taught_face import CHECK_S, TaughtFace
from app.types import Face, Floats
from tests.support.faces import make_face
from tests.support.taught import DIM, LABELS, make_profile

FACTS = EmbeddingFacts(mean=(0.0,) * DIM, std=(1.0,) * DIM)
WIDTH_PX = 640
AT_HOME = make_face(280, 280, 80)  # the middle of the picture
ELSEWHERE = make_face(20, 280, 80)
RESTING = np.array([2.0, -1.0, 0.5, 1.0, 0.0, -2.0])
SAD = (0.4, 0.5, 0.1)


def person(profile: FaceProfile | None) -> TaughtFace:
    return TaughtFace(LABELS, FACTS, profile)


def correct(
    taught: TaughtFace,
    time_s: float,
    people: dict[int, Face],
    *,
    features: np.ndarray = RESTING,
    row: tuple[float, ...] = SAD,
) -> dict[int, int]:
    """The likeliest class of each person after a frame."""
    rows = np.array([row] * len(people), np.float32)
    embeddings: Floats = np.array([features] * len(people), np.float32)
    found = taught.correct(
        list(people),
        rows,
        faces=list(people.values()),
        embeddings=embeddings,
        width_px=WIDTH_PX,
        time_s=time_s,
    )
    return dict(zip(people, found.argmax(axis=1).tolist(), strict=True))


NEUTRAL_UP = (0.5, 0.0, 0.0)


def test_only_face_gets_the_profile_wherever_it_is() -> None:
    taught = person(make_profile(offsets=NEUTRAL_UP))
    assert correct(taught, 0.0, {4: ELSEWHERE}) == {4: 0}
    assert taught.corrected_id == 4


def test_without_a_profile_nothing_changes() -> None:
    assert correct(person(None), 0.0, {1: AT_HOME}) == {1: 1}


def test_of_several_faces_the_one_in_the_taught_place_gets_it() -> None:
    taught = person(make_profile(offsets=NEUTRAL_UP))
    assert correct(taught, 0.0, {1: ELSEWHERE, 2: AT_HOME}) == {1: 1, 2: 0}


def test_of_several_faces_none_gets_it_where_nobody_sits_in_the_place() -> None:
    taught = person(make_profile(offsets=NEUTRAL_UP))
    assert correct(taught, 0.0, {1: ELSEWHERE, 2: make_face(500, 20, 80)}) == {1: 1, 2: 1}
    assert taught.corrected_id is None


def test_profile_stays_with_its_person_who_walks() -> None:
    taught = person(make_profile(offsets=NEUTRAL_UP))
    correct(taught, 0.0, {1: AT_HOME, 2: ELSEWHERE})
    assert correct(taught, 0.1, {1: ELSEWHERE, 2: AT_HOME}) == {1: 0, 2: 1}


def test_person_who_is_hidden_for_a_moment_keeps_it_and_who_is_gone_does_not() -> None:
    taught = person(make_profile(offsets=NEUTRAL_UP))
    correct(taught, 0.0, {1: AT_HOME, 2: ELSEWHERE})
    assert correct(taught, 1.0, {2: ELSEWHERE}) == {2: 1}
    assert correct(taught, 1.2, {1: AT_HOME, 2: ELSEWHERE}) == {1: 0, 2: 1}
    assert correct(taught, 3.0, {2: ELSEWHERE, 3: AT_HOME}) == {2: 1, 3: 0}


def hold(taught: TaughtFace, features: np.ndarray, seconds: float = CHECK_S + 1) -> dict[int, int]:
    found: dict[int, int] = {}
    for step in range(round(10 * seconds)):
        found = correct(taught, step / 10, {1: AT_HOME}, features=features, row=(0.7, 0.2, 0.1))
    return found


def test_stranger_at_rest_loses_the_profile_with_a_line() -> None:
    taught = person(make_profile(offsets=(0.0, 2.0, 0.0), resting=RESTING))
    hold(taught, -RESTING)  # sad by the correction: not at rest, so never compared
    assert taught.face_id == 1
    assert taught.take_news() == []
    taught = person(make_profile(offsets=NEUTRAL_UP, resting=RESTING))
    hold(taught, -RESTING)
    assert taught.face_id is None
    assert taught.corrected_id is None
    assert taught.take_news() == [
        "The profile ann is not used for face 1: its resting face is not the one that was taught."
    ]
    assert taught.take_news() == []
    correct(taught, 9.0, {1: AT_HOME})
    assert taught.face_id is None  # not tried again on the same person
    correct(taught, 12.0, {2: AT_HOME})
    assert taught.face_id == 2


def test_taught_person_at_rest_keeps_it() -> None:
    taught = person(make_profile(offsets=NEUTRAL_UP, resting=RESTING))
    assert hold(taught, RESTING + 0.1, 10.0) == {1: 0}
    assert (taught.face_id, taught.take_news()) == (1, [])


def test_profile_without_a_resting_face_is_not_checked() -> None:
    taught = person(make_profile(offsets=NEUTRAL_UP))
    hold(taught, -RESTING)
    assert taught.face_id == 1


def test_state_goes_on_where_it_was() -> None:
    one = person(make_profile(offsets=NEUTRAL_UP, resting=RESTING))
    other = person(make_profile(offsets=NEUTRAL_UP, resting=RESTING))
    people = {1: AT_HOME, 2: ELSEWHERE}
    for step in range(15):
        correct(one, step / 10, people, row=(0.7, 0.2, 0.1), features=-RESTING)
    other.restore(one.state())
    for step in range(15, 40):
        first = correct(one, step / 10, people, row=(0.7, 0.2, 0.1), features=-RESTING)
        assert correct(other, step / 10, people, row=(0.7, 0.2, 0.1), features=-RESTING) == first
        assert other.state() == one.state()
    assert one.take_news() == other.take_news() != []


def test_reset_forgets_the_people_and_keeps_the_profile() -> None:
    taught = person(make_profile(offsets=NEUTRAL_UP))
    correct(taught, 5.0, {1: AT_HOME})
    taught.reset()
    assert taught.face_id is None
    assert correct(taught, 0.0, {2: AT_HOME}) == {2: 0}
