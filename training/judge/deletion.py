"""Computes deletion curves: what remains of a class's probability as more and more of the crop is
covered.

Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC
2018. A lower curve means that the order of covering knows better what the network reads.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from app.recognition.classifier import Classifier
from training.datasets.examples import Examples
from training.judge.predictions import iterate_batches, make_uint8_crops
from training.measures.deletion_curves import AREAS, SHARES, TARGETS, Area, CurveKey, Curves, Target
from training.measures.masking import (
    FILLINGS,
    Order,
    Pictures,
    cover_pixels,
    enlarge_maps,
    make_filling,
    order_centre_first,
    order_largest_first,
    reverse_order,
)


def compute_log_probabilities(classifier: Classifier, crops: Pictures) -> NDArray[np.float64]:
    """Computes the calibrated log-probabilities of crops.

    Args:
        classifier: The exported model.
        crops: `(N, S, S, 3)` uint8 BGR.

    Returns:
        `(N, K)` float64.

    >>> from app.recognition.classifier import DEFAULT_MODEL
    >>> classifier = Classifier(DEFAULT_MODEL, device="cpu")
    >>> size = classifier.contract.size_px
    >>> found = compute_log_probabilities(classifier, np.zeros((2, size, size, 3), np.uint8))
    >>> bool(np.allclose(np.exp(found).sum(axis=1), 1))
    True
    """
    z = classifier.run(crops).logits.astype(np.float64) / classifier.contract.temperature
    z -= z.max(axis=1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))


def compute_path(
    classifier: Classifier,
    crops: Pictures,
    filling: Pictures,
    order: Order,
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Computes the log-probabilities while more and more of each crop is covered.

    Args:
        classifier: The exported model.
        crops: `(N, S, S, 3)` uint8 BGR.
        filling: What covers them, of the same shape.
        order: `(N, S, S)`, the rank at which each pixel is covered.
        ends: The log-probabilities `(N, K)` of the whole crops and of the filling alone, which are
            the same for every order.

    Returns:
        `(N, T, K)` over the T `SHARES` covered.

    >>> from app.recognition.classifier import DEFAULT_MODEL
    >>> classifier = Classifier(DEFAULT_MODEL, device="cpu")
    >>> side = classifier.contract.size_px
    >>> crops = np.zeros((1, side, side, 3), np.uint8)
    >>> order = np.arange(side * side).reshape(1, side, side)
    >>> end = compute_log_probabilities(classifier, crops)
    >>> path = compute_path(classifier, crops, crops, order, (end, end))
    >>> path.shape == (1, len(SHARES), end.shape[1]), bool(np.allclose(path, end[:, None]))
    (True, True)
    """
    steps = [
        compute_log_probabilities(classifier, cover_pixels(crops, filling, order, share))
        for share in SHARES[1:-1]
    ]
    return np.stack([ends[0], *steps, ends[1]], axis=1)


def draw_partners(count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draws another face for each of `count` >= 2 faces: all stand in a ring of random order.

    Returns:
        `(count,)` int64, a permutation that leaves no number in its place.

    >>> partners = draw_partners(5, np.random.default_rng(0))
    >>> sorted(partners.tolist()), bool((partners == np.arange(5)).any())
    ([0, 1, 2, 3, 4], False)
    """
    ring = generator.permutation(count)
    other = np.empty(count, np.int64)
    other[ring] = np.roll(ring, -1)
    return other


class _Orders:
    """Gives the order of covering for any faces, target and area."""

    def __init__(
        self,
        cam: NDArray[np.float32],
        classes: dict[Target, NDArray[np.int64]],
        size_px: int,
        seed: int,
    ) -> None:
        self._size_px, self._seed = size_px, seed
        generator = np.random.default_rng(seed)
        self._other = draw_partners(len(cam), generator)
        self._centre = order_centre_first(size_px, generator)
        faces = np.arange(len(cam))
        self._own = {target: cam[faces, chosen] for target, chosen in classes.items()}
        cells = cam.shape[2] * cam.shape[3]
        self._shuffled = generator.permuted(np.tile(np.arange(cells), (len(cam), 1)), axis=1)

    def find(self, area: Area, target: Target, rows: NDArray[np.int64]) -> Order:
        """Finds the order `(n, S, S)` of the faces `rows`; that of the centre is `(1, S, S)`."""
        match area:
            case "centre":
                return self._centre
            case "least":
                return reverse_order(self.find("marked", target, rows))
            case "another":
                return self.find("marked", target, self._other[rows])
        maps = self._own[target][rows]  # (n, h, w)
        if area == "anywhere":
            flat = np.take_along_axis(maps.reshape(len(rows), -1), self._shuffled[rows], axis=1)
            maps = flat.reshape(maps.shape)
        # Equal values come in the same order for all faces and areas.
        return order_largest_first(
            enlarge_maps(maps, self._size_px), np.random.default_rng(self._seed)
        )


def compute_curves(
    classifier: Classifier, examples: Examples, true: NDArray[np.int64], *, seed: int = 0
) -> Curves:
    """Computes the deletion curve of every face, target, filling and area.

    Args:
        classifier: The exported model.
        examples: N >= 2 faces.
        true: `(N,)` the faces' classes, numbered as the classifier's labels.
        seed: The seed of the random areas and of the pairs of faces.

    Returns:
        For each key the curves `(N, T)`.
    """
    outputs = [
        classifier.run(make_uint8_crops(examples, rows)) for rows in iterate_batches(examples)
    ]
    predicted = np.concatenate([part.logits.argmax(axis=1) for part in outputs])
    classes: dict[Target, NDArray[np.int64]] = {"predicted": predicted, "true": true}
    orders = _Orders(
        np.concatenate([part.cam for part in outputs]), classes, examples.size_px, seed
    )
    result = {
        CurveKey(target, filling, area): np.empty((len(true), len(SHARES)))
        for target in TARGETS
        for filling in FILLINGS
        for area in AREAS
    }
    for batch in iterate_batches(examples):
        crops, rows = make_uint8_crops(examples, batch), batch.cpu().numpy()
        faces = np.arange(len(rows))
        wrong = np.flatnonzero(predicted[rows] != true[rows])
        whole = compute_log_probabilities(classifier, crops)
        for filling in FILLINGS:
            cover = make_filling(crops, filling)
            ends = whole, compute_log_probabilities(classifier, cover)
            for area in AREAS:
                values = compute_path(
                    classifier, crops, cover, orders.find(area, "predicted", rows), ends
                )
                result[CurveKey("predicted", filling, area)][rows] = values[
                    faces, :, predicted[rows]
                ]
                # Where the prediction is right, the true class has the same map; elsewhere it has
                # a map of its own.
                if area != "centre" and len(wrong):
                    values[wrong] = compute_path(
                        classifier,
                        crops[wrong],
                        cover[wrong],
                        orders.find(area, "true", rows[wrong]),
                        (ends[0][wrong], ends[1][wrong]),
                    )
                result[CurveKey("true", filling, area)][rows] = values[faces, :, true[rows]]
    return result


def choose_examples(examples: Examples, count: int | None, seed: int) -> Examples:
    """Chooses `count` of the examples at random, in their order; all of them where `count` is None
    or too large."""
    if count is None or count >= len(examples):
        return examples
    rows = np.sort(np.random.default_rng(seed).choice(len(examples), count, replace=False))
    kept = torch.from_numpy(rows)
    return Examples(
        examples.pictures[kept],
        examples.sizes[kept],
        examples.matrices[kept],
        examples.soft[kept],
        examples.labels[kept],
        examples.size_px,
    )
