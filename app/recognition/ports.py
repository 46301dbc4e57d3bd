"""Says what the pipeline asks of a network for crops, so that tests may give another one."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.contract import Contract
from app.types import Floats


class CropReader(Protocol):
    """Reads aligned crops, as `app.recognition.classifier.Classifier` does."""

    contract: Contract

    def predict(self, crops: NDArray[np.uint8]) -> Floats:
        """Reads crops, uint8 (N, S, S, 3) BGR. Returns probabilities (N, K)."""

    def predict_with_maps(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Reads crops. Returns probabilities (N, K) and activation maps (N, K, h, w)."""

    def predict_with_embeddings(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
        """Reads crops. Returns probabilities (N, K), activation maps (N, K, h, w) and embeddings
        (N, d). Raises `ModelError` where the network gives no embedding."""
