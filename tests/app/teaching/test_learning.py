"""A lesson keeps the model's own weights wherever they are better, and says what it gained."""

import numpy as np

from app.teaching.learning import LearnedHead, TaughtSeconds, Verdict, learn_head
from tests.support.taught import DIM, LABELS, make_seconds
from tests.support.tiny_model import tiny_contract

CONTRACT = tiny_contract(LABELS)
SURE = {0: (0.9, 0.05, 0.05), 1: (0.05, 0.9, 0.05), 2: (0.05, 0.05, 0.9)}


def verdicts(found: LearnedHead) -> dict[str, Verdict]:
    return {one.label: one.verdict for one in found.expressions}


def test_resting_face_that_looks_sad_is_learned() -> None:
    seconds = make_seconds({0: 0, 1: 1, 2: 2}, logs={**SURE, 0: (0.42, 0.48, 0.1)})
    found = learn_head(seconds, CONTRACT, 0.0)
    neutral = found.expressions[0]
    assert found.head is not None
    assert (neutral.verdict, neutral.before, neutral.after) == (Verdict.LEARNED, 0, 5)
    assert found.expressions[1].after == 5


def test_expression_that_reads_as_another_one_keeps_its_weights() -> None:
    seconds = make_seconds({0: 0, 1: 1, 2: 2}, logs={**SURE, 2: (0.98, 0.01, 0.01)})
    found = learn_head(seconds, CONTRACT, 0.0)
    assert verdicts(found)["anger"] is Verdict.READS_AS_OTHER
    assert found.expressions[2].other == "neutral"
    assert found.head is not None
    assert not found.head.weights[:, 2].any()


def test_resting_face_is_learned_whatever_it_reads_as() -> None:
    seconds = make_seconds({0: 0, 1: 1, 2: 2}, logs={**SURE, 0: (0.01, 0.98, 0.01)})
    assert verdicts(learn_head(seconds, CONTRACT, 0.0))["neutral"] is Verdict.LEARNED


def test_two_seconds_are_too_few() -> None:
    many = make_seconds({0: 0, 1: 1}, logs=SURE)
    few = make_seconds({2: 2}, logs=SURE, seconds=2)
    both = TaughtSeconds(
        *(
            np.concatenate([getattr(one, name) for one in (many, few)])
            for name in ("features", "logs", "classes", "rounds")
        )
    )
    found = learn_head(both, CONTRACT, 0.0)
    assert verdicts(found)["anger"] is Verdict.NOT_SEEN
    assert found.expressions[2].seconds == 2
    assert found.head is not None
    assert not found.head.weights[:, 2].any()


def test_expression_that_left_out_seconds_contradict_is_dropped() -> None:
    """Anger looks like neither itself nor anything else from second to second, and the head that
    the other seconds make reads it worse."""
    seconds = make_seconds({0: 0, 1: 1, 2: 2}, logs={**SURE, 0: (0.3, 0.35, 0.35)}, spread=0.0)
    features = seconds.features.copy()
    features[seconds.classes == 2] = features[0]  # the resting face
    found = learn_head(
        TaughtSeconds(features, seconds.logs, seconds.classes, seconds.rounds), CONTRACT, 0.0
    )
    assert verdicts(found)["anger"] is Verdict.NO_HELP
    assert found.head is not None
    assert not found.head.weights[:, 2].any()


def test_nothing_is_learned_from_nothing_or_from_one_expression() -> None:
    empty = TaughtSeconds(
        np.zeros((0, DIM)), np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64)
    )
    assert learn_head(empty, CONTRACT, 0.0).head is None
    alone = learn_head(make_seconds({0: 0}, logs=SURE), CONTRACT, 0.0)
    assert alone.head is None
    assert Verdict.LEARNED not in verdicts(alone).values()


def test_balance_is_part_of_the_fit_and_not_of_the_reading() -> None:
    """A rare class that reads as it should needs no correction, however rare it is."""
    shares = (0.9, 0.08, 0.02)
    rare = tiny_contract(LABELS, class_shares=shares)
    seconds = make_seconds(
        {0: 0, 1: 1, 2: 2}, logs={n: tuple(np.array(SURE[n]) * shares) for n in range(3)}
    )
    head = learn_head(seconds, rare, 0.0).head
    assert head is not None
    assert float(np.abs(head.compute_shifts(seconds.features)).max()) < 0.5


def test_resting_face_that_is_none_teaches_nothing() -> None:
    """Somebody who smiles all along."""
    smile = (0.0005, 0.999, 0.0005)
    seconds = make_seconds({0: 1, 1: 1, 2: 2}, logs={**SURE, 0: smile})
    found = learn_head(seconds, CONTRACT, 0.0)
    assert found.head is None
    assert verdicts(found)["neutral"] is Verdict.READS_AS_OTHER
    assert found.expressions[0].other == "sadness"
