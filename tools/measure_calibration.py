"""What allowing for a resting face gives, and what it costs:

python -m tools.measure_calibration ferplus.npz

The data know no persons, so persons are made: a face that its annotators call neutral stands for
somebody's resting face. Its mirrored picture is what the calibration looks at. What it gives is
read from the picture itself; what it costs, from faces of all other expressions, to each of which
the correction of a resting face drawn at random is applied. That is harsher than life, where the
face with an expression is the same person's. Validation faces with a plain winner only.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.tracking.resting_face import (
    BOUND_NATS,
    FLOOR,
    LEAD_NATS,
    compute_resting_shift,
    shift_probabilities,
)
from app.types import Floats
from training.base.cli import run_entry_point
from training.datasets.pack_reader import read_pack
from training.judge.predictions import iterate_batches, load_judged_examples, make_uint8_crops

SETTINGS = tuple((lead, bound) for bound in (0.5, 1.0, 1.5, 2.0, 3.0) for lead in (0.0, 0.7, 1.4))


def shifts_of(rows: Floats, neutral: int, lead: float, bound: float) -> NDArray[np.float64]:
    """`(N, K)` corrections of N resting faces, from their probabilities `(N, K)`."""
    logs = np.log(np.maximum(rows.astype(np.float64), FLOOR))
    return np.stack(
        [compute_resting_shift(r, neutral, lead_nats=lead, bound_nats=bound) for r in logs]
    )


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        prog="python -m tools.measure_calibration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="an exported .onnx model")
    top.add_argument("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    options = top.parse_args(argv)
    classifier = Classifier(options.model, device="cpu")
    contract = classifier.contract
    neutral = contract.labels.index("neutral")
    pack = read_pack(options.data)
    examples, _ = load_judged_examples(
        pack, "valid", contract.template, contract.size_px, contract.colour
    )
    crops = np.concatenate([make_uint8_crops(examples, rows) for rows in iterate_batches(examples)])
    labels = np.array(
        [contract.labels.index(pack.meta.labels[k]) for k in examples.labels.tolist()]
    )

    def read(pictures: NDArray[np.uint8]) -> Floats:
        return np.concatenate(
            [classifier.predict(pictures[at : at + 64]) for at in range(0, len(pictures), 64)]
        )

    rests, others = labels == neutral, labels != neutral
    seen, plain, truth = read(crops[rests][:, :, ::-1].copy()), read(crops), labels[others]
    resting, moved = plain[rests], plain[others]
    missed = seen.argmax(axis=1) != neutral
    pairs = np.random.default_rng(options.seed).integers(0, len(seen), len(moved))
    missed_pairs = np.random.default_rng(options.seed).choice(np.flatnonzero(missed), len(moved))
    print(
        f"{len(seen)} resting faces, {missed.sum()} of them misread while they are looked at; "
        f"{len(moved)} faces of other expressions\n\n"
        "| lead, nats | bound, nats | resting faces read as neutral | those misread | "
        "other expressions read rightly | with the correction of a misread one |\n"
        "|---|---|---|---|---|---|\n"
        f"| none | | {_percent(resting.argmax(axis=1) == neutral)} | "
        f"{_percent(resting[missed].argmax(axis=1) == neutral)} | "
        f"{_percent(moved.argmax(axis=1) == truth)} | |"
    )
    for lead, bound in SETTINGS:
        shifts = shifts_of(seen, neutral, lead, bound)
        found = shift_probabilities(resting, shifts).argmax(axis=1) == neutral
        kept = shift_probabilities(moved, shifts[pairs]).argmax(axis=1) == truth
        hard = shift_probabilities(moved, shifts[missed_pairs]).argmax(axis=1) == truth
        mark = "**" if (lead, bound) == (LEAD_NATS, BOUND_NATS) else ""
        print(
            f"| {mark}{lead:g}{mark} | {mark}{bound:g}{mark} | {_percent(found)} | "
            f"{_percent(found[missed])} | {_percent(kept)} | {_percent(hard)} |"
        )
    return 0


def _percent(hits: NDArray[np.bool_]) -> str:
    return f"{100 * hits.mean():.1f} %"


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
