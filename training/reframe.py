"""The same faces, framed otherwise, to measure what the framing gives:

python -m training.reframe ferplus.npz -o frames.npz --whole-frames
python -m training.reframe ferplus.npz -o wide.npz --keep 1.25

For comparisons alone: the demo cuts its crops by `app.alignment.FACE_TEMPLATE`, so what is learned
from such a file fits no camera.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.alignment import FACE_TEMPLATE
from app.types import DataError
from training.cli import run
from training.pack import Pack, PackedSample, read_pack, write_pack
from training.readers import SPLITS


def factor(text: str) -> float:
    value = float(text)
    if not 0.2 <= value <= 5:
        raise argparse.ArgumentTypeError("must be in 0.2..5")
    return value


def reframed(landmarks: NDArray[np.float32], keep: float) -> NDArray[np.float32]:
    """`(N, 6, 2)` px, moved so that the template keeps `keep` times as much of a picture around the
    same centre: away from the crop's centre, which is not the landmarks' own. NaN stays NaN."""
    rows = FACE_TEMPLATE.indices()
    targets = FACE_TEMPLATE.targets()  # (P, 2) fractions of the side
    mean, to_centre = targets.mean(axis=0), 0.5 - targets.mean(axis=0)
    spread = math.sqrt(float(((targets - mean) ** 2).sum(axis=1).mean()))
    used = landmarks[:, rows].astype(np.float64)
    middle = used.mean(axis=1, keepdims=True)
    size = np.sqrt(((used - middle) ** 2).sum(axis=2).mean(axis=1)) / spread  # px of a side, (N,)
    eyes = used[:, 1] - used[:, 0]  # the template's second and first, level in it
    length = np.linalg.norm(eyes, axis=1, keepdims=True)
    right = np.divide(eyes, length, out=np.full_like(eyes, np.nan), where=length > 0)
    down = np.stack([-right[:, 1], right[:, 0]], axis=1)
    centre = middle[:, 0] + size[:, None] * (to_centre[0] * right + to_centre[1] * down)
    moved = centre[:, None] + keep * (landmarks - centre[:, None])
    return np.asarray(moved, np.float32)


def samples(pack: Pack, landmarks: NDArray[np.float32]) -> Iterator[PackedSample]:
    for row, name in enumerate(pack.names):
        yield PackedSample(
            webp=pack.blob[pack.offsets[row] : pack.offsets[row + 1]].tobytes(),
            split=SPLITS[int(pack.split[row])],
            votes=pack.votes[row],
            landmarks=landmarks[row],
            name=name,
        )


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m training.reframe",
        description="Copy a prepared file with its faces framed otherwise, to measure what the "
        "framing gives.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("-o", "--output", type=Path, required=True, help="the .npz to write")
    how = top.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "--whole-frames",
        action="store_true",
        help="every picture as it is, as if no face had been found in it",
    )
    how.add_argument(
        "--keep",
        type=factor,
        metavar="X",
        help="how many times as wide as the template's a crop is, around the same centre",
    )
    return top


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.output.exists():
        raise DataError(f"{options.output} is there already. Choose another -o.")
    pack = read_pack(options.data)
    if options.whole_frames:
        landmarks, framing = np.full_like(pack.landmarks, np.nan), "whole frames"
    else:
        landmarks, framing = reframed(pack.landmarks, options.keep), f"{options.keep:g}"
    meta = replace(pack.meta, made_from=pack.meta.made_from | {"framing": framing})
    count = write_pack(options.output, meta, samples(pack, landmarks))
    print(f"{options.output}: {count} pictures, framing {framing}")
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
