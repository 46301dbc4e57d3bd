"""Reads faces that were pasted into frames as the app does: detector, alignment, classifier."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from app.alignment import fit_crop_matrix, is_alignable
from app.contract import Contract
from app.errors import DataError
from app.recognition.classifier import Classifier
from app.types import Face
from app.types import Image as Picture
from training.base.progress import track_progress
from training.datasets.crops import warp_batch
from training.datasets.examples import Examples, choose_majority_labels, load_examples
from training.datasets.pack import Pack
from training.datasets.readers import NO_LABEL
from training.judge.predictions import iterate_batches, make_uint8_crops
from training.synthetic.paste import Cutout, Grounds, PlacedFace, Pose, arrange_faces, cut_face

# A detection belongs to a face within both of these limits.
MAX_DISTANCE = 0.5  # between the centres, in sides of the face
MAX_RATIO = 2.0  # between the sides, either way


class FrameFaceFinder(Protocol):
    """A detector that finds the faces of one frame."""

    def detect(self, image: Picture) -> tuple[Face, ...]:
        """Finds the faces of `image (H, W, 3)` uint8 BGR, in its px."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A row of the table. Sizes `size_px` are drawn evenly in their logarithm between two limits; a
    tilt goes to either side; `covered` is a share of the face's box."""

    kind: str
    name: str
    size_px: tuple[float, float]
    tilt_deg: float = 0.0
    covered: float = 0.0

    def draw_pose(self, generator: np.random.Generator) -> Pose:
        """Draws the appearance of one face under this condition."""
        low, high = np.log(self.size_px)
        size = float(np.exp(generator.uniform(low, high)))
        return Pose(size, self.tilt_deg * float(generator.choice((-1, 1))), self.covered)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The readings of the N faces of a condition. `sure` tells whether the app would show the
    label, `others` counts detections where there is no face."""

    labels: NDArray[np.int64]
    by_crop: NDArray[np.int64]  # (N,) the class that the classifier reads in the cached crop
    by_path: NDArray[np.int64]  # (N,) and at the end of the whole path; NO_LABEL where not found
    sure: NDArray[np.bool_]  # (N,)
    others: int  # detections where there is no face
    frames: int


def cut_crop(frame: Picture, face: Face, contract: Contract) -> Picture:
    """Cuts the crop of `app.crops.align_faces` by its torch twin, from the part of the frame that
    the crop shows.

    Args:
        frame: `(H, W, 3)` uint8 BGR.
        face: A face with landmarks in frame px.
        contract: The model's contract, which gives size and template of the crop.

    Returns:
        `(S, S, 3)` uint8 BGR.

    >>> from app.recognition.classifier import DEFAULT_MODEL
    >>> contract = Classifier(DEFAULT_MODEL, device="cpu").contract
    >>> landmarks = np.full((6, 2), np.nan, np.float32)
    >>> landmarks[:4] = contract.template.targets() * 100 + 50
    >>> face = Face((50.0, 50.0, 150.0, 150.0), landmarks, 0.9)
    >>> crop = cut_crop(np.full((200, 200, 3), 9, np.uint8), face, contract)
    >>> crop.shape == (contract.size_px, contract.size_px, 3), int(crop.min()), int(crop.max())
    (True, 9, 9)
    """
    size = contract.size_px
    matrix = fit_crop_matrix(face.landmarks, contract.template, size)
    corners = np.array([(0, 0), (size, 0), (0, size), (size, size)], np.float64)
    reach = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T  # (4, 2) frame px
    limits = np.array(frame.shape[1::-1])
    # The part has two more pixels on each side for the interpolation, and at least one pixel where
    # the crop lies outside the frame.
    low = np.clip(np.floor(reach.min(axis=0)).astype(int) - 2, 0, limits - 1)
    high = np.clip(np.ceil(reach.max(axis=0)).astype(int) + 2, low + 1, limits)
    part = np.ascontiguousarray(frame[low[1] : high[1], low[0] : high[0]].transpose(2, 0, 1))
    matrix[:, 2] += matrix[:, :2] @ low
    crop = warp_batch(
        torch.from_numpy(part)[None],
        torch.tensor([[part.shape[2], part.shape[1]]]),
        torch.from_numpy(matrix.astype(np.float32))[None],
        size,
    )
    return np.asarray(crop[0].round().to(torch.uint8).permute(1, 2, 0).numpy(), np.uint8)


def assign_detections(faces: Sequence[Face], placed: Sequence[PlacedFace]) -> dict[int, int]:
    """Assigns detections to the faces that were placed, nearest first.

    Args:
        faces: The detections, in frame px.
        placed: The faces that the frame really shows, in frame px.

    Returns:
        A map from the index in `placed` to the index in `faces`; each detection is used once.

    >>> landmarks = np.zeros((6, 2), np.float32)
    >>> found = [Face((x, 0.0, x + 100.0, 100.0), landmarks, 0.9) for x in (300.0, 10.0)]
    >>> assign_detections(found, [PlacedFace(0, (50.0, 50.0), 100.0)])
    {0: 1}
    """
    pairs = []
    for p, truth in enumerate(placed):
        for f, face in enumerate(faces):
            x0, y0, x1, y1 = face.box_xyxy
            offset = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) - truth.centre
            distance = float(np.hypot(*offset)) / truth.size_px
            ratio = float(np.sqrt(face.width_px * face.height_px)) / truth.size_px
            if distance < MAX_DISTANCE and 1 / MAX_RATIO < ratio < MAX_RATIO:
                pairs.append((distance, p, f))
    found: dict[int, int] = {}
    for _, p, f in sorted(pairs):
        if p not in found and f not in found.values():
            found[p] = f
    return found


class WholePath:
    """A model, a detector and the faces to read.

    `rows (N,)` are the faces' rows in the pack, `labels (N,)` their classes in the order of the
    model's labels. At most `per_frame` faces are pasted into a frame. Raises `DataError` where the
    model's labels are not the data's.
    """

    def __init__(
        self,
        pack: Pack,
        classifier: Classifier,
        detector: FrameFaceFinder,
        grounds: Grounds,
        *,
        per_frame: int = 1,
    ) -> None:
        contract = classifier.contract
        if set(contract.labels) != set(pack.meta.labels):
            raise DataError(
                f"{classifier.path} knows {', '.join(contract.labels)}; the data has "
                f"{', '.join(pack.meta.labels)}."
            )
        rows = pack.find_rows("valid")
        majority = choose_majority_labels(
            pack.votes[rows], len(pack.meta.labels), pack.meta.protocol
        )
        kept = majority != NO_LABEL
        order = np.array([contract.labels.index(label) for label in pack.meta.labels])
        self._pack, self._classifier, self._detector = pack, classifier, detector
        self._grounds, self._per_frame = grounds, per_frame
        self.rows, self.labels = rows[kept], order[majority[kept]]
        examples = load_examples(
            pack,
            "valid",
            template=contract.template,
            size_px=contract.size_px,
            colour=contract.colour,
            labels_from="majority",
        )
        self._by_crop = self._read_crops(examples)

    def _read_crops(self, examples: Examples) -> NDArray[np.int64]:
        parts = [
            self._classifier.predict(make_uint8_crops(examples, rows)).argmax(axis=1)
            for rows in iterate_batches(examples)
        ]
        return np.concatenate(parts)

    def read_condition(
        self, condition: Condition, chosen: NDArray[np.int64], generator: np.random.Generator
    ) -> Outcome:
        """Pastes faces into frames under a condition, and reads them.

        Args:
            condition: Size, tilt and cover of the faces.
            chosen: Indices of the faces, in the order in which they are pasted.
            generator: The source of places and poses.
        """
        by_path = np.full(len(chosen), NO_LABEL, np.int64)
        sure = np.zeros(len(chosen), np.bool_)
        frames = others = 0
        contract = self._classifier.contract
        for frame, placed in track_progress(
            self._make_frames(condition, chosen, generator),
            desc=condition.name,
            unit="frame",
            leave=False,
        ):
            faces = [f for f in self._detector.detect(frame) if is_alignable(f.landmarks)]
            found = assign_detections(faces, placed)
            frames += 1
            others += len(faces) - len(found)
            if found:
                crops = [cut_crop(frame, faces[f], contract) for f in found.values()]
                probabilities = self._classifier.predict(np.stack(crops))
                numbers = [placed[p].number for p in found]
                by_path[numbers] = probabilities.argmax(axis=1)
                sure[numbers] = contract.is_sure(probabilities)
        return Outcome(self.labels[chosen], self._by_crop[chosen], by_path, sure, others, frames)

    def _make_frames(
        self, condition: Condition, chosen: NDArray[np.int64], generator: np.random.Generator
    ) -> Iterator[tuple[Picture, tuple[PlacedFace, ...]]]:
        """Makes frames until every face has been in one. The faces' numbers are indices in
        `chosen`."""
        waiting: list[Cutout] = []
        done = 0
        while done < len(chosen):
            for number in range(done + len(waiting), min(done + self._per_frame, len(chosen))):
                row = int(self.rows[chosen[number]])
                picture = self._pack.decode(row, "rgb")[::-1].transpose(1, 2, 0)  # BGR
                pose = condition.draw_pose(generator)
                waiting.append(cut_face(picture, self._pack.landmarks[row], pose, generator))
            ground = self._grounds.draw(generator)
            frame, placed = arrange_faces(waiting, ground, generator, first=done)
            yield frame, placed
            done += len(placed)
            del waiting[: len(placed)]
