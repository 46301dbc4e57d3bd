"""Makes examples for training and judging: targets from votes, crops from packed pictures.

Votes are `(N, V)` uint8. FER+'s have columns for "unknown" and "not a face" behind those of the K
classes.
"""

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
from training.datasets.readers import NO_LABEL, Split
from training.datasets.streaming import StreamedPictures

# The expressions that FER2013's own labels have more of than FER+'s majorities: 440 and 119
# training pictures of disgust, 4,098 and 532 of fear.
OWN_LABELS = ("disgust", "fear")


def drop_single_votes(votes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Drops votes that a label has only once, by FER+'s outlier rule.

    Args:
        votes: `(N, V)`.

    Returns:
        `(N, V)` int64.

    >>> drop_single_votes(np.array([[8, 1, 1]], np.uint8)).tolist()
    [[8, 0, 0]]
    """
    return np.where(votes == 1, 0, votes).astype(np.int64)


def choose_majority_labels(
    votes: NDArray[np.uint8], classes: int, protocol: Protocol
) -> NDArray[np.int64]:
    """Chooses each picture's label by FER+'s official majority protocol.

    Single votes are dropped. The winner must hold more than half of the remaining votes; "unknown"
    and "not a face" count in the total. A picture that those two win has no label.

    Args:
        votes: `(N, V)`.
        classes: K; columns from K on are no classes.
        protocol: "single" drops no votes.

    Returns:
        `(N,)` int64 in 0..K-1, or `NO_LABEL`.

    >>> votes = np.array([[6, 3, 1], [5, 5, 0], [2, 1, 7]], np.uint8)
    >>> choose_majority_labels(votes, 2, "ferplus").tolist()
    [0, -1, -1]
    """
    counts = drop_single_votes(votes) if protocol == "ferplus" else votes.astype(np.int64)
    winner = counts.argmax(axis=1)
    majority = 2 * counts.max(axis=1) > counts.sum(axis=1)
    return np.where(majority & (winner < classes), winner, NO_LABEL)


def choose_argmax_labels(votes: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Chooses the plain winner of the votes, the first of equals: the larger and harder set that
    some papers report.

    Args:
        votes: `(N, V)`.
        classes: K; columns from K on are no classes.

    Returns:
        `(N,)` int64 in 0..K-1, or `NO_LABEL` where "unknown" or "not a face" wins or there is no
            vote.

    >>> choose_argmax_labels(np.array([[5, 5, 0], [2, 1, 7]], np.uint8), 2).tolist()
    [0, -1]
    """
    winner = votes.argmax(axis=1)
    return np.where((winner < classes) & (votes.max(axis=1) > 0), winner, NO_LABEL)


def make_soft_targets(
    votes: NDArray[np.uint8], classes: int, protocol: Protocol
) -> NDArray[np.float32]:
    """Computes the share of each class among the votes for classes.

    Args:
        votes: `(N, V)`.
        classes: K; columns from K on are no classes.
        protocol: "ferplus" drops single votes first.

    Returns:
        `(N, K)` float32. A row is zero where no vote is left, or where "unknown" or "not a face"
            wins.

    >>> make_soft_targets(np.array([[6, 2, 1], [2, 1, 7]], np.uint8), 2, "ferplus").tolist()
    [[0.75, 0.25], [0.0, 0.0]]
    """
    counts = drop_single_votes(votes) if protocol == "ferplus" else votes.astype(np.int64)
    kept = counts[:, :classes].astype(np.float32)
    kept[counts.argmax(axis=1) >= classes] = 0.0
    total = kept.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(kept, total, out=np.zeros_like(kept), where=total > 0), np.float32)


def add_own_votes(
    soft: NDArray[np.float32],
    votes: NDArray[np.uint8],
    own: NDArray[np.int8],
    weight: float,
    protocol: Protocol,
) -> NDArray[np.float32]:
    """Adds a data set's own labels to the shares of the votes.

    Args:
        soft: `(N, K)` shares of the classes. Rows of zeros stay.
        votes: `(N, V)`, from which the shares were computed.
        own: `(N,)` class numbers, or `NO_LABEL` for no further vote.
        weight: Votes for each own label.
        protocol: As in `make_soft_targets`.

    Returns:
        `(N, K)` float32.

    >>> soft, votes = np.array([[0.75, 0.25]], np.float32), np.array([[6, 2]], np.uint8)
    >>> add_own_votes(soft, votes, np.array([1], np.int8), 8, "ferplus").tolist()
    [[0.375, 0.625]]
    """
    counts = drop_single_votes(votes) if protocol == "ferplus" else votes.astype(np.int64)
    total = counts[:, : soft.shape[1]].sum(axis=1).astype(np.float32)
    changed = np.flatnonzero((own != NO_LABEL) & (soft.sum(axis=1) > 0))
    result = soft.copy()
    result[changed] *= total[changed, None]
    result[changed, own[changed]] += weight
    result[changed] /= total[changed, None] + np.float32(weight)
    return result


