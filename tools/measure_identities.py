"""How well people are kept apart: python -m tools.measure_identities

Boxes of people on made paths (crossing, hidden for a second, leaving and coming, a shaking camera)
with a detector's noise and misses go through `app.tracking.identities`; TrackEval counts the
field's metrics (CLEAR: MOTA and identity switches; IDF1; HOTA).
"""

import argparse
import contextlib
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.tracking.identities import Identities
from training.base.cli import run_entry_point
from training.base.files import write_text_file

FPS, SECONDS = 30, 20
NOISE = 0.03  # standard deviation of a box's place and size, in its sides
MISSED = 0.05  # of the boxes, besides those hidden
Boxes = NDArray[np.float64]


def _paths(centres: Boxes, sides: Boxes) -> Boxes:
    """`centres (T, P, 2)`, `sides (T, P)` -> boxes `(T, P, 4)`."""
    half = sides[..., None] / 2
    return np.concatenate([centres - half, centres + half], axis=-1)


def crossing(rng: np.random.Generator) -> Boxes:
    """Two people walk past each other, again and again; the one behind is hidden by the other."""
    t = np.arange(FPS * SECONDS) / FPS
    period, side = rng.uniform(4, 7), rng.uniform(80, 160)
    swing = 400 * np.sin(2 * np.pi * t / period + rng.uniform(0, 6))
    y = 360 + rng.uniform(-60, 60, 2)
    ones = np.ones_like(t)
    centres = np.stack(
        [np.stack([640 + swing, y[0] * ones], 1), np.stack([640 - swing, y[1] * ones], 1)], 1
    )
    boxes = _paths(centres, np.stack([side * ones, 0.85 * side * ones], 1))
    boxes[np.abs(2 * swing) < 0.6 * side, 1] = np.nan
    return boxes


def hidden(rng: np.random.Generator) -> Boxes:
    """Three people move slowly; each is out of sight for a second, four times."""
    t = np.arange(FPS * SECONDS) / FPS
    phase = rng.uniform(0, 6, 3)
    x = np.array([260, 640, 1020]) + 60 * np.sin(2 * np.pi * t[:, None] / 5 + phase)
    y = 360 + 40 * np.sin(2 * np.pi * t[:, None] / 7 + 2 * phase)
    boxes = _paths(np.stack([x, y], -1), np.full((len(t), 3), rng.uniform(90, 180)))
    for person in range(3):
        for start_s in np.arange(2, SECONDS - 2, 4.5) + rng.uniform(0, 1.5):
            boxes[(t >= start_s) & (t < start_s + 1.0), person] = np.nan
    return boxes


def coming_and_going(rng: np.random.Generator) -> Boxes:
    """Six people, each through the picture once, at their own height and pace."""
    t = np.arange(FPS * SECONDS) / FPS
    found = []
    for person in range(6):
        pace, start_s = rng.uniform(150, 320), rng.uniform(0, 10)
        x = (t - start_s) * pace
        x = 1280 - x if person % 2 else x
        y = np.full_like(t, 120 + 95 * person)
        box = _paths(np.stack([x, y], -1)[:, None], np.full((len(t), 1), 80.0))[:, 0]
        box[(x < 40) | (x > 1240)] = np.nan
        found.append(box)
    return np.stack(found, 1)


def shaking(rng: np.random.Generator) -> Boxes:
    """Four people sit side by side; the camera in somebody's hand shakes."""
    t = np.arange(FPS * SECONDS) / FPS
    shake = sum(
        a * np.sin(2 * np.pi * f * t[:, None] + rng.uniform(0, 6, 2))
        for a, f in ((40, 0.6), (14, 2.3), (5, 5.1))
    )
    seats = np.stack([np.array([250, 520, 790, 1060]), np.full(4, 380)], -1)
    return _paths(seats[None] + np.asarray(shake)[:, None], np.full((len(t), 4), 120.0))


SCENES: dict[str, Callable[[np.random.Generator], Boxes]] = {
    "crossing": crossing,
    "hidden for 1 s": hidden,
    "coming and going": coming_and_going,
    "shaking camera": shaking,
}


