"""Trains and judges variants of a recipe, seed by seed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from app.errors import TrainingError
from training.base.device import ComputeDevice
from training.base.files import write_text_file
from training.base.processes import ALONE
from training.checkpoints.checkpoint import (
    build_network,
    load_checkpoint,
    read_facts,
    save_checkpoint,
)
from training.checkpoints.digest import hash_weights
from training.checkpoints.initial_weights import InitReport, load_initial
from training.config.run_config import RunConfig
from training.datasets.examples import Examples, find_own_labels
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
from training.network.model import ModelConfig
from training.run.begin import check_adjustment, load_beginning
from training.run.job import find_teaching, is_begun_with
from training.run.loop import fit
from training.run.run_folder import FACTS, LAST, LOG, RunFolder, read_log
from training.run.teachers import TeacherInput, find_view
from training.run.trainer import Trainer
from training.studies.variants import Variant, find_seed_config

RESULT = "result.json"  # the figures of a finished run, in its folder


def check_same_run(
    folder: Path,
    begun: RunConfig,
    state: Mapping[str, Any] | None,
    config: RunConfig,
    pack: Pack,
    init: Path | None,
) -> None:
    """Checks that the run in `folder` is the one that is asked for.

    Args:
        folder: The run's folder.
        begun: The recipe that it was begun with.
        state: Its last checkpoint; None: it was stopped before the first.
        config: The recipe that is asked for.
        pack: The data that it is to learn from.
        init: The weights that it is to begin with; None: random ones.

    Raises:
        TrainingError: It has another recipe, other data, or began with other weights.
    """
    others = begun.list_differences(config)
    if others:
        raise TrainingError(
            f"{folder} holds another recipe ({'; '.join(others)}). Choose another --runs."
        )
    if state is not None and read_facts(dict(state)).key != pack.meta.key:
        raise TrainingError(f"{folder} holds a run on other data. Choose another --runs.")
    if state is not None and not is_begun_with(state, init):
        raise TrainingError(
            f"{folder} holds a run that began with other weights. Choose another --runs."
        )


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
    the weights of `init`. Raises `TrainingError` where the folder holds another run."""
    going = any((folder / part).exists() for part in (LAST, FACTS))
    with RunFolder(folder, resume=going, option="--runs") as run:
        state = run.state
        begun = run.begun_recipe if state is None else RunConfig.from_dict(state["config"])
        if begun is not None:
            check_same_run(folder, begun, state, config, pack, init)
        teaching = find_teaching(config, teachers, pack, pair[0], machine, ALONE, folder)
        trainer = Trainer(config, gather_facts(pack, pair[0]), machine, teaching=teaching)
        if state is not None:
            trainer.restore(state)
        elif init is not None:
            load_beginning(trainer, init, pair[0])
        run.write_facts(
            config, pack, machine.device.type, teachers, init=init, origins=trainer.origins
        )
        if state is None:
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


def read_result(folder: Path, variant: Variant, seed: int) -> VariantResult | None:
    """Reads the result of a finished run. None without one, and where it is damaged, is that of
    another variant or seed, or was written by an older version of the program with fewer
    figures."""
    try:
        facts = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        result = VariantResult(**facts)
        figures = list(asdict(result).values())[2:]
    except (OSError, ValueError, TypeError):
        return None
    if (result.variant, result.seed) != (variant.name, seed):
        return None
    return result if all(isinstance(figure, int | float) for figure in figures) else None


def check_variants(
    pack: Pack, base: RunConfig, variants: Sequence[Variant], init: Path | None
) -> None:
    """Checks all variants before hours are spent on the first.

    Raises:
        TrainingError: A variant cannot be, or its network does not take the weights of `init`.
        DataError: A variant needs labels that the pack has not.
    """
    loaded: list[tuple[ModelConfig, TeacherInput, InitReport]] = []
    for variant in variants:
        config = variant.apply_to(base)
        if config.train.own_votes:
            find_own_labels(pack)
        if init is None:
            continue
        model, view = config.model, find_view(config.train)
        reports = [report for *shape, report in loaded if shape == [model, view]]
        if not reports:
            labels = pack.meta.labels
            net = build_network(config, len(labels))
            reports = [load_initial(net, init, labels=labels)]
            loaded.append((model, view, reports[0]))
        check_adjustment(config.train, reports[0])


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
    the study is stopped. Finished runs are read, not made again. Raises `TrainingError` before the
    first step where one of them has another recipe, other data or other weights to begin with."""
    check_variants(pack, base, variants, init)
    for number in range(seeds):
        for variant in variants:
            config = find_seed_config(variant, base, number)
            folder = runs / variant.slug / f"seed{config.train.seed}"
            if (folder / RESULT).exists():
                if not (folder / LAST).exists():
                    raise TrainingError(
                        f"{folder} has a result without {LAST}, which tells how it was made. Move "
                        "it away, or choose another --runs."
                    )
                state = load_checkpoint(folder / LAST)
                begun = RunConfig.from_dict(state["config"])
                check_same_run(folder, begun, state, config, pack, init)
    results = []
    pairs: dict[tuple[Any, ...], tuple[Examples, Examples]] = {}
    for number in range(seeds):
        for variant in variants:
            config = find_seed_config(variant, base, number)
            train = config.train
            key = (*find_view(train), train.targets, train.own_votes, train.outliers > 0)
            if key not in pairs:
                pairs = {key: load_pair(pack, config, machine.device)}
            folder = runs / variant.slug / f"seed{train.seed}"
            if not (folder / RESULT).exists():
                train_variant(pack, pairs[key], config, machine, folder, init, variant.teachers)
            result = read_result(folder, variant, train.seed) or judge_run(
                folder, variant, train.seed, pairs[key][1]
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
    return VariantFigures(
        name=variant.name,
        places=project_to_plane(outputs.embedding),
        labels=outputs.labels.numpy(),
        profiles=profiles,
        lines=read_log(folder / LOG, state["step"]),
    )


def choose_runs_folder(init: Path | None) -> Path:
    """Chooses the folder of the runs. Runs from other weights get a folder of their own. Raises
    `TrainingError` where the weights cannot be read."""
    if init is None:
        return Path("runs/compare")
    return Path(f"runs/compare-{hash_weights(init)[:8]}")
