"""How blur, small size, darkness and a turned head show in the figures of quality, and what they do
to the labels:

python -m tools.measure_quality ferplus.npz models/dacl.onnx

Validation faces with a plain winner, as the classifier sees them, are blurred, darkened, or shrunk
and enlarged again, and sorted by how far they are turned; sharpness, brightness and yaw are
`app.recognition.quality`'s, accuracy and labels the model's.
"""

import argparse
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.alignment import FACE_TEMPLATE
from app.recognition.classifier import Classifier
from app.recognition.quality import estimate_pose_deg, measure_quality
from app.types import LANDMARKS, Face, Image
from training.base.cli import run_entry_point
from training.datasets.examples import choose_argmax_labels
from training.datasets.pack import Pack
from training.datasets.pack_reader import read_pack
from training.datasets.readers import NO_LABEL
from training.judge.predictions import iterate_batches, load_judged_examples, make_uint8_crops


def blurred(sigma_px: float) -> Callable[[Image], Image]:
    return lambda crop: np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma_px), np.uint8)


def shrunk(side_px: int) -> Callable[[Image], Image]:
    def there_and_back(crop: Image) -> Image:
        small = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)
        back = cv2.resize(small, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(back, np.uint8)

    return there_and_back


def darkened(gain: float, noise: float = 4.0) -> Callable[[Image], Image]:
    """Less light, and the noise of a sensor that was told nothing of it."""
    generator = np.random.default_rng(0)

    def dark(crop: Image) -> Image:
        values = gain * crop.astype(np.float64) + generator.normal(0, noise, crop.shape[:2] + (1,))
        return np.clip(values + 0.5, 0, 255).astype(np.uint8)

    return dark


CHANGES: dict[str, Callable[[Image], Image]] = {
    "as they are, 48 px": lambda crop: crop,
    "blurred by σ = 1 px": blurred(1),
    "blurred by σ = 2 px": blurred(2),
    "shrunk to 36 px and back": shrunk(36),
    "shrunk to 24 px and back": shrunk(24),
    "light × 0.5": darkened(0.5),
    "light × 0.25": darkened(0.25),
    "light × 0.12": darkened(0.12),
}
YAWS_DEG = (0, 10, 20, 30, 40, 90)


def face_of(size_px: int) -> Face:
    """The face of an aligned crop: its points are the template's."""
    points = np.full((len(LANDMARKS), 2), size_px / 2, np.float32)
    points[FACE_TEMPLATE.indices()] = FACE_TEMPLATE.targets() * size_px
    return Face((0.0, 0.0, float(size_px), float(size_px)), points, 1.0)


def turns_deg(pack: Pack) -> NDArray[np.float64]:
    """Yaw of the same faces; NaN where their landmarks are not known."""
    rows = pack.find_rows("valid")
    winners = choose_argmax_labels(pack.votes[rows], len(pack.meta.labels)) != NO_LABEL
    return np.array(
        [
            estimate_pose_deg(points)[1] if np.isfinite(points).all() else np.nan
            for points in pack.landmarks[rows][winners]
        ]
    )


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m tools.measure_quality", description=__doc__)
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("model", type=Path, help="an exported model (.onnx)")
    options = top.parse_args(argv)
    classifier = Classifier(options.model, device="cpu")
    contract = classifier.contract
    pack = read_pack(options.data)
    examples, _ = load_judged_examples(
        pack, "valid", contract.template, contract.size_px, contract.colour
    )
    crops = np.concatenate([make_uint8_crops(examples, rows) for rows in iterate_batches(examples)])
    face = face_of(contract.size_px)
    labels = [contract.labels.index(pack.meta.labels[k]) for k in examples.labels.tolist()]
    print(
        f"| {len(crops)} faces | accuracy | get a label | sharpness (5 %, median, 95 %) | "
        "brightness (the same) |\n|---|---|---|---|---|"
    )
    spent_ms: list[float] = []
    as_they_are = np.zeros((0, len(contract.labels)), np.float32)
    for name, change in CHANGES.items():
        changed = np.stack([change(crop) for crop in crops])
        found = []
        for crop in changed:
            began_s = time.perf_counter()
            found.append(measure_quality(crop, face))
            spent_ms.append(1000 * (time.perf_counter() - began_s))
        marks = [
            ", ".join(f"{value:.3f}" for value in np.percentile(values, (5, 50, 95)))
            for values in (
                [one.sharpness for one in found if one.sharpness is not None],
                [one.brightness for one in found if one.brightness is not None],
            )
        ]
        said = np.concatenate(
            [classifier.predict(changed[i : i + 256]) for i in range(0, len(changed), 256)]
        )
        if not len(as_they_are):
            as_they_are = said
        right, sure = said.argmax(axis=1) == labels, contract.is_sure(said)
        print(
            f"| {name} | {right.mean():.3f} | {sure.mean():.3f} | {' | '.join(marks)} |",
            flush=True,
        )
    print("\n| turned by | faces | accuracy | get a label |\n|---|---|---|---|")
    yaws = np.abs(turns_deg(pack))
    right, sure = as_they_are.argmax(axis=1) == labels, contract.is_sure(as_they_are)
    for low, high in itertools.pairwise(YAWS_DEG):
        rows = (yaws >= low) & (yaws < high)
        if rows.any():
            print(
                f"| {low}° to {high}° | {rows.sum()} | {right[rows].mean():.3f} | "
                f"{sure[rows].mean():.3f} |"
            )
    print(f"\nThe figures of a face take {np.median(spent_ms):.2f} ms (median).")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