def detections(boxes: Boxes, rng: np.random.Generator) -> list[Boxes]:
    """What a detector says of each frame, in no particular order."""
    sides = boxes[..., 2:3] - boxes[..., 0:1]
    shift = rng.normal(0, NOISE, (*boxes.shape[:2], 2)) * sides
    grow = rng.normal(0, NOISE, (*boxes.shape[:2], 1)) * sides / 2
    noisy = boxes + np.concatenate([shift - grow, shift + grow], -1)
    noisy[rng.random(boxes.shape[:2]) < MISSED] = np.nan
    return [rng.permutation(frame[np.isfinite(frame).all(-1)]) for frame in noisy]


def overlaps(one: Boxes, other: Boxes) -> Boxes:
    """Intersection over union, `(M, 4)` and `(N, 4)` -> `(M, N)`."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(-1)
    areas = [(b[:, 2:] - b[:, :2]).prod(-1) for b in (one, other)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None] - shared), np.float64)


def follow(boxes: Boxes, identities: Identities, rng: np.random.Generator) -> dict[str, Any]:
    """One sequence as TrackEval reads it."""
    gt_ids, tracker_ids, similarity = [], [], []
    numbers: dict[int, int] = {}
    for frame, (true, seen) in enumerate(zip(boxes, detections(boxes, rng), strict=True)):
        here = np.flatnonzero(np.isfinite(true).all(-1))
        ids = identities.update(seen, frame / FPS)
        gt_ids.append(here)
        tracker_ids.append(np.array([numbers.setdefault(i, len(numbers)) for i in ids], int))
        similarity.append(overlaps(true[here], seen))
    return {
        "num_timesteps": len(boxes),
        "num_gt_ids": boxes.shape[1],
        "num_tracker_ids": len(numbers),
        "num_gt_dets": sum(map(len, gt_ids)),
        "num_tracker_dets": sum(map(len, tracker_ids)),
        "gt_ids": gt_ids,
        "tracker_ids": tracker_ids,
        "similarity_scores": similarity,
    }


def judge(sequences: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Metrics over all sequences together."""
    from trackeval import metrics

    told = io.StringIO()
    with contextlib.redirect_stdout(told):  # it prints its settings
        clear, identity, hota = metrics.CLEAR(), metrics.Identity(), metrics.HOTA()
        results = [
            metric.combine_sequences(
                {str(i): metric.eval_sequence(data) for i, data in enumerate(sequences)}
            )
            for metric in (clear, identity, hota)
        ]
    faces = sum(data["num_gt_dets"] for data in sequences)
    return {
        "face_frames": faces,
        "switches": int(results[0]["IDSW"]),
        "switches_per_1000": 1000 * int(results[0]["IDSW"]) / faces,
        "MOTA": float(results[0]["MOTA"]),
        "IDF1": float(results[1]["IDF1"]),
        "HOTA": float(np.mean(results[2]["HOTA"])),
    }


def measure(repeats: int, seed: int) -> dict[str, dict[str, float]]:
    """Metrics of each scene over `repeats` of it, and of all."""
    figures: dict[str, dict[str, float]] = {}
    every: list[dict[str, Any]] = []
    for name, scene in SCENES.items():
        sequences = []
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, repeat, len(figures)])
            sequences.append(follow(scene(rng), Identities(), rng))
        figures[name] = judge(sequences)
        every += sequences
    figures["all"] = judge(every)
    return figures


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tools.measure_identities", description=__doc__)
    top.add_argument(
        "--repeats", type=int, default=10, metavar="N", help="sequences of each scene (default: 10)"
    )
    top.add_argument("--seed", type=int, default=0, metavar="N", help="of what is made (default 0)")
    top.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    figures = measure(max(1, options.repeats), options.seed)
    for name, line in figures.items():
        print(
            f"{name:<18} {line['face_frames']:>7.0f} face-frames  {line['switches']:>4.0f} switches"
            f" ({line['switches_per_1000']:.2f} per 1,000)  MOTA {line['MOTA']:.3f}"
            f"  IDF1 {line['IDF1']:.3f}  HOTA {line['HOTA']:.3f}"
        )
    if options.json is not None:
        write_text_file(options.json, json.dumps(figures, indent=1) + "\n")
        print(options.json, file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
