"""Describes the settings that decide the result of a run, given the data."""

import math
from dataclasses import dataclass, field
from typing import Literal

from app.alignment import FACE_TEMPLATE, AlignmentTemplate, ColourMode
from app.contract import MAX_SIZE_PX

Loss = Literal["softmax", "centre", "dacl"]
Schedule = Literal["one-cycle", "step"]
Targets = Literal["soft", "majority"]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The settings that decide the result of a run, given the data. Raises `ValueError` for
    values that make no sense. Checkpoints store these fields."""

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
    own_votes: float = field(
        default=0.0,
        metadata={
            "help": "votes, such as 5, that FER2013's own label counts for where it says disgust "
            "or fear, beside FER+'s ten; 0: FER+'s alone"
        },
    )
    logit_adjustment: float = field(
        default=0.0,
        metadata={
            "help": "times the log of the class shares, which the classifier's biases begin with; "
            "1: the logit-adjusted loss"
        },
    )
    balanced_epochs: int = field(
        default=0,
        metadata={
            "help": "the last epochs, in which all classes come equally often and the classifier "
            "alone learns"
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
        if not 0 <= self.own_votes <= 100:
            raise ValueError("own votes must be in 0..100")
        if self.own_votes and self.targets == "majority":
            raise ValueError("own votes count among soft targets alone, not beside a majority")
        if not 0 <= self.logit_adjustment <= 2:
            raise ValueError("the logit adjustment must be in 0..2")
        if not 0 <= self.balanced_epochs < self.epochs:
            raise ValueError("the balanced epochs must be fewer than all epochs")
        if not 0 <= self.seed < 2**63:
            raise ValueError("the seed must be a whole number of at least 0, below 2^63")

    @property
    def template(self) -> AlignmentTemplate:
        """The template to which faces are aligned."""
        return FACE_TEMPLATE.scale_crop(self.keep)
