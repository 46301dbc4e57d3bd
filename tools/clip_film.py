"""Writes the clips that come with the program, and computes their sound.

Two runs give the same frames: nothing is random, and the encoder works on a single thread.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from app.errors import SinkError
from app.files.atomic import make_write_error, open_partial, reserve
from app.process.console import new_parser

SAMPLE_RATE_HZ = 44_100
AAC_FRAME_SAMPLES = 1024
BEAT_S = 0.4
FADE_OUT_S = 0.8
LOUDNESS = 0.16  # the highest amplitude, of 1
BASE_HZ = 220.0


@dataclass(frozen=True, slots=True)
class FilmFormat:
    """How the frames of a clip are encoded.

    Attributes:
        size_wh: Width and height of the frames, px.
        fps: The frames of a second.
        crf: x264's quality; lower is better.
        tune: x264's kind of picture, such as "animation" or "film".
    """

    size_wh: tuple[int, int]
    fps: int
    crf: float
    tune: str


def pluck_notes(notes: Sequence[int], length: int) -> NDArray[np.float32]:
    """Computes slow plucked notes.

    Args:
        notes: The notes, in semitones above 220 Hz, one every `BEAT_S`.
        length: The number of samples.

    Returns:
        The sound, float32 (length,) mono in -1..1; quiet, and fading out at its end.
    """
    sound = np.zeros(length)
    for beat, semitones in enumerate(notes):
        start = round(beat * BEAT_S * SAMPLE_RATE_HZ)
        t = np.arange(length - start) / SAMPLE_RATE_HZ
        pitch_hz = BASE_HZ * 2 ** (semitones / 12)
        attack = 1 - np.exp(-t / 0.012)
        for harmonic, loudness in ((1, 1.0), (2, 0.28), (3, 0.08)):
            decay = np.exp(-t * (1.6 + 0.9 * harmonic))
            sound[start:] += loudness * attack * decay * np.sin(2 * np.pi * harmonic * pitch_hz * t)
    seconds = np.arange(length) / SAMPLE_RATE_HZ
    sound *= np.clip((length / SAMPLE_RATE_HZ - seconds) / FADE_OUT_S, 0, 1)
    quiet: NDArray[np.float32] = (LOUDNESS * sound / np.abs(sound).max()).astype(np.float32)
    return quiet


def write_film(
    path: Path,
    pictures: Iterable[NDArray[np.uint8]],
    sound: NDArray[np.float32],
    film: FilmFormat,
    *,
    max_bytes: int,
    overwrite: bool = False,
) -> int:
    """Writes a clip in H.264 and AAC, whole or not at all.

    Args:
        path: The file.
        pictures: The frames, each uint8 (H, W, 3) RGB.
        sound: The samples, float32 (N,) mono.
        film: How the frames are encoded.
        max_bytes: The size that the clip may have.
        overwrite: Whether an existing file is replaced.

    Returns:
        The size of the clip in bytes.

    Raises:
        SinkError: The clip cannot be written, or is too large. What was at `path` is still there.
    """
    part = open_partial(path, overwrite=overwrite)
    try:
        _encode(part.path, pictures, sound, film)
        size = part.path.stat().st_size
        if size > max_bytes:
            raise SinkError(
                f"{path} would have {size:,} bytes, more than {max_bytes:,}. Raise CRF."
            )
        part.settle()
    except (OSError, av.FFmpegError) as error:
        raise make_write_error(path, error) from error
    finally:
        part.discard()
    return size


def parse_clip_options(
    command: str,
    description: str,
    default: Path,
    inputs: Iterable[Path],
    argv: Sequence[str] | None,
) -> argparse.Namespace:
    """Reads the options of a command that makes a clip: `output` and `overwrite`.

    Args:
        command: The command, for its help.
        description: What it makes.
        default: The clip that comes with the program.
        inputs: Files that it must not replace.
        argv: The words of the command line; None: those of this process.

    Raises:
        SinkError: The output cannot be written.
    """
    top = new_parser(command, description, f"example:\n  {command} -o new.mp4")
    top.add_argument(
        "-o",
        "--output",
        type=Path,
        default=default,
        metavar="FILE",
        help=f"the .mp4 to write (default: the program's own {default.name})",
    )
    top.add_argument("--overwrite", action="store_true", help="replace a file that exists already")
    found = top.parse_args(argv)
    if found.output.suffix.lower() != ".mp4":
        raise SinkError(f"{found.output} must end in .mp4.")
    reserve(found.output, overwrite=found.overwrite, inputs=inputs)  # before minutes of work
    return found


def _encode(
    path: Path,
    pictures: Iterable[NDArray[np.uint8]],
    sound: NDArray[np.float32],
    film: FilmFormat,
) -> None:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        video = container.add_stream("libx264", rate=film.fps)
        video.width, video.height = film.size_wh
        video.pix_fmt = "yuv420p"
        # More than one encoding thread would cut frames differently from machine to machine.
        video.options = {
            "crf": str(film.crf),
            "preset": "veryslow",
            "tune": film.tune,
            "threads": "1",
            "x264-params": "threads=1:keyint=100:aq-mode=3:aq-strength=1.1",
            "flags": "+bitexact",
        }
        audio = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
        audio.bit_rate = 48_000
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, film.fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for part_of_sound in _cut_sound(sound):
            container.mux(audio.encode(part_of_sound))
        container.mux(audio.encode(None))


def _cut_sound(samples: NDArray[np.float32]) -> Iterator[Any]:
    for start in range(0, len(samples), AAC_FRAME_SAMPLES):
        frame = av.AudioFrame.from_ndarray(
            samples[None, start : start + AAC_FRAME_SAMPLES], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, start
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        yield frame
