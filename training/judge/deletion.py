"""Deletion curves: what is left of a class's score as ever more of the crop is covered.

Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC
2018. The lower the curve lies, the better the order of covering knows what the network reads.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from app.recognition.classifier import Classifier
from training.datasets.examples import Examples
from training.judge.predictions import batches, uint8_crops
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


def log_probabilities(classifier: Classifier, crops: Pictures) -> NDArray[np.float64]:
    """`(N, K)` calibrated."""
    z = classifier.run(crops).logits.astype(np.float64) / classifier.contract.temperature
    z -= z.max(axis=1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))


def path(
    classifier: Classifier,
    crops: Pictures,
    filling: Pictures,
    order: Order,
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """`(N, T, K)` log-probabilities over `SHARES`; `ends` are those of the whole crop and of the
    filling alone, which are the same for every order."""
    steps = [
        log_probabilities(classifier, cover_pixels(crops, filling, order, share))
        for share in SHARES[1:-1]
    ]
    return np.stack([ends[0], *steps, ends[1]], axis=1)


def partners(count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Another face for each of `count` >= 2: all in a ring of random order."""
    ring = generator.permutation(count)
    other = np.empty(count, np.int64)
    other[ring] = np.roll(ring, -1)
    return other


class _Orders:
    """The order of covering for any faces, target and area."""

    def __init__(
        self,
        cam: NDArray[np.float32],
        classes: dict[Target, NDArray[np.int64]],
        size_px: int,
        seed: int,
    ) -> None:
        self._size_px, self._seed = size_px, seed
        generator = np.random.default_rng(seed)
        self._other = partners(len(cam), generator)
        self._centre = order_centre_first(size_px, generator)
        faces = np.arange(len(cam))
        self._own = {target: cam[faces, chosen] for target, chosen in classes.items()}
        cells = cam.shape[2] * cam.shape[3]
        self._shuffled = generator.permuted(np.tile(np.arange(cells), (len(cam), 1)), axis=1)

    def of(self, area: Area, target: Target, rows: NDArray[np.int64]) -> Order:
        """`(n, S, S)`, for the centre `(1, S, S)`."""
        match area:
            case "centre":
                return self._centre
            case "least":
                return reverse_order(self.of("marked", target, rows))
            case "another":
                return self.of("marked", target, self._other[rows])
        maps = self._own[target][rows]  # (n, h, w)
        if area == "anywhere":
            flat = np.take_along_axis(maps.reshape(len(rows), -1), self._shuffled[rows], axis=1)
            maps = flat.reshape(maps.shape)
        # Equal values of all faces and areas in one order.
        return order_largest_first(
            enlarge_maps(maps, self._size_px), np.random.default_rng(self._seed)
        )


def curves(
    classifier: Classifier, examples: Examples, true: NDArray[np.int64], *, seed: int = 0
) -> Curves:
    """Every face, target, filling and area. `true (N,)`: the faces' classes by the classifier's
    labels, N >= 2."""
    outputs = [classifier.run(uint8_crops(examples, rows)) for rows in batches(examples)]
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
    for batch in batches(examples):
        crops, rows = uint8_crops(examples, batch), batch.cpu().numpy()
        faces = np.arange(len(rows))
        wrong = np.flatnonzero(predicted[rows] != true[rows])
        whole = log_probabilities(classifier, crops)
        for filling in FILLINGS:
            cover = make_filling(crops, filling)
            ends = whole, log_probabilities(classifier, cover)
            for area in AREAS:
                seen = path(classifier, crops, cover, orders.of(area, "predicted", rows), ends)
                result[CurveKey("predicted", filling, area)][rows] = seen[faces, :, predicted[rows]]
                # Where the prediction is right, both maps are one; elsewhere the true class's own.
                if area != "centre" and len(wrong):
                    seen[wrong] = path(
                        classifier,
                        crops[wrong],
                        cover[wrong],
                        orders.of(area, "true", rows[wrong]),
                        (ends[0][wrong], ends[1][wrong]),
                    )
                result[CurveKey("true", filling, area)][rows] = seen[faces, :, true[rows]]
    return result


def chosen_examples(examples: Examples, count: int | None, seed: int) -> Examples:
    """`count` of the examples at random, in their order; all where it is None or too many."""
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
