"""Pictures without a face for `training.non_faces`: made ones, scrambled faces, pieces of clips."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from app.errors import DataError
from app.types import Image as Picture
from training.synthetic.scenes import MAKERS, scrambled

SIZES_WH = ((320, 240), (480, 360), (640, 480))
SCRAMBLED, CLIPS = "scrambled face", "clip"


@dataclass(frozen=True, slots=True)
class Clip:
    """A video, or what comes after `from_s` seconds of it, that shows no face."""

    path: Path
    from_s: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Clip":
        name, at, seconds = text.rpartition("@")
        try:
            return cls(Path(name), float(seconds)) if at else cls(Path(text))
        except ValueError as cause:
            raise argparse.ArgumentTypeError(f"{text}: seconds belong after the @") from cause

    def frames(self) -> list[Picture]:
        """The pictures as the program reads them: upright, in square pixels, of plain colours.
        Raises `DataError`."""
        import av  # only where clips are given

        from app.frames.av_versions import open_input
        from app.frames.upright import read_upright_pictures

        try:
            with open_input(str(self.path)) as container:
                stream = container.streams.video[0]
                found = [
                    picture
                    for time_s, picture in read_upright_pictures(stream, container.decode(stream))
                    if time_s is not None and time_s >= self.from_s
                ]
        except (OSError, av.FFmpegError, IndexError) as cause:
            raise DataError(f"{self.path} is no video that can be read: {cause}.") from cause
        if not found:
            raise DataError(f"{self.path} has no frames after {self.from_s} s.")
        return found


def pictures(
    generator: np.random.Generator,
    count: int,
    *,
    faces: Sequence[Picture] = (),
    frames: Sequence[Picture] = (),
) -> Iterator[tuple[str, Picture]]:
    """`count` pictures (kind, uint8 (H, W, 3)), the kinds in turn. `faces` are scrambled; of
    `frames`, each is shown whole once, then pieces of them."""
    kinds = [*MAKERS, *([SCRAMBLED] if faces else []), *([CLIPS] if frames else [])]
    whole = list(frames)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        size_wh = SIZES_WH[int(generator.integers(len(SIZES_WH)))]
        if kind == SCRAMBLED:
            yield kind, scrambled(generator, faces[int(generator.integers(len(faces)))], size_wh)
        elif kind == CLIPS and whole:
            yield kind, whole.pop()
        elif kind == CLIPS:
            yield kind, piece(generator, frames[int(generator.integers(len(frames)))])
        else:
            yield kind, MAKERS[kind](generator, size_wh)


def piece(generator: np.random.Generator, frame: Picture) -> Picture:
    """A square of 48 px to the whole height, enlarged to at least 192 px."""
    limit = min(frame.shape[:2])
    side = int(generator.integers(min(48, limit), limit + 1))
    y = int(generator.integers(0, frame.shape[0] - side + 1))
    x = int(generator.integers(0, frame.shape[1] - side + 1))
    part = Image.fromarray(frame[y : y + side, x : x + side])
    wanted = max(side, 192)
    return np.array(part.resize((wanted, wanted), Image.Resampling.BICUBIC), np.uint8)


def as_crop(picture: Picture, size_px: int) -> Picture:
    """The largest centred square, `(size_px, size_px, 3)`: as if a detector had taken it."""
    side = min(picture.shape[:2])
    y, x = ((length - side) // 2 for length in picture.shape[:2])
    square = Image.fromarray(picture[y : y + side, x : x + side])
    return np.array(square.resize((size_px, size_px), Image.Resampling.BICUBIC), np.uint8)
