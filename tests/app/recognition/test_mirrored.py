"""Reading a crop together with its mirror image."""

import numpy as np
import pytest
from numpy.typing import NDArray

from app.contract import Contract
from app.recognition.mirrored import MirroredReader, add_mirror_images, average_readings
from app.types import Floats
from tests.support.tiny_model import tiny_contract


class LeftReader:
    """Logits are the brightness of the left and of the right half; so are the maps."""

    def __init__(self) -> None:
        self.contract: Contract = tiny_contract(("left", "right"))
        self.batches: list[int] = []

    def predict(self, crops: NDArray[np.uint8]) -> Floats:
        return self.predict_with_maps(crops)[0]

    def predict_with_maps(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        self.batches.append(len(crops))
        half = crops.shape[2] // 2
        sides = [crops[:, :, :half, 0], crops[:, :, half:, 0]]
        logits = np.stack([side.mean(axis=(1, 2)) for side in sides], axis=1)
        powers = np.exp(logits)
        maps = np.zeros((len(crops), 2, 1, 2), np.float32)
        maps[:, 0, 0, 0], maps[:, 1, 0, 1] = 2 * logits.T
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32), maps

    def predict_with_embeddings(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
        probabilities, maps = self.predict_with_maps(crops)
        return probabilities, maps, maps.mean(axis=(2, 3))


def bright_left(left: int, right: int) -> NDArray[np.uint8]:
    crop = np.full((1, 16, 16, 3), right, np.uint8)
    crop[:, :, :8] = left
    return crop


def test_both_sides_count_alike() -> None:
    reader = LeftReader()
    found = MirroredReader(reader).predict(np.concatenate([bright_left(3, 1), bright_left(0, 0)]))
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.5, 0.5]], atol=1e-6)
    assert reader.batches == [4]  # all in one run


def test_maps_of_the_mirror_image_are_turned_back() -> None:
    _, maps = MirroredReader(LeftReader()).predict_with_maps(bright_left(3, 1))
    # the straight maps are (6, 0) and (0, 2), the mirrored ones (2, 0) and (0, 6)
    np.testing.assert_allclose(maps[0, :, 0], [[3, 1], [3, 1]])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_shapes(count: int) -> None:
    crops = bright_left(9, 4).repeat(count, axis=0)
    assert add_mirror_images(crops).shape == (2 * count, 16, 16, 3)
    both = np.tile(np.float32([0.9, 0.1]), (2 * count, 1))
    assert average_readings(both).shape == (count, 2)
    np.testing.assert_allclose(average_readings(both), both[:count], atol=1e-6)


def test_impossible_class_stays_finite() -> None:
    found = average_readings(np.array([[1, 0], [1, 0]], np.float32))
    np.testing.assert_allclose(found, [[1, 0]], atol=1e-6)


def test_embeddings_are_the_mean_of_both_images() -> None:
    crops = np.concatenate([bright_left(3, 1), bright_left(5, 7)])
    probabilities, maps, embeddings = MirroredReader(LeftReader()).predict_with_embeddings(crops)
    np.testing.assert_allclose(embeddings, [[2, 2], [6, 6]])  # the mean logits
    np.testing.assert_allclose(probabilities, 0.5, atol=1e-6)
    assert maps.shape == (2, 2, 1, 2)
