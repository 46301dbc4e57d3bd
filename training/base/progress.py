"""How far a long piece of work is: a bar on a terminal, a line now and then where there is none."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, TypeVar

T = TypeVar("T")

LINE_EVERY_S = 30.0  # between two lines where there is no terminal to draw a bar on


def progress(
    items: Iterable[T],
    *,
    note: Callable[[], str] | None = None,
    clock: Callable[[], float] = time.monotonic,
    **options: Any,
) -> Iterator[T]:
    """Iterates over `items` under a bar with the time left; `options` are tqdm's.

    Where stderr is no terminal, or tqdm is not installed, a line is written every `LINE_EVERY_S`
    instead, so that a log or a notebook shows that the work goes on. `note` says what stands
    behind the bar, or in front of the line. Silent with `disable=True`. `clock` gives seconds.
    """
    tqdm = _tqdm() if _is_terminal() else None
    if options.get("disable"):
        yield from items
    elif tqdm is None:
        yield from _with_lines(items, note, clock, options)
    else:
        bar = tqdm(items, **({"disable": None} | options))
        for item in bar:
            yield item
            if note is not None:
                bar.set_postfix_str(note(), refresh=False)


def say(line: str) -> None:
    """Print a line to stdout without breaking into a bar that stands on the same terminal."""
    tqdm = _tqdm() if _is_terminal() else None
    if tqdm is None:
        print(line, flush=True)
    else:
        tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()


def _is_terminal() -> bool:
    """Whether stderr is a terminal with room for a bar: those of `docker run -t` and `script` may
    say that they are 0 wide, and tqdm then draws nothing."""
    if sys.stderr is None or not sys.stderr.isatty():
        return False
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError):  # no descriptor to ask: tqdm decides
        return True


def _tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


def _with_lines(
    items: Iterable[T],
    note: Callable[[], str] | None,
    clock: Callable[[], float],
    options: dict[str, Any],
) -> Iterator[T]:
    total = options.get("total")
    if total is None and isinstance(items, Sized):
        total = len(items)
    first = done = options.get("initial", 0)
    unit = options.get("unit") or "item"
    began_s = said_s = clock()
    for item in items:
        yield item
        done += 1
        now_s = clock()
        if now_s - said_s < LINE_EVERY_S or done == total:  # what follows says that it is done
            continue
        said_s = now_s
        name = note() if note is not None else options.get("desc", "")
        reached = f"{done} of {total}" if total else f"{done}"
        line = f"{name}: {reached} {unit}s" if name else f"{reached} {unit}s"
        if total:
            line += f", {time_left((now_s - began_s) / (done - first) * (total - done))}"
        print(line, file=sys.stderr, flush=True)


def time_left(seconds: float) -> str:
    """Say how long something still takes: "less than a minute left", "about 2 h 10 min left"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute left"
    hours, minutes = divmod(minutes, 60)
    return f"about {f'{hours} h ' if hours else ''}{minutes} min left"
