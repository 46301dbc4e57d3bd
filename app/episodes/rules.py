"""Declares the options that set the rules of an episode, for every command that finds episodes."""

import argparse

from app.episodes.finder import EpisodeRules
from app.errors import DataError


def add_rule_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--enter`, `--leave`, `--min-duration` and `--max-gap`, the arguments of
    `make_rules`."""
    rules = EpisodeRules()
    group = parser.add_argument_group("what an episode is")
    group.add_argument(
        "--enter",
        type=float,
        default=rules.enter,
        metavar="P",
        help="probability that it must reach (default: %(default)s)",
    )
    group.add_argument(
        "--leave",
        type=float,
        default=rules.leave,
        metavar="P",
        help="probability below which it ends (default: %(default)s)",
    )
    group.add_argument(
        "--min-duration",
        type=float,
        default=rules.min_s,
        metavar="S",
        help="seconds that it must last (default: %(default)s)",
    )
    group.add_argument(
        "--max-gap",
        type=float,
        default=rules.max_gap_s,
        metavar="S",
        help="seconds that the face may be away or unsure within it (default: %(default)s)",
    )


def make_rules(enter: float, leave: float, min_s: float, max_gap_s: float) -> EpisodeRules:
    """Makes the rules that a user asks for. Raises `DataError` if they contradict each other."""
    try:
        return EpisodeRules(enter, leave, min_s, max_gap_s)
    except ValueError as error:
        raise DataError(f"These episodes cannot be: {error}.") from error
