"""Writes the clips that come with the program, and computes their sound.

Two runs give the same frames: nothing is random, and the encoder works on a single thread.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 44_100
AAC_FRAME_SAMPLES = 1024
BEAT_S = 0.4
FADE_OUT_S = 0.8
LOUDNESS = 0.16  # the highest amplitude, of 1
BASE_HZ = 220.0


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
    *,
    size_wh: tuple[int, int],
    fps: int,
    crf: float,
    tune: str,
) -> None:
    """Writes a clip in H.264 and AAC.

    Args:
        path: The file, which is replaced.
        pictures: The frames, each uint8 (H, W, 3) RGB.
        sound: The samples, float32 (N,) mono.
        size_wh: Width and height of the frames, px.
        fps: The frames of a second.
        crf: x264's quality; lower is better.
        tune: x264's kind of picture, such as "animation" or "film".
    """
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(part), "w", format="mp4", options=options) as container:
        video = container.add_stream("libx264", rate=fps)
        video.width, video.height = size_wh
        video.pix_fmt = "yuv420p"
        # More than one encoding thread would cut frames differently from machine to machine.
        video.options = {
            "crf": str(crf),
            "preset": "veryslow",
            "tune": tune,
            "threads": "1",
            "x264-params": "threads=1:keyint=100:aq-mode=3:aq-strength=1.1",
            "flags": "+bitexact",
        }
        audio = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
        audio.bit_rate = 48_000
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for part_of_sound in _cut_sound(sound):
            container.mux(audio.encode(part_of_sound))
        container.mux(audio.encode(None))
    os.replace(part, path)


def _cut_sound(samples: NDArray[np.float32]) -> Iterator[Any]:
    for start in range(0, len(samples), AAC_FRAME_SAMPLES):
        frame = av.AudioFrame.from_ndarray(
            samples[None, start : start + AAC_FRAME_SAMPLES], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, start
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        yield frame
