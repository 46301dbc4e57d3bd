"""A progress bar where tqdm is installed, and silence where it is not."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


def progress(
    items: Iterable[T], *, note: Callable[[], str] | None = None, **options: Any
) -> Iterator[T]:
    """Iterates over `items` under a bar; `options` are tqdm's. Off when stderr is no terminal.
    `note` says, after each item, what stands behind the bar."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield from items
        return
    bar = tqdm(items, **({"disable": None} | options))
    for item in bar:
        yield item
        if note is not None:
            bar.set_postfix_str(note(), refresh=False)
