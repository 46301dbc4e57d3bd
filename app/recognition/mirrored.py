"""Reads every crop together with its mirror image, which errs in part about other things.

docs/doubt.md has the figures. A picture is read once, so that the second reading costs little; a
stream has many readings of each face.
"""

import numpy as np
from numpy.typing import NDArray

from app.recognition.ports import CropReader
from app.types import Floats

MIN_PROBABILITY = 1e-30  # lower probabilities count as this one, because 0 has no logarithm


class MirroredReader:
    """Reads crops and their mirror images with another reader.

    The probabilities are those of the mean of both readings' logits. The maps are the mean of both
    maps, with that of the mirror image turned back, and the embeddings the mean of both. So both
    still give the mean logits.

    Args:
        reader: The reader that gives both readings.
    """

    def __init__(self, reader: CropReader) -> None:
        self._reader = reader
        self.contract = reader.contract

    def predict(self, crops: NDArray[np.uint8]) -> Floats:
        """Reads crops, uint8 (N, S, S, 3) BGR. Returns probabilities (N, K)."""
        return average_readings(self._reader.predict(add_mirror_images(crops)))

    def predict_with_maps(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Reads crops. Returns probabilities (N, K) and activation maps (N, K, h, w)."""
        both, maps = self._reader.predict_with_maps(add_mirror_images(crops))
        return average_readings(both), average_maps(maps)

    def predict_with_embeddings(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
        """Reads crops. Returns probabilities (N, K), activation maps (N, K, h, w) and embeddings
        (N, d)."""
        both, maps, embeddings = self._reader.predict_with_embeddings(add_mirror_images(crops))
        straight, mirrored = embeddings[: len(crops)], embeddings[len(crops) :]
        return average_readings(both), average_maps(maps), (straight + mirrored) / np.float32(2)


def add_mirror_images(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Puts the mirror images (left and right exchanged) of crops behind them.

    Args:
        crops: `(N, S, S, 3)`.

    Returns:
        `(2N, S, S, 3)`.

    >>> add_mirror_images(np.array([[[[1], [2]]]], np.uint8))[:, 0, :, 0].tolist()
    [[1, 2], [2, 1]]
    """
    return np.concatenate([crops, crops[:, :, ::-1]])


def average_readings(readings: Floats) -> Floats:
    """Averages the readings of crops with those of their mirror images.

    The mean is that of the probabilities' logarithms, which is that of the logits.

    Args:
        readings: `(2N, K)` probabilities, the N mirror images behind the N crops.

    Returns:
        `(N, K)` float32; each row sums to 1.

    >>> average_readings(np.array([[0.8, 0.2], [0.2, 0.8]], np.float32)).tolist()
    [[0.5, 0.5]]
    """
    logs = np.log(np.maximum(readings.astype(np.float64), MIN_PROBABILITY))
    count = len(readings) // 2
    powers = np.exp((logs[:count] + logs[count:]) / 2)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def average_maps(maps: Floats) -> Floats:
    """Averages the activation maps of crops with those of their mirror images, turned back.

    Args:
        maps: `(2N, K, h, w)`, the N mirror images behind the N crops.

    Returns:
        `(N, K, h, w)` float32.

    >>> average_maps(np.array([[[[4, 0]]], [[[2, 6]]]], np.float32)).tolist()
    [[[[5.0, 1.0]]]]
    """
    count = len(maps) // 2
    turned_back = maps[count:, ..., ::-1]
    return np.asarray((maps[:count] + turned_back) / 2, np.float32)
