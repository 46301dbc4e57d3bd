"""How models are made, as data: `training.make` carries it out.

Teachers are trained first; students begin with the weights of one of them or at random, learn from
the mean of all, each under its seed, and the best on validation is exported. Models of the same
teachers share them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from training.augment import AugmentConfig
from training.checkpoint import RunConfig, TeachConfig, TrainConfig
from training.half import Storage
from training.model import ModelConfig


@dataclass(frozen=True, slots=True)
class Recipe:
    """`student` without the digests of its teachers, which are known once they are trained.
    `begins_with`: the teacher whose weights it starts from; None: random weights. `weights`: how
    the file stores the student's."""

    student: RunConfig
    teachers: Mapping[str, RunConfig]
    seeds: tuple[int, ...] = (0,)
    begins_with: str | None = None
    weights: Storage = "full"

    def __post_init__(self) -> None:
        if self.begins_with is not None and self.begins_with not in self.teachers:
            raise ValueError("a recipe begins with one of its teachers")

    def students(self) -> dict[str, RunConfig]:
        """One run a seed."""
        return {
            f"seed{seed}": replace(self.student, train=replace(self.student.train, seed=seed))
            for seed in self.seeds
        }


WEBCAM = AugmentConfig(degrade=0.4)

# Some two hours on two CPU cores. Both teachers are of the students' own shape, so that a student
# can go on from the one that has seen bad webcams. "plain" is what is shipped: the students endure
# more, but are no better on clean faces yet (docs/ways.md).
PAIR: dict[str, RunConfig] = {
    "plain": RunConfig(),
    "robust": RunConfig(augment=WEBCAM),
}

# For a GPU. Teachers differ in shape and seed, so that their mean knows more than each.
ENSEMBLE: dict[str, RunConfig] = {
    "wide": RunConfig(TrainConfig(seed=1), ModelConfig(width=64), WEBCAM),
    "fine": RunConfig(TrainConfig(seed=2), ModelConfig(stem="fine")),
    "deep": RunConfig(TrainConfig(seed=3), ModelConfig(width=48, blocks=3), WEBCAM),
    "large": RunConfig(TrainConfig(seed=4, size_px=64), ModelConfig(width=48)),
}


def taught(train: TrainConfig, width: int, *, live: bool) -> RunConfig:
    teach = TeachConfig(teacher_weight=0.7, teacher_view="live" if live else "cached")
    return RunConfig(train, ModelConfig(width=width), WEBCAM, teach)


RECIPES: dict[str, Recipe] = {
    "default": Recipe(
        taught(TrainConfig(epochs=12, size_px=64, learning_rate=0.06, warmup=0.1), 32, live=False),
        PAIR,
        begins_with="robust",
    ),
    "small": Recipe(
        taught(TrainConfig(epochs=12, learning_rate=0.06, warmup=0.1), 32, live=False),
        PAIR,
        begins_with="robust",
        weights="half",
    ),
    "default-gpu": Recipe(taught(TrainConfig(epochs=60), 64, live=True), ENSEMBLE),
    "small-gpu": Recipe(taught(TrainConfig(epochs=80), 23, live=True), ENSEMBLE),
}
