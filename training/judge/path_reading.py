"""Reads faces that were pasted into frames, as the demo does: detector, alignment, classifier."""

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
from training.datasets.examples import NO_LABEL, Examples, choose_majority_labels, load_examples
from training.datasets.pack import Pack
from training.judge.predictions import batches, uint8_crops
from training.synthetic.paste import Cutout, Grounds, Placed, Pose, arrange, cutout

# A detection belongs to a face when their middles are nearer than this share of the face's side and
# their sides differ by less than this factor.
MAX_DISTANCE, MAX_RATIO = 0.5, 2.0


class FrameFaceFinder(Protocol):
    def detect(self, image: Picture) -> tuple[Face, ...]: ...


@dataclass(frozen=True, slots=True)
class Condition:
    """A row of the table. Sizes are drawn evenly in their logarithm from `size_px`; a tilt goes to
    either side."""

    kind: str
    name: str
    size_px: tuple[float, float]
    tilt_deg: float = 0.0
    covered: float = 0.0

    def pose(self, generator: np.random.Generator) -> Pose:
        low, high = np.log(self.size_px)
        size = float(np.exp(generator.uniform(low, high)))
        return Pose(size, self.tilt_deg * float(generator.choice((-1, 1))), self.covered)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the faces of a condition. All share their first axis (N)."""

    labels: NDArray[np.int64]
    by_crop: NDArray[np.int64]  # what the classifier says of the cached crop
    by_path: NDArray[np.int64]  # and at the end of the whole path; NO_LABEL where not found
    sure: NDArray[np.bool_]  # whether the demo would say that label
    others: int  # detections where there is no face
    frames: int


def cut_crop(frame: Picture, face: Face, contract: Contract) -> Picture:
    """Cuts the crop `(S, S, 3)` of `app.crops.align_faces` by its torch twin, from the part of the
    frame that the crop shows."""
    size = contract.size_px
    matrix = fit_crop_matrix(face.landmarks, contract.template, size)
    corners = np.array([(0, 0), (size, 0), (0, size), (size, size)], np.float64)
    reach = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T  # (4, 2) frame px
    limits = np.array(frame.shape[1::-1])
    # Two pixels more for the interpolation; at least one pixel of a frame that is left wholly.
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


def assign(faces: Sequence[Face], placed: Sequence[Placed]) -> dict[int, int]:
    """Place in `placed` -> place in `faces`, nearest first; each is used once."""
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
    """A model, a detector and the faces to read. `rows (N,)` are those faces' places in the pack,
    `labels (N,)` what they show in the order of the model's labels. At most `per_frame` faces are
    pasted into a frame."""

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
        rows = pack.rows("valid")
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
            self._classifier.predict(uint8_crops(examples, rows)).argmax(axis=1)
            for rows in batches(examples)
        ]
        return np.concatenate(parts)

    def judge(
        self, condition: Condition, chosen: NDArray[np.int64], generator: np.random.Generator
    ) -> Outcome:
        """`chosen`: which of the faces, in the order in which they are pasted."""
        by_path = np.full(len(chosen), NO_LABEL, np.int64)
        sure = np.zeros(len(chosen), np.bool_)
        frames = others = 0
        contract = self._classifier.contract
        for frame, placed in track_progress(
            self._frames(condition, chosen, generator),
            desc=condition.name,
            unit="frame",
            leave=False,
        ):
            faces = [f for f in self._detector.detect(frame) if is_alignable(f.landmarks)]
            found = assign(faces, placed)
            frames += 1
            others += len(faces) - len(found)
            if found:
                crops = [cut_crop(frame, faces[f], contract) for f in found.values()]
                probabilities = self._classifier.predict(np.stack(crops))
                numbers = [placed[p].number for p in found]
                by_path[numbers] = probabilities.argmax(axis=1)
                sure[numbers] = contract.is_sure(probabilities)
        return Outcome(self.labels[chosen], self._by_crop[chosen], by_path, sure, others, frames)

    def _frames(
        self, condition: Condition, chosen: NDArray[np.int64], generator: np.random.Generator
    ) -> Iterator[tuple[Picture, tuple[Placed, ...]]]:
        """Frames until every face has been in one; numbers are places in `chosen`."""
        waiting: list[Cutout] = []
        done = 0
        while done < len(chosen):
            for number in range(done + len(waiting), min(done + self._per_frame, len(chosen))):
                row = int(self.rows[chosen[number]])
                picture = self._pack.decode(row, "rgb")[::-1].transpose(1, 2, 0)  # BGR
                pose = condition.pose(generator)
                waiting.append(cutout(picture, self._pack.landmarks[row], pose, generator))
            ground = self._grounds.draw(generator)
            frame, placed = arrange(waiting, ground, generator, first=done)
            yield frame, placed
            done += len(placed)
            del waiting[: len(placed)]
