"""Logits of known classes and probabilities."""

import numpy as np


def make_logits(said: np.ndarray, classes: int, probability: float = 0.8) -> np.ndarray:
    """Makes `(N, K)` logits whose softmax gives the said class `probability`. The others share the
    rest."""
    rest = (1 - probability) / (classes - 1)
    shares = np.full((len(said), classes), rest)
    shares[np.arange(len(said)), said] = probability
    return np.log(shares)
