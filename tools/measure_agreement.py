"""Measures how much memory `app.agreement` takes for records of many rows.

python -m tools.measure_agreement 2000000
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from app.records.rows import make_json_row
from app.records.schema import FaceRecord, Record

LABELS = ("neutral", "happiness", "sadness", "anger", "surprise", "disgust", "fear", "contempt")
RATE_HZ = 30
SPAN_FRAMES = 40  # that show one expression


def write_files(folder: Path, rows: int) -> tuple[Path, Path]:
    """Writes a coding by a person and records of one face that say the same, a row a frame."""
    human, ours = folder / "human.csv", folder / "ours.jsonl"
    with ours.open("w", encoding="utf-8") as file:
        for frame in range(rows):
            file.write(json.dumps(make_json_row(record(frame))) + "\n")
    with human.open("w", encoding="utf-8") as file:
        file.write("onset,offset,label\n")
        for frame in range(0, rows, SPAN_FRAMES):
            end = min(rows, frame + SPAN_FRAMES)
            file.write(f"{frame / RATE_HZ:.6f},{end / RATE_HZ:.6f},{label_of(frame)}\n")
    return human, ours


def label_of(frame: int) -> str:
    return LABELS[frame // SPAN_FRAMES % len(LABELS)]


def record(frame: int) -> Record:
    label = label_of(frame)
    shares = {one: 0.93 if one == label else 0.01 for one in LABELS}
    points = tuple((float(n), float(n)) for n in range(6))
    face = FaceRecord(1, (10.0, 10.0, 90.0, 120.0), 0.9, label, None, shares, shares, points)
    return Record("made.mp4", frame, round(frame / RATE_HZ, 6), face)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    rows = parser.parse_args(argv).rows
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), rows)
        command = [sys.executable, "-m", "app.agreement", *map(str, files)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print("\n".join(done.stdout.splitlines()[:5]))
    print(f"{rows} rows, at most {peak_kib / 1024:.0f} MiB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
