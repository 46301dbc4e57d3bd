"""Describes variants of a recipe, which `training.compare` trains side by side."""

import argparse
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.errors import TrainingError
from app.process.one_line_parser import OneLineParser
from training.config.run_config import RunConfig
from training.run.options import add_recipe_options, add_teacher_options, read_recipe

MAX_NAME_LETTERS = 60  # of a variant; in any alphabet, a folder's name has room for them


@dataclass(frozen=True, slots=True)
class Variant:
    """A name, and its changes to the common recipe."""

    name: str
    changes: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Variant":
        """Reads "NAME: option=value switch option=value", with options as on the command line.
        Raises `TrainingError`.

        >>> Variant.parse("wide: width=64 nesterov")
        Variant(name='wide', changes=('width=64', 'nesterov'))
        """
        name, colon, rest = text.partition(":")
        name = name.strip()
        if not name or not colon:
            raise TrainingError(
                f"{text!r} is not a variant. Write it as 'NAME: option=value option=value'."
            )
        # A line break or | ends a row of the table, and $ begins a formula in the figures.
        if not name.isprintable() or {*name} & {*"|$"} or not name.strip("."):
            raise TrainingError(
                f"{name!r} is no name for a variant. Choose one of letters, digits and spaces."
            )
        if len(name) > MAX_NAME_LETTERS:
            raise TrainingError(f"A variant's name has at most {MAX_NAME_LETTERS} letters.")
        return cls(name, tuple(part.lstrip("-") for part in rest.split()))

    @property
    def slug(self) -> str:
        """The name as it stands in the names of folders."""
        return re.sub(r"[^\w.=+-]+", "_", self.name)

    def _parse_options(self) -> dict[str, Any]:
        parser = OneLineParser(
            with_version=False,
            prog=self.name,
            exit_on_error=False,
            allow_abbrev=False,
            add_help=False,
        )
        add_recipe_options(parser)
        add_teacher_options(parser)
        try:
            options, unknown = parser.parse_known_args([f"--{change}" for change in self.changes])
        except argparse.ArgumentError as cause:
            raise TrainingError(f"Variant {self.name}: {cause}.") from cause
        if unknown:
            raise TrainingError(f"Variant {self.name}: unknown option {unknown[0]}.")
        if "seed" in options:
            raise TrainingError(
                f"Variant {self.name}: every variant has the same seeds. Give --seed and --seeds "
                "beside the variants."
            )
        return vars(options)

    def apply_to(self, base: RunConfig) -> RunConfig:
        """Makes the variant's recipe from the common one. Raises `TrainingError`."""
        return read_recipe(self._parse_options(), base)

    @property
    def teachers(self) -> tuple[Path, ...]:
        """The files of the variant's teachers."""
        return tuple(self._parse_options().get("teacher") or ())


LOSSES = tuple(Variant(name, (f"loss={name}",)) for name in ("softmax", "centre", "dacl"))


def find_seed_config(variant: Variant, base: RunConfig, number: int) -> RunConfig:
    """Finds the recipe of a variant's run, whose seed is `number` behind that of `base`."""
    config = variant.apply_to(base)
    return replace(config, train=replace(config.train, seed=base.train.seed + number))
