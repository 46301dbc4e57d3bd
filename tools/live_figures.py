"""Computes the figures of a live run: its rate, the age of its pictures, and readings a second."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from app.errors import DataError
from app.records.reader import RecordsReader
from app.records.schema import Record
from tools.build_costs import Cost
from tools.live_watch import NUMBERS

MIN_AGES = 10  # pictures whose age is known; labels of a crowd may cover the numbers of the others
MIN_PRESENT_S = 2.0  # of a person who counts


def find_ages_ms(
    sent: Sequence[tuple[int, float]], shown: Sequence[tuple[int, float]]
) -> list[float]:
    """Finds how old pictures are when they are shown.

    Args:
        sent: Number and due time of every picture of the camera, in order.
        shown: Number modulo `NUMBERS` and time of every canvas, in order.

    Returns:
        Milliseconds, of each canvas whose picture was sent.

    >>> find_ages_ms([(0, 1.0), (1, 1.5), (256, 9.0)], [(1, 1.75), (0, 9.25)])
    [250.0, 250.0]
    """
    by_number: dict[int, list[float]] = {}
    for number, due_s in sent:
        by_number.setdefault(number % NUMBERS, []).append(due_s)
    ages = []
    for number, shown_s in shown:
        before = [due_s for due_s in by_number.get(number, []) if due_s <= shown_s]
        if before:
            ages.append(1000 * (shown_s - before[-1]))
    return ages


def count_readings(records: Sequence[Record]) -> float | None:
    """Counts how often a second a person is read: how often the raw probabilities change.

    Returns:
        The median over the people who are there for `MIN_PRESENT_S` or longer; None for nobody.
    """
    rows: dict[int, list[Record]] = {}
    for row in records:
        if row.face is not None:
            rows.setdefault(row.face.face_id, []).append(row)
    rates = []
    for seen in rows.values():
        there_s = seen[-1].time_s - seen[0].time_s
        if there_s >= MIN_PRESENT_S:
            changes = sum(
                one.face.raw_probabilities != two.face.raw_probabilities
                for one, two in pairwise(seen)
                if one.face is not None and two.face is not None
            )
            rates.append(changes / there_s)
    return statistics.median(rates) if rates else None


def summarise_live(
    cost: Cost,
    watched: Mapping[str, Any],
    sent: Sequence[tuple[int, float]],
    records: Path,
) -> Cost:
    """Adds the figures of a live run to its cost.

    Args:
        cost: The cost of the process.
        watched: The JSON object of `tools.live_watch`.
        sent: Number and due time of every picture of the camera.
        records: The records of the run.

    Raises:
        DataError: Nothing was shown, or next to no picture has a number that can be read.
    """
    shown, hidden = watched["shown"], watched["unreadable"]
    ages = find_ages_ms(sent, shown)
    total = len(shown) + hidden
    if len(ages) < MIN_AGES:
        raise DataError(f"Of {total} live pictures, {hidden} have a number that cannot be read.")
    rows = list(RecordsReader(records))
    frames = len({row.frame for row in rows})
    readings = count_readings(rows)
    figures = {
        "frames/s": total / watched["seconds"],
        "processor ms a frame": 1000 * watched["processor_s"] / total,
        "latency p50, ms": float(np.percentile(ages, 50)),
        "latency p95, ms": float(np.percentile(ages, 95)),
        "resident memory, MB": watched["resident_mb"],
        "peak memory, MB": watched["peak_mb"],
        "faces a frame": sum(row.face is not None for row in rows) / frames,
        "readings a second of a face": readings,
    }
    known = {name: float(value) for name, value in figures.items() if value is not None}
    return replace(cost, figures=known)
