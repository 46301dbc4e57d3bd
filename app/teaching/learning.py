"""Learns a person's correction from taught seconds, and judges by cross-validation what it gained.

The seconds are left out in turn: the second second of every expression together, and so on. Single
frames would not do, because neighbouring frames are near copies of each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from app.contract import Contract
from app.teaching.head import (
    SECOND_WEIGHT,
    PersonalHead,
    compute_balance,
    fit_head,
    normalise_logs,
)
from app.tracking.resting_face import NEUTRAL

MIN_SECONDS = 3  # of an expression; fewer cannot be left out in turn
# An expression that reads as another one by more than this is not learned. Of those that made
# people show wrongly, 85 of 100 are beyond it, and 3 of 100 of the others
# (`python -m tools.measure_teaching`).
MAX_DEFICIT_NATS = 3.0
# Everybody has a resting face, and some look sad. One that reads as something else by more than
# this was none: the lesson is then of no use, because everything is compared with it.
MAX_RESTING_DEFICIT_NATS = 6.0
MAX_LOSS_NATS = 0.01  # by which left-out seconds may read worse

Array = NDArray[np.float64]


class Verdict(Enum):
    """The fate of an expression in a lesson."""

    LEARNED = "learned"
    NOT_SEEN = "not seen"  # too few seconds
    READS_AS_OTHER = "reads as other"  # it looks like another expression
    NO_HELP = "no help"  # left-out seconds read worse with it


@dataclass(frozen=True, slots=True, eq=False)
class TaughtSeconds:
    """n seconds of a person's expressions.

    Attributes:
        features: `(n, d)` the mean features of each second.
        logs: `(n, K)` the mean log-probabilities that the decision rule gave.
        classes: `(n,)` the classes that were asked for.
        rounds: `(n,)` the place of each second within its expression, from 0.
    """

    features: Array
    logs: Array
    classes: NDArray[np.int64]
    rounds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True, slots=True)
class TaughtExpression:
    """The result of one expression.

    `seconds` were seen of it. `before` and `after` of them read as the expression without and with
    the correction, each second left out of the fit that reads it. `other` is the label that it
    reads as where the verdict says so.
    """

    label: str
    verdict: Verdict
    seconds: int
    before: int
    after: int
    other: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LearnedHead:
    """A correction, and what it does for each expression of the model. `head` is None where it
    would not help."""

    head: PersonalHead | None
    expressions: tuple[TaughtExpression, ...]


def learn_head(
    seconds: TaughtSeconds,
    contract: Contract,
    tau: float,
    *,
    second_weight: float = SECOND_WEIGHT,
) -> LearnedHead:
    """Learns the correction of a person.

    An expression keeps the model's own weights where too little was seen of it, where it reads as
    another one, and where left-out seconds read worse with the correction. Nothing is learned where
    the resting face reads as another expression beyond doubt.

    Args:
        seconds: The seconds of the lesson.
        contract: The contract of the model.
        tau: The prior correction with which the seconds were read.
        second_weight: The weight of a second in the fit.
    """
    labels = contract.labels
    k = len(labels)
    shares = contract.training_data.class_shares
    balance = compute_balance(shares, tau) if shares else np.zeros(k)
    balanced = normalise_logs(seconds.logs + balance) if len(seconds) else seconds.logs
    counts = np.bincount(seconds.classes, minlength=k)
    verdicts = {one: Verdict.NOT_SEEN for one in range(k) if counts[one] < MIN_SECONDS}
    others: dict[int, str] = {}
    for one in range(k):
        if one in verdicts:
            continue
        is_resting = labels[one].lower() == NEUTRAL
        mean = balanced[seconds.classes == one].mean(axis=0)
        most = MAX_RESTING_DEFICIT_NATS if is_resting else MAX_DEFICIT_NATS
        if mean.max() - mean[one] > most:
            verdicts[one] = Verdict.READS_AS_OTHER
            others[one] = labels[int(mean.argmax())]
    shifts: Array | None = None
    if any(labels[one].lower() == NEUTRAL for one in others):
        return LearnedHead(None, _describe(seconds, labels, verdicts, others, None))
    while k - len(verdicts) >= 2:
        kept = ~np.isin(seconds.classes, list(verdicts))
        shifts = _leave_out(seconds, balanced, kept, verdicts, second_weight)
        worse = _find_worse(seconds, balanced, shifts, [n for n in range(k) if n not in verdicts])
        if not worse:
            break
        verdicts |= dict.fromkeys(worse, Verdict.NO_HELP)
        shifts = None
    head = None
    if shifts is not None:
        kept = ~np.isin(seconds.classes, list(verdicts))
        head = _fit(seconds, balanced, kept, verdicts, second_weight)
    return LearnedHead(head, _describe(seconds, labels, verdicts, others, shifts))


def _fit(
    seconds: TaughtSeconds,
    balanced: Array,
    rows: NDArray[np.bool_],
    fixed: Iterable[int],
    second_weight: float,
) -> PersonalHead:
    """Fits a head to some of the seconds; the classes `fixed` keep the model's own weights."""
    return fit_head(
        seconds.features[rows],
        balanced[rows],
        seconds.classes[rows],
        fixed=list(fixed),
        second_weight=second_weight,
    )


def _leave_out(
    seconds: TaughtSeconds,
    balanced: Array,
    kept: NDArray[np.bool_],
    fixed: dict[int, Verdict],
    second_weight: float,
) -> Array:
    """Gives the nats `(n, K)` that each second gets from a fit that has not seen it."""
    shifts = np.zeros_like(balanced)
    for number in np.unique(seconds.rounds):
        out = seconds.rounds == number
        known = kept & ~out
        if not known.any():
            continue
        head = _fit(seconds, balanced, known, fixed, second_weight)
        shifts[out] = head.compute_shifts(seconds.features[out])
    return shifts


def _find_worse(
    seconds: TaughtSeconds, balanced: Array, shifts: Array, learned: Sequence[int]
) -> list[int]:
    """Finds the learned classes whose left-out seconds read worse with the correction."""
    before, after = balanced, normalise_logs(balanced + shifts)
    found = []
    for one in learned:
        own = seconds.classes == one
        if (after[own, one] - before[own, one]).mean() < -MAX_LOSS_NATS:
            found.append(one)
    return found


def _describe(
    seconds: TaughtSeconds,
    labels: Sequence[str],
    verdicts: dict[int, Verdict],
    others: dict[int, str],
    shifts: Array | None,
) -> tuple[TaughtExpression, ...]:
    found = []
    for one, label in enumerate(labels):
        own = seconds.classes == one
        logs = seconds.logs[own]
        moved = logs if shifts is None else logs + shifts[own]
        count = int(own.sum())
        found.append(
            TaughtExpression(
                label,
                verdicts.get(one, Verdict.LEARNED if shifts is not None else Verdict.NO_HELP),
                count,
                int((logs.argmax(axis=1) == one).sum()) if count else 0,
                int((moved.argmax(axis=1) == one).sum()) if count else 0,
                others.get(one),
            )
        )
    return tuple(found)
