"""Describes a run's whole recipe, and the data that it learned from."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from app.errors import TrainingError
from training.config.augment_config import AugmentConfig
from training.config.teach_config import TeachConfig
from training.config.train_config import TrainConfig
from training.network.dlib_backbone import MIN_SIZE_PX as DLIB_MIN_SIZE_PX
from training.network.model import ModelConfig


@dataclass(frozen=True, slots=True)
class RunConfig:
    """The whole recipe of a run, which is stored with its results."""

    train: TrainConfig = field(default_factory=TrainConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    teach: TeachConfig = field(default_factory=TeachConfig)

    def __post_init__(self) -> None:
        if self.model.backbone == "dlib" and self.train.size_px < DLIB_MIN_SIZE_PX:
            raise ValueError(f"the size must be at least {DLIB_MIN_SIZE_PX} px for dlib's network")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Builds the recipe that a checkpoint stores.

        Older checkpoints have no teachers, or no `keep`; those kept the whole frame. Raises
        `TrainingError` for a recipe of another version of the program.
        """
        try:
            teach = dict(values.get("teach", {}))
            teach["teachers"] = tuple(teach.get("teachers", ()))
            return cls(
                train=TrainConfig(**({"keep": 1.0} | values["train"])),
                model=ModelConfig(**values["model"]),
                augment=AugmentConfig(**values["augment"]),
                teach=TeachConfig(**teach),
            )
        except (KeyError, TypeError, ValueError) as cause:
            raise TrainingError(
                f"The checkpoint's recipe does not fit this version of the program: {cause}."
            ) from cause

    @classmethod
    def make_published(cls) -> Self:
        """Makes the configuration of the paper as its authors coded it (section 4.1 and their
        repository).

        That is a ResNet-18 with its standard stem at 224 px in RGB, 60 epochs of SGD without
        Nesterov at 0.01, divided by ten every 20 epochs, one label for each picture, five crops and
        a flip.
        """
        return cls(
            train=TrainConfig(
                loss="dacl",
                centre_weight=0.01,
                centre_rate=0.5,
                targets="majority",
                size_px=224,
                keep=1.0,
                colour="rgb",
                epochs=60,
                batch_size=64,
                learning_rate=0.01,
                schedule="step",
                step_epochs=20,
                momentum=0.9,
                nesterov=False,
                weight_decay=5e-4,
                decay_all=True,
                average=0.0,
            ),
            model=ModelConfig(width=64, blocks=2, stem="standard", dropout=0.0),
            augment=AugmentConfig(
                rotation_deg=0, scale=0, shift=0, light=0, erase=0, mixup=0, crops="five"
            ),
        )

    @classmethod
    def make_face_pretrained(cls) -> Self:
        """Makes the configuration for dlib's network that begins with its published weights
        (`--init`): crops of 112 px, a low peak rate, few epochs."""
        return cls(
            train=TrainConfig(size_px=112, epochs=14, batch_size=64, learning_rate=0.06),
            model=ModelConfig(backbone="dlib"),
        )

    def list_differences(self, other: "RunConfig") -> list[str]:
        """Lists the fields that differ from `other`, as "part.field: mine and theirs"."""
        mine, theirs = asdict(self), asdict(other)
        return [
            f"{item.name}.{name}: {mine[item.name][name]} and {theirs[item.name][name]}"
            for item in fields(self)
            for name in mine[item.name]
            if mine[item.name][name] != theirs[item.name][name]
        ]


@dataclass(frozen=True, slots=True)
class DataFacts:
    """The facts about a run's training data that its result must keep."""

    dataset: str
    key: str
    labels: tuple[str, ...]
    class_shares: tuple[float, ...]  # training priors, mean of the soft targets
