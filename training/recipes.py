"""How the shipped models are made, as data: `training.make` carries it out.

Each student is trained under each of its seeds and the best on validation is exported. Teachers
differ in shape and seed, so that their mean knows more than each; both models share them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from training.checkpoint import RunConfig, TeachConfig, TrainConfig
from training.model import ModelConfig


@dataclass(frozen=True, slots=True)
class Recipe:
    """`student` without the digests of its teachers, which are known once they are trained."""

    student: RunConfig
    teachers: Mapping[str, RunConfig]
    seeds: tuple[int, ...] = (0,)

    def students(self) -> dict[str, RunConfig]:
        """One run a seed."""
        return {
            f"seed{seed}": replace(self.student, train=replace(self.student.train, seed=seed))
            for seed in self.seeds
        }


TEACHERS: dict[str, RunConfig] = {
    "wide": RunConfig(TrainConfig(epochs=40, seed=1), ModelConfig(width=64)),
    "fine": RunConfig(TrainConfig(epochs=40, seed=2), ModelConfig(width=32, stem="fine")),
    "deep": RunConfig(TrainConfig(epochs=40, seed=3), ModelConfig(width=48, blocks=3)),
    "large": RunConfig(TrainConfig(epochs=40, seed=4, size_px=64), ModelConfig(width=48)),
}
TAUGHT = TeachConfig(teacher_weight=0.7, teacher_view="live")

RECIPES: dict[str, Recipe] = {
    "default": Recipe(
        RunConfig(TrainConfig(epochs=60), ModelConfig(width=64), teach=TAUGHT), TEACHERS
    ),
    "small": Recipe(
        RunConfig(TrainConfig(epochs=80), ModelConfig(width=23), teach=TAUGHT), TEACHERS
    ),
}
