"""Trains and judges variants of a recipe, seed by seed."""

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from app.errors import TrainingError
from app.files.hashing import sha256_of_file
from app.process.one_line_parser import OneLineParser
from training.base.device import ComputeDevice
from training.base.files import write_text_file
from training.base.processes import ALONE
from training.checkpoints.checkpoint import build_network, load_checkpoint, save_checkpoint
from training.config.run_config import RunConfig
from training.datasets.examples import Examples
from training.datasets.pack import Pack
from training.datasets.split_pair import gather_facts, load_pair
from training.judge.attention import class_distances, class_profiles, project, see
from training.measures.comparison import VariantFigures, VariantResult
from training.measures.metrics import measure_attention, measure_metrics
from training.run.begin import begin_with
from training.run.job import find_teaching
from training.run.loop import fit
from training.run.options import add_recipe_options, add_teacher_options, read_recipe
from training.run.run_folder import LAST, RunFolder
from training.run.teachers import view_of
from training.run.trainer import Trainer

RESULT = "result.json"


@dataclass(frozen=True, slots=True)
class Variant:
    """A name and what it changes in the common recipe."""

    name: str
    changes: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Variant":
        """ "NAME: option=value switch option=value"; options as on the command line. Raises
        `TrainingError`."""
        name, colon, rest = text.partition(":")
        if not name.strip() or not colon:
            raise TrainingError(
                f"{text!r} is not a variant. Write it as 'NAME: option=value option=value'."
            )
        return cls(name.strip(), tuple(part.lstrip("-") for part in rest.split()))

    @property
    def slug(self) -> str:
        return re.sub(r"[^\w.=+-]+", "_", self.name)

    def _options(self) -> argparse.Namespace:
        parser = OneLineParser(prog=self.name, exit_on_error=False, allow_abbrev=False)
        add_recipe_options(parser)
        add_teacher_options(parser)
        try:
            options, unknown = parser.parse_known_args([f"--{change}" for change in self.changes])
        except argparse.ArgumentError as cause:
            raise TrainingError(f"Variant {self.name}: {cause}.") from cause
        if unknown:
            raise TrainingError(f"Variant {self.name}: unknown option {unknown[0]}.")
        return options

    def of(self, base: RunConfig) -> RunConfig:
        return read_recipe(self._options(), base)

    @property
    def teachers(self) -> tuple[Path, ...]:
        return tuple(self._options().teacher or ())


LOSSES = tuple(Variant(name, (f"loss={name}",)) for name in ("softmax", "centre", "dacl"))


def train_one(
    pack: Pack,
    pair: tuple[Examples, Examples],
    config: RunConfig,
    machine: ComputeDevice,
    folder: Path,
    init: Path | None = None,
    teachers: tuple[Path, ...] = (),
) -> None:
    """Runs `config` to its end in `folder`, from its last checkpoint if there is one, else from the
    weights of `init`."""
    with RunFolder(folder, resume=(folder / LAST).exists()) as held:
        teaching = find_teaching(config, teachers, pack, pair[0], machine, ALONE, folder)
        trainer = Trainer(config, gather_facts(pack, pair[0]), machine, teaching=teaching)
        if held.state is not None:
            begun = RunConfig.from_dict(held.state["config"])
            if others := begun.list_differences(config):
                raise TrainingError(
                    f"{folder} holds another recipe ({'; '.join(others)}). Choose another --runs."
                )
            trainer.restore(held.state)
        elif init is not None:
            begin_with(trainer, init, pair[0])
        held.write_facts(config, pack, machine.device.type, teachers)
        if held.state is None:
            save_checkpoint(folder / LAST, trainer.state("averaged"))
        for line in fit(trainer, *pair, folder):
            held.add(line)


def judge_run(folder: Path, variant: Variant, seed: int, valid: Examples) -> VariantResult:
    """Of the last weights, and kept as `result.json` beside them."""
    state = load_checkpoint(folder / LAST)
    config = RunConfig.from_dict(state["config"])
    net = build_network(config, len(state["facts"]["labels"]))
    net.load_state_dict(state["net"])
    seen = see(net.to(valid.labels.device), valid)
    metrics = measure_metrics(seen.logits.double().numpy(), seen.labels.numpy())
    distances = class_distances(seen.embedding, seen.labels)
    attention: dict[str, float] = dict.fromkeys(
        (f.name for f in fields(VariantResult) if f.name.startswith("attention_")), float("nan")
    )
    if config.train.loss == "dacl":
        figures = asdict(measure_attention(seen.attention.double().numpy()))
        attention = {f"attention_{name}": value for name, value in figures.items()}
    result = VariantResult(
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
    write_text_file(folder / RESULT, json.dumps(asdict(result)) + "\n")
    return result


def run_all(
    pack: Pack,
    base: RunConfig,
    variants: Sequence[Variant],
    seeds: int,
    machine: ComputeDevice,
    runs: Path,
    init: Path | None = None,
) -> list[VariantResult]:
    """Seed by seed, so that what is finished is paired whenever it is stopped."""
    results = []
    pairs: dict[tuple[Any, ...], tuple[Examples, Examples]] = {}
    for seed in range(seeds):
        for variant in variants:
            config = variant.of(base)
            config = replace(config, train=replace(config.train, seed=base.train.seed + seed))
            key = (*view_of(config.train), config.train.targets)
            if key not in pairs:
                pairs = {key: load_pair(pack, config, machine.device)}
            folder = runs / variant.slug / f"seed{config.train.seed}"
            if (folder / RESULT).exists():
                facts = json.loads((folder / RESULT).read_text(encoding="utf-8"))
                result = VariantResult(**facts)
            else:
                train_one(pack, pairs[key], config, machine, folder, init, variant.teachers)
                result = judge_run(folder, variant, config.train.seed, pairs[key][1])
            print(
                f"{variant.name}, seed {result.seed}: accuracy {100 * result.accuracy:.2f} %, mean "
                f"class recall {result.mean_class_recall:.3f}",
                flush=True,
            )
            results.append(result)
    return results


def look_at(
    variant: Variant, folder: Path, valid: Examples, machine: ComputeDevice
) -> VariantFigures:
    state = load_checkpoint(folder / LAST)
    config = RunConfig.from_dict(state["config"])
    labels = state["facts"]["labels"]
    net = build_network(config, len(labels)).to(machine.device)
    net.load_state_dict(state["net"])
    seen = see(net, valid)
    profiles = None
    if config.train.loss == "dacl":
        profiles = class_profiles(seen.attention, seen.labels, len(labels))
    log = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return VariantFigures(
        name=variant.name,
        places=project(seen.embedding),
        labels=seen.labels.numpy(),
        profiles=profiles,
        lines=[json.loads(line) for line in log],
    )


def runs_folder(init: Path | None) -> Path:
    """Runs from other weights are other runs. Raises `TrainingError` when they cannot be read."""
    if init is None:
        return Path("runs/compare")
    try:
        return Path(f"runs/compare-{sha256_of_file(init)[:8]}")
    except OSError as cause:
        raise TrainingError(f"{init} could not be read: {cause.strerror}.") from cause
