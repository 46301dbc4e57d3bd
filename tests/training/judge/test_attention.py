"""What the attention keeps is measured and shown as its definitions say."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from app.errors import DataError
from app.types import Image
from training.attention import main
from training.base.device import normalise_batch
from training.checkpoints.checkpoint import load_trained
from training.config.train_config import TrainConfig
from training.datasets.pack_reader import read_pack
from training.datasets.split_pair import load_pair
from training.judge.attention import (
    compute_class_distances,
    compute_class_profiles,
    compute_evidence,
    cut_face_crop,
    project_to_plane,
    read_outputs,
)
from training.measures.metrics import measure_attention
from training.run.predict import predict


@pytest.mark.parametrize(
    ("attention", "mean", "spread", "spread_of_samples", "entropy", "low"),
    [
        ([[0.5, 0.5], [0.5, 0.5]], 0.5, 0.0, 0.0, np.log(2), 0.0),
        ([[0.0, 1.0], [0.0, 1.0]], 0.5, 0.5, 0.0, 0.0, 0.5),
        ([[0.0, 1.0], [1.0, 0.0]], 0.5, 0.5, 0.5, 0.0, 0.5),
    ],
)
def test_statistics_of_small_tables(
    attention: list[list[float]],
    mean: float,
    spread: float,
    spread_of_samples: float,
    entropy: float,
    low: float,
) -> None:
    seen = measure_attention(np.array(attention))
    assert (seen.mean, seen.spread, seen.low) == (mean, spread, low)
    assert seen.spread_of_samples == spread_of_samples
    assert seen.entropy == pytest.approx(entropy, abs=1e-4)


def test_profiles_are_means_of_classes() -> None:
    attention = torch.tensor([[0.2, 0.4], [0.4, 0.8], [1.0, 0.0]])
    profiles = compute_class_profiles(attention, torch.tensor([0, 0, 2]), 3)
    np.testing.assert_allclose(profiles[0], [0.3, 0.6], atol=1e-6)
    np.testing.assert_allclose(profiles[2], [1.0, 0.0])
    assert np.isnan(profiles[1]).all()


def test_distances_of_two_pairs_of_points() -> None:
    embedding = torch.tensor([[0.0, 1.0], [0.0, -1.0], [10.0, 1.0], [10.0, -1.0]])
    distances = compute_class_distances(embedding, torch.tensor([3, 3, 5, 5]))
    assert (distances.intra, distances.inter) == (1.0, 10.0)
    assert distances.ratio == pytest.approx(0.1)
    with pytest.raises(DataError, match="at least two"):
        compute_class_distances(embedding, torch.zeros(4, dtype=torch.int64))


def test_projection_keeps_the_widest_directions() -> None:
    generator = torch.Generator().manual_seed(0)
    wide = torch.randn(200, 5, generator=generator) * torch.tensor([0.1, 9.0, 0.1, 3.0, 0.1])
    flat = project_to_plane(wide)
    assert flat.std(axis=0) == pytest.approx([9.0, 3.0], rel=0.15)


def test_evidence_adds_up_to_the_logits(trained: Path, shapes_npz: Path) -> None:
    loaded = load_trained(trained / "best.pt")
    _, valid = load_pair(read_pack(shapes_npz), loaded.config, torch.device("cpu"))
    x = normalise_batch(valid.cut_crops(torch.tensor([4])))
    seen = compute_evidence(loaded.net, x)
    bias = loaded.net.classifier.bias.detach().double().numpy()
    np.testing.assert_allclose(seen.plain.mean(axis=(1, 2)) + bias, seen.logits, atol=1e-4)
    weight = loaded.net.classifier.weight.detach().double().numpy()
    feature_map = loaded.net.backbone(x)[0].detach().double().numpy()
    slow = np.einsum("j,kj,jhw->khw", seen.attention, weight, feature_map)
    np.testing.assert_allclose(seen.attentive, slow, atol=1e-4)


def test_all_examples_are_seen_in_order(trained: Path, shapes_npz: Path) -> None:
    loaded = load_trained(trained / "best.pt")
    _, valid = load_pair(read_pack(shapes_npz), loaded.config, torch.device("cpu"))
    seen = read_outputs(loaded.net, valid, batch_size=7)
    logits, attention = predict(loaded.net, valid, with_attention=True)
    torch.testing.assert_close(seen.logits, logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(seen.attention, attention, atol=1e-5, rtol=0)
    assert seen.embedding.shape == (30, loaded.net.config.feature_dim)
    assert (seen.logits.argmax(1) == seen.labels).float().mean() > 0.9


def test_face_without_landmarks_keeps_its_frame() -> None:
    pixels = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (24, 1))
    unknown = np.full((6, 2), np.nan, np.float32)
    crop = cut_face_crop(pixels, unknown, TrainConfig(size_px=24))
    assert crop.shape == (1, 1, 24, 24)
    np.testing.assert_allclose(crop[0, 0].numpy(), pixels, atol=0.5)
    coloured = TrainConfig(size_px=24, colour="rgb")
    assert cut_face_crop(np.dstack([pixels] * 3), unknown, coloured).shape[1] == 3


@pytest.mark.slow
def test_figure_of_a_picture_is_written(
    trained: Path, clip_frames: dict[int, Image], tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "face.png"), clip_frames[0])
    assert main([str(trained / "best.pt"), str(tmp_path / "face.png"), "-o", str(tmp_path)]) == 0
    figure = cv2.imread(str(tmp_path / "face_attention.png"))
    assert figure is not None
    assert figure.shape[1] > 800
    assert sorted(p.name for p in tmp_path.iterdir()) == ["face.png", "face_attention.png"]
