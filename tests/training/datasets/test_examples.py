"""Votes become targets by the official rules, packed pictures the crops that the app cuts."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.alignment import FACE_TEMPLATE, fit_crop_matrix, fit_frame_matrix
from app.errors import DataError
from training.datasets.examples import (
    NO_LABEL,
    choose_argmax_labels,
    choose_majority_labels,
    fit_picture_matrices,
    load_examples,
    make_soft_targets,
)
from training.datasets.pack import Pack, PackedSample, PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.readers import FERPLUS_LABELS, FERPLUS_VOTES, Split
from training.datasets.webp import encode_webp

# Columns: eight classes, unknown, not a face. (votes, majority, plain winner, soft targets)
VOTES: list[tuple[list[int], int, int, dict[int, float]]] = [
    ([10, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0, 0, {0: 1.0}),
    ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], 0, 0, {0: 0.6, 1: 0.4}),
    ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], NO_LABEL, 0, {0: 0.5, 1: 0.5}),
    ([0, 3, 2, 5, 0, 0, 0, 0, 0, 0], NO_LABEL, 3, {1: 0.3, 2: 0.2, 3: 0.5}),
    ([5, 4, 1, 0, 0, 0, 0, 0, 0, 0], 0, 0, {0: 5 / 9, 1: 4 / 9}),  # the single vote goes: 5 of 9
    ([4, 1, 1, 1, 1, 1, 1, 0, 0, 0], 0, 0, {0: 1.0}),  # 4 of 4
    ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], NO_LABEL, 0, {}),
    ([0, 0, 0, 0, 0, 0, 0, 6, 4, 0], 7, 7, {7: 1.0}),
    ([0, 0, 0, 0, 0, 0, 0, 5, 3, 2], NO_LABEL, 7, {7: 1.0}),  # unknown counts in the total
    ([0, 0, 0, 0, 0, 4, 1, 1, 1, 3], 5, 5, {5: 1.0}),  # 4 of 7
    ([3, 0, 0, 0, 0, 0, 0, 0, 7, 0], NO_LABEL, NO_LABEL, {}),
    ([2, 2, 0, 0, 0, 0, 0, 0, 0, 6], NO_LABEL, NO_LABEL, {}),
    ([3, 3, 0, 0, 0, 0, 0, 0, 4, 0], NO_LABEL, NO_LABEL, {}),
    ([5, 0, 0, 0, 0, 0, 0, 0, 5, 0], NO_LABEL, 0, {0: 1.0}),
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], NO_LABEL, NO_LABEL, {}),
]


@pytest.mark.parametrize(("votes", "majority", "winner", "soft"), VOTES, ids=lambda v: str(v)[:30])
def test_votes_by_the_official_protocol(
    votes: list[int], majority: int, winner: int, soft: dict[int, float]
) -> None:
    rows = np.array([votes], np.uint8)
    assert choose_majority_labels(rows, 8, "ferplus").tolist() == [majority]
    assert choose_argmax_labels(rows, 8).tolist() == [winner]
    expected = [[soft.get(k, 0.0) for k in range(8)]]
    np.testing.assert_allclose(make_soft_targets(rows, 8, "ferplus"), expected, rtol=1e-6)


def test_one_label_a_picture_is_taken_as_it_is() -> None:
    rows = np.eye(3, dtype=np.uint8)[[2, 0]]
    assert choose_majority_labels(rows, 3, "single").tolist() == [2, 0]
    assert make_soft_targets(rows, 3, "single").tolist() == [[0, 0, 1], [1, 0, 0]]


def test_many_votes_do_not_overflow() -> None:
    rows = np.array([[200, 150, 0], [255, 255, 0]], np.uint8)
    assert choose_majority_labels(rows, 3, "single").tolist() == [0, NO_LABEL]
    np.testing.assert_allclose(make_soft_targets(rows, 3, "single")[0, :2], [200 / 350, 150 / 350])


@given(st.lists(st.lists(st.integers(0, 10), min_size=10, max_size=10), max_size=6))
def test_majority_is_the_largest_soft_target(votes: list[list[int]]) -> None:
    rows = np.array(votes, np.uint8).reshape(-1, 10)
    soft, labels = make_soft_targets(rows, 8, "ferplus"), choose_majority_labels(rows, 8, "ferplus")
    assert soft.dtype == np.float32
    total = soft.sum(axis=1)
    assert np.all(np.isclose(total, 1, atol=1e-6) | (total == 0))
    kept = labels != NO_LABEL
    assert (soft[kept].argmax(axis=1) == labels[kept]).all()
    assert (soft[kept].max(axis=1) > 0.5).all()


PICTURE = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
UNKNOWN = np.full((6, 2), np.nan, np.float32)


def make_pack(path: Path, rows: list[tuple[Split, list[int], NDArray[np.float32]]]) -> Pack:
    meta = PackMeta("FER+", "ferplus", FERPLUS_LABELS, FERPLUS_VOTES, {})
    write_pack(
        path,
        meta,
        [
            PackedSample(encode_webp(PICTURE), split, np.array(votes, np.uint8), points, str(row))
            for row, (split, votes, points) in enumerate(rows)
        ],
    )
    return read_pack(path)


@pytest.mark.parametrize(
    ("labels_from", "labels"),
    [
        ("soft", [0, 0, NO_LABEL, NO_LABEL, 0, 0, 7, NO_LABEL, 5, NO_LABEL]),
        ("majority", [0, 0, 0, 0, 7, 5]),
        ("argmax", [0, 0, 0, 3, 0, 0, 0, 7, 7, 5, 0]),
    ],
)
def test_each_set_of_examples_keeps_its_own_pictures(
    tmp_path: Path, labels_from: str, labels: list[int]
) -> None:
    pack = make_pack(
        tmp_path / "p.npz",
        [("test", votes, UNKNOWN) for votes, *_ in VOTES] + [("train", VOTES[0][0], UNKNOWN)],
    )
    examples = load_examples(
        pack,
        "test",
        template=FACE_TEMPLATE,
        size_px=48,
        colour="grey",
        labels_from=labels_from,
    )
    assert examples.labels.tolist() == labels
    assert len(examples) == len(labels)
    assert examples.pictures.shape == (len(labels), 1, 48, 48)
    assert (examples.soft.shape, examples.soft.dtype) == ((len(labels), 8), torch.float32)


def test_split_without_usable_pictures_is_named(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "p.npz", [("train", VOTES[0][0], UNKNOWN)])
    with pytest.raises(DataError, match="no usable pictures in its valid split"):
        load_examples(
            pack,
            "valid",
            template=FACE_TEMPLATE,
            size_px=48,
            colour="grey",
            labels_from="majority",
        )


def test_picture_without_landmarks_keeps_its_frame(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "p.npz", [("train", VOTES[0][0], UNKNOWN)])
    examples = load_examples(
        pack, "train", template=FACE_TEMPLATE, size_px=48, colour="grey", labels_from="soft"
    )
    crops = examples.cut_crops(torch.tensor([0, 0]))
    assert crops.shape == (2, 1, 48, 48)
    np.testing.assert_allclose(crops[1, 0].numpy(), PICTURE, atol=0.01)
    moved = examples.to(torch.device("cpu"))
    assert (len(moved), moved.size_px) == (1, 48)


def test_landmarks_are_aligned_as_in_the_app() -> None:
    points = np.full((6, 2), np.nan, np.float32)
    points[:4] = FACE_TEMPLATE.targets() * 30 + (5, 9)
    landmarks = np.stack([points, UNKNOWN, np.ones((6, 2), np.float32)])
    sizes = np.array([(50, 60), (50, 60), (60, 30)], np.int32)
    matrices = fit_picture_matrices(landmarks, sizes, FACE_TEMPLATE, 48)
    np.testing.assert_allclose(matrices[0], fit_crop_matrix(points, FACE_TEMPLATE, 48), rtol=1e-6)
    np.testing.assert_allclose(matrices[0, :, :2], np.eye(2) * 1.6, atol=1e-5)
    np.testing.assert_allclose(matrices[1], fit_frame_matrix(50, 60, 48), rtol=1e-6)
    np.testing.assert_allclose(matrices[2], fit_frame_matrix(60, 30, 48), rtol=1e-6)
