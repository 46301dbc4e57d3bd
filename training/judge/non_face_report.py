"""Shows pictures without a face to detector and classifier, and reports how many get a label."""

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
from training.datasets.pack import Pack
from training.datasets.readers import NO_LABEL
from training.judge.path_reading import FrameFaceFinder, cut_crop
from training.judge.predictions import compute_file_logits, load_judged_examples
from training.measures.confidence_scores import (
    SCORES,
    find_keeping_score,
    measure_acceptance,
    measure_auroc,
)
from training.measures.decision_rule import correct_logits
from training.measures.doubt import measure_selective
from training.synthetic.non_face_pictures import cut_centre

COVERAGES = (0.9, 0.95)  # shares of the faces that a measure of doubt keeps
MAX_LABELLED_SHARE = 0.01  # of the pictures that may get a label: the target
BATCH = 64  # crops that the classifier reads at a time


@dataclass(frozen=True, slots=True)
class NonFaceRow:
    """Counts of the pictures of a kind: `past` the detector, and of those `said` counts the
    pictures that get a label. `said_crop` counts the labels of pictures given straight to the
    classifier."""

    kind: str
    pictures: int
    past: int
    said: int
    said_crop: int


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """The results of one measure of doubt.

    `accepted` is the share of the pictures, given straight to the classifier, that pass where the
    measure keeps each of `COVERAGES` of the faces. `past` is the share of all pictures that pass
    behind the detector at the first coverage; `accuracy` and `mean_class_recall` are those of the
    faces that are kept then. `area` lies under the risk-coverage curve; `auroc` is of faces against
    pictures without one.
    """

    name: str
    accepted: tuple[float, ...]
    past: float
    auroc: float
    accuracy: float
    mean_class_recall: float
    area: float


@dataclass(frozen=True, slots=True)
class NonFaceReadings:
    """The readings of N pictures without a face, in which the detector found M faces.

    `detected (N,)` and `labelled (N,)` tell whether the detector found a face and whether the app
    would give a label. `logits (N, K)` are of the pictures as crops, `detected_logits (M, K)` of
    the faces that were found, both with the model's prior correction; `detected_rows (M,)` are the
    numbers of their pictures.
    """

    kinds: tuple[str, ...]
    detected: NDArray[np.bool_]
    labelled: NDArray[np.bool_]
    logits: NDArray[np.float64]
    detected_logits: NDArray[np.float64]
    detected_rows: NDArray[np.int64]


def read_non_faces(
    classifier: Classifier, detector: FrameFaceFinder, shown: Iterator[tuple[str, Picture]]
) -> NonFaceReadings:
    """Reads each picture by the whole path, and as a crop given straight to the classifier.

    Args:
        classifier: The exported model.
        detector: Finds the faces of a picture.
        shown: (kind, picture `(H, W, 3)` uint8 BGR) of each picture.

    Returns:
        The readings of all pictures, in the order of `shown`.
    """
    contract = classifier.contract
    kinds: list[str] = []
    crops: list[Picture] = []
    logits: list[NDArray[np.float32]] = []
    detected_crops: list[Picture] = []
    detected_rows: list[int] = []
    for row, (kind, picture) in enumerate(shown):
        faces = [f for f in detector.detect(picture) if is_alignable(f.landmarks)]
        kinds.append(kind)
        detected_crops += [cut_crop(picture, face, contract) for face in faces]
        detected_rows += [row] * len(faces)
        crops.append(cut_centre(picture, contract.size_px))
        if len(crops) == BATCH:
            logits.append(compute_decided_logits(classifier, np.stack(crops)))
            crops = []
    if crops:
        logits.append(compute_decided_logits(classifier, np.stack(crops)))
    size = contract.size_px
    behind = compute_decided_logits(
        classifier, np.reshape(np.array(detected_crops, np.uint8), (-1, size, size, 3))
    )
    rows = np.array(detected_rows, np.int64)
    detected, labelled = (np.zeros(len(kinds), np.bool_) for _ in range(2))
    detected[rows] = True
    if len(behind):
        shares = apply_softmax(behind, contract.decision_temperature)
        labelled[rows[contract.is_sure(shares)]] = True
    return NonFaceReadings(
        kinds=tuple(kinds),
        detected=detected,
        labelled=labelled,
        logits=np.concatenate(logits).astype(np.float64),
        detected_logits=behind.astype(np.float64),
        detected_rows=rows,
    )


