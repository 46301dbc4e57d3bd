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
from training.judge.attention import (
    compute_class_distances,
    compute_class_profiles,
    project_to_plane,
    read_outputs,
)
from training.measures.comparison import VariantFigures, VariantResult
from training.measures.decision_rule import choose_rule, correct_logits
from training.measures.metrics import measure_attention, measure_metrics
from training.run.begin import load_beginning
from training.run.job import find_teaching
from training.run.loop import fit
from training.run.options import add_recipe_options, add_teacher_options, read_recipe
from training.run.run_folder import LAST, RunFolder
from training.run.teachers import find_view
from training.run.trainer import Trainer

RESULT = "result.json"  # the figures of a finished run, in its folder


@dataclass(frozen=True, slots=True)
class Variant:
    """A name, and its changes to the common recipe."""

    name: str
    changes: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Variant":
        """Reads "NAME: option=value switch option=value", with options as on the command line.
        Raises `TrainingError`.

        >>> Variant.parse("wide: width=64 nesterov")
        Variant(name='wide', changes=('width=64', 'nesterov'))
        """
        name, colon, rest = text.partition(":")
        if not name.strip() or not colon:
            raise TrainingError(
                f"{text!r} is not a variant. Write it as 'NAME: option=value option=value'."
            )
        return cls(name.strip(), tuple(part.lstrip("-") for part in rest.split()))

    @property
    def slug(self) -> str:
        """The name as it stands in the names of folders."""
        return re.sub(r"[^\w.=+-]+", "_", self.name)

    def _parse_options(self) -> dict[str, Any]:
        parser = OneLineParser(
            with_version=False,
            prog=self.name,
            exit_on_error=False,
            allow_abbrev=False,
            add_help=False,
        )
        add_recipe_options(parser)
        add_teacher_options(parser)
        try:
            options, unknown = parser.parse_known_args([f"--{change}" for change in self.changes])
        except argparse.ArgumentError as cause:
            raise TrainingError(f"Variant {self.name}: {cause}.") from cause
        if unknown:
            raise TrainingError(f"Variant {self.name}: unknown option {unknown[0]}.")
        return vars(options)

    def apply_to(self, base: RunConfig) -> RunConfig:
        """Makes the variant's recipe from the common one. Raises `TrainingError`."""
        return read_recipe(self._parse_options(), base)

    @property
    def teachers(self) -> tuple[Path, ...]:
        """The files of the variant's teachers."""
        return tuple(self._parse_options().get("teacher") or ())


LOSSES = tuple(Variant(name, (f"loss={name}",)) for name in ("softmax", "centre", "dacl"))


def train_variant(
    pack: Pack,
    pair: tuple[Examples, Examples],
    config: RunConfig,
    machine: ComputeDevice,
    folder: Path,
    init: Path | None = None,
    teachers: tuple[Path, ...] = (),
) -> None:
    """Trains `config` to its end in `folder`, from its last checkpoint if there is one, else from
    the weights of `init`. Raises `TrainingError` where the folder holds another recipe."""
    with RunFolder(folder, resume=(folder / LAST).exists()) as run:
        teaching = find_teaching(config, teachers, pack, pair[0], machine, ALONE, folder)
        trainer = Trainer(config, gather_facts(pack, pair[0]), machine, teaching=teaching)
        if run.state is not None:
            begun = RunConfig.from_dict(run.state["config"])
            if others := begun.list_differences(config):
                raise TrainingError(
                    f"{folder} holds another recipe ({'; '.join(others)}). Choose another --runs."
                )
            trainer.restore(run.state)
        elif init is not None:
            load_beginning(trainer, init, pair[0])
        run.write_facts(config, pack, machine.device.type, teachers)
        if run.state is None:
            save_checkpoint(folder / LAST, trainer.state("averaged"))
        for line in fit(trainer, *pair, folder):
            run.add_line(line)


