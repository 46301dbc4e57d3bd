"""Softmax, centre loss and DACL under one recipe, over seeds:

python -m training.compare DATA.npz -o docs/comparison --seeds 3

All variants of a seed begin with the same weights and see the same pictures in the same order, so
their differences are paired. What is compared is the network after the last epoch on the validation
split: no checkpoint is chosen, the test split stays closed. Finished runs are not done again.
"""

import argparse
import csv
import io
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.types import TrainingError
from training.attention import class_distances, class_profiles, project, see
from training.checkpoint import RunConfig, build, load, save
from training.cli import run
from training.data import Examples
from training.machine import Machine
from training.metrics import attention_statistics, measure
from training.pack import Pack, read_pack
from training.run_folder import LAST, RunFolder, write_text
from training.train import add_machine_options, add_recipe_options, recipe
from training.trainer import Trainer, data_facts, fit, load_pair

RESULT = "result.json"


@dataclass(frozen=True, slots=True)
class Variant:
    """A name and what it changes in the common recipe."""

    name: str
    changes: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> "Variant":
        """ "NAME: option=value option=value"; options as on the command line. Raises
        `TrainingError`."""
        name, colon, rest = text.partition(":")
        pairs = [part.partition("=") for part in rest.split()]
        if not name.strip() or not colon or not all(p[1] for p in pairs):
            raise TrainingError(
                f"{text!r} is not a variant. Write it as 'NAME: option=value option=value'."
            )
        return cls(name.strip(), tuple((p[0].strip("-"), p[2]) for p in pairs))

    @property
    def slug(self) -> str:
        return re.sub(r"[^\w.=+-]+", "_", self.name)

    def of(self, base: RunConfig) -> RunConfig:
        parser = argparse.ArgumentParser(prog=self.name, exit_on_error=False, allow_abbrev=False)
        add_recipe_options(parser)
        words = [word for option, value in self.changes for word in (f"--{option}", value)]
        try:
            options, unknown = parser.parse_known_args(words)
        except argparse.ArgumentError as cause:
            raise TrainingError(f"Variant {self.name}: {cause}.") from cause
        if unknown:
            raise TrainingError(f"Variant {self.name}: unknown option {unknown[0]}.")
        return recipe(options, base)


LOSSES = tuple(Variant(name, (("loss", name),)) for name in ("softmax", "centre", "dacl"))


