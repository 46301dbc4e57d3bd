"""Describes the random changes of training pictures, and checks them."""

import math
from dataclasses import dataclass, field
from typing import Literal

# Every degradation, in the order in which `training.augment.degrade` draws their strengths.
KINDS = (
    "jitter",
    "occlusion",
    "shadow",
    "exposure",
    "cast",
    "blur",
    "resolution",
    "noise",
    "compression",
)


def parse_kinds(text: str) -> tuple[str, ...]:
    """Reads the degradations that "all" or a list such as "blur,noise" names. Raises `ValueError`.

    >>> parse_kinds("blur, noise")
    ('blur', 'noise')
    """
    names = KINDS if text == "all" else tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in names if name not in KINDS]:
        raise ValueError(f"unknown degradation {unknown[0]!r}; known are {', '.join(KINDS)}")
    return names


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """The random changes of training pictures. Raises `ValueError` for values that make no
    sense. Checkpoints store these fields."""

    rotation_deg: float = field(default=15.0, metadata={"help": "largest rotation, either way"})
    scale: float = field(default=0.15, metadata={"help": "largest change of scale, as a fraction"})
    shift: float = field(default=0.08, metadata={"help": "largest shift, in sides of the crop"})
    crops: Literal["random", "five"] = field(
        default="random",
        metadata={
            "help": "five: instead of a random shift one of five places, the corners and the "
            "centre of a frame that is 256 where the crop is 224, as published"
        },
    )
    light: float = field(
        default=0.3, metadata={"help": "largest change of brightness, contrast and gamma"}
    )
    erase: float = field(default=0.4, metadata={"help": "share of crops with a hole in them"})
    mixup: float = field(
        default=0.2, metadata={"help": "alpha of mixup's beta distribution; 0 switches it off"}
    )
    cutmix: float = field(
        default=0.0,
        metadata={
            "help": "alpha of CutMix's beta distribution; 0 switches it off. With both, "
            "half of the crops are blended and half get a box of another"
        },
    )
    degrade: float = field(
        default=0.0,
        metadata={
            "help": "share of crops that are degraded as by a webcam, each in one to three ways; 0 "
            "gives the very batches of a recipe without it"
        },
    )
    degrade_strength: float = field(
        default=1.0,
        metadata={"help": "largest strength of a degradation; 1 is a bad webcam in bad light"},
    )
    degrade_kinds: str = field(
        default="all",
        metadata={
            "help": "all, or some of jitter, occlusion, shadow, exposure, cast (not of grey), "
            "blur, resolution, noise, compression, with commas between"
        },
    )

    def __post_init__(self) -> None:
        if not 0 <= self.rotation_deg <= 180:
            raise ValueError("the rotation must be in 0..180 degrees")
        if not all(0 <= v < math.inf for v in (self.scale, self.shift, self.light)):
            raise ValueError("scale, shift and light must not be negative")
        if not all(0 <= v < math.inf for v in (self.mixup, self.cutmix)):
            raise ValueError("mixup and cutmix must not be negative")
        if not 0 <= self.erase <= 1:
            raise ValueError("erase is a share, in 0..1")
        if not 0 <= self.degrade <= 1:
            raise ValueError("degrade is a share, in 0..1")
        if not 0 < self.degrade_strength <= 2:
            raise ValueError("the degradations' strength must be over 0 and at most 2")
        parse_kinds(self.degrade_kinds)
        if self.crops == "five" and self.shift:
            raise ValueError("five crops take the place of a random shift, which must be 0 then")
