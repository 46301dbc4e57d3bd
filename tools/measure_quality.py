"""How blur and small size show in the figures of quality, and what they do to the labels:

python -m tools.measure_quality ferplus.npz models/dacl.onnx

Validation faces with a plain winner, as the classifier sees them, are blurred, or shrunk and
enlarged again; the sharpness is `app.quality`'s, the accuracy the model's.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from app.alignment import FACE_TEMPLATE
from app.classifier import Classifier
from app.quality import measure
from app.types import LANDMARKS, Face, Image
from training.cli import run
from training.evaluate import batches, judged_examples, uint8_crops
from training.pack import read_pack


def blurred(sigma_px: float) -> Callable[[Image], Image]:
    return lambda crop: np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma_px), np.uint8)


def shrunk(side_px: int) -> Callable[[Image], Image]:
    def there_and_back(crop: Image) -> Image:
        small = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)
        back = cv2.resize(small, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(back, np.uint8)

    return there_and_back


CHANGES: dict[str, Callable[[Image], Image]] = {
    "as they are, 48 px": lambda crop: crop,
    "blurred by σ = 1 px": blurred(1),
    "blurred by σ = 2 px": blurred(2),
    "shrunk to 36 px and back": shrunk(36),
    "shrunk to 24 px and back": shrunk(24),
}


def face_of(size_px: int) -> Face:
    """The face of an aligned crop: its points are the template's."""
    points = np.full((len(LANDMARKS), 2), size_px / 2, np.float32)
    points[FACE_TEMPLATE.indices()] = FACE_TEMPLATE.targets() * size_px
    return Face((0.0, 0.0, float(size_px), float(size_px)), points, 1.0)


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m tools.measure_quality", description=__doc__)
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("model", type=Path, help="an exported model (.onnx)")
    options = top.parse_args(argv)
    classifier = Classifier(options.model, device="cpu")
    contract = classifier.contract
    pack = read_pack(options.data)
    examples, _ = judged_examples(
        pack, "valid", contract.template, contract.size_px, contract.colour
    )
    crops = np.concatenate([uint8_crops(examples, rows) for rows in batches(examples)])
    face = face_of(contract.size_px)
    labels = [contract.labels.index(pack.meta.labels[k]) for k in examples.labels.tolist()]
    print(f"| {len(crops)} faces | accuracy | sharpness (5 %, median, 95 %) |\n|---|---|---|")
    spent_ms = []
    for name, change in CHANGES.items():
        changed = np.stack([change(crop) for crop in crops])
        sharpness = []
        for crop in changed:
            began_s = time.perf_counter()
            quality = measure(crop, face)
            spent_ms.append(1000 * (time.perf_counter() - began_s))
            if quality.sharpness is not None:
                sharpness.append(quality.sharpness)
        said = np.concatenate(
            [
                classifier.predict(changed[i : i + 256]).argmax(axis=1)
                for i in range(0, len(changed), 256)
            ]
        )
        marks = ", ".join(f"{value:.3f}" for value in np.percentile(sharpness, (5, 50, 95)))
        print(f"| {name} | {np.mean(said == labels):.3f} | {marks} |", flush=True)
    print(f"\nThe figures of a face take {np.median(spent_ms):.2f} ms (median).")
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