@dataclass(frozen=True, slots=True)
class Result:
    """One run, judged on the validation split after its last epoch. Attention figures are NaN
    where the loss has none."""

    variant: str
    seed: int
    accuracy: float
    mean_class_recall: float
    macro_f1: float
    nll: float
    intra: float
    inter: float
    ratio: float
    attention_mean: float
    attention_spread: float
    attention_spread_of_samples: float
    attention_entropy: float
    attention_low: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the half width of its 95 % confidence interval (Student's t over the runs); the
    half width is NaN for a single run."""

    mean: float
    half: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Interval":
        n = len(values)
        half = float("nan")
        if n > 1:
            from scipy.stats import t

            half = float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
        return cls(float(np.mean(values)), half, n)

    def says(self, scale: float = 100.0, digits: int = 2, sign: bool = False) -> str:
        mean = f"{scale * self.mean:{'+' if sign else ''}.{digits}f}"
        return mean if np.isnan(self.half) else f"{mean} ± {scale * self.half:.{digits}f}"


def train_one(
    pack: Pack,
    pair: tuple[Examples, Examples],
    config: RunConfig,
    machine: Machine,
    folder: Path,
) -> None:
    """Runs `config` to its end in `folder`, from its last checkpoint if there is one."""
    with RunFolder(folder, resume=(folder / LAST).exists()) as held:
        trainer = Trainer(config, data_facts(pack, pair[0]), machine)
        if held.state is not None:
            begun = RunConfig.from_dict(held.state["config"])
            if others := begun.differences(config):
                raise TrainingError(
                    f"{folder} holds another recipe ({'; '.join(others)}). Choose another --runs."
                )
            trainer.restore(held.state)
        held.write_facts(config, pack, machine.device.type)
        if held.state is None:
            save(folder / LAST, trainer.state("averaged"))
        for line in fit(trainer, *pair, folder):
            held.add(line)


def judge(folder: Path, variant: Variant, seed: int, valid: Examples) -> Result:
    """Of the last weights, and kept as `result.json` beside them."""
    state = load(folder / LAST)
    config = RunConfig.from_dict(state["config"])
    net = build(config, len(state["facts"]["labels"]))
    net.load_state_dict(state["net"])
    seen = see(net.to(valid.labels.device), valid)
    metrics = measure(seen.logits.double().numpy(), seen.labels.numpy())
    distances = class_distances(seen.embedding, seen.labels)
    attention: dict[str, float] = dict.fromkeys(
        (f.name for f in fields(Result) if f.name.startswith("attention_")), float("nan")
    )
    if config.train.loss == "dacl":
        figures = asdict(attention_statistics(seen.attention.double().numpy()))
        attention = {f"attention_{name}": value for name, value in figures.items()}
    result = Result(
        variant=variant.name,
        seed=seed,
        accuracy=metrics.accuracy,
        mean_class_recall=metrics.mean_class_recall,
        macro_f1=metrics.macro_f1,
        nll=metrics.nll,
        intra=distances.intra,
        inter=distances.inter,
        ratio=distances.ratio,
        **attention,
    )
    write_text(folder / RESULT, json.dumps(asdict(result)) + "\n")
    return result


def run_all(
    pack: Pack,
    base: RunConfig,
    variants: Sequence[Variant],
    seeds: int,
    machine: Machine,
    runs: Path,
) -> list[Result]:
    """Seed by seed, so that what is finished is paired whenever it is stopped."""
    results = []
    pairs: dict[tuple[Any, ...], tuple[Examples, Examples]] = {}
    for seed in range(seeds):
        for variant in variants:
            config = variant.of(base)
            config = replace(config, train=replace(config.train, seed=base.train.seed + seed))
            key = (config.train.size_px, config.train.colour, config.train.targets)
            if key not in pairs:
                pairs = {key: load_pair(pack, config, machine.device)}
            folder = runs / variant.slug / f"seed{config.train.seed}"
            if (folder / RESULT).exists():
                facts = json.loads((folder / RESULT).read_text(encoding="utf-8"))
                result = Result(**facts)
            else:
                train_one(pack, pairs[key], config, machine, folder)
                result = judge(folder, variant, config.train.seed, pairs[key][1])
            print(
                f"{variant.name}, seed {result.seed}: accuracy {100 * result.accuracy:.2f} %, mean "
                f"class recall {result.mean_class_recall:.3f}",
                flush=True,
            )
            results.append(result)
    return results


def of(results: Sequence[Result], variant: str, name: str) -> list[float]:
    """One figure of every run of a variant, by seed."""
    rows = sorted((r for r in results if r.variant == variant), key=lambda r: r.seed)
    return [getattr(row, name) for row in rows]


def difference(results: Sequence[Result], a: str, b: str, name: str) -> Interval:
    """Of `a` minus `b`, paired by seed."""
    return Interval.of(np.subtract(of(results, a, name), of(results, b, name)).tolist())


def holds(interval: Interval) -> str:
    if np.isnan(interval.half):
        return "one run tells nothing"
    if interval.mean - interval.half > 0:
        return "better"
    return "worse" if interval.mean + interval.half < 0 else "no difference shown"


def table(
    results: Sequence[Result], variants: Sequence[Variant], pack: Pack, command: str, faces: int
) -> str:
    """The comparison as a page of Markdown."""
    lines = [
        f"# Losses compared on {pack.meta.dataset}, validation split",
        "",
        f"`{command}`",
        "",
        f"{faces} faces. The network after its last epoch; mean over the seeds ± half the 95 % "
        "confidence interval (Student's t). All variants of a seed begin with the same weights and "
        "see the same pictures in the same order.",
        "",
        "| loss | runs | accuracy, % | mean class recall, % | macro F1, % | NLL | intra / inter |",
        "|---|---|---|---|---|---|---|",
    ]

    def interval(variant: Variant, name: str) -> Interval:
        return Interval.of(of(results, variant.name, name))

    lines += [
        f"| {v.name} | {interval(v, 'accuracy').count} | {interval(v, 'accuracy').says()} | "
        f"{interval(v, 'mean_class_recall').says()} | {interval(v, 'macro_f1').says()} | "
        f"{interval(v, 'nll').says(1, 3)} | {interval(v, 'ratio').says(1, 3)} |"
        for v in variants
    ]
    lines += [
        "",
        "Intra / inter: mean distance of a face's embedding to its class's mean, over the mean "
        "distance between two classes' means.",
        "",
        "| difference, paired by seed | accuracy, points | | mean class recall, points | |",
        "|---|---|---|---|---|",
    ]
    for b, a in combinations(variants, 2):
        accuracy = difference(results, a.name, b.name, "accuracy")
        recall = difference(results, a.name, b.name, "mean_class_recall")
        lines.append(
            f"| {a.name} − {b.name} | {accuracy.says(sign=True)} | {holds(accuracy)} | "
            f"{recall.says(sign=True)} | {holds(recall)} |"
        )
    attentive = [v for v in variants if not np.isnan(interval(v, "attention_mean").mean)]
    if attentive:
        lines += [
            "",
            "| attention at the end | mean | spread | over faces | entropy, nats | under 0.1 |",
            "|---|---|---|---|---|---|",
        ]
    for v in attentive:
        names = ("mean", "spread", "spread_of_samples", "entropy", "low")
        row = " | ".join(interval(v, f"attention_{name}").says(1, 3) for name in names)
        lines.append(f"| {v.name} | {row} |")
    return "\n".join(lines) + "\n"


def rows_csv(results: Sequence[Result]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(Result)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: f"{v:.6g}" if isinstance(v, float) else v for name, v in asdict(result).items()}
        for result in results
    )
    return text.getvalue()


@dataclass(frozen=True, slots=True)
class Look:
    """What the figures show of one run: `places (N, 2)`, `labels (N,)`, and, with attention,
    `profiles (K, d)` and the epochs' log lines."""

    name: str
    places: NDArray[np.float64]
    labels: NDArray[np.int64]
    profiles: NDArray[np.float64] | None
    lines: list[dict[str, Any]]


def look_at(variant: Variant, folder: Path, valid: Examples, machine: Machine) -> Look:
    state = load(folder / LAST)
    config = RunConfig.from_dict(state["config"])
    labels = state["facts"]["labels"]
    net = build(config, len(labels)).to(machine.device)
    net.load_state_dict(state["net"])
    seen = see(net, valid)
    profiles = None
    if config.train.loss == "dacl":
        profiles = class_profiles(seen.attention, seen.labels, len(labels))
    log = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return Look(
        name=variant.name,
        places=project(seen.embedding),
        labels=seen.labels.numpy(),
        profiles=profiles,
        lines=[json.loads(line) for line in log],
    )


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m training.compare",
        description="Train losses, or any variants of a recipe, over several seeds and write a "
        "table and figures with confidence intervals and paired differences.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument(
        "-o", "--output", type=Path, required=True, help="folder for the table and the figures"
    )
    top.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/compare"),
        help="folder for the runs (default: runs/compare); what is finished there is kept",
    )
    top.add_argument(
        "--seeds", type=int, default=3, metavar="N", help="runs a variant (default: 3)"
    )
    top.add_argument(
        "--variant",
        action="append",
        metavar="'NAME: option=value …'",
        help="a variant of the recipe, as often as wanted; without any, the three losses",
    )
    add_machine_options(top)
    add_recipe_options(top)
    return top


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.seeds < 1:
        raise TrainingError("--seeds must be at least 1.")
    variants = [Variant.parse(text) for text in options.variant or ()] or list(LOSSES)
    if len({v.slug for v in variants}) != len(variants):
        raise TrainingError("Two variants have the same name.")
    base = recipe(options, RunConfig())
    for variant in variants:
        variant.of(base)  # says what is wrong before hours are spent
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise TrainingError(f"{options.output} could not be made: {cause.strerror}.") from cause
    machine = Machine.choose(options.device, options.precision, False)
    pack = read_pack(options.data)
    results = run_all(pack, base, variants, options.seeds, machine, options.runs)
    first = variants[0].of(base)
    _, valid = load_pair(pack, first, machine.device)
    command = " ".join(["python -m training.compare", *map(_quoted, argv or sys.argv[1:])])
    write_text(
        options.output / "comparison.md", table(results, variants, pack, command, len(valid))
    )
    write_text(options.output / "comparison.csv", rows_csv(results))
    print(f"{options.output / 'comparison.md'}")
    try:
        from training import figures
    except ImportError:
        print("The figures were left out: matplotlib is not installed.", file=sys.stderr)
        return 1
    looks = [
        look_at(v, options.runs / v.slug / f"seed{base.train.seed}", valid, machine)
        for v in variants
        if v.of(base).train.size_px == first.train.size_px
    ]
    figures.comparison_figure(
        {v.name: of(results, v.name, "accuracy") for v in variants},
        {v.name: of(results, v.name, "mean_class_recall") for v in variants},
        options.output / "accuracy.png",
    )
    figures.embedding_figure(looks, pack.meta.labels, options.output / "embedding.png")
    if any(look.profiles is not None for look in looks):
        figures.attention_figure(looks, options.output / "attention.png")
        figures.profile_figure(looks, pack.meta.labels, options.output / "profiles.png")
    return 0


def _quoted(word: str) -> str:
    return f"'{word}'" if re.search(r"[^\w./=+-]", word) else word


if __name__ == "__main__":
    raise SystemExit(run(main))