def find_outlier_rows(
    votes: NDArray[np.uint8], classes: int, protocol: Protocol
) -> NDArray[np.int64]:
    """Finds the pictures that "unknown" or "not a face" wins, which show no expression that people
    agree on.

    Args:
        votes: `(N, V)`.
        classes: K; columns from K on are no classes.
        protocol: "single" has no such pictures.

    Returns:
        Row numbers, int64, rising.

    >>> find_outlier_rows(np.array([[6, 2, 1], [2, 1, 7]], np.uint8), 2, "ferplus").tolist()
    [1]
    """
    if protocol != "ferplus":
        return np.empty(0, np.int64)
    return np.flatnonzero(drop_single_votes(votes).argmax(axis=1) >= classes)


@dataclass(frozen=True, slots=True)
class Examples:
    """Pictures with their geometry and targets; all share their first axis (N).

    The pictures lie decoded in memory, or are decoded when a batch needs them. Both give the same
    crops.
    """

    pictures: Tensor | StreamedPictures  # (N, C, P, P) uint8
    sizes: Tensor  # (N, 2) int32, width and height
    matrices: Tensor  # (N, 2, 3) float32, picture -> crop
    soft: Tensor  # (N, K) float32
    labels: Tensor  # (N,) int64, NO_LABEL where there is no majority
    size_px: int
    outliers: int = 0  # pictures at the end without an expression: even targets, no label

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def faces(self) -> int:
        """The count of examples that are no outliers; these come first."""
        return len(self) - self.outliers

    def cut_crops(self, rows: Tensor) -> Tensor:
        """Cuts the crops of `rows (B,)` as the demo would: `(B, C, S, S)` float32 of 0..255."""
        return warp_batch(self.pictures[rows], self.sizes[rows], self.matrices[rows], self.size_px)

    def decode_ahead(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yields the batches of row numbers in turn, and decodes the next ones' pictures meanwhile.

        Pictures in memory need no decoding. `cut_crops` finds the decoded pictures only for the
        very tensors that this method yields; for other ones it decodes and waits.
        """
        if isinstance(self.pictures, StreamedPictures):
            return self.pictures.decode_ahead(batches)
        return iter(batches)

    def to(self, device: torch.device) -> "Examples":
        """Copies the examples to a device."""
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
    """Fits the map from each picture to its crop.

    Args:
        landmarks: `(N, 6, 2)` px, subject's right eye first, as `app.types.Face` orders them; NaN
            where there is no face.
        sizes: `(N, 2)` width and height, px.
        template: The places of the landmarks in the crop.
        size_px: Side of the crop.

    Returns:
        `(N, 2, 3)` float32. A picture without useful landmarks is taken whole.

    >>> from app.alignment import FACE_TEMPLATE
    >>> unknown = np.full((1, 6, 2), np.nan, np.float32)
    >>> fit_picture_matrices(unknown, np.array([[96, 96]], np.int32), FACE_TEMPLATE, 48)[0].tolist()
    [[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]
    """
    matrices = np.empty((len(landmarks), 2, 3), np.float32)
    for matrix, points, (width, height) in zip(matrices, landmarks, sizes, strict=True):
        try:
            matrix[:] = fit_crop_matrix(points, template, size_px)
        except ValueError:
            matrix[:] = fit_frame_matrix(width, height, size_px)
    return matrices


def find_own_labels(pack: Pack) -> NDArray[np.int8]:
    """Finds the own labels of FER2013's pictures that say one of `OWN_LABELS`.

    Returns:
        `(N,)` class numbers, `NO_LABEL` for the other pictures.

    Raises:
        DataError: The pack has no own labels.
    """
    if pack.own is None:
        raise DataError(
            "The pack has no labels of FER2013's own. Prepare it again, or leave --own-votes out."
        )
    wanted = [pack.meta.labels.index(name) for name in OWN_LABELS if name in pack.meta.labels]
    return np.where(np.isin(pack.own, wanted), pack.own, NO_LABEL).astype(np.int8)


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
    own_votes: float = 0.0,
) -> Examples:
    """Loads the examples of a split.

    Args:
        pack: The prepared pictures.
        split: "train", "valid" or "test".
        template: The places of the landmarks in the crop.
        size_px: Side of the crops.
        colour: "grey" or "rgb".
        labels_from: "soft" (every picture with a usable vote, for training), "majority" (FER+'s
            official protocol) or "argmax".
        memory_bytes: Decoded pictures that take more are decoded on demand; None allows half of the
            free memory.
        outliers: True adds the pictures without an expression.
        own_votes: Votes for FER2013's own label in the soft targets, where it says disgust or fear.

    Raises:
        DataError: The split has no such pictures, a picture does not decode, or there are no own
            labels.
    """
    rows = pack.find_rows(split)
    classes = len(pack.meta.labels)
    votes = pack.votes[rows]
    soft = make_soft_targets(votes, classes, pack.meta.protocol)
    if own_votes:
        own = find_own_labels(pack)[rows]
        soft = add_own_votes(soft, votes, own, own_votes, pack.meta.protocol)
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
    sizes = pack.read_sizes(rows)
    matrices = fit_picture_matrices(pack.landmarks[rows], sizes, template, size_px)
    budget = measure_free_bytes() // 2 if memory_bytes is None else memory_bytes
    return Examples(
        pictures=pictures if pictures.nbytes > budget else pictures.decode_all(),
        sizes=torch.from_numpy(sizes),
        matrices=torch.from_numpy(matrices),
        soft=torch.from_numpy(soft),
        labels=torch.from_numpy(labels),
        size_px=size_px,
        outliers=len(beside),
    )
