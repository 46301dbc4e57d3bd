"""Timelines of records as one picture, curves alone:

python -m tools.plot_timelines clip.jsonl -o docs/clip.png --title "crying to laughing"
"""

import argparse
import io
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from app.files.atomic import reserve, write_whole
from app.overlay.palette import COLOURS
from app.process.console import run_command
from app.records.reader import RecordsReader
from app.records.schema import Record
from app.types import UNSURE

MAX_PEOPLE = 6
GAP_S = 0.3  # a longer absence tears a curve
SHOWN_FROM = 0.2  # a class that never gets that far has no curve
DPI = 110


@dataclass(slots=True)
class Person:
    times_s: list[float] = field(default_factory=list)
    shares: list[list[float]] = field(default_factory=list)  # (K,) each
    said: list[str] = field(default_factory=list)


def people(rows: Iterable[Record]) -> tuple[dict[int, Person], tuple[str, ...], float]:
    """(person by face_id, those seen longest first; class names; last time in seconds)."""
    found: dict[int, Person] = {}
    labels: tuple[str, ...] = ()
    end_s = 0.0
    for row in rows:
        end_s = row.time_s
        if row.face is None:
            continue
        labels = labels or tuple(row.face.probabilities)
        person = found.setdefault(row.face.face_id, Person())
        person.times_s.append(row.time_s)
        person.shares.append([row.face.probabilities[label] for label in labels])
        person.said.append(row.face.label)
    longest = sorted(found.items(), key=lambda item: -len(item[1].times_s))
    return dict(longest), labels, end_s


def stretches(person: Person) -> list[tuple[float, float, str]]:
    """(begin, end, label): what was said for how long, torn where the face was away."""
    spans: list[tuple[float, float, str]] = []
    for time_s, label in zip(person.times_s, person.said, strict=True):
        if spans and spans[-1][2] == label and time_s - spans[-1][1] <= GAP_S:
            spans[-1] = (spans[-1][0], time_s, label)
        else:
            begin_s = spans[-1][1] if spans and time_s - spans[-1][1] <= GAP_S else time_s
            spans.append((begin_s, time_s, label))
    return spans


def colour(label: str) -> tuple[float, float, float] | str:
    if label == UNSURE:
        return "white"
    blue, green, red = COLOURS.get(label, (120, 120, 120))
    return red / 255, green / 255, blue / 255


def plot(path: Path, output: Path, title: str, *, overwrite: bool = False) -> int:
    """Returns how many people there are. Raises `DataError` for what is no records file, and
    `SinkError`."""
    reserve(output, overwrite=overwrite, inputs=[path])
    found, labels, end_s = people(RecordsReader(path))
    shown = list(itertools.islice(found.items(), MAX_PEOPLE))
    figure, all_axes = plt.subplots(
        max(1, len(shown)),
        1,
        figsize=(9, 1.1 + 2.0 * max(1, len(shown))),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, (face_id, person) in zip(all_axes[:, 0], shown, strict=False):
        times = np.array(person.times_s)
        shares = np.array(person.shares)
        torn = np.flatnonzero(np.diff(times) > GAP_S) + 1
        times, curves = np.insert(times, torn, np.nan), np.insert(shares, torn, np.nan, axis=0)
        for column, label in enumerate(labels):
            if shares[:, column].max() >= SHOWN_FROM:
                axes.plot(times, curves[:, column], color=colour(label), label=label, lw=1.4)
        for begin_s, stop_s, label in stretches(person):
            axes.axvspan(
                begin_s, stop_s, -0.12, -0.04, fc=colour(label), ec="0.5", clip_on=False, lw=0.3
            )
        axes.set_ylim(0, 1)
        axes.set_ylabel(f"face {face_id}")
        axes.legend(loc="upper right", fontsize=7, ncols=4)
        axes.tick_params(axis="x", pad=18)
    if not shown:
        all_axes[0, 0].text(0.5, 0.5, "no face", ha="center", transform=all_axes[0, 0].transAxes)
    all_axes[-1, 0].set_xlim(0, max(end_s, 1e-3))
    all_axes[-1, 0].set_xlabel("video time, s (strip: what was said; white: unsure)")
    figure.suptitle(title)
    content = io.BytesIO()
    figure.savefig(content, dpi=DPI, metadata={"Software": None}, format="png")
    plt.close(figure)
    write_whole(output, content.getvalue(), overwrite=overwrite, inputs=[path])
    return len(found)


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        prog="python -m tools.plot_timelines",
        description="Probabilities and labels of each face of a records file over time.",
    )
    top.add_argument("records", type=Path, help="what run_demo.py --records wrote")
    top.add_argument("-o", "--output", type=Path, required=True, help="the .png to write")
    top.add_argument("--title", default="", help="above the picture (default: the file's name)")
    top.add_argument("--overwrite", action="store_true", help="replace a file that exists already")
    options = top.parse_args(argv)

    def draw() -> int:
        title = options.title or options.records.stem
        count = plot(options.records, options.output, title, overwrite=options.overwrite)
        print(f"{options.output}: {count} people")
        return 0

    return run_command(draw)


if __name__ == "__main__":
    raise SystemExit(main())
