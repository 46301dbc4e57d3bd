"""Made people vary as the data do, and each keeps an own offset through lesson and test."""

import numpy as np
import pytest

from app.errors import DataError
from tools.made_people import POSES, SECONDS, Group, PeopleMaker
from tools.measure_teaching import check_labels

LABELS = ("neutral", "sadness", "anger")
DIM, COUNT = 8, 600


@pytest.fixture(scope="module")
def maker() -> PeopleMaker:
    random = np.random.default_rng(1)
    classes = np.arange(COUNT) % 3
    features = random.standard_normal((COUNT, DIM)) + 4 * np.eye(3, DIM)[classes]
    logs = features @ random.standard_normal((DIM, 3))
    shares = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    return PeopleMaker(features, shares, classes, np.full(DIM, -9.0), LABELS, 0)


def test_lesson_and_test_hold_every_expression(maker: PeopleMaker) -> None:
    taught, tested = maker.make_person(Group("plain", 0.3))
    assert taught.features.shape == (3 * SECONDS, DIM)
    assert taught.rounds.tolist() == [*range(SECONDS)] * 3
    assert np.bincount(tested.classes).tolist() == [30, 30, 30]
    assert taught.wrong == frozenset()


def test_person_keeps_an_offset_and_the_variance_is_that_of_the_data(maker: PeopleMaker) -> None:
    group = Group("own", 0.6)
    people = [maker.make_person(group)[1] for _ in range(200)]
    rest = np.stack([one.features[one.classes == 0] for one in people])  # (people, faces, d)
    assert float(rest.reshape(-1, DIM).var(axis=0).mean()) == pytest.approx(1.0, abs=0.15)
    assert float(rest.mean(axis=1).var(axis=0).mean()) == pytest.approx(0.6, abs=0.15)


def test_expressions_shown_wrongly_lie_elsewhere(maker: PeopleMaker) -> None:
    far = {True: [], False: []}  # type: dict[bool, list[float]]
    for _ in range(50):
        taught, tested = maker.make_person(Group("wrong", 0.0, wrong=1))
        assert len(taught.wrong) == 1
        for one in (1, 2):
            shown = taught.features[taught.classes == one].mean(axis=0)
            meant = tested.features[tested.classes == one].mean(axis=0)
            far[one in taught.wrong].append(float(np.linalg.norm(shown - meant)))
    assert np.mean(far[True]) > 1.5 * np.mean(far[False])
    assert POSES < SECONDS


def test_sad_people_are_moved_towards_sadness(maker: PeopleMaker) -> None:
    sad = [maker.make_person(Group("sad", 0.0, sad=0.5))[1] for _ in range(20)]
    mean = np.mean([one.features[one.classes == 0].mean(axis=0) for one in sad], axis=0)
    assert mean[:2] == pytest.approx([2.0, 2.0], abs=0.5)


def test_class_with_too_few_faces_is_said() -> None:
    classes = np.array([0] * 9 + [1] * 9 + [2] * POSES)
    features = np.random.default_rng(0).standard_normal((len(classes), DIM))
    shares = np.full((len(classes), 3), 1 / 3)
    with pytest.raises(DataError, match=f"{POSES} faces of anger .* needs {POSES + 1}"):
        PeopleMaker(features, shares, classes, np.zeros(DIM), LABELS, 0)


@pytest.mark.parametrize(
    ("labels", "known", "message"),
    [
        (("happy",), ("neutral", "happy"), "The data has happy; the model knows neutral, happy"),
        (("neutral", "sadness"), ("sadness", "neutral"), "two more labels"),
        (("a", "b", "c", "d"), ("a", "b", "c", "d"), "with neutral, sadness"),
    ],
)
def test_people_are_made_only_for_models_that_know_what_they_show(
    labels: tuple[str, ...], known: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        check_labels(labels, known)
    check_labels((*LABELS, "fear"), ("fear", *LABELS))
