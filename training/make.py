"""A shipped model from the data to the file, in one command:

python -m training.make default ferplus.npz -o models/dacl.onnx

Carries out the recipe's steps (training.recipes) in order, exports what the last one gave with its
contract, and writes its report. What is finished is not done again: the same command goes on where
it was stopped. The test split stays closed.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from app.one_line_parser import OneLineParser
from app.types import TrainingError
from training.checkpoint import facts_of, load_trained
from training.checkpoint_digest import file_digest
from training.cli import run
from training.compact import compact_of, write_compact
from training.evaluation import evaluate, summary, write_report
from training.export import export
from training.files import write_text
from training.half import Storage
from training.job import Job, carry_out
from training.licences import licence_of
from training.machine import Machine
from training.options import add_machine_options
from training.pack import Pack, read_pack
from training.ranks import ALONE
from training.recipes import RECIPES, Learn, Mean, Recipe
from training.rehearsal import measured, shortened, shrunk
from training.run_config import RunConfig
from training.run_folder import BEGIN, FACTS, LAST, RunFolder
from training.soup import make_soup
from training.widen import write_wide

BEST, RESULT, MADE, REPORT = "best.pt", "result.json", "made.json", "report"
WIDE_SEED = 1  # of how a widened network's channels are shared out


def facts_in(path: Path) -> dict[str, Any]:
    """What a JSON file of ours says, as far as it can be read."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(facts, indent=1) + "\n")


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe in a folder. `given`: checkpoints that take the place of steps. `scale` shortens
    all runs."""

    recipe: Recipe
    runs: Path
    scale: float = 1.0
    given: Mapping[str, Path] = field(default_factory=dict)

    @property
    def last(self) -> str:
        return list(self.recipe.steps)[-1]

    def file(self, name: str) -> Path:
        """The checkpoint of a step, whether it is there or not."""
        return self.given.get(name, self.runs / name / BEST)

    def needed(self) -> list[str]:
        """The steps that lead to the last one, in order, without what given ones would need."""
        wanted, open_steps = set(), [self.last]
        while open_steps:
            name = open_steps.pop()
            if name in wanted:
                continue
            wanted.add(name)
            if name not in self.given:
                open_steps += self.recipe.steps[name].needs
        return [name for name in self.recipe.steps if name in wanted]

    def config(self, step: Learn) -> RunConfig:
        """With the digests of its teachers, as far as they are there."""
        files = [self.file(name) for name in step.teachers]
        digests = tuple(file_digest(file) for file in files if file.exists())
        teach = replace(step.config.teach, teachers=digests)
        return shortened(replace(step.config, teach=teach), self.scale)

    def facts(self, name: str) -> dict[str, Any]:
        """What decides a step's result, beside the data: what its result is written down with."""
        step = self.recipe.steps[name]
        if isinstance(step, Mean):
            files = [self.file(one) for one in step.of]
            return {"of": [file_digest(file) for file in files if file.exists()]}
        facts: dict[str, Any] = {"config": asdict(self.config(step))}
        if step.begins_with is not None:
            begin = self.file(step.begins_with)
            facts["init"] = file_digest(begin) if begin.exists() else None
        return facts

    def accuracy(self, name: str, key: str) -> float | None:
        """Of the finished step on validation; None while there is none of this recipe and data."""
        found = facts_in(self.runs / name / RESULT)
        wanted: dict[str, Any] = json.loads(json.dumps(self.facts(name) | {"data": key}))
        same = all(found.get(what) == value for what, value in wanted.items())
        if not (same and self.file(name).exists() and "accuracy" in found):
            return None
        return float(found["accuracy"])

    def carry_out(self, name: str, pack: Pack, machine: Machine) -> float:
        """A step to its end, from where it stopped. Raises `TrainingError` where its folder holds
        another run."""
        key = pack.meta.key
        done = self.accuracy(name, key)
        if done is not None:
            return done
        step, folder = self.recipe.steps[name], self.runs / name
        if isinstance(step, Mean):
            folder.mkdir(parents=True, exist_ok=True)
            soup = make_soup(pack, [self.file(one) for one in step.of], folder / BEST, machine)
            accuracy = soup.metrics.accuracy
        else:
            accuracy = self._train(name, step, pack, machine)
        write_facts(folder / RESULT, self.facts(name) | {"data": key, "accuracy": accuracy})
        return accuracy

    def _train(self, name: str, step: Learn, pack: Pack, machine: Machine) -> float:
        folder, config = self.runs / name, self.config(step)
        going = any((folder / part).exists() for part in (LAST, FACTS))
        with RunFolder(folder, resume=going) as held:
            state = held.state
            begun = held.begun if state is None else RunConfig.from_dict(state["config"])
            others = begun.differences(config) if begun is not None else []
            if state is not None and facts_of(state).key != pack.meta.key:
                others.append("other data")
            if others:
                raise TrainingError(
                    f"{folder} holds another run ({'; '.join(others)}). Choose another --runs."
                )
            init = None if step.begins_with is None else self.file(step.begins_with)
            width = config.model.width
            if init is not None and state is None and load_trained(init).config.model.width < width:
                wide = folder / BEGIN
                write_wide(init, wide, width, WIDE_SEED)
                init = wide
            job = Job(
                config=config,
                pack=pack,
                output=folder,
                machine=machine,
                teachers=tuple(self.file(teacher) for teacher in step.teachers),
                state=state,
                init=init,
            )
            return carry_out(job, ALONE, held)


def minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def said(plan: Plan, pack: Pack, machine: Machine) -> str:
    """What will be done and about how long it takes here, from a few steps of each network."""
    faces, key = len(pack.rows("train")), pack.meta.key
    total_s, lines = 0.0, []
    asked_s: dict[str, float] = {}  # one batch shown to a step's network
    for name in plan.needed():
        step = plan.recipe.steps[name]
        if name in plan.given:
            asked_s[name] = measured(load_trained(plan.given[name]).config, pack, machine).ask_s
            lines.append(f"  {name:<12} {plan.given[name]}")
            continue
        done = plan.accuracy(name, key)
        if isinstance(step, Mean):
            asked_s[name] = asked_s[step.of[0]]
            about = "minutes" if done is None else f"finished, {100 * done:.2f} %"
            lines.append(f"  {name:<12} mean of {', '.join(step.of)}: {about}")
            continue
        config = plan.config(step)
        cost = measured(config, pack, machine)
        asked_s[name] = cost.ask_s
        live = config.teach.teacher_view == "live"
        ask_s = sum(asked_s[teacher] for teacher in step.teachers) if live else 0.0
        took_s = cost.run_s(config, faces, ask_s) if done is None else 0.0
        total_s += took_s
        about = minutes(took_s) if done is None else f"finished, {100 * done:.2f} %"
        begins = f", from {step.begins_with}" if step.begins_with else ""
        taught = f", taught by {', '.join(step.teachers)}" if step.teachers else ""
        lines.append(
            f"  {name:<12} {cost.parameters / 1e6:5.2f} M parameters, {config.train.size_px} px, "
            f"{config.train.epochs} epochs{begins}{taught}: {about}"
        )
    where = f"{machine.device.type}, {'bf16' if machine.autocast else 'fp32'}"
    return "\n".join(
        [
            f"Plan, {faces} training pictures, {where}:",
            *lines,
            f"  about {minutes(total_s)} in all, if nothing else runs here",
        ]
    )


def digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="python -m training.make",
        description="Make a shipped model from the prepared data: carry out its recipe, choose on "
        "validation, export, report. The same command goes on where it was stopped.",
    )
    top.add_argument("model", choices=sorted(RECIPES), help="which recipe (training.recipes)")
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL.onnx", help="the file to write"
    )
    top.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/make"),
        metavar="FOLDER",
        help="where the runs go; models share their steps there (default: runs/make)",
    )
    top.add_argument(
        "--scale",
        type=float,
        default=1.0,
        metavar="X",
        help="of epochs and of data, in 0..1: 0.01 rehearses the whole in minutes (default: 1)",
    )
    top.add_argument(
        "--given",
        action="append",
        default=[],
        metavar="STEP=FILE.pt",
        help="take this checkpoint for a step instead of training it, such as "
        "plain=runs/ferplus/best.pt",
    )
    top.add_argument("--plan", action="store_true", help="print plan and cost, and do nothing")
    top.add_argument("--overwrite", action="store_true", help="replace a model made elsewhere")
    add_machine_options(top)
    return top


