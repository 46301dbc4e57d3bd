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
    """A run's whole recipe, saved with what it produced."""

    train: TrainConfig = field(default_factory=TrainConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    teach: TeachConfig = field(default_factory=TeachConfig)

    def __post_init__(self) -> None:
        if self.model.backbone == "dlib" and self.train.size_px < DLIB_MIN_SIZE_PX:
            raise ValueError(f"the size must be at least {DLIB_MIN_SIZE_PX} px for dlib's network")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Raises `TrainingError` for a recipe of another version of the program. Recipes from
        before there were teachers have none, and those without `keep` kept all."""
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
    def published(cls) -> Self:
        """The configuration of the paper as its authors coded it (section 4.1 and their
        repository): ResNet-18 with its standard stem at 224 px in RGB, 60 epochs of SGD without
        Nesterov at 0.01, a tenth every 20 epochs, one label a picture, five crops and a flip."""
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
    def face_pretrained(cls) -> Self:
        """For dlib's network, begun with its published weights (`--init`): crops of 112 px, a low
        peak rate, few epochs."""
        return cls(
            train=TrainConfig(size_px=112, epochs=14, batch_size=64, learning_rate=0.06),
            model=ModelConfig(backbone="dlib"),
        )

    def differences(self, other: "RunConfig") -> list[str]:
        mine, theirs = asdict(self), asdict(other)
        return [
            f"{item.name}.{name}: {mine[item.name][name]} and {theirs[item.name][name]}"
            for item in fields(self)
            for name in mine[item.name]
            if mine[item.name][name] != theirs[item.name][name]
        ]


@dataclass(frozen=True, slots=True)
class DataFacts:
    """The data that a run learned from, as far as its result must remember it."""

    dataset: str
    key: str
    labels: tuple[str, ...]
    class_shares: tuple[float, ...]  # training priors, mean of the soft targets
