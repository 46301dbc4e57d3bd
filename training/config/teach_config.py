"""Describes how a student learns from its teachers."""

import math
from dataclasses import dataclass, field
from typing import Literal

TeacherView = Literal["cached", "live"]


@dataclass(frozen=True, slots=True)
class TeachConfig:
    """The settings of learning from teachers. Raises `ValueError` for values that make no sense.
    Checkpoints store these fields."""

    teachers: tuple[str, ...] = ()  # SHA-256 of each file; the run knows the paths
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