def given_steps(words: Sequence[str], recipe: Recipe) -> dict[str, Path]:
    """Raises `TrainingError` for a step that is none, or a file that cannot be read."""
    given = {}
    for word in words:
        name, _, file = word.partition("=")
        if name not in recipe.steps or not file:
            raise TrainingError(
                f"--given {word}: write STEP=FILE.pt, with one of {', '.join(recipe.steps)}."
            )
        load_trained(Path(file))
        given[name] = Path(file)
    return given


def check(options: argparse.Namespace, record: Path) -> None:
    """Raises `TrainingError` for what cannot be, before anything is done."""
    output: Path = options.output
    if output.suffix != ".onnx":
        raise TrainingError(f"{output}: the output must end in .onnx.")
    if not output.parent.is_dir():
        raise TrainingError(f"{output.parent} is not a folder. Make it first.")
    if not 0 < options.scale <= 1:
        raise TrainingError("--scale must be above 0 and at most 1.")
    ours = facts_in(record).get("model")
    if not options.overwrite and output.exists() and digest(output) != ours:
        raise TrainingError(
            f"{output} is there already and not of these runs. Choose another -o, or --overwrite."
        )


def finish(
    name: str,
    plan: Plan,
    pack: Pack,
    output: Path,
    record: Path,
    report_folder: Path,
    weights: Storage,
) -> list[str]:
    """Exports the last step's network and reports on it, as far as that is not done. Returns a line
    for what was left out."""
    best = plan.file(plan.last)
    checkpoint = file_digest(best)
    known = facts_in(record)
    made_as = (known.get("checkpoint"), known.get("model"), known.get("weights"))
    if made_as != (checkpoint, digest(output), weights):
        export(pack, best, output, licence_of(pack.meta.dataset), weights=weights)
        write_compact(best, compact_of(output))
        record.parent.mkdir(parents=True, exist_ok=True)
        facts = {"checkpoint": checkpoint, "model": digest(output), "weights": weights}
        write_facts(record, facts)
    report = evaluate(pack, output, "valid")
    left_out = write_report(report, report_folder)
    print(f"{output} ({name}), {output.stat().st_size / 1e6:.1f} MB")
    print(f"validation, majority protocol, {summary(report.majority)}")
    print(f"Report: {report_folder / 'report.md'}")
    return left_out


def make(options: argparse.Namespace) -> int:
    name, scale = options.model, options.scale
    recipe = RECIPES[name]
    runs = options.runs if scale == 1 else options.runs / f"scale-{scale:g}"
    record = runs / f"{name}-{MADE}"
    check(options, record)
    plan = Plan(recipe, runs, scale, given_steps(options.given, recipe))
    machine = Machine.choose(options.device, options.precision, compile_net=False)
    pack = read_pack(options.data)
    if scale < 1:
        pack = shrunk(pack, scale)
    print(said(plan, pack, machine), flush=True)
    if options.plan:
        return 0
    for step in plan.needed():
        if step not in plan.given:
            accuracy = plan.carry_out(step, pack, machine)
            print(f"{step}: {100 * accuracy:.2f} % on validation", flush=True)
    folder = runs / f"{name}-{REPORT}"
    left_out = finish(name, plan, pack, options.output, record, folder, recipe.weights)
    for line in left_out:
        print(line)
    return 1 if left_out else 0


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    try:
        return make(options)
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on.", file=sys.stderr)
        return 130
    except torch.OutOfMemoryError as cause:
        raise TrainingError(
            "The device's memory is too small for this. Close what else uses it, or use --device "
            "cpu."
        ) from cause


if __name__ == "__main__":
    raise SystemExit(run(main))
