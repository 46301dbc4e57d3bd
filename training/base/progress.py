"""Shows the progress of long work: a bar on a terminal, or else a line now and then."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, TypeVar

T = TypeVar("T")

LINE_INTERVAL_S = 30.0  # between two lines where no terminal shows a bar


def track_progress(
    items: Iterable[T],
    *,
    note: Callable[[], str] | None = None,
    units: str | None = None,
    clock: Callable[[], float] = time.monotonic,
    **options: Any,
) -> Iterator[T]:
    """Iterates over `items` and shows how far the work is and how long the rest takes.

    The bar is tqdm's. Where stderr is no terminal, or tqdm is not installed, a line is written
    every `LINE_INTERVAL_S` instead, so that a log or a notebook shows that the work goes on.

    Args:
        items: What is worked on.
        note: Gives the text behind the bar, or in front of the line.
        units: The plural of the option `unit` in lines; None adds an s.
        clock: Gives the time in seconds.
        options: Options of tqdm, such as `total`, `desc`, `unit` (a singular noun) and `initial`;
            `disable=True` shows nothing.

    Yields:
        Each of `items`, in order.
    """
    tqdm = _import_tqdm() if _is_terminal() else None
    if options.get("disable"):
        yield from items
    elif tqdm is None:
        yield from _iterate_with_lines(items, note, units, clock, options)
    else:
        bar = tqdm(items, **({"disable": None} | options))
        for item in bar:
            yield item
            if note is not None:
                bar.set_postfix_str(note(), refresh=False)


def print_line(line: str) -> None:
    """Prints a line to stdout without breaking a bar that stands on the same terminal."""
    tqdm = _import_tqdm() if _is_terminal() else None
    if tqdm is None:
        print(line, flush=True)
    else:
        tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()


def _is_terminal() -> bool:
    """Tells whether stderr is a terminal with room for a bar. The terminals of `docker run -t` and
    `script` may report a width of 0, and tqdm then draws nothing."""
    if sys.stderr is None or not sys.stderr.isatty():
        return False
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError):  # no descriptor to ask: tqdm decides
        return True


def _import_tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


def _iterate_with_lines(
    items: Iterable[T],
    note: Callable[[], str] | None,
    units: str | None,
    clock: Callable[[], float],
    options: dict[str, Any],
) -> Iterator[T]:
    total = options.get("total")
    if total is None and isinstance(items, Sized):
        total = len(items)
    first = done = options.get("initial", 0)
    units = units or f"{options.get('unit') or 'item'}s"
    start_s = last_line_s = clock()
    for item in items:
        yield item
        done += 1
        now_s = clock()
        # The program's next line tells that the work is done.
        if now_s - last_line_s < LINE_INTERVAL_S or done == total:
            continue
        last_line_s = now_s
        name = note() if note is not None else options.get("desc", "")
        reached = f"{done} of {total}" if total else f"{done}"
        line = f"{name}: {reached} {units}" if name else f"{reached} {units}"
        if total:
            line += f", {describe_time_left((now_s - start_s) / (done - first) * (total - done))}"
        print(line, file=sys.stderr, flush=True)


def describe_time_left(seconds: float) -> str:
    """Describes how long work still takes, to the minute.

    >>> describe_time_left(20), describe_time_left(7800)
    ('less than a minute left', 'about 2 h 10 min left')
    """
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute left"
    hours, minutes = divmod(minutes, 60)
    return f"about {f'{hours} h ' if hours else ''}{minutes} min left"
