"""Carries out the steps of a recipe, and records the result of each."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from app.errors import TrainingError
from training.base.device import ComputeDevice
from training.base.files import write_text_file
from training.base.processes import ALONE
from training.checkpoints.checkpoint import load_trained, read_facts
from training.checkpoints.digest import hash_checkpoint
from training.checkpoints.wider import write_wide
from training.config.recipes import Learn, Recipe, WeightMean
from training.config.run_config import RunConfig
from training.datasets.pack import Pack
from training.run.averages import make_soup
from training.run.job import TrainingJob, carry_out
from training.run.rehearsal import shorten_recipe
from training.run.run_folder import BEGIN, FACTS, LAST, RunFolder

BEST = "best.pt"  # the checkpoint of a step
RESULT = "result.json"  # the facts and the accuracy of a finished step
MADE = "made.json"  # the checkpoint that the model was made from; the recipe's name precedes it
REPORT = "report"  # the folder of the report; the recipe's name precedes it
WIDE_SEED = 1  # decides how the channels of a widened network share the old weights


def read_facts_file(path: Path) -> dict[str, Any]:
    """Reads a JSON file of ours; empty where it cannot be read."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Writes a JSON file of ours."""
    write_text_file(path, json.dumps(facts, indent=1) + "\n")


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe in a folder. `given` are checkpoints that replace steps; `scale` shortens all
    runs."""

    recipe: Recipe
    runs: Path
    scale: float = 1.0
    given: Mapping[str, Path] = field(default_factory=dict)

    @property
    def last(self) -> str:
        """The name of the last step."""
        return list(self.recipe.steps)[-1]

    def find_file(self, name: str) -> Path:
        """Finds the path of a step's checkpoint, whether or not the file exists."""
        return self.given.get(name, self.runs / name / BEST)

    def list_needed(self) -> list[str]:
        """Lists the steps that lead to the last one, in order, without those that only given steps
        would need."""
        wanted, open_steps = set(), [self.last]
        while open_steps:
            name = open_steps.pop()
            if name in wanted:
                continue
            wanted.add(name)
            if name not in self.given:
                open_steps += self.recipe.steps[name].needs
        return [name for name in self.recipe.steps if name in wanted]

    def make_config(self, step: Learn) -> RunConfig:
        """Makes a step's recipe, shortened by `scale`, with the digests of those of its teachers
        that exist."""
        files = [self.find_file(name) for name in step.teachers]
        digests = tuple(hash_checkpoint(file) for file in files if file.exists())
        teach = replace(step.config.teach, teachers=digests)
        return shorten_recipe(replace(step.config, teach=teach), self.scale)

    def list_facts(self, name: str) -> dict[str, Any]:
        """Lists everything besides the data that decides a step's result. It is recorded with the
        result."""
        step = self.recipe.steps[name]
        if isinstance(step, WeightMean):
            files = [self.find_file(one) for one in step.steps]
            return {"of": [hash_checkpoint(file) for file in files if file.exists()]}
        facts: dict[str, Any] = {"config": asdict(self.make_config(step))}
        if step.begins_with is not None:
            begin = self.find_file(step.begins_with)
            facts["init"] = hash_checkpoint(begin) if begin.exists() else None
        return facts

    def read_accuracy(self, name: str, key: str) -> float | None:
        """Reads the validation accuracy of a finished step; None where no result of this recipe and
        data `key` exists."""
        found = read_facts_file(self.runs / name / RESULT)
        wanted: dict[str, Any] = json.loads(json.dumps(self.list_facts(name) | {"data": key}))
        same = all(found.get(what) == value for what, value in wanted.items())
        if not (same and self.find_file(name).exists() and "accuracy" in found):
            return None
        return float(found["accuracy"])

    def carry_out(self, name: str, pack: Pack, machine: ComputeDevice) -> float:
        """Carries a step to its end, from where it stopped, and returns its validation accuracy.
        Raises `TrainingError` where the step's folder holds another run."""
        key = pack.meta.key
        done = self.read_accuracy(name, key)
        if done is not None:
            return done
        step, folder = self.recipe.steps[name], self.runs / name
        if isinstance(step, WeightMean):
            folder.mkdir(parents=True, exist_ok=True)
            soup = make_soup(
                pack, [self.find_file(one) for one in step.steps], folder / BEST, machine
            )
            accuracy = soup.metrics.accuracy
        else:
            accuracy = self._train(name, step, pack, machine)
        write_facts(folder / RESULT, self.list_facts(name) | {"data": key, "accuracy": accuracy})
        return accuracy

    def _train(self, name: str, step: Learn, pack: Pack, machine: ComputeDevice) -> float:
        folder, config = self.runs / name, self.make_config(step)
        going = any((folder / part).exists() for part in (LAST, FACTS))
        with RunFolder(folder, resume=going, option="--runs") as run:
            state = run.state
            begun = run.begun_recipe if state is None else RunConfig.from_dict(state["config"])
            others = begun.list_differences(config) if begun is not None else []
            if state is not None and read_facts(state).key != pack.meta.key:
                others.append("other data")
            if others:
                raise TrainingError(
                    f"{folder} holds another run ({'; '.join(others)}). Choose another --runs."
                )
            init = None if step.begins_with is None else self.find_file(step.begins_with)
            width = config.model.width
            if init is not None and state is None and load_trained(init).config.model.width < width:
                wide = folder / BEGIN
                write_wide(init, wide, width, WIDE_SEED)
                init = wide
            job = TrainingJob(
                config=config,
                pack=pack,
                output=folder,
                machine=machine,
                teachers=tuple(self.find_file(teacher) for teacher in step.teachers),
                state=state,
                init=init,
            )
            return carry_out(job, ALONE, run)