def judge_run(folder: Path, variant: Variant, seed: int, valid: Examples) -> VariantResult:
    """Judges the last weights of a run, and writes the result as `result.json` beside them."""
    state = load_checkpoint(folder / LAST)
    config = RunConfig.from_dict(state["config"])
    net = build_network(config, len(state["facts"]["labels"]))
    net.load_state_dict(state["net"])
    outputs = read_outputs(net.to(valid.labels.device), valid)
    logits, labels = outputs.logits.double().numpy(), outputs.labels.numpy()
    metrics = measure_metrics(logits, labels)
    shares = state["facts"]["class_shares"]
    rule = choose_rule(logits, logits, labels, shares=shares)
    corrected = correct_logits(logits, temperature=rule.temperature, shares=shares, tau=rule.tau)
    ruled = measure_metrics(corrected, labels)
    distances = compute_class_distances(outputs.embedding, outputs.labels)
    attention: dict[str, float] = dict.fromkeys(
        (f.name for f in fields(VariantResult) if f.name.startswith("attention_")), float("nan")
    )
    if config.train.loss == "dacl":
        figures = asdict(measure_attention(outputs.attention.double().numpy()))
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
        rule_tau=rule.tau,
        rule_accuracy=ruled.accuracy,
        rule_recall=ruled.mean_class_recall,
    )
    write_text_file(folder / RESULT, json.dumps(asdict(result)) + "\n")
    return result


def read_result(folder: Path) -> VariantResult | None:
    """Reads the result of a finished run; None without one, or where an older version of the
    program wrote it with fewer figures."""
    try:
        facts = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if {*facts} != {item.name for item in fields(VariantResult)}:
        return None
    return VariantResult(**facts)


def run_variants(
    pack: Pack,
    base: RunConfig,
    variants: Sequence[Variant],
    seeds: int,
    machine: ComputeDevice,
    runs: Path,
    init: Path | None = None,
) -> list[VariantResult]:
    """Trains and judges every variant, seed by seed, so that the finished runs are paired whenever
    the study is stopped. Finished runs are read, not made again."""
    results = []
    pairs: dict[tuple[Any, ...], tuple[Examples, Examples]] = {}
    for seed in range(seeds):
        for variant in variants:
            config = variant.apply_to(base)
            config = replace(config, train=replace(config.train, seed=base.train.seed + seed))
            key = (*find_view(config.train), config.train.targets, config.train.own_votes)
            if key not in pairs:
                pairs = {key: load_pair(pack, config, machine.device)}
            folder = runs / variant.slug / f"seed{config.train.seed}"
            if not (folder / RESULT).exists():
                train_variant(pack, pairs[key], config, machine, folder, init, variant.teachers)
            result = read_result(folder) or judge_run(
                folder, variant, config.train.seed, pairs[key][1]
            )
            print(
                f"{variant.name}, seed {result.seed}: accuracy {100 * result.accuracy:.2f} %, mean "
                f"class recall {result.mean_class_recall:.3f}",
                flush=True,
            )
            results.append(result)
    return results


def read_look(
    variant: Variant, folder: Path, valid: Examples, machine: ComputeDevice
) -> VariantFigures:
    """Reads what the figures show of a run: embedding, attention profiles and log."""
    state = load_checkpoint(folder / LAST)
    config = RunConfig.from_dict(state["config"])
    labels = state["facts"]["labels"]
    net = build_network(config, len(labels)).to(machine.device)
    net.load_state_dict(state["net"])
    outputs = read_outputs(net, valid)
    profiles = None
    if config.train.loss == "dacl":
        profiles = compute_class_profiles(outputs.attention, outputs.labels, len(labels))
    log = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return VariantFigures(
        name=variant.name,
        places=project_to_plane(outputs.embedding),
        labels=outputs.labels.numpy(),
        profiles=profiles,
        lines=[json.loads(line) for line in log],
    )


def choose_runs_folder(init: Path | None) -> Path:
    """Chooses the folder of the runs. Runs from other weights get a folder of their own. Raises
    `TrainingError` where the weights cannot be read."""
    if init is None:
        return Path("runs/compare")
    try:
        return Path(f"runs/compare-{sha256_of_file(init)[:8]}")
    except OSError as cause:
        raise TrainingError(f"{init} could not be read: {cause.strerror}.") from cause
