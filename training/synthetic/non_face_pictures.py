"""Makes pictures without a face for `training.non_faces`: made pictures, scrambled faces and pieces
of clips."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from app.errors import DataError
from app.types import Image as Picture
from training.synthetic.scenes import MAKERS, scramble_face

PICTURE_SIZES_WH = ((320, 240), (480, 360), (640, 480))  # px
SCRAMBLED_KIND = "scrambled face"
CLIP_KIND = "clip"


@dataclass(frozen=True, slots=True)
class Clip:
    """A video that shows no face, or none from `from_s` seconds on."""

    path: Path
    from_s: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Clip":
        """Reads "PATH" or "PATH@SECONDS". Raises `argparse.ArgumentTypeError` where no number
        follows the @."""
        name, at, seconds = text.rpartition("@")
        try:
            return cls(Path(name), float(seconds)) if at else cls(Path(text))
        except ValueError as cause:
            raise argparse.ArgumentTypeError(f"{text}: seconds belong after the @") from cause

    def read_frames(self) -> list[Picture]:
        """Reads the pictures from `from_s` on, each `(H, W, 3)` uint8 BGR, upright and in square
        pixels, as the app reads them. Raises `DataError` for a file that is no video or has no such
        pictures."""
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


def make_pictures(
    generator: np.random.Generator,
    count: int,
    *,
    faces: Sequence[Picture] = (),
    frames: Sequence[Picture] = (),
) -> Iterator[tuple[str, Picture]]:
    """Makes pictures without a face, of all kinds in turn.

    Args:
        generator: The source of all random choices.
        count: The number of pictures.
        faces: Pictures of faces to scramble, each `(H, W, 3)` uint8 BGR.
        frames: Frames of clips, each `(H, W, 3)` uint8 BGR. Each frame is shown whole once; after
            that, pieces of them are shown.

    Yields:
        (kind, picture), the picture `(H, W, 3)` uint8 BGR.

    >>> made = make_pictures(np.random.default_rng(0), 7)
    >>> [kind for kind, _ in made]
    ['blank', 'gradient', 'noise', 'texture', 'shapes', 'patch', 'blank']
    """
    kinds = [*MAKERS, *([SCRAMBLED_KIND] if faces else []), *([CLIP_KIND] if frames else [])]
    whole = list(frames)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        size_wh = PICTURE_SIZES_WH[int(generator.integers(len(PICTURE_SIZES_WH)))]
        if kind == SCRAMBLED_KIND:
            yield (
                kind,
                scramble_face(generator, faces[int(generator.integers(len(faces)))], size_wh),
            )
        elif kind == CLIP_KIND and whole:
            yield kind, whole.pop()
        elif kind == CLIP_KIND:
            yield kind, cut_piece(generator, frames[int(generator.integers(len(frames)))])
        else:
            yield kind, MAKERS[kind](generator, size_wh)


def cut_piece(generator: np.random.Generator, frame: Picture) -> Picture:
    """Cuts a random square out of a frame and enlarges small ones.

    Args:
        generator: Draws the side, from 48 px to the frame's shorter side, and the place.
        frame: `(H, W, 3)` uint8; the order of its channels is kept.

    Returns:
        `(S, S, 3)` uint8, S at least 192 px.

    >>> frame = np.zeros((100, 200, 3), np.uint8)
    >>> cut_piece(np.random.default_rng(0), frame).shape
    (192, 192, 3)
    """
    limit = min(frame.shape[:2])
    side = int(generator.integers(min(48, limit), limit + 1))
    y = int(generator.integers(0, frame.shape[0] - side + 1))
    x = int(generator.integers(0, frame.shape[1] - side + 1))
    part = Image.fromarray(frame[y : y + side, x : x + side])
    wanted = max(side, 192)
    return np.array(part.resize((wanted, wanted), Image.Resampling.BICUBIC), np.uint8)


def cut_centre(picture: Picture, size_px: int) -> Picture:
    """Cuts out and resizes the largest centred square of a picture, as if a detector had taken the
    picture for a face.

    Args:
        picture: `(H, W, 3)` uint8; the order of its channels is kept.
        size_px: The side of the result.

    Returns:
        `(size_px, size_px, 3)` uint8.

    >>> cut_centre(np.full((90, 120, 3), 7, np.uint8), 48).shape
    (48, 48, 3)
    """
    side = min(picture.shape[:2])
    y, x = ((length - side) // 2 for length in picture.shape[:2])
    square = Image.fromarray(picture[y : y + side, x : x + side])
    return np.array(square.resize((size_px, size_px), Image.Resampling.BICUBIC), np.uint8)
