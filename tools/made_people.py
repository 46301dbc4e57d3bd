"""Makes people out of the embeddings of many faces, for whom teaching can be measured.

The data know no persons. A made person has an offset, which is a part of how one face of the data
differs from the mean of its class, and shows each expression as other faces of the data do,
scaled so that the variance over all made people is that of the data. The readings of such a face
are those of the model, because its log-probabilities are a linear function of the embedding.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.errors import DataError
from app.wording import format_count

Array = NDArray[np.float64]
POSES = 2  # faces of the data that one expression of a lesson goes through
SECONDS = 5
JITTER = 10.0  # squared deviations by which the seconds of a pose differ; a real clip has 1 to 40
TEST_FACES = 30  # of each expression, as far as there are so many
MIN_PROBABILITY = 1e-12


@dataclass(frozen=True, slots=True)
class Group:
    """A group of made people.

    `offset` is the share of the variance that belongs to the person. `sad` is how far all faces of
    the person lie on the way from neutral to sadness. `wrong` expressions are shown as another one
    in the lesson.
    """

    name: str
    offset: float
    sad: float = 0.0
    wrong: int = 0


GROUPS = (
    Group("nothing of their own", 0.0),
    Group("a third of their own", 0.3),
    Group("two thirds of their own", 0.6),
    Group("a resting face that looks rather sad", 0.3, sad=0.4),
    Group("a resting face that looks sad", 0.3, sad=0.8),
    Group("two expressions shown wrongly", 0.3, wrong=2),
    Group("nothing of their own, two shown wrongly", 0.0, wrong=2),
)


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces of one person: features `(n, d)`, classes `(n,)`, seconds within the expression; and
    the classes that were shown wrongly."""

    features: Array
    classes: NDArray[np.int64]
    rounds: NDArray[np.int64]
    wrong: frozenset[int] = frozenset()


class PeopleMaker:
    """Makes people from faces of the data.

    Args:
        features: `(N, d)` features of the faces.
        probabilities: `(N, K)` the model's readings of them.
        classes: `(N,)` their classes.
        lowest: `(d,)` the least value of each feature, which is 0 before it is scaled.
        labels: The labels of the K classes.
        seed: Of all draws.

    Raises:
        DataError: A class has too few faces.
    """

    def __init__(
        self,
        features: Array,
        probabilities: Array,
        classes: NDArray[np.int64],
        lowest: Array,
        labels: Sequence[str],
        seed: int,
    ) -> None:
        self._lowest, self._classes = lowest, classes
        self._labels = list(labels)
        self._random = np.random.default_rng(seed)
        logs = np.log(np.maximum(probabilities, MIN_PROBABILITY))
        logs -= logs.mean(axis=1, keepdims=True)
        self._weights = np.linalg.lstsq(np.c_[features, np.ones(len(features))], logs)[0]
        k = len(labels)
        self._means = np.stack([features[classes == one].mean(axis=0) for one in range(k)])
        self._rest = features - self._means[classes]
        self._rows = [np.flatnonzero(classes == one) for one in range(k)]
        for label, rows in zip(labels, self._rows, strict=True):
            if len(rows) <= POSES:
                raise DataError(
                    f"The data has {format_count(len(rows), 'face')} of {label} for validation; a "
                    f"made person needs {POSES + 1}. Give data with more."
                )
        self.frequencies = np.bincount(classes, minlength=k) / len(classes)

    def read(self, features: Array) -> Array:
        """Gives the log-probabilities `(n, K)` of features `(n, d)`, up to a constant."""
        return np.asarray(np.c_[features, np.ones(len(features))] @ self._weights, np.float64)

    def make_person(self, group: Group) -> tuple[Faces, Faces]:
        """Makes the seconds of a person's lesson, and other faces of the same person."""
        random, k = self._random, len(self._labels)
        offset = np.sqrt(group.offset) * self._rest[random.integers(len(self._rest))]
        if group.sad:
            sad, neutral = (self._labels.index(name) for name in ("sadness", "neutral"))
            offset = offset + group.sad * (self._means[sad] - self._means[neutral])
        wrong = set(random.choice(np.arange(1, k), group.wrong, replace=False).tolist())
        own = np.sqrt(1 - group.offset)
        taught, asked, tested, true = [], [], [], []
        for one in range(k):
            rows = random.permutation(self._rows[one])
            split = max(POSES, len(rows) // 3)
            source, pool = one, rows[:split]
            if one in wrong:  # half of them are not shown at all, half as something else
                source = 0 if random.random() < 0.5 else int(random.choice(k))
                pool = random.permutation(self._rows[source])
            poses = self._means[source] + offset + own * self._rest[pool[:POSES]]
            trembling = np.zeros(poses.shape[1])
            for second in range(SECONDS):
                noise = random.standard_normal(poses.shape[1]) * np.sqrt(JITTER / poses.shape[1])
                trembling = 0.5 * trembling + 0.8 * noise
                taught.append(poses[second * POSES // SECONDS] + trembling)
                asked.append(one)
            rest = random.permutation(rows[split:])[:TEST_FACES]
            tested.append(self._means[one] + offset + own * self._rest[rest])
            true += [one] * len(rest)
        return (
            self._bound(np.array(taught), asked, wrong),
            self._bound(np.concatenate(tested), true),
        )

    def _bound(self, features: Array, classes: Sequence[int], wrong: Collection[int] = ()) -> Faces:
        rounds = np.arange(len(classes)) % SECONDS
        return Faces(
            np.maximum(features, self._lowest),
            np.array(classes, np.int64),
            rounds,
            frozenset(wrong),
        )
