"""Measures and shows which elements of the deep feature DACL's attention keeps.

In the paper (Farzaneh & Qi, WACV 2021, section 3), attention selects the elements of the deep
feature that matter for a sample; only these are pulled to the centre of the sample's class. This
module measures the selection over a data set, and shows it for single pictures beside the class
activation map.
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
from app.files.atomic import describe_write_error, discard_partial
from training.base.device import normalise_batch
from training.checkpoints.checkpoint import Trained
from training.config.train_config import TrainConfig
from training.datasets.crops import warp_batch
from training.datasets.examples import Examples
from training.datasets.readers import read_grey_or_rgb
from training.network.model import DaclNet

BATCH = 256  # faces that the network reads at a time


class NetworkOutputsOfFaces(NamedTuple):
    """The outputs of a network for N samples."""

    logits: Tensor  # (N, K)
    embedding: Tensor  # (N, d)
    attention: Tensor  # (N, d) in (0, 1)
    labels: Tensor  # (N,)


@dataclass(frozen=True, slots=True)
class EmbeddingDistances:
    """Euclidean distances of embeddings. `intra` is the mean distance of a sample to its class's
    mean, `inter` the mean distance between the means of two classes, `ratio` intra / inter; a
    smaller ratio means that the classes lie further apart."""

    intra: float
    inter: float
    ratio: float


@torch.no_grad()
def read_outputs(
    net: DaclNet, examples: Examples, batch_size: int = BATCH
) -> NetworkOutputsOfFaces:
    """Runs a network on every example, unaugmented and in evaluation mode.

    Args:
        net: The network; it is put into evaluation mode.
        examples: N faces, on the network's device.
        batch_size: Faces at a time.

    Returns:
        The outputs of all N faces, on the CPU.
    """
    net.eval()
    rows = torch.arange(len(examples), device=examples.labels.device)
    batches = examples.decode_ahead(torch.split(rows, batch_size))
    parts = [net(normalise_batch(examples.cut_crops(part))) for part in batches]
    return NetworkOutputsOfFaces(
        torch.cat([part.logits for part in parts]).cpu(),
        torch.cat([part.embedding for part in parts]).cpu(),
        torch.cat([part.attention for part in parts]).cpu(),
        examples.labels.cpu(),
    )


def compute_class_profiles(attention: Tensor, labels: Tensor, classes: int) -> NDArray[np.float64]:
    """Computes the mean attention of each class's samples.

    Args:
        attention: `(N, d)`.
        labels: `(N,)` class numbers.
        classes: The number K of classes.

    Returns:
        `(K, d)` float64; NaN for a class without samples.

    >>> attention = torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.5, 0.0]])
    >>> compute_class_profiles(attention, torch.tensor([0, 0, 1]), 2).tolist()
    [[0.5, 1.0], [0.5, 0.0]]
    """
    rows = [attention[labels == k].double().mean(dim=0) for k in range(classes)]
    return np.asarray(torch.stack(rows).numpy(), np.float64)


def compute_class_distances(embedding: Tensor, labels: Tensor) -> EmbeddingDistances:
    """Computes how far samples lie from their class's mean, and the means from each other.

    Args:
        embedding: `(N, d)`.
        labels: `(N,)` class numbers.

    Returns:
        Both mean distances, in the embedding's unit, and their ratio.

    Raises:
        DataError: The samples are of one class only.

    >>> embedding = torch.tensor([[0.0, 0.0], [0.0, 2.0], [4.0, 1.0]])
    >>> distances = compute_class_distances(embedding, torch.tensor([0, 0, 1]))
    >>> round(distances.intra, 3), distances.inter
    (0.667, 4.0)
    """
    present = torch.unique(labels)
    if len(present) < 2:
        raise DataError("Distances between classes need samples of at least two of them.")
    means = torch.stack([embedding[labels == k].double().mean(dim=0) for k in present])
    own = means[torch.searchsorted(present, labels)]
    intra = float((embedding.double() - own).norm(dim=1).mean())
    inter = float(torch.pdist(means).mean())
    return EmbeddingDistances(intra, inter, intra / inter)


def project_to_plane(embedding: Tensor) -> NDArray[np.float64]:
    """Projects embeddings onto their two directions of largest variance (PCA), for plotting.

    Args:
        embedding: `(N, d)`.

    Returns:
        `(N, 2)` float64, centred; the sign of each direction is arbitrary.

    >>> places = project_to_plane(torch.tensor([[0.0, 0.0, 5.0], [6.0, 0.0, 5.0]]))
    >>> np.abs(places).round(3).tolist()
    [[3.0, 0.0], [3.0, 0.0]]
    """
    centred = (embedding - embedding.mean(dim=0)).double()
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    return np.asarray((centred @ directions[:2].T).numpy(), np.float64)


class Evidence(NamedTuple):
    """The evidence for each class at each place of one crop, with all elements of the feature and
    with those that the attention keeps."""

    logits: NDArray[np.float64]  # (K,)
    attention: NDArray[np.float64]  # (d,)
    plain: NDArray[np.float64]  # (K, h, w): sum_j w_kj x*_j, the class activation map
    attentive: NDArray[np.float64]  # (K, h, w): sum_j a_j w_kj x*_j


@torch.no_grad()
def compute_evidence(net: DaclNet, x: Tensor) -> Evidence:
    """Computes the class activation maps of a crop, with and without the attention's weights.

    Args:
        net: The network; it is put into evaluation mode.
        x: `(1, C, S, S)`, normalised.

    Returns:
        Logits, attention and both maps. The mean of `plain` over (h, w) is the logits without bias.

    >>> from training.network.model import ModelConfig
    >>> net = DaclNet(ModelConfig(width=8), channels=1, classes=3, size_px=48)
    >>> found = compute_evidence(net, torch.zeros(1, 1, 48, 48))
    >>> bias = net.classifier.bias.detach().double().numpy()
    >>> bool(np.allclose(found.plain.mean(axis=(1, 2)) + bias, found.logits, atol=1e-4))
    True
    """
    net.eval()
    feature_map = net.backbone(x)
    output = net(x)
    weighted = feature_map * output.attention[:, :, None, None]
    weight = net.classifier.weight[:, :, None, None]

    def compute_maps(features: Tensor) -> NDArray[np.float64]:
        return np.asarray(torch.nn.functional.conv2d(features, weight)[0].double().numpy())

    return Evidence(
        logits=np.asarray(output.logits[0].double().numpy()),
        attention=np.asarray(output.attention[0].double().numpy()),
        plain=compute_maps(feature_map),
        attentive=compute_maps(weighted),
    )


def cut_face_crop(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.float32], config: TrainConfig
) -> Tensor:
    """Cuts the crop of a face, aligned as in training. A picture without a face keeps its own
    frame.

    Args:
        pixels: `(H, W)` grey or `(H, W, 3)` RGB, uint8.
        landmarks: `(6, 2)` px in the subject's order, or NaN.
        config: Size, frame and colour of the crop.

    Returns:
        `(1, C, S, S)` float32 of 0..255.

    >>> lost = np.full((6, 2), np.nan, np.float32)
    >>> crop = cut_face_crop(np.full((60, 60), 9, np.uint8), lost, TrainConfig(size_px=48))
    >>> crop.shape, float(crop.mean())
    (torch.Size([1, 1, 48, 48]), 9.0)
    """
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


def write_evidence_figures(trained: Trained, files: Sequence[Path], folder: Path) -> list[Path]:
    """Writes a figure for each picture of `files` into `folder`, and returns their paths. Needs
    MediaPipe and matplotlib. Raises `TrainingError` for a figure that cannot be written."""
    from app.detection.mediapipe_detector import Detector
    from training.datasets.landmarks import find_landmarks
    from training.figures.evidence import draw_evidence

    config = trained.config.train
    written = []
    with Detector() as detector:
        for file in files:
            pixels = read_grey_or_rgb(file)
            landmarks = find_landmarks(detector, pixels)
            crop = cut_face_crop(pixels, landmarks, config)
            found = compute_evidence(trained.net, normalise_batch(crop))
            path = folder / f"{file.stem}_attention.png"
            shown = np.asarray(crop[0].round().byte().permute(1, 2, 0).numpy())
            partial = path.with_name(f".{path.stem}.partial.png")
            try:
                draw_evidence(shown, trained.facts.labels, partial, **found._asdict())
                os.replace(partial, path)
            except OSError as cause:
                raise TrainingError(describe_write_error(path, cause)) from cause
            finally:
                discard_partial(partial)
            written.append(path)
    return written
