"""Shows pictures without a face to detector and classifier, and reports which get a label."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.alignment import is_alignable
from app.errors import DataError, TrainingError
from app.recognition.classifier import Classifier, apply_softmax
from app.types import Image as Picture
from training.base.files import write_text_file
from training.datasets.examples import NO_LABEL
from training.datasets.pack import Pack
from training.judge.path_reading import FrameFaceFinder, cut_crop
from training.judge.predictions import file_logits, judged_examples
from training.measures.confidence_scores import (
    SCORES,
    find_keeping_score,
    measure_acceptance,
    measure_auroc,
)
from training.measures.doubt import measure_selective
from training.synthetic.non_face_pictures import as_crop

COVERAGES = (0.9, 0.95)
TARGET = 0.01
BATCH = 64


@dataclass(frozen=True, slots=True)
class NonFaceRow:
    """Counts of pictures of a kind: `past` the detector, and of those `said` a label; `said_crop`
    of those given straight to the classifier."""

    kind: str
    pictures: int
    past: int
    said: int
    said_crop: int


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A way to measure doubt. `accepted`: what share of the pictures, given straight, it lets
    through where it keeps `COVERAGES` of the faces; `past`: what share of all pictures it lets
    through behind the detector at the first of them; `accuracy` and `mean_class_recall` on the
    faces that are kept then; `area` under the risk-coverage curve; `auroc`, face against none."""

    name: str
    accepted: tuple[float, ...]
    past: float
    auroc: float
    accuracy: float
    mean_class_recall: float
    area: float


@dataclass(frozen=True, slots=True)
class NonFaceReadings:
    """The first four share their first axis (N). `past`, `said`: the picture has a face for the
    detector, and a label for the demo; `logits (N, K)` of the pictures as crops. `past_logits
    (M, K)` are of what the detector took for faces, `past_rows (M,)` the pictures of those."""

    kinds: tuple[str, ...]
    past: NDArray[np.bool_]
    said: NDArray[np.bool_]
    logits: NDArray[np.float64]
    past_logits: NDArray[np.float64]
    past_rows: NDArray[np.int64]


def read_non_faces(
    classifier: Classifier, detector: FrameFaceFinder, shown: Iterator[tuple[str, Picture]]
) -> NonFaceReadings:
    """Each picture through the whole path, and straight into the classifier."""
    contract = classifier.contract
    kinds: list[str] = []
    crops: list[Picture] = []
    logits: list[NDArray[np.float32]] = []
    past_crops: list[Picture] = []
    past_rows: list[int] = []
    for row, (kind, picture) in enumerate(shown):
        faces = [f for f in detector.detect(picture) if is_alignable(f.landmarks)]
        kinds.append(kind)
        past_crops += [cut_crop(picture, face, contract) for face in faces]
        past_rows += [row] * len(faces)
        crops.append(as_crop(picture, contract.size_px))
        if len(crops) == BATCH:
            logits.append(classifier.run(np.stack(crops)).logits)
            crops = []
    if crops:
        logits.append(classifier.run(np.stack(crops)).logits)
    size = contract.size_px
    behind = classifier.run(np.reshape(np.array(past_crops, np.uint8), (-1, size, size, 3))).logits
    rows = np.array(past_rows, np.int64)
    past, said = (np.zeros(len(kinds), np.bool_) for _ in range(2))
    past[rows] = True
    if len(behind):
        said[rows[contract.is_sure(apply_softmax(behind, contract.temperature))]] = True
    return NonFaceReadings(
        kinds=tuple(kinds),
        past=past,
        said=said,
        logits=np.concatenate(logits).astype(np.float64),
        past_logits=behind.astype(np.float64),
        past_rows=rows,
    )


def count_by_kind(found: NonFaceReadings, classifier: Classifier) -> list[NonFaceRow]:
    """A row a kind, then all of them."""
    contract = classifier.contract
    as_said = contract.is_sure(apply_softmax(found.logits.astype(np.float32), contract.temperature))
    kinds = np.array(found.kinds)
    rows = []
    for kind in (*dict.fromkeys(found.kinds), "all"):
        own = np.ones(len(kinds), bool) if kind == "all" else kinds == kind
        counts = (own, found.past & own, found.said & own, as_said & own)
        rows.append(NonFaceRow(kind, *(int(flags.sum()) for flags in counts)))
    return rows


