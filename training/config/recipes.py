"""Describes how models are made, as data; `training.make` carries a recipe out.

A recipe is a series of named steps; the last step's network is exported. A step is a run, which may
learn from earlier steps' networks and begin with the weights of one, or the mean of earlier steps'
weights. Recipes that name the same steps share their results.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from training.config.augment_config import AugmentConfig
from training.config.run_config import RunConfig
from training.config.teach_config import TeachConfig
from training.config.train_config import TrainConfig
from training.network.half_precision import Storage
from training.network.model import ModelConfig


@dataclass(frozen=True, slots=True)
class Learn:
    """A run.

    `config` lacks the digests of its teachers, which are known once they are trained. `begins_with`
    names an earlier step whose weights the run begins with; None begins with random weights. That
    step's network is as wide or becomes wider (`training.widen`), and may have any input size;
    another stem begins anew.
    """

    config: RunConfig
    teachers: tuple[str, ...] = ()
    begins_with: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The earlier steps that this run uses."""
        begins = () if self.begins_with is None else (self.begins_with,)
        return (*begins, *self.teachers)


@dataclass(frozen=True, slots=True)
class WeightMean:
    """The greedy mean of these steps' weights (`training.soup`), or the weights of one step
    alone where the others would do harm."""

    steps: tuple[str, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """The earlier steps that the mean uses."""
        return self.steps


@dataclass(frozen=True, slots=True)
class Recipe:
    """The steps of a recipe, and the precision in which the exported file stores weights. Raises
    `ValueError` where a step needs a later one."""

    steps: Mapping[str, Learn | WeightMean]
    weights: Storage = "full"

    def __post_init__(self) -> None:
        known: set[str] = set()
        for name, step in self.steps.items():
            if missing := [need for need in step.needs if need not in known]:
                raise ValueError(f"step {name} needs {missing[0]}, which is no step before it")
            known.add(name)
        if not self.steps or isinstance(next(iter(self.steps.values())), WeightMean):
            raise ValueError("a recipe begins with a run")


def make_gentle_config(keep: float, teacher_weight: float) -> RunConfig:
    """Makes ten more epochs, on faces as bad webcams show them."""
    return RunConfig(
        TrainConfig(epochs=10, learning_rate=0.03, warmup=0.1, keep=keep, seed=1),
        augment=AugmentConfig(degrade=0.4, mixup=0),
        teach=TeachConfig(teacher_weight=teacher_weight),
    )


def make_wide_step(
    teachers: tuple[str, ...], begins_with: str, size_px: int, model: ModelConfig
) -> Learn:
    """Makes a step that widens an earlier network by half and learns from all better ones."""
    config = RunConfig(
        TrainConfig(epochs=14, learning_rate=0.05, warmup=0.1, seed=2, size_px=size_px),
        model,
        AugmentConfig(degrade=0.4, mixup=0),
        TeachConfig(teacher_weight=0.7),
    )
    return Learn(config, teachers, begins_with)


def make_sharp_step() -> Learn:
    """Makes a step for the plain network at 96 px, whose stem shrinks crops twice, at the same
    cost.

    This step learns longest, because its stem begins anew and all other layers have to adapt.
    """
    config = RunConfig(
        TrainConfig(epochs=24, learning_rate=0.1, warmup=0.15, seed=3, size_px=96),
        ModelConfig(stem="standard"),
        AugmentConfig(degrade=0.25, mixup=0),
        TeachConfig(teacher_weight=0.6),
    )
    return Learn(config, teachers=("plain", "wide", "whole-gentle"), begins_with="plain")


# The shipped models, for two CPU cores (docs/ways.md). "plain" learns from clean faces; "gentle"
# goes on from "plain" with damaged ones. The crops of the first two show more around the face.
SMALL: dict[str, Learn | WeightMean] = {
    "whole": Learn(RunConfig(TrainConfig(keep=1.0))),
    "whole-gentle": Learn(make_gentle_config(1.0, 0.5), teachers=("whole",), begins_with="whole"),
    "plain": Learn(RunConfig()),
    "gentle": Learn(
        make_gentle_config(0.85, 0.6), teachers=("plain", "whole-gentle"), begins_with="plain"
    ),
    "wide": make_wide_step(("plain", "gentle", "whole-gentle"), "plain", 48, ModelConfig(width=48)),
    "sharp": make_sharp_step(),
}
DEFAULT: dict[str, Learn | WeightMean] = {
    **SMALL,
    "sharp-wide": make_wide_step(
        ("sharp", "wide", "plain"), "sharp", 96, ModelConfig(width=48, stem="standard")
    ),
}


# For a GPU. The teachers differ in shape and seed, so that their mean predicts better than each.
ENSEMBLE: dict[str, Learn] = {
    "broad": Learn(
        RunConfig(TrainConfig(seed=1), ModelConfig(width=64), AugmentConfig(degrade=0.4))
    ),
    "fine": Learn(RunConfig(TrainConfig(seed=2), ModelConfig(stem="fine"))),
    "deep": Learn(
        RunConfig(TrainConfig(seed=3), ModelConfig(width=48, blocks=3), AugmentConfig(degrade=0.4))
    ),
    "large": Learn(RunConfig(TrainConfig(seed=4, size_px=64), ModelConfig(width=48))),
}


def make_distilled_step(epochs: int, width: int) -> Learn:
    """Makes a step that begins with random weights and learns from the ensemble at every step."""
    teach = TeachConfig(teacher_weight=0.7, teacher_view="live")
    augment = AugmentConfig(degrade=0.4)
    config = RunConfig(TrainConfig(epochs=epochs), ModelConfig(width=width), augment, teach)
    return Learn(config, tuple(ENSEMBLE))


RECIPES: dict[str, Recipe] = {
    "default": Recipe(DEFAULT, weights="half"),
    "default-gpu": Recipe({**ENSEMBLE, "default-gpu": make_distilled_step(60, 64)}),
    "small": Recipe(SMALL, weights="half"),
    "small-gpu": Recipe({**ENSEMBLE, "small-gpu": make_distilled_step(80, 23)}),
}
