"""A made person's seconds and profiles, small enough to reason about."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from app.contract import Contract
from app.teaching.head import PersonalHead
from app.teaching.learning import TaughtExpression, TaughtSeconds, Verdict
from app.teaching.profile import FaceProfile
from app.teaching.resting_sketch import make_sketch

LABELS = ("neutral", "sadness", "anger")
DIM = 6


def make_seconds(
    shown: dict[int, int],
    *,
    logs: Mapping[int, Sequence[float]],
    seconds: int = 5,
    spread: float = 0.1,
) -> TaughtSeconds:
    """Seconds of a lesson: for each class that is asked for, the feature that stands out and the
    probabilities that the network gives."""
    random = np.random.default_rng(3)
    features, rows, classes, rounds = [], [], [], []
    for asked, feature in shown.items():
        for number in range(seconds):
            row = np.zeros(DIM)
            row[feature] = 3.0
            features.append(row + spread * random.standard_normal(DIM))
            rows.append(np.log(logs[asked]))
            classes.append(asked)
            rounds.append(number)
    return TaughtSeconds(
        np.array(features), np.array(rows), np.array(classes, np.int64), np.array(rounds, np.int64)
    )


def make_profile(
    model_sha256: str = "0" * 64,
    *,
    labels: tuple[str, ...] = LABELS,
    weights: np.ndarray | None = None,
    offsets: tuple[float, ...] | None = None,
    resting: np.ndarray | None = None,
    place: tuple[float, float, float] = (0.5, 0.5, 0.25),
) -> FaceProfile:
    """A profile whose correction adds `offsets` nats, and whose resting face has the features
    `resting`; None: it has no sketch."""
    k = len(labels)
    weights = np.zeros((DIM, k)) if weights is None else weights
    return FaceProfile(
        "ann",
        model_sha256,
        labels,
        PersonalHead(weights, np.array(offsets or (0.0,) * k)),
        None if resting is None else make_sketch(resting),
        place,
        tuple(TaughtExpression(label, Verdict.LEARNED, 5, 3, 5) for label in labels),
    )


class Described(Protocol):
    """A model, as far as a profile is made for it."""

    @property
    def sha256(self) -> str: ...

    @property
    def contract(self) -> Contract: ...


def make_real_profile(model: Described, **nats: float) -> FaceProfile:
    """A profile for a shipped model, which adds `nats` to the labels that they name."""
    labels, facts = model.contract.labels, model.contract.embedding
    assert facts is not None
    offsets = np.array([nats.get(label, 0.0) for label in labels])
    head = PersonalHead(np.zeros((facts.dim, len(labels))), offsets)
    return FaceProfile("ann", model.sha256, labels, head, None, (0.5, 0.5, 0.2), ())