def compare_scores(
    found: NonFaceReadings,
    faces: NDArray[np.float64],
    labels: NDArray[np.int64],
    temperature: float,
) -> list[ScoreRow]:
    """`faces (N, K)`: logits of validation faces, `labels (N,)`."""
    rows = []
    for name, score in SCORES.items():
        of_faces, of_others = score(faces, temperature), score(found.logits, temperature)
        behind = score(found.past_logits, temperature)
        chosen = measure_selective(faces, labels, of_faces)
        threshold = find_keeping_score(of_faces, COVERAGES[0])
        point = chosen.find_point(COVERAGES[0])
        rows.append(
            ScoreRow(
                name=name,
                accepted=tuple(measure_acceptance(of_faces, of_others, c) for c in COVERAGES),
                past=len(set(found.past_rows[behind >= threshold].tolist())) / len(found.kinds),
                auroc=measure_auroc(of_faces, of_others),
                accuracy=point.accuracy,
                mean_class_recall=point.mean_class_recall,
                area=chosen.area,
            )
        )
    return rows


def face_logits(
    pack: Pack, classifier: Classifier
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits and labels, in the model's order, of the validation faces (majority protocol)."""
    contract = classifier.contract
    if set(contract.labels) != set(pack.meta.labels):
        raise DataError(
            f"{classifier.path} knows {', '.join(contract.labels)}; the data has "
            f"{', '.join(pack.meta.labels)}."
        )
    examples, majority = judged_examples(
        pack, "valid", contract.template, contract.size_px, contract.colour
    )
    kept = majority != NO_LABEL
    order = np.array([contract.labels.index(label) for label in pack.meta.labels])
    return file_logits(classifier, examples)[kept], order[majority[kept]]


def lines_of(rows: Sequence[NonFaceRow], scores: Sequence[ScoreRow]) -> list[str]:
    """The tables, and the target's line."""

    def share(count: int, row: NonFaceRow) -> str:
        return f"{count} ({100 * count / row.pictures:.2f} %)"

    lines = [
        "| kind | pictures | past the detector | get a label | given straight, get a label |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.kind} | {row.pictures} | {share(row.past, row)} | {share(row.said, row)} "
        f"| {share(row.said_crop, row)} |"
        for row in rows
    ]
    if scores:
        names = " | ".join(f"accepted at {100 * c:.0f} % of faces" for c in COVERAGES)
        lines += [
            "",
            f"| score | {names} | behind the detector, of all | AUROC "
            f"| accuracy at {100 * COVERAGES[0]:.0f} % | mean class recall "
            "| area under risk-coverage |",
            "|---" * (6 + len(COVERAGES)) + "|",
        ]
        lines += [
            f"| {row.name} | {' | '.join(f'{100 * a:.1f} %' for a in row.accepted)} "
            f"| {100 * row.past:.2f} % | {row.auroc:.3f} | {100 * row.accuracy:.2f} "
            f"| {row.mean_class_recall:.3f} | {row.area:.4f} |"
            for row in scores
        ]
    total = rows[-1]
    held = total.said <= TARGET * total.pictures
    return [
        *lines,
        "",
        f"Of {total.pictures} pictures without a face, {100 * total.said / total.pictures:.2f} % "
        f"get a label through the whole path; at most {100 * TARGET:.0f} % wanted: "
        f"{'held' if held else 'missed'}.",
    ]


def write_non_face_report(
    folder: Path, model: str, rows: Sequence[NonFaceRow], scores: Sequence[ScoreRow]
) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise TrainingError(
            f"{folder} could not be made: {cause.strerror}. Choose another -o."
        ) from cause
    facts: dict[str, Any] = {
        "model": model,
        "rows": [asdict(row) for row in rows],
        "scores": [asdict(row) for row in scores],
    }
    write_text_file(folder / "non_faces.json", json.dumps(facts, indent=1, allow_nan=False) + "\n")
    page = [f"# {model}, pictures without a face", "", *lines_of(rows, scores)]
    write_text_file(folder / "non_faces.md", "\n".join(page) + "\n")
