"""Decodes pictures when a batch needs them, for data that does not fit in memory.

`StreamedPictures` replaces the tensor of all pictures and gives the same bytes. The choice changes
speed and memory, not the result.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.alignment import ColourMode
from training.datasets.pack import Pack, make_canvas

THREADS = min(8, os.cpu_count() or 1)  # Pillow decodes without holding the interpreter's lock
AHEAD = 2  # batches that are decoded while the training uses one
CHUNK = 8  # pictures of one task of a thread


class _Batch(NamedTuple):
    rows: Tensor
    canvas: NDArray[np.uint8]
    parts: list[Future[None]]


class StreamedPictures:
    """Reads like a tensor `(N, C, P, P)` uint8 of the pictures `rows (N,)` of a pack; P is the
    longest side among them. A picture that does not decode raises `DataError` where its batch
    is read."""

    def __init__(
        self,
        pack: Pack,
        rows: NDArray[np.int64],
        colour: ColourMode,
        device: torch.device = torch.device("cpu"),  # noqa: B008 - a value
    ) -> None:
        self._pack, self._rows, self._colour, self._device = pack, rows, colour, device
        self._side_px = int(pack.read_sizes(rows).max(initial=1))
        self._current: _Batch | None = None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> torch.Size:
        """The shape (N, C, P, P) of the tensor of all pictures."""
        channels = 1 if self._colour == "grey" else 3
        return torch.Size((len(self), channels, self._side_px, self._side_px))

    @property
    def nbytes(self) -> int:
        """The bytes that the tensor of all pictures would take."""
        return self.shape.numel()

    def to(self, device: torch.device) -> Self:
        """Copies the reader, whose batches then lie on `device`."""
        return type(self)(self._pack, self._rows, self._colour, device)

    def __getitem__(self, rows: Tensor) -> Tensor:
        """Decodes `(B, C, P, P)` of `rows (B,)`; the current batch of `decode_ahead` is decoded
        already."""
        if self._current is not None and self._current.rows is rows:
            return self._finished(self._current)
        with _readers() as pool:
            return self._finished(self._begin(pool, rows))

    def decode_ahead(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yields the batches of row numbers in turn, while threads decode the pictures of the
        next ones. Memory holds `AHEAD` + 1 batches."""
        waiting = iter(batches)
        begun: deque[_Batch] = deque()
        with _readers() as pool:
            try:
                begun.extend(self._begin(pool, rows) for rows in islice(waiting, AHEAD))
                while begun:
                    begun.extend(self._begin(pool, rows) for rows in islice(waiting, 1))
                    self._current = begun.popleft()
                    yield self._current.rows
            finally:
                self._current = None

    def decode_all(self) -> Tensor:
        """Decodes all pictures into memory."""
        return self[torch.arange(len(self))]

    def _begin(self, pool: ThreadPoolExecutor, rows: Tensor) -> _Batch:
        wanted = self._rows[rows.cpu().numpy()]
        canvas = make_canvas(len(wanted), self._colour, self._side_px)
        parts = [
            pool.submit(
                self._pack.decode_into,
                canvas[begin : begin + CHUNK],
                wanted[begin : begin + CHUNK],
                self._colour,
            )
            for begin in range(0, len(wanted), CHUNK)
        ]
        return _Batch(rows, canvas, parts)

    def _finished(self, batch: _Batch) -> Tensor:
        for part in batch.parts:
            part.result()
        return torch.from_numpy(batch.canvas).to(self._device)


@contextmanager
def _readers() -> Iterator[ThreadPoolExecutor]:
    """Opens threads that finish only their current task when the context ends."""
    pool = ThreadPoolExecutor(THREADS)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
