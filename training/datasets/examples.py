"""Examples for training and judging: targets from votes, crops from packed pictures."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.alignment import AlignmentTemplate, ColourMode, fit_crop_matrix, fit_frame_matrix
from app.errors import DataError
from training.base.free_memory import measure_free_bytes
from training.datasets.crops import warp_batch
from training.datasets.pack import Pack, Protocol
from training.datasets.readers import Split
from training.datasets.streaming import StreamedPictures

NO_LABEL = -1


def drop_single_votes(votes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """FER+'s outlier rule: a label with one vote counts as not voted for. `(N, V)`."""
    return np.where(votes == 1, 0, votes).astype(np.int64)


def choose_majority_labels(
    votes: NDArray[np.uint8], classes: int, protocol: Protocol
) -> NDArray[np.int64]:
    """`(N,)` class of each picture, or `NO_LABEL`.

    FER+'s official majority protocol: single votes are dropped, and the winner must hold more than
    half of what remains, "unknown" and "not a face" (columns from `classes` on) counted in the
    total; a picture that those two win has no label.
    """
    counts = drop_single_votes(votes) if protocol == "ferplus" else votes.astype(np.int64)
    winner = counts.argmax(axis=1)
    majority = 2 * counts.max(axis=1) > counts.sum(axis=1)
    return np.where(majority & (winner < classes), winner, NO_LABEL)


def choose_argmax_labels(votes: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """`(N,)` the plain winner of the votes, the first of equals, or `NO_LABEL` where "unknown" or
    "not a face" wins or nobody voted: the larger and harder set that some papers report."""
    winner = votes.argmax(axis=1)
    return np.where((winner < classes) & (votes.max(axis=1) > 0), winner, NO_LABEL)


def make_soft_targets(
    votes: NDArray[np.uint8], classes: int, protocol: Protocol
) -> NDArray[np.float32]:
    """`(N, K)` share of each class among the votes for classes; a row of zeros where none is left
    or where "unknown" and "not a face" win."""
    counts = drop_single_votes(votes) if protocol == "ferplus" else votes.astype(np.int64)
    kept = counts[:, :classes].astype(np.float32)
    kept[counts.argmax(axis=1) >= classes] = 0.0
    total = kept.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(kept, total, out=np.zeros_like(kept), where=total > 0), np.float32)


def find_outlier_rows(
    votes: NDArray[np.uint8], classes: int, protocol: Protocol
) -> NDArray[np.int64]:
    """Which pictures "unknown" and "not a face" win: they show no expression that people agree
    on."""
    if protocol != "ferplus":
        return np.empty(0, np.int64)
    return np.flatnonzero(drop_single_votes(votes).argmax(axis=1) >= classes)


@dataclass(frozen=True, slots=True)
class Examples:
    """Pictures with their geometry and targets. All share their first axis (N). The pictures lie
    decoded in memory, or are decoded when a batch asks for them; both give the same crops."""

    pictures: Tensor | StreamedPictures  # (N, C, P, P) uint8
    sizes: Tensor  # (N, 2) int32, width and height
    matrices: Tensor  # (N, 2, 3) float32, picture -> crop
    soft: Tensor  # (N, K) float32
    labels: Tensor  # (N,) int64, NO_LABEL where there is no majority
    size_px: int
    outliers: int = 0  # how many, at the end, show no expression: even targets, no label

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def faces(self) -> int:
        """Examples that are no outliers; they come first."""
        return len(self) - self.outliers

    def crops(self, rows: Tensor) -> Tensor:
        """`(B, C, S, S)` float32 of 0..255: the crops as the demo would cut them."""
        return warp_batch(self.pictures[rows], self.sizes[rows], self.matrices[rows], self.size_px)

    def ahead(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """The batches (rows) in turn. Pictures that are not in memory are decoded while the batches
        before theirs are worked on; asked for with other tensors than these, they have to wait."""
        if isinstance(self.pictures, StreamedPictures):
            return self.pictures.ahead(batches)
        return iter(batches)

    def to(self, device: torch.device) -> "Examples":
        return Examples(
            self.pictures.to(device),
            self.sizes.to(device),
            self.matrices.to(device),
            self.soft.to(device),
            self.labels.to(device),
            self.size_px,
            self.outliers,
        )


def fit_picture_matrices(
    landmarks: NDArray[np.float32],
    sizes: NDArray[np.int32],
    template: AlignmentTemplate,
    size_px: int,
) -> NDArray[np.float32]:
    """`(N, 2, 3)` picture -> crop; a picture whose landmarks are unknown or useless keeps its own
    frame."""
    matrices = np.empty((len(landmarks), 2, 3), np.float32)
    for matrix, points, (width, height) in zip(matrices, landmarks, sizes, strict=True):
        try:
            matrix[:] = fit_crop_matrix(points, template, size_px)
        except ValueError:
            matrix[:] = fit_frame_matrix(width, height, size_px)
    return matrices


def load_examples(
    pack: Pack,
    split: Split,
    *,
    template: AlignmentTemplate,
    size_px: int,
    colour: ColourMode,
    labels_from: str,
    memory_bytes: int | None = None,
    outliers: bool = False,
) -> Examples:
    """The examples of a split. `labels_from` is "soft" (every picture with a usable vote, for
    training), "majority" (the official protocol) or "argmax". Pictures that take more than
    `memory_bytes` (None: half of what is free) when decoded are left to be decoded on demand.
    `outliers` adds the pictures that show no expression."""
    rows = pack.rows(split)
    classes = len(pack.meta.labels)
    votes = pack.votes[rows]
    soft = make_soft_targets(votes, classes, pack.meta.protocol)
    labels = choose_majority_labels(votes, classes, pack.meta.protocol)
    if labels_from == "argmax":
        labels = choose_argmax_labels(votes, classes)
    kept = soft.sum(axis=1) > 0 if labels_from == "soft" else labels != NO_LABEL
    if not kept.any():
        raise DataError(f"The pack has no usable pictures in its {split} split.")
    chosen, beside = np.flatnonzero(kept), np.empty(0, np.int64)
    if outliers:
        beside = find_outlier_rows(votes, classes, pack.meta.protocol)
        if not len(beside):
            raise DataError(
                f"The pack has no picture of an unknown expression or of no face in its {split} "
                "split. Leave --outliers out."
            )
        soft[beside], labels[beside] = 1 / classes, NO_LABEL
        chosen = np.concatenate([chosen, beside])
    rows, soft, labels = rows[chosen], soft[chosen], labels[chosen]
    pictures = StreamedPictures(pack, rows, colour)
    sizes = pack.sizes(rows)
    matrices = fit_picture_matrices(pack.landmarks[rows], sizes, template, size_px)
    budget = measure_free_bytes() // 2 if memory_bytes is None else memory_bytes
    return Examples(
        pictures=pictures if pictures.nbytes > budget else pictures.decoded(),
        sizes=torch.from_numpy(sizes),
        matrices=torch.from_numpy(matrices),
        soft=torch.from_numpy(soft),
        labels=torch.from_numpy(labels),
        size_px=size_px,
        outliers=len(beside),
    )
