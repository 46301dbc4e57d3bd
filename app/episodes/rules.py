"""The options that set the rules of an episode, and the rules that they set."""

import argparse

from app.episodes.finder import EpisodeRules
from app.errors import DataError


def add_rules(parser: argparse.ArgumentParser) -> None:
    """The options that `rules_of` reads."""
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


def rules_of(options: argparse.Namespace) -> EpisodeRules:
    """Raises `DataError` for rules that contradict each other."""
    try:
        return EpisodeRules(options.enter, options.leave, options.min_duration, options.max_gap)
    except ValueError as error:
        raise DataError(f"These episodes cannot be: {error}.") from error
