"""Carries out a recipe's steps, and writes down what each gave."""

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
from training.run.job import Job, carry_out
from training.run.rehearsal import shortened
from training.run.run_folder import BEGIN, FACTS, LAST, RunFolder

BEST, RESULT, MADE, REPORT = "best.pt", "result.json", "made.json", "report"
WIDE_SEED = 1  # of how a widened network's channels are shared out


def facts_in(path: Path) -> dict[str, Any]:
    """What a JSON file of ours says, as far as it can be read."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    write_text_file(path, json.dumps(facts, indent=1) + "\n")


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
        digests = tuple(hash_checkpoint(file) for file in files if file.exists())
        teach = replace(step.config.teach, teachers=digests)
        return shortened(replace(step.config, teach=teach), self.scale)

    def facts(self, name: str) -> dict[str, Any]:
        """What decides a step's result, beside the data: what its result is written down with."""
        step = self.recipe.steps[name]
        if isinstance(step, WeightMean):
            files = [self.file(one) for one in step.steps]
            return {"of": [hash_checkpoint(file) for file in files if file.exists()]}
        facts: dict[str, Any] = {"config": asdict(self.config(step))}
        if step.begins_with is not None:
            begin = self.file(step.begins_with)
            facts["init"] = hash_checkpoint(begin) if begin.exists() else None
        return facts

    def accuracy(self, name: str, key: str) -> float | None:
        """Of the finished step on validation; None while there is none of this recipe and data."""
        found = facts_in(self.runs / name / RESULT)
        wanted: dict[str, Any] = json.loads(json.dumps(self.facts(name) | {"data": key}))
        same = all(found.get(what) == value for what, value in wanted.items())
        if not (same and self.file(name).exists() and "accuracy" in found):
            return None
        return float(found["accuracy"])

    def carry_out(self, name: str, pack: Pack, machine: ComputeDevice) -> float:
        """A step to its end, from where it stopped. Raises `TrainingError` where its folder holds
        another run."""
        key = pack.meta.key
        done = self.accuracy(name, key)
        if done is not None:
            return done
        step, folder = self.recipe.steps[name], self.runs / name
        if isinstance(step, WeightMean):
            folder.mkdir(parents=True, exist_ok=True)
            soup = make_soup(pack, [self.file(one) for one in step.steps], folder / BEST, machine)
            accuracy = soup.metrics.accuracy
        else:
            accuracy = self._train(name, step, pack, machine)
        write_facts(folder / RESULT, self.facts(name) | {"data": key, "accuracy": accuracy})
        return accuracy

    def _train(self, name: str, step: Learn, pack: Pack, machine: ComputeDevice) -> float:
        folder, config = self.runs / name, self.config(step)
        going = any((folder / part).exists() for part in (LAST, FACTS))
        with RunFolder(folder, resume=going) as held:
            state = held.state
            begun = held.begun if state is None else RunConfig.from_dict(state["config"])
            others = begun.list_differences(config) if begun is not None else []
            if state is not None and read_facts(state).key != pack.meta.key:
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
