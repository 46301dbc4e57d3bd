"""Measures and shows what the attention of DACL keeps.

The paper's central idea (Farzaneh & Qi, WACV 2021, section 3): of the deep feature's elements only
those that matter for the sample are pulled to its class's centre. Here that choice is measured over
a data set, and shown for single pictures beside the class activation map.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.alignment import fit_crop_matrix, fit_frame_matrix
from app.errors import DataError, TrainingError
from training.base.device import normalise_batch
from training.checkpoints.checkpoint import Trained
from training.config.train_config import TrainConfig
from training.datasets.crops import warp_batch
from training.datasets.examples import Examples
from training.datasets.readers import read_grey_or_rgb
from training.network.model import DaclNet

BATCH = 256


class NetworkOutputsOfFaces(NamedTuple):
    """What a network makes of N samples."""

    logits: Tensor  # (N, K)
    embedding: Tensor  # (N, d)
    attention: Tensor  # (N, d) in (0, 1)
    labels: Tensor  # (N,)


@dataclass(frozen=True, slots=True)
class EmbeddingDistances:
    """Euclidean. `intra`: mean distance of a sample to its class's mean, `inter`: mean distance
    between the means of two classes; `ratio` intra / inter, the smaller the better apart."""

    intra: float
    inter: float
    ratio: float


@torch.no_grad()
def see(net: DaclNet, examples: Examples, batch_size: int = BATCH) -> NetworkOutputsOfFaces:
    """Every example, unaugmented, in evaluation mode."""
    net.eval()
    rows = torch.arange(len(examples), device=examples.labels.device)
    batches = examples.ahead(torch.split(rows, batch_size))
    parts = [net(normalise_batch(examples.crops(part))) for part in batches]
    return NetworkOutputsOfFaces(
        torch.cat([part.logits for part in parts]).cpu(),
        torch.cat([part.embedding for part in parts]).cpu(),
        torch.cat([part.attention for part in parts]).cpu(),
        examples.labels.cpu(),
    )


def class_profiles(attention: Tensor, labels: Tensor, classes: int) -> NDArray[np.float64]:
    """`(K, d)` mean attention of each class's samples; NaN for a class without any."""
    rows = [attention[labels == k].double().mean(dim=0) for k in range(classes)]
    return np.asarray(torch.stack(rows).numpy(), np.float64)


def class_distances(embedding: Tensor, labels: Tensor) -> EmbeddingDistances:
    """`embedding (N, d)`, `labels (N,)` with at least two classes."""
    present = torch.unique(labels)
    if len(present) < 2:
        raise DataError("Distances between classes need samples of at least two of them.")
    means = torch.stack([embedding[labels == k].double().mean(dim=0) for k in present])
    own = means[torch.searchsorted(present, labels)]
    intra = float((embedding.double() - own).norm(dim=1).mean())
    inter = float(torch.pdist(means).mean())
    return EmbeddingDistances(intra, inter, intra / inter)


def project(embedding: Tensor) -> NDArray[np.float64]:
    """`(N, 2)`: the two directions of largest variance (PCA), for a look at `embedding (N, d)`."""
    centred = (embedding - embedding.mean(dim=0)).double()
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    return np.asarray((centred @ directions[:2].T).numpy(), np.float64)


class Evidence(NamedTuple):
    """For one crop: what speaks for each class, where, with all elements and with those kept."""

    logits: NDArray[np.float64]  # (K,)
    attention: NDArray[np.float64]  # (d,)
    plain: NDArray[np.float64]  # (K, h, w): sum_j w_kj x*_j, the class activation map
    attentive: NDArray[np.float64]  # (K, h, w): sum_j a_j w_kj x*_j


@torch.no_grad()
def evidence(net: DaclNet, x: Tensor) -> Evidence:
    """`x (1, C, S, S)`, normalised. The mean of `plain` over (h, w) is the logits without bias."""
    net.eval()
    feature_map = net.backbone(x)
    output = net(x)
    weighted = feature_map * output.attention[:, :, None, None]
    weight = net.classifier.weight[:, :, None, None]

    def maps(features: Tensor) -> NDArray[np.float64]:
        return np.asarray(torch.nn.functional.conv2d(features, weight)[0].double().numpy())

    return Evidence(
        logits=np.asarray(output.logits[0].double().numpy()),
        attention=np.asarray(output.attention[0].double().numpy()),
        plain=maps(feature_map),
        attentive=maps(weighted),
    )


def face_crop(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.float32], config: TrainConfig
) -> Tensor:
    """`(1, C, S, S)` float32 of 0..255, aligned as in training; a picture without a face keeps its
    own frame. `pixels` (H, W) grey or (H, W, 3) RGB; `landmarks (6, 2)` px or NaN."""
    height, width = pixels.shape[:2]
    try:
        matrix = fit_crop_matrix(landmarks, config.template, config.size_px)
    except ValueError:
        matrix = fit_frame_matrix(width, height, config.size_px)
    from PIL import Image

    picture = Image.fromarray(pixels).convert("L" if config.colour == "grey" else "RGB")
    planes = np.atleast_3d(np.asarray(picture)).transpose(2, 0, 1)
    return warp_batch(
        torch.from_numpy(planes[None].copy()),
        torch.tensor([[width, height]], dtype=torch.int32),
        torch.from_numpy(matrix[None].astype(np.float32)),
        config.size_px,
    )


def show(trained: Trained, files: Sequence[Path], folder: Path) -> list[Path]:
    """Writes one figure a picture and returns their names. Needs MediaPipe and matplotlib."""
    from app.detection.mediapipe_detector import Detector
    from training.datasets.landmarks import find_landmarks
    from training.figures.evidence import draw_evidence

    config = trained.config.train
    written = []
    with Detector() as detector:
        for file in files:
            pixels = read_grey_or_rgb(file)
            landmarks = find_landmarks(detector, pixels)
            crop = face_crop(pixels, landmarks, config)
            seen = evidence(trained.net, normalise_batch(crop))
            path = folder / f"{file.stem}_attention.png"
            shown = np.asarray(crop[0].round().byte().permute(1, 2, 0).numpy())
            partial = path.with_name(f".{path.stem}.partial.png")
            try:
                draw_evidence(shown, trained.facts.labels, partial, **seen._asdict())
                os.replace(partial, path)
            except OSError as cause:
                raise TrainingError(
                    f"{path} could not be written: {cause.strerror or cause}."
                ) from cause
            finally:
                partial.unlink(missing_ok=True)
            written.append(path)
    return written
