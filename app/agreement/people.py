"""Finds out who is who in two codings of one video."""

from collections.abc import Mapping

from app.codings.tracks import Track
from app.errors import DataError


def pair_people(
    human: Mapping[str, Track], ours: Mapping[str, Track], named: Mapping[str, str]
) -> dict[str, str]:
    """Finds out who is who in two codings.

    People are paired as `named` says, else by the same name. If each coding has one person and
    none is named, these two are a pair. If some people are named, others may stay without a pair.

    Args:
        human: The human's tracks, by person.
        ours: Our tracks, by person.
        named: The pairs that the user gave, human's name -> ours.

    Returns:
        The pairs, human's name -> ours.

    Raises:
        DataError: A person has no partner.
    """
    if not human or not ours:
        raise DataError("One of the two says nothing of anybody. Give codings with labels.")
    for name in named:
        if name not in human:
            raise DataError(
                f"The human's coding has no person {name!r}. It is of {_listed(human)}."
            )
    if not named and len(human) == len(ours) == 1:
        return {next(iter(human)): next(iter(ours))}
    pairs: dict[str, str] = {}
    # Episodes call their tiers "face 3", records the same person "3".
    known = {name.removeprefix("face "): name for name in ours} | {name: name for name in ours}
    for name in human:
        wanted = named[name] if name in named else name.removeprefix("face ")
        if wanted in known:
            pairs[name] = known[wanted]
        elif name in named or not named:
            tier = " If these are tiers, name the one that is meant by --tier." * (len(human) > 1)
            raise DataError(
                f"The human's coding is of {_listed(human)}, ours of {_listed(ours)}. Say who is "
                f"who by --pair {_quoted(name)}={sorted(ours)[0]}.{tier}"
            )
    return pairs


def _listed(names: Mapping[str, Track]) -> str:
    shown = sorted(name or "a person without a name" for name in names)
    return ", ".join(shown[:8]) + (" …" if len(shown) > 8 else "")


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name
