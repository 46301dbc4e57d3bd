"""Makes rows of figures from measured costs, and judges them by aims."""

import resource
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from app.types import Json
from tools.build_costs import KIB_PER_MB, Cost
from tools.build_tasks import Task

HEAD = "| task | clip | | base | head | head : base |\n|---|---|---|---|---|---|"
Pair = tuple[float, float]  # base, head


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of a task: its value in every pair of runs, the base's first."""

    task: str
    clip: str
    figure: str
    pairs: tuple[Pair, ...]

    @property
    def medians(self) -> Pair:
        """The medians of base and head."""
        base, head = zip(*self.pairs, strict=True)
        return statistics.median(base), statistics.median(head)

    @property
    def ratios(self) -> list[float]:
        """The ratios head : base of the pairs, the least first; none where a base is 0."""
        if any(base == 0 for base, _ in self.pairs):
            return []
        return sorted(head / base for base, head in self.pairs)

    def to_json(self) -> Json:
        """Returns the row as plain values."""
        ratios = self.ratios
        more = {"ratio": statistics.median(ratios), "ratios": ratios} if ratios else {}
        return {**asdict(self), **more}


@dataclass(frozen=True, slots=True)
class Aim:
    """The least or the largest value that a figure may have: of the ratio head : base, or of the
    head itself."""

    task: str
    figure: str
    limit: float
    is_least: bool
    of_ratio: bool = True

    def describe(self) -> str:
        """Words the aim, such as ">= 3 x"."""
        return f"{'>=' if self.is_least else '<='} {self.limit:g}{' x' if self.of_ratio else ''}"

    def is_met(self, row: Row) -> bool:
        """Tells whether the median of a row meets the aim."""
        value = statistics.median(row.ratios) if self.of_ratio else row.medians[1]
        return value >= self.limit if self.is_least else value <= self.limit


RATE = "frames/s"
PROCESSOR = "processor ms a frame"
# Beside commit 10c39b9. "plain-loop" is beside `tools.plain_loop`.
AIMS = (
    Aim("annotate", RATE, 3.0, True),
    Aim("annotate", PROCESSOR, 0.40, False),
    Aim("jobs", RATE, 2.2, True),
    Aim("records", RATE, 3.0, True),
    Aim("phone", RATE, 2.5, True),
    Aim("4k-mjpeg", RATE, 2.5, True),
    Aim("4k-h264", RATE, 2.5, True),
    Aim("live-720p", PROCESSOR, 0.5, False),
    Aim("live-720p", "resident memory, MB", 0.8, False),
    Aim("live-4k", RATE, 29.5, True, of_ratio=False),  # of the camera's 30
    Aim("live-4k", "latency p95, ms", 100, False, of_ratio=False),
    Aim("live-ten", "readings a second of a face", 2.0, True),
    Aim("live-twenty", "readings a second of a face", 2.0, True),
    Aim("first-frame", "seconds", 0.6, False),
    Aim("plain-loop", RATE, 1.5, True),
    Aim("pictures", RATE, 3.0, True),
)


def describe_ratios(ratios: Sequence[float]) -> str:
    """Describes sorted ratios as median and range.

    >>> describe_ratios([0.5, 0.75, 1.0])
    '0.75 (0.50 to 1.00)'
    """
    if not ratios:
        return ""
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def format_value(value: float) -> str:
    """Writes a value with three digits or more.

    >>> format_value(0.1234), format_value(12.34), format_value(1234.5)
    ('0.12', '12.3', '1234')
    """
    return f"{value:.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"


def format_row(row: Row) -> str:
    """Formats a row of the table `HEAD`."""
    base, head = (format_value(value) for value in row.medians)
    return (
        f"| {row.task} | {row.clip} | {row.figure} | {base} | {head} | "
        f"{describe_ratios(row.ratios)} |"
    )


def make_rows(
    task: Task, measured: Sequence[tuple[Cost, Cost]], start: tuple[Cost, Cost] | None = None
) -> list[Row]:
    """Makes the rows of one task.

    Args:
        task: The task.
        measured: The costs of base and head, run by run.
        start: The cost of a run of the first frame alone; None: a start is not told apart.
    """

    def row(figure: str, value: Callable[[Cost], float]) -> Row:
        return Row(task.name, task.clip, figure, tuple((value(a), value(b)) for a, b in measured))

    costs = [cost for pair in measured for cost in pair]
    live = [name for name in costs[0].figures if all(name in cost.figures for cost in costs)]
    if not task.frames and live:
        return [row(name, lambda cost, name=name: cost.figures[name]) for name in live]  # type: ignore[misc]
    rows = [
        row("seconds", lambda cost: cost.wall_s),
        row("processor seconds", lambda cost: cost.processor_s),
    ]
    frames = task.frames
    if frames:
        rows += [
            row(RATE, lambda cost: frames / cost.wall_s),
            row(PROCESSOR, lambda cost: 1000 * cost.processor_s / frames),
        ]
    if frames > 1 and start is not None:
        pairs = [list(zip(pair, start, strict=True)) for pair in measured]
        rates = [
            tuple((frames - 1) / max(1e-6, one.wall_s - first.wall_s) for one, first in pair)
            for pair in pairs
        ]
        spent = [
            tuple(
                1000 * (one.processor_s - first.processor_s) / (frames - 1) for one, first in pair
            )
            for pair in pairs
        ]
        for figure, values in ((RATE, rates), (PROCESSOR, spent)):
            both = tuple((base, head) for base, head in values)
            rows.append(Row(task.name, task.clip, f"{figure} beyond the start", both))
    # A process begins as a copy of this one, whose memory counts as its own.
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MB
    if all(cost.peak_mb > 1.1 * own_mb for cost in costs):
        rows.append(row("peak memory, MB", lambda cost: cost.peak_mb))
    return rows


def find_median_start(measured: Sequence[tuple[Cost, Cost]]) -> tuple[Cost, Cost]:
    """Returns the median cost of base and head."""
    base, head = (
        Cost(
            statistics.median(cost.wall_s for cost in side),
            statistics.median(cost.processor_s for cost in side),
            statistics.median(cost.peak_mb for cost in side),
        )
        for side in zip(*measured, strict=True)
    )
    return base, head


def judge_aims(rows: Sequence[Row]) -> list[tuple[Aim, Row]]:
    """Pairs every aim with the rows that it is about, one for each clip."""
    return [
        (aim, row)
        for aim in AIMS
        for row in rows
        if (row.task, row.figure) == (aim.task, aim.figure)
    ]


def format_aims(judged: Sequence[tuple[Aim, Row]]) -> list[str]:
    """Formats a table of the aims."""
    return [
        "| task | clip | | head | head : base | aim | |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row.task} | {row.clip} | {row.figure} | {format_value(row.medians[1])} | "
            f"{describe_ratios(row.ratios)} | {aim.describe()} | "
            f"{'met' if aim.is_met(row) else '**missed**'} |"
            for aim, row in judged
        ),
    ]
