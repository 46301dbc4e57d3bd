"""Tries which encoders work on this machine.

FFmpeg also lists encoders for hardware that is not there. Only a trial tells whether an encoder
works, so a few pictures are encoded before anything else is done.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from app.outputs.encoders import CODECS, HARDWARE, SOFTWARE, Encoder, build_context_settings

TRIAL_WH = (640, 360)  # px
TRIAL_FRAMES = 12  # a trial takes a fraction of a second
TRIAL_RATE = 25  # frames per second
_POLICY = os.sched_getscheduler(0) if sys.platform == "linux" else None
_REAL_TIME = (os.SCHED_FIFO, os.SCHED_RR) if sys.platform == "linux" else ()


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of trying an encoder. `why` says why it does not work; None: it works, and took
    `frame_ms` for each frame."""

    encoder: Encoder
    why: str | None
    frame_ms: float = 0.0


Attempt = Callable[[Encoder], Trial]


def try_encoder(encoder: Encoder, clock: Callable[[], float] = time.perf_counter) -> Trial:
    """Encodes a few small moving pictures."""
    os.environ.setdefault("SVT_LOG", "0")  # else SVT-AV1 prints a page of its settings
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)  # at lower levels errors do not say why
    try:
        with av.logging.Capture():
            return _try_encoder(encoder, clock)
    finally:
        av.logging.set_level(level)
        calm_threads()


def _try_encoder(encoder: Encoder, clock: Callable[[], float]) -> Trial:
    try:
        width, height = TRIAL_WH
        context = av.CodecContext.create(encoder.name, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height = TRIAL_WH
        context.pix_fmt = encoder.pix_fmt
        context.time_base, context.framerate = Fraction(1, TRIAL_RATE), Fraction(TRIAL_RATE)
        settings = build_context_settings(encoder, size_wh=TRIAL_WH, rate=Fraction(TRIAL_RATE))
        context.options = settings.options
        if settings.bit_rate is not None:
            context.bit_rate = settings.bit_rate
        slope = np.add.outer(np.arange(height), np.arange(width))[..., np.newaxis]
        pictures = []
        for index in range(TRIAL_FRAMES):
            bgr = np.repeat((slope + 5 * index) % 256, 3, axis=2).astype(np.uint8)
            picture = VideoFrame.from_ndarray(bgr, format="bgr24")
            pictures.append(picture.reformat(format=encoder.pix_fmt))
            pictures[-1].pts = index
        sizes: list[int] = []
        began_s = clock()
        for one in (*pictures, None):
            sizes += [packet.size for packet in context.encode(one)]
        frame_ms = 1000 * (clock() - began_s) / TRIAL_FRAMES
    except UnknownCodecError:
        return Trial(encoder, "this FFmpeg was built without it")
    except (av.FFmpegError, OSError, ValueError) as error:
        return Trial(encoder, _explain(error))
    if sum(size > 0 for size in sizes) < TRIAL_FRAMES:
        return Trial(encoder, "it encodes nothing")
    return Trial(encoder, None, frame_ms)


def _explain(error: Exception) -> str:
    """Returns libav's last message or, without one, the system's."""
    if isinstance(error, av.FFmpegError):
        # (level, name, message); PyAV's type annotation is that of another value.
        log = cast("tuple[int, str, str] | None", error.log)
        if log and log[2].strip():
            return " ".join(log[2].split()).rstrip(".")
    strerror = error.strerror if isinstance(error, av.FFmpegError | OSError) else None
    return strerror or type(error).__name__


def calm_threads() -> None:
    """Takes back the real-time priority that SVT-AV1 gives its threads and the caller's, where root
    runs it.

    With this priority the encoder leaves no time for other programs, and every process started from
    then on inherits it. A program that was itself started with a real-time priority keeps it. Only
    Linux has these priorities.
    """
    if _POLICY is None or _POLICY in _REAL_TIME:
        return
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            if os.sched_getscheduler(int(task)) in _REAL_TIME:
                os.sched_setscheduler(int(task), _POLICY, os.sched_param(0))


def list_working(codecs: Sequence[str] = CODECS, attempt: Attempt = try_encoder) -> list[Trial]:
    """Lists the encoders of these codecs that work on this machine, hardware first."""
    known = [one for one in (*HARDWARE, *SOFTWARE) if one.codec in codecs]
    return [trial for trial in map(attempt, known) if trial.why is None]
