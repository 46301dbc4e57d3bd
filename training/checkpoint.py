"""What a run leaves on disk: its configuration and its state, and how a network comes back."""

import math
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

import torch

from app.alignment import FACE_TEMPLATE, AlignmentTemplate, ColourMode
from app.contract import MAX_SIZE_PX
from app.types import TrainingError
from training.augment import AugmentConfig
from training.containers import check_stored
from training.dlib_backbone import MIN_SIZE_PX as DLIB_MIN_SIZE_PX
from training.model import DaclNet, ModelConfig
from training.regular_file import check_regular

CHECKPOINT_FORMAT = 1
Loss = Literal["softmax", "centre", "dacl"]
Schedule = Literal["one-cycle", "step"]
Targets = Literal["soft", "majority"]
TeacherView = Literal["cached", "live"]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides the result of a run, given the data. Raises `ValueError`."""

    loss: Loss = field(
        default="dacl",
        metadata={"help": "softmax, centre (all attention 1) or dacl (attentive centre loss)"},
    )
    centre_weight: float = field(default=0.01, metadata={"help": "lambda of L_S + lambda * L_SC"})
    centre_rate: float = field(
        default=0.5, metadata={"help": "alpha, the centres' own learning rate, never decayed"}
    )
    scale_centres: bool = field(
        default=False,
        metadata={
            "help": "let lambda scale the centres' update, too, as the gradient of L would; in the "
            "authors' code it does not"
        },
    )
    centre_warmup: float = field(
        default=0.0,
        metadata={"help": "share of the steps over which lambda rises from 0 in a straight line"},
    )
    attention_keep: float = field(
        default=0.5, metadata={"help": "mean attention that --attention-pull holds on to"}
    )
    attention_pull: float = field(
        default=0.0,
        metadata={"help": "weight of (mean attention - keep)^2, against the collapse to 0"},
    )
    attention_entropy: float = field(
        default=0.0,
        metadata={
            "help": "weight of the attention's mean binary entropy: above 0 it decides for or "
            "against elements, below 0 it stays undecided"
        },
    )
    targets: Targets = field(
        default="soft",
        metadata={
            "help": "of the softmax loss: soft, the shares of all votes; majority, one label for "
            "the pictures that have one"
        },
    )
    size_px: int = field(default=48, metadata={"help": "side of the network's input"})
    keep: float = field(
        default=0.85,
        metadata={
            "help": "side of the crop, in sides of the frame that FER2013's photographers chose; "
            "under 1 it is tighter about the face"
        },
    )
    colour: ColourMode = field(default="grey", metadata={"help": "what the network sees"})
    epochs: int = field(default=40, metadata={"help": "passes over the training set"})
    batch_size: int = field(default=128, metadata={"help": "pictures a step"})
    learning_rate: float = field(
        default=0.15, metadata={"help": "the schedule's highest learning rate"}
    )
    schedule: Schedule = field(
        default="one-cycle",
        metadata={
            "help": "one-cycle: up to the peak in a straight line, half a cosine down; step: a "
            "tenth after every --step-epochs"
        },
    )
    step_epochs: int = field(default=20, metadata={"help": "epochs between steps of the schedule"})
    momentum: float = field(default=0.9, metadata={"help": "of SGD"})
    nesterov: bool = field(default=True, metadata={"help": "Nesterov's form of momentum"})
    weight_decay: float = field(default=5e-4, metadata={"help": "on weights"})
    decay_all: bool = field(
        default=False, metadata={"help": "weight decay on norms and biases, too"}
    )
    warmup: float = field(default=0.2, metadata={"help": "share of the steps before the peak"})
    average: float = field(
        default=0.998, metadata={"help": "decay of the moving average of the weights; 0: none"}
    )
    sam: float = field(
        default=0.0,
        metadata={
            "help": "rho of sharpness-aware minimisation, such as 0.05: each step looks that far "
            "uphill first and takes twice the time; 0: off"
        },
    )
    outliers: float = field(
        default=0.0,
        metadata={
            "help": "share of each batch, such as 0.03, that is pictures won by FER+'s 'unknown' "
            "and 'not a face', to learn no expression of; 0: they are left out"
        },
    )
    seed: int = field(default=0, metadata={"help": "of weights, order and augmentation"})

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2:
            raise ValueError("epochs must be at least 1, the batch size at least 2")
        if not 8 <= self.size_px <= MAX_SIZE_PX:
            raise ValueError(f"the size must be in 8..{MAX_SIZE_PX} px")
        if not 0.3 <= self.keep <= 3:
            raise ValueError("keep must be in 0.3..3")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError("the learning rate must be positive")
        if not (0 <= self.centre_weight < math.inf and 0 <= self.weight_decay < math.inf):
            raise ValueError("the centre weight and the weight decay must not be negative")
        if not 0 <= self.centre_rate <= 1:
            raise ValueError("the centre rate must be in 0..1")
        if not 0 <= self.centre_warmup <= 1:
            raise ValueError("the centre warm-up is a share of the steps, in 0..1")
        if not (0 <= self.attention_keep <= 1 and 0 <= self.attention_pull < math.inf):
            raise ValueError("attention keep is in 0..1, attention pull not negative")
        if not math.isfinite(self.attention_entropy):
            raise ValueError("the attention entropy's weight must be a number")
        if self.step_epochs < 1:
            raise ValueError("the epochs between steps must be at least 1")
        if not 0 < self.momentum < 1:
            raise ValueError("momentum must be between 0 and 1, both excluded")
        if not (0 <= self.average < 1 and 0 <= self.warmup < 1):
            raise ValueError("average and warmup must be in 0..1, 1 excluded")
        if not 0 <= self.sam < math.inf:
            raise ValueError("sam must not be negative")
        if not 0 <= self.outliers <= 0.5:
            raise ValueError("outliers are a share of each batch, in 0..0.5")
        if not 0 <= self.seed < 2**63:
            raise ValueError("the seed must be a whole number of at least 0, below 2^63")

    @property
    def template(self) -> AlignmentTemplate:
        """By which faces are cropped."""
        return FACE_TEMPLATE.keeping(self.keep)


@dataclass(frozen=True, slots=True)
class TeachConfig:
    """What a student learns from teachers. Raises `ValueError`."""

    teachers: tuple[str, ...] = ()  # sha256 of each one's file; which file that is, says the run
    teacher_weight: float = field(
        default=0.5,
        metadata={"help": "share of the softmax loss's target that comes from the teachers"},
    )
    teacher_temperature: float = field(
        default=1.0,
        metadata={"help": "what softens teachers and student to be compared; under 1 sharpens"},
    )
    teacher_view: TeacherView = field(
        default="cached",
        metadata={
            "help": "what the teachers see: cached, each face and its mirror image, once for the "
            "whole run, at no cost later; live, the student's augmented batch, each step"
        },
    )

    def __post_init__(self) -> None:
        if not 0 <= self.teacher_weight <= 1:
            raise ValueError("the teacher weight is a share, in 0..1")
        if not 0 < self.teacher_temperature < math.inf:
            raise ValueError("the teacher temperature must be positive")


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


@dataclass(frozen=True, slots=True)
class Trained:
    """A network ready to judge or export. `soup`: sha256 of the checkpoints whose weights it is the
    mean of; the recipe is then that of the first."""

    net: DaclNet
    config: RunConfig
    facts: DataFacts
    step: int
    soup: tuple[str, ...] = ()


def save(path: Path, state: dict[str, Any]) -> None:
    """Never half-written: beside `path` first, synced, then renamed."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "wb") as file:
            torch.save(state | {"format": CHECKPOINT_FORMAT}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except (OSError, RuntimeError) as cause:
        raise TrainingError(f"The checkpoint {path} could not be written: {cause}") from cause
    finally:
        partial.unlink(missing_ok=True)


def load(path: Path) -> dict[str, Any]:
    """A checkpoint's state on the CPU. Raises `TrainingError` when it cannot be used, `DataError`
    for a pipe."""
    check_regular(path)
    try:
        check_stored(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as cause:
        raise TrainingError(f"The checkpoint {path} is missing.") from cause
    except Exception as cause:  # a damaged pickle raises whatever it stumbles over
        raise TrainingError(f"{path} is not a checkpoint of this program.") from cause
    if not isinstance(state, dict) or state.get("format") != CHECKPOINT_FORMAT:
        raise TrainingError(f"{path} is not a checkpoint that this version of the program reads.")
    return state


def facts_of(state: dict[str, Any]) -> DataFacts:
    facts = state["facts"]
    return DataFacts(
        dataset=facts["dataset"],
        key=facts["key"],
        labels=tuple(facts["labels"]),
        class_shares=tuple(facts["class_shares"]),
    )


def build(config: RunConfig, classes: int) -> DaclNet:
    return DaclNet(
        config.model,
        channels=1 if config.train.colour == "grey" else 3,
        classes=classes,
        size_px=config.train.size_px,
    )


def load_trained(path: Path) -> Trained:
    """The network that a checkpoint recommends (the better of plain and averaged weights)."""
    state = load(path)
    try:
        config = RunConfig.from_dict(state["config"])
        facts = facts_of(state)
        net = build(config, len(facts.labels))
        net.load_state_dict(state[state["recommended"]])
        return Trained(net.eval(), config, facts, state["step"], tuple(state.get("soup", ())))
    except (RuntimeError, KeyError, TypeError, AttributeError) as cause:
        raise TrainingError(f"{path} is damaged: it is not a whole checkpoint.") from cause