def compute_decided_logits(classifier: Classifier, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Computes logits with the model's prior correction.

    Args:
        classifier: The exported model.
        crops: `(N, S, S, 3)` uint8 BGR.

    Returns:
        `(N, K)` float32.

    >>> from app.recognition.classifier import DEFAULT_MODEL
    >>> classifier = Classifier(DEFAULT_MODEL, device="cpu")
    >>> side = classifier.contract.size_px
    >>> compute_decided_logits(classifier, np.zeros((2, side, side, 3), np.uint8)).shape
    (2, 8)
    """
    contract = classifier.contract
    decided = correct_logits(
        classifier.run(crops).logits.astype(np.float64),
        temperature=contract.decision_temperature,
        shares=contract.training_data.class_shares,
        tau=contract.prior_correction,
    )
    return decided.astype(np.float32)


def count_by_kind(found: NonFaceReadings, classifier: Classifier) -> list[NonFaceRow]:
    """Counts the pictures of each kind, and of all kinds in the last row."""
    contract = classifier.contract
    crop_labelled = contract.is_sure(
        apply_softmax(found.logits.astype(np.float32), contract.decision_temperature)
    )
    kinds = np.array(found.kinds)
    rows = []
    for kind in (*dict.fromkeys(found.kinds), "all"):
        own = np.ones(len(kinds), bool) if kind == "all" else kinds == kind
        counts = (own, found.detected & own, found.labelled & own, crop_labelled & own)
        rows.append(NonFaceRow(kind, *(int(flags.sum()) for flags in counts)))
    return rows


def compare_scores(
    found: NonFaceReadings,
    faces: NDArray[np.float64],
    labels: NDArray[np.int64],
    temperature: float,
) -> list[ScoreRow]:
    """Compares the measures of doubt on faces and on pictures without one.

    Args:
        found: The readings of the pictures without a face.
        faces: `(N, K)` logits of validation faces.
        labels: `(N,)` their classes.
        temperature: The model's temperature.

    Returns:
        A row for each measure of doubt.

    >>> found = NonFaceReadings(
    ...     kinds=("noise", "noise"),
    ...     detected=np.array([True, False]),
    ...     labelled=np.array([False, False]),
    ...     logits=np.array([[0.2, 0.0], [0.0, 0.1]]),
    ...     detected_logits=np.array([[0.2, 0.0]]),
    ...     detected_rows=np.array([0]),
    ... )
    >>> faces = np.array([[4.0, 0.0], [0.0, 4.0], [5.0, 0.0], [0.0, 5.0]])
    >>> first = compare_scores(found, faces, np.array([0, 1, 0, 1]), temperature=1.0)[0]
    >>> first.auroc, first.past, first.accuracy
    (1.0, 0.0, 1.0)
    """
    rows = []
    for name, score in SCORES.items():
        of_faces, of_others = score(faces, temperature), score(found.logits, temperature)
        behind = score(found.detected_logits, temperature)
        chosen = measure_selective(faces, labels, of_faces)
        threshold = find_keeping_score(of_faces, COVERAGES[0])
        point = chosen.find_point(COVERAGES[0])
        rows.append(
            ScoreRow(
                name=name,
                accepted=tuple(measure_acceptance(of_faces, of_others, c) for c in COVERAGES),
                past=len(set(found.detected_rows[behind >= threshold].tolist())) / len(found.kinds),
                auroc=measure_auroc(of_faces, of_others),
                accuracy=point.accuracy,
                mean_class_recall=point.mean_class_recall,
                area=chosen.area,
            )
        )
    return rows


def read_face_logits(
    pack: Pack, classifier: Classifier
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Reads the validation faces of the majority protocol with the model.

    Returns:
        (logits `(N, K)` with the model's prior correction, classes `(N,)`), both in the order of
            the model's labels.

    Raises:
        DataError: The model's labels are not the data's.
    """
    contract = classifier.contract
    if set(contract.labels) != set(pack.meta.labels):
        raise DataError(
            f"{classifier.path} knows {', '.join(contract.labels)}; the data has "
            f"{', '.join(pack.meta.labels)}."
        )
    examples, majority = load_judged_examples(
        pack, "valid", contract.template, contract.size_px, contract.colour
    )
    kept = majority != NO_LABEL
    order = np.array([contract.labels.index(label) for label in pack.meta.labels])
    decided = correct_logits(
        compute_file_logits(classifier, examples)[kept],
        temperature=contract.decision_temperature,
        shares=contract.training_data.class_shares,
        tau=contract.prior_correction,
    )
    return decided, order[majority[kept]]


def format_non_face_lines(rows: Sequence[NonFaceRow], scores: Sequence[ScoreRow]) -> list[str]:
    """Formats the tables and the line of the target in Markdown."""

    def format_share(count: int, row: NonFaceRow) -> str:
        return f"{count} ({100 * count / row.pictures:.2f} %)"

    lines = [
        "| kind | pictures | past the detector | get a label | given straight, get a label |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.kind} | {row.pictures} | {format_share(row.past, row)} "
        f"| {format_share(row.said, row)} | {format_share(row.said_crop, row)} |"
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
    is_met = total.said <= MAX_LABELLED_SHARE * total.pictures
    return [
        *lines,
        "",
        f"Of {total.pictures} pictures without a face, {100 * total.said / total.pictures:.2f} % "
        f"get a label through the whole path; at most {100 * MAX_LABELLED_SHARE:.0f} % wanted: "
        f"{'held' if is_met else 'missed'}.",
    ]


def write_non_face_report(
    folder: Path, model: str, rows: Sequence[NonFaceRow], scores: Sequence[ScoreRow]
) -> None:
    """Writes `non_faces.json` and `non_faces.md` into `folder`. Raises `TrainingError`."""
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
    page = [f"# {model}, pictures without a face", "", *format_non_face_lines(rows, scores)]
    write_text_file(folder / "non_faces.md", "\n".join(page) + "\n")
