"""How calm and how quick labels are:

python -m tools.measure_steadiness ferplus.npz -o docs/steadiness.png

Faces of the validation split are set into frames of 1280 x 720 with sensor noise, jitter and JPEG
(`tools.steady_scenes`) and read by the real path. Faces that hold still, random ones and those
nearest to where their label would change, should keep it; faces that become another person's of
another expression should get the new one soon. A change is clear where both expressions are clearly
recognised: the median of the frames' own readings gives them 0.8 or more. The readings are made
once (`--readings` keeps them) and go through `app.tracking.smoothing` with many settings.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.contract import Contract
from app.errors import DataError
from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.tracking.smoothing import (
    DECIDED_NATS,
    LEAD_HOLD_S,
    MARGIN_NATS,
    SMOOTHING_S,
    ReadingSmoother,
)
from app.types import UNSURE
from tools.steady_recording import CLEAR, Change, Reading, load, record, save
from training.base.cli import run_entry_point

ABSENT = -9
SMOOTHS_S = (0.1, 0.2, 0.3, 0.5, 1.0)
MARGINS_NATS = (0.0, 0.05, 0.1, 0.2, MARGIN_NATS)
HOLDS_S = (0.0, 0.033, 0.066, 0.1, 0.133, 0.166)  # whole frames of 30 a second
DECIDEDS_NATS = (0.0, 0.5, 1.0, DECIDED_NATS, 2.0)
MIN_SEEN = 0.5  # of the frames, for a still face to be counted
MAX_CHANGES, MAX_DELAY_MS = 1.0, 300.0  # a minute; what is aimed at


@dataclass(frozen=True, slots=True)
class Setting:
    smoothing_s: float = SMOOTHING_S
    margin_nats: float = MARGIN_NATS
    hold_s: float = LEAD_HOLD_S
    decided_nats: float = DECIDED_NATS


@dataclass(frozen=True, slots=True)
class Figures:
    """`changes (P,)` of the label in a minute of each still face; `delays_ms (C,)` of each true
    change, infinite where the next one came first; `clear (C,)`: which of them are."""

    changes: NDArray[np.float64]
    delays_ms: NDArray[np.float64]
    clear: NDArray[np.bool_]

    @property
    def calm(self) -> float:
        return float(self.changes.mean())

    @property
    def late_ms(self) -> float:
        """95 % of the clear changes show within this."""
        return percentile(self.delays_ms[self.clear], 95)


def percentile(values: NDArray[np.float64], share: float) -> float:
    """The value that `share` % do not exceed; infinite values are allowed."""
    return float(np.sort(values)[int(np.ceil(share / 100 * len(values))) - 1])


def steadied(
    readings: Sequence[Reading], fps: float, contract: Contract, setting: Setting
) -> NDArray[np.int64]:
    """`(P, F)` classes shown, `NOBODY` for unsure and `ABSENT` where the face was not found."""
    steady = ReadingSmoother(
        smoothing_s=setting.smoothing_s,
        margin_nats=setting.margin_nats,
        hold_s=setting.hold_s,
        decided_nats=setting.decided_nats,
    )
    raw = np.stack([reading.raw for reading in readings], axis=1)  # (F, P, K)
    shown = np.full(raw.shape[:2], ABSENT, np.int64)
    for index, rows in enumerate(raw):
        there = np.flatnonzero(np.isfinite(rows[:, 0]))
        done = steady.update(
            there.tolist(), rows[there], index / fps, contract.measure_sureness_nats
        )
        shown[index, there] = done.shown
    return shown.T


def each_frame(readings: Sequence[Reading], contract: Contract) -> NDArray[np.int64]:
    """The same where each frame stands for itself."""
    return steadied(readings, 1.0, contract, Setting(smoothing_s=0.0))


def changes_per_minute(shown: NDArray[np.int64], fps: float) -> NDArray[np.float64]:
    """`(P,)` of `shown (P, F)`; absences count neither as time nor as change."""
    rates = []
    for row in shown:
        seen = row[row != ABSENT]
        rates.append(np.count_nonzero(np.diff(seen)) / max(len(seen) / fps / 60, 1e-9))
    return np.array(rates)


def delays_ms(
    readings: Sequence[Reading], shown: NDArray[np.int64], fps: float
) -> NDArray[np.float64]:
    """From the first frame with a part of the new face to the first with its label."""
    found = []
    for reading, row in zip(readings, shown, strict=True):
        for change in reading.changes:
            first = round(change.time_s * fps)
            until = round((change.time_s + change.lasts_s) * fps)
            hits = np.flatnonzero(row[first:until] == change.after)
            found.append(1000 * hits[0] / fps if len(hits) else np.inf)
    return np.array(found)


def clearly(reading: Reading, change: Change, fps: float) -> bool:
    """Whether both expressions of a change are clearly recognised where they are settled: in the
    second half of the time until the next change, and in as long before this one."""
    at, half = round(change.time_s * fps), round(change.lasts_s * fps / 2)
    parts = (
        reading.raw[max(0, at - half) : at, change.before],
        reading.raw[at + half : at + 2 * half, change.after],
    )
    return all(np.isfinite(part).any() and float(np.nanmedian(part)) >= CLEAR for part in parts)


def by_class(readings: Sequence[Reading], found: Figures, labels: Sequence[str]) -> list[str]:
    """One line of a table for each expression that something clearly became."""
    after = np.array([change.after for reading in readings for change in reading.changes])
    after, delays = after[found.clear], found.delays_ms[found.clear]
    return [
        f"| {labels[k]} | {(after == k).sum()} | {np.median(delays[after == k]):.0f} | "
        f"{percentile(delays[after == k], 95):.0f} |"
        for k in np.unique(after).tolist()
    ]


def clip_changes(path: Path, classifier: Classifier, setting: Setting) -> str:
    """Label changes in a real video, raw and shown, per person."""
    from app.detection.search import FaceSearch
    from app.pipeline import build_pipeline
    from app.sources.video import VideoSource
    from app.types import Mode

    contract = classifier.contract
    shown: dict[int, list[str]] = {}
    raw: dict[int, list[str]] = {}
    with VideoSource(path) as source, FaceSearch() as search:
        pipeline = build_pipeline(search, classifier, Mode.FILE, smoothing_s=setting.smoothing_s)
        for result in pipeline.read_all(source):
            for face in result.faces:
                own = face.raw_probabilities
                sure = bool(contract.is_sure(own[None])[0])
                raw.setdefault(face.face_id, []).append(
                    contract.labels[int(own.argmax())] if sure else UNSURE
                )
                shown.setdefault(face.face_id, []).append(face.label)

    def count(said: dict[int, list[str]]) -> int:
        return sum(a != b for one in said.values() for a, b in pairwise(one))

    frames = sum(map(len, shown.values()))
    return f"| {path.name} | {frames} | {len(shown)} | {count(raw)} | {count(shown)} |"


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tools.measure_steadiness", description=__doc__)
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument(
        "--model", type=Path, default=DEFAULT_MODEL, metavar="FILE", help="an exported model"
    )
    top.add_argument("-o", "--output", type=Path, metavar="FILE", help="plot of the trade-offs")
    top.add_argument(
        "--readings",
        type=Path,
        metavar="FILE",
        help="keep what was read of each frame (.npz), or take it from there if it exists",
    )
    top.add_argument(
        "--still-s", type=float, default=60.0, metavar="S", help="of each still face (default: 60)"
    )
    top.add_argument(
        "--changing-s", type=float, default=30.0, metavar="S", help="of changing ones (default: 30)"
    )
    top.add_argument(
        "--scenes",
        type=int,
        default=1,
        metavar="N",
        help="of each kind, six faces each (default: 1)",
    )
    top.add_argument(
        "--video", type=Path, nargs="+", default=[], metavar="FILE", help="real clips to count in"
    )
    top.add_argument("--seed", type=int, default=0, metavar="N", help="of what is made (default 0)")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.scenes < 1 or min(options.still_s, options.changing_s) < 5:
        raise DataError("--scenes must be at least 1, --still-s and --changing-s at least 5.")
    classifier = Classifier(options.model, device="cpu")
    contract = classifier.contract
    if options.readings is not None and options.readings.exists():
        recording = load(options.readings)
        if recording.labels != contract.labels:
            raise DataError(f"{options.readings} was made with a model of other labels.")
    else:
        recording = record(
            options.data,
            options.model,
            still_s=options.still_s,
            changing_s=options.changing_s,
            scenes=options.scenes,
            seed=options.seed,
        )
        if options.readings is not None:
            save(recording, options.readings)
    changing, fps = recording.changing, recording.fps
    still = [reading for reading in recording.still if reading.seen.mean() >= MIN_SEEN]
    if not still:
        raise DataError("No still face was found in enough frames. Add scenes.")
    clear = np.array([clearly(one, change, fps) for one in changing for change in one.changes])

    def figures(setting: Setting) -> Figures:
        return Figures(
            changes_per_minute(steadied(still, fps, contract, setting), fps),
            delays_ms(changing, steadied(changing, fps, contract, setting), fps),
            clear,
        )

    seen = np.mean([reading.seen.mean() for reading in (*still, *changing)])
    print(
        f"{len(still)} still faces of {len(still[0].raw) / fps:.0f} s "
        f"({len(recording.still) - len(still)} others were lost), found in {seen:.1%} of frames\n"
    )
    print(
        "| setting | label changes a minute, mean | worst face | faces with at most 1 | delay of "
        "clear changes, median ms | p95 | most | at most 300 ms | of all changes | never |\n"
        "|---|---|---|---|---|---|---|---|---|---|"
    )
    named = {
        "each frame by itself": Setting(smoothing_s=0),
        "smoothed over 0.25 s, no more": Setting(0.25, 0.0, 0.0, np.inf),
        "default": Setting(),
    }
    done: dict[Setting, Figures] = {}
    for name, setting in named.items():
        done[setting] = found = figures(setting)
        late, every = found.delays_ms[found.clear], found.delays_ms
        print(
            f"| {name} | {found.calm:.2f} | {found.changes.max():.1f} | "
            f"{np.count_nonzero(found.changes <= MAX_CHANGES)} of {len(found.changes)} | "
            f"{percentile(late, 50):.0f} | {found.late_ms:.0f} | {late.max():.0f} | "
            f"{np.mean(late <= MAX_DELAY_MS):.1%} of {len(late)} | "
            f"{np.mean(every <= MAX_DELAY_MS):.1%} of {len(every)} | "
            f"{np.count_nonzero(np.isinf(every))} |",
            flush=True,
        )
    print("\n| clearly becomes | changes | delay, median ms | p95 |\n|---|---|---|---|")
    print("\n".join(by_class(changing, done[Setting()], recording.labels)))
    if options.video:
        print("\n| clip | faces | people | changes, each frame | shown |\n|---|---|---|---|---|")
        for path in options.video:
            print(clip_changes(path, classifier, Setting()), flush=True)
    if options.output is not None:
        from tools.steady_plot import Curve, plot

        by_margin = [
            Curve(
                f"margin {margin:g} nats",
                [(f"{s:g} s", figures(Setting(s, margin))) for s in SMOOTHS_S],
            )
            for margin in MARGINS_NATS
        ]
        one_speed = [
            (f"{s:g} s", figures(Setting(s, decided_nats=np.inf))) for s in (0.05, *SMOOTHS_S)
        ]
        by_margin.append(Curve("default margin, no quick average", one_speed))
        by_decided = [
            Curve(
                f"decided from {decided:g} nats on",
                [
                    (f"{1000 * hold:.0f} ms", figures(Setting(hold_s=hold, decided_nats=decided)))
                    for hold in HOLDS_S
                ],
            )
            for decided in DECIDEDS_NATS
        ]
        plot(
            options.output, by_margin, by_decided, done[Setting()], aim=(MAX_CHANGES, MAX_DELAY_MS)
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
