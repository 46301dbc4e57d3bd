"""Finds out who is who in two codings of one video."""

from collections.abc import Mapping

from app.codings.tracks import Track
from app.errors import DataError


def pair_people(
    human: Mapping[str, Track], ours: Mapping[str, Track], named: Mapping[str, str]
) -> dict[str, str]:
    """Finds out who is who in two codings.

    People are paired as `named` says, else by the same name. If each coding has one person and
    none is named, these two are a pair. If some people are named, others may stay without a pair;
    those whose partner was given to somebody else do.

    Args:
        human: The human's tracks, by person.
        ours: Our tracks, by person.
        named: The pairs that the user gave, human's name -> ours.

    Returns:
        The pairs, human's name -> ours.

    Raises:
        DataError: A person has no partner, or two people have the same one.
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
    taken = {known.get(other) for other in named.values()}
    for name in human:
        wanted = named[name] if name in named else name.removeprefix("face ")
        if wanted in known:
            if name in named or known[wanted] not in taken:
                pairs[name] = known[wanted]
        elif name in named or not named:
            tier = " If these are tiers, name the one that is meant by --tier." * (len(human) > 1)
            raise DataError(
                f"The human's coding is of {_listed(human)}, ours of {_listed(ours)}. Say who is "
                f"who by --pair {_quoted(name)}={sorted(ours)[0]}.{tier}"
            )
    human_of: dict[str, str] = {}
    for name, other in pairs.items():
        if (first := human_of.setdefault(other, name)) != name:
            raise DataError(
                f"{first!r} and {name!r} of the human's coding are both our {other!r}. Say who is "
                "who by --pair, each of our people once."
            )
    return pairs


def _listed(names: Mapping[str, Track]) -> str:
    shown = sorted(name or "a person without a name" for name in names)
    return ", ".join(shown[:8]) + (" …" if len(shown) > 8 else "")


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name
