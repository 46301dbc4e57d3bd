"""Holds prepared pictures, landmarks and votes: the contents of a pack.

A pack is the portable file between preparation and training. Pictures stay compressed until a batch
needs them. Nothing in a pack is resampled; alignment and augmentation compose into one resampling
when a batch is made.
"""

import hashlib
import io
import json
import zlib
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.alignment import ColourMode
from app.contract import check_label
from app.errors import DataError
from training.datasets.readers import NO_LABEL, SPLITS, Split
from training.datasets.webp import read_webp_size

PACK_FORMAT = 1
Protocol = Literal["ferplus", "single"]


@dataclass(frozen=True, slots=True)
class PackMeta:
    """The description of a pack and of its making.

    `made_from` holds the hashes of the source files and of the detector, and every setting: two
    packs with equal `key` hold the same samples. Raises `DataError` for labels that no model can
    have.
    """

    dataset: str
    protocol: Protocol  # "ferplus": ten votes a picture; "single": one label a picture
    labels: tuple[str, ...]
    vote_names: tuple[str, ...]
    made_from: dict[str, Any]
    format: int = PACK_FORMAT

    def __post_init__(self) -> None:
        try:
            for label in self.labels:
                check_label(label)
        except ValueError as error:
            raise DataError(f"The labels of {self.dataset} do not suit a model: {error}.") from None

    @property
    def key(self) -> str:
        """The SHA-256 of all fields."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PackedSample:
    """A picture to pack: lossless WebP bytes, and `landmarks (6, 2)` in px of the picture, NaN
    without a face."""

    webp: bytes
    split: Split
    votes: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    name: str
    own: int = NO_LABEL  # the number of the label that the data set gives beside the votes


@dataclass(frozen=True, slots=True)
class Pack:
    """All samples; pictures are still compressed. Arrays share their first axis (N)."""

    meta: PackMeta
    blob: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # (N + 1,)
    split: NDArray[np.uint8]  # (N,) index into SPLITS
    votes: NDArray[np.uint8]  # (N, V)
    landmarks: NDArray[np.float32]  # (N, 6, 2)
    names: tuple[str, ...]
    # Older packs lack these two. Width and height are 0 for a picture that does not decode.
    size_wh: NDArray[np.uint16] | None = None  # (N, 2)
    crc: NDArray[np.uint32] | None = None  # (N,) CRC-32 of each picture's bytes
    own: NDArray[np.int8] | None = None  # (N,) labels beside the votes; None without any

    def __len__(self) -> int:
        return len(self.names)

    def find_rows(self, split: Split) -> NDArray[np.int64]:
        """Finds the row numbers of a split."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    def read_sizes(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Reads `(n, 2)` width and height of pictures without decoding them. Raises `DataError`
        for a picture that does not decode."""
        if self.size_wh is not None:
            found = self.size_wh[rows].astype(np.int32)
        else:
            found = np.array([read_webp_size(self._webp(row)) for row in rows], np.int32).reshape(
                -1, 2
            )
        for row in rows[(found == 0).any(axis=1)].tolist():
            raise self._undecodable(row)
        return found

    def decode(self, row: int, colour: ColourMode) -> NDArray[np.uint8]:
        """Decodes a picture to `(C, H, W)` uint8, C = 1 grey, 3 RGB. Raises `DataError` for a
        damaged one."""
        webp = self._webp(row)
        try:
            if self.crc is not None and zlib.crc32(webp) != self.crc[row]:
                raise OSError("its checksum is another")
            with Image.open(io.BytesIO(webp)) as picture:
                pixels = np.asarray(picture.convert("L" if colour == "grey" else "RGB"))
        except OSError as cause:
            raise self._undecodable(row) from cause
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)

    def decode_into(
        self, canvas: NDArray[np.uint8], rows: NDArray[np.int64], colour: ColourMode
    ) -> None:
        """Decodes each picture to the top left of its part of `canvas (n, C, P, P)`, which must
        hold zeros."""
        for part, row in zip(canvas, rows.tolist(), strict=True):
            planes = self.decode(row, colour)
            part[:, : planes.shape[1], : planes.shape[2]] = planes

    def decode_pictures(
        self, rows: NDArray[np.int64], colour: ColourMode
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Decodes pictures onto canvases of one size.

        Args:
            rows: `(n,)` row numbers.
            colour: "grey" or "rgb".

        Returns:
            `(n, C, P, P)` uint8, each picture at the top left of its canvas, where P is the longest
                side among them; and their `(n, 2)` sizes, width and height.
        """
        sizes = self.read_sizes(rows)
        canvas = make_canvas(len(rows), colour, int(sizes.max(initial=1)))
        self.decode_into(canvas, rows, colour)
        return canvas, sizes

    def _undecodable(self, row: int) -> DataError:
        return DataError(
            f"Picture {self.names[row]} of the pack does not decode. Prepare it again."
        )

    def _webp(self, row: int) -> bytes:
        return self.blob[self.offsets[row] : self.offsets[row + 1]].tobytes()


def make_canvas(count: int, colour: ColourMode, side_px: int) -> NDArray[np.uint8]:
    """Makes zeros `(count, C, side_px, side_px)` uint8, C = 1 grey, 3 RGB.

    >>> make_canvas(2, "grey", 4).shape
    (2, 1, 4, 4)
    """
    return np.zeros((count, 1 if colour == "grey" else 3, side_px, side_px), np.uint8)
