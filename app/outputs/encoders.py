"""Which encoders write the annotated video: what they are called, which containers hold what they
make, and which of them really work on this machine.

FFmpeg lists encoders for hardware that is not there. Whether one works is known only once it has
encoded something, so that is what is tried, before anything else is done.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from app.errors import SinkError

AUTO = "auto"
_POLICY = os.sched_getscheduler(0) if sys.platform == "linux" else None
_REAL_TIME = (os.SCHED_FIFO, os.SCHED_RR) if sys.platform == "linux" else ()
TRIAL_WH, TRIAL_FRAMES, TRIAL_RATE = (640, 360), 12, 25
BITS_PER_PIXEL = 0.15  # of encoders that are told a bit rate and no quality
# mpeg4 writes its time base into 16 bits; these ticks are whole in all usual rates.
MPEG4_TIME_BASE = Fraction(1, 60_000)

Quality = Literal["crf", "cq", "global_quality", "qp", "quantiser", "bit rate"]


@dataclass(frozen=True, slots=True)
class Encoder:
    """`name` is FFmpeg's, `codec` that of the pictures it makes. `quality` says by what it is told
    how good they shall be, `crf_range` which numbers `--crf` may be (None: it takes none) and `crf`
    which it is unless one is given."""

    name: str
    codec: str
    quality: Quality = "crf"
    crf_range: tuple[int, int] | None = (0, 51)
    crf: int | None = 20
    pix_fmt: str = "yuv420p"
    hardware: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


def _hardware(name: str, quality: Quality, most: int, crf: int, pix_fmt: str = "nv12") -> Encoder:
    codec = name.partition("_")[0]
    if quality == "bit rate":
        return Encoder(name, codec, quality, None, None, pix_fmt, hardware=True)
    return Encoder(name, codec, quality, (0, most), crf, pix_fmt, hardware=True)


# Without B-frames decoding order is showing order, and each sample lasts exactly as long as its
# frame; with them, containers keep the durations of variable rate only approximately.
SOFTWARE = (
    Encoder("libx264", "h264", options={"preset": "veryfast", "bf": "0"}),
    Encoder(
        "libx265",
        "hevc",
        crf=24,
        options={"preset": "veryfast", "x265-params": "bframes=0:log-level=none"},
    ),
    Encoder("libsvtav1", "av1", crf_range=(1, 63), crf=30, options={"preset": "9"}),
    Encoder(
        "libvpx-vp9",
        "vp9",
        crf_range=(0, 63),
        crf=31,
        options={
            "b:v": "0",
            "deadline": "realtime",
            "cpu-used": "6",
            "row-mt": "1",
            "lag-in-frames": "0",
        },
    ),
    Encoder("mpeg4", "mpeg4", "quantiser", crf_range=(1, 31), crf=4),
)
HARDWARE = (
    *(_hardware(f"{codec}_nvenc", "cq", 51, 23, "yuv420p") for codec in ("h264", "hevc", "av1")),
    *(_hardware(f"{codec}_qsv", "global_quality", 51, 23) for codec in ("h264", "hevc", "av1")),
    _hardware("vp9_qsv", "global_quality", 255, 60),
    *(_hardware(f"{codec}_amf", "qp", 51, 23) for codec in ("h264", "hevc")),
    _hardware("av1_amf", "qp", 255, 60),
    *(
        _hardware(f"{codec}_{kind}", "bit rate", 0, 0, "yuv420p")
        for kind in ("videotoolbox", "v4l2m2m")
        for codec in ("h264", "hevc")
    ),
    *(_hardware(f"{codec}_vaapi", "qp", 51, 23, "vaapi") for codec in ("h264", "hevc")),
)
ENCODERS = {one.name: one for one in (*SOFTWARE, *HARDWARE)}
CODECS = tuple(dict.fromkeys(one.codec for one in SOFTWARE))
# By FFmpeg's names of containers; each one's first codec is its usual one.
CONTAINERS: Mapping[str, tuple[str, ...]] = {
    "mp4": ("h264", "hevc", "av1", "vp9", "mpeg4"),
    "mov": ("h264", "hevc", "mpeg4"),
    "matroska": ("h264", "hevc", "av1", "vp9", "mpeg4"),
    "webm": ("vp9", "av1"),
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """What an annotated video is made with. `fallback` takes the place of a hardware encoder that
    does not open for this very video, None where the user named the encoder. `crf` None: the
    encoder's own."""

    encoder: Encoder
    crf: int | None = None
    fallback: Encoder | None = None

    def fallen_back(self) -> "Encoding | None":
        if self.fallback is None:
            return None
        most = self.fallback.crf_range[1] if self.fallback.crf_range else 0
        return Encoding(self.fallback, None if self.crf is None else min(self.crf, most))

    def facts(self) -> dict[str, Any]:
        """In values that JSON has."""
        told = self.crf if self.crf is not None else self.encoder.crf
        return {
            "name": self.encoder.name,
            "codec": self.encoder.codec,
            "hardware": self.encoder.hardware,
            "crf": told,
        }


def build_context_settings(
    encoder: Encoder,
    *,
    size_wh: tuple[int, int],
    rate: Fraction,
    crf: int | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Attributes and `options` for a codec context of this encoder, by name."""
    options = dict(encoder.options)
    if threads is not None:
        options["threads"] = str(threads)
    told = crf if crf is not None else encoder.crf
    made: dict[str, Any] = {"options": options}
    if encoder.quality == "crf":
        options["crf"] = str(told)
    elif encoder.quality == "quantiser":
        options |= {"qmin": str(told), "qmax": str(told)}
        made["bit_rate"] = 100_000_000  # else it would ask for a coarser quantiser
    elif encoder.quality == "cq":
        options |= {"rc": "vbr", "cq": str(told), "b:v": "0", "bf": "0"}
    elif encoder.quality == "global_quality":
        options |= {"global_quality": str(told), "bf": "0"}
    elif encoder.quality == "qp":
        options |= {"rc": "cqp", "qp_i": str(told), "qp_p": str(told)}
    else:
        made["bit_rate"] = round(BITS_PER_PIXEL * size_wh[0] * size_wh[1] * float(rate))
    return made


@dataclass(frozen=True, slots=True)
class Trial:
    """`why` it does not work, None where it does; then `frame_ms` is what a frame took."""

    encoder: Encoder
    why: str | None
    frame_ms: float = 0.0


def try_encoder(encoder: Encoder, clock: Callable[[], float] = time.perf_counter) -> Trial:
    """Encodes a few small moving pictures."""
    os.environ.setdefault("SVT_LOG", "0")  # or it writes a page of its settings to the terminal
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)  # only then do errors say why
    try:
        with av.logging.Capture():
            return _try_out(encoder, clock)
    finally:
        av.logging.set_level(level)
        calm_threads()


def _try_out(encoder: Encoder, clock: Callable[[], float]) -> Trial:
    try:
        width, height = TRIAL_WH
        context = av.CodecContext.create(encoder.name, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height = TRIAL_WH
        context.pix_fmt = encoder.pix_fmt
        context.time_base, context.framerate = Fraction(1, TRIAL_RATE), Fraction(TRIAL_RATE)
        settings = build_context_settings(encoder, size_wh=TRIAL_WH, rate=Fraction(TRIAL_RATE))
        for name, value in settings.items():
            setattr(context, name, value)
        slope = np.add.outer(np.arange(height), np.arange(width))[..., np.newaxis]
        pictures = []
        for index in range(TRIAL_FRAMES):
            bgr = np.repeat((slope + 5 * index) % 256, 3, axis=2).astype(np.uint8)
            picture = VideoFrame.from_ndarray(bgr, format="bgr24")
            pictures.append(picture.reformat(format=encoder.pix_fmt))
            pictures[-1].pts = index
        packets = []
        began_s = clock()
        for one in (*pictures, None):
            packets += context.encode(one)
        frame_ms = 1000 * (clock() - began_s) / TRIAL_FRAMES
    except UnknownCodecError:
        return Trial(encoder, "this FFmpeg was built without it")
    except (av.FFmpegError, OSError, ValueError) as error:
        return Trial(encoder, _reason(error))
    if sum(packet.size > 0 for packet in packets) < TRIAL_FRAMES:
        return Trial(encoder, "it encodes nothing")
    return Trial(encoder, None, frame_ms)


def _reason(error: Exception) -> str:
    log = getattr(error, "log", None)
    if log and len(log) > 2 and str(log[2]).strip():
        return " ".join(str(log[2]).split()).rstrip(".")
    return getattr(error, "strerror", None) or type(error).__name__


def calm_threads() -> None:
    """SVT-AV1, where root runs it, gives its threads and the caller's real-time priority, which
    every process started from then on inherits, and which leaves nothing for anybody else. Takes
    that back, unless the program itself was started so. Linux alone has it."""
    if _POLICY is None or _POLICY in _REAL_TIME:
        return
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            if os.sched_getscheduler(int(task)) in _REAL_TIME:
                os.sched_setscheduler(int(task), _POLICY, os.sched_param(0))


Try = Callable[[Encoder], Trial]


def list_working(of: Sequence[str] = CODECS, attempt: Try = try_encoder) -> list[Trial]:
    """The encoders of these codecs that work here, hardware first."""
    known = [one for one in (*HARDWARE, *SOFTWARE) if one.codec in of]
    return [trial for trial in map(attempt, known) if trial.why is None]


def choose_encoding(
    name: str | None, crf: int | None, container: str, attempt: Try = try_encoder
) -> Encoding:
    """The encoder for `--codec NAME` and `--crf N` in a container (FFmpeg's name of it). Raises
    `SinkError`, with what works here, for what cannot be.

    None takes the container's usual codec, in software, and so does a codec's name. `AUTO` takes
    the first hardware encoder of the usual codec that works and is no slower than software.
    """
    holds = CONTAINERS[container]
    usual = next(one for one in SOFTWARE if one.codec == holds[0])
    if name is None:
        return Encoding(usual, _checked(crf, usual))
    if name == AUTO:
        return _quickest(crf, usual, attempt)
    if name in CODECS:
        encoder = next(one for one in SOFTWARE if one.codec == name)
    elif name in ENCODERS:
        encoder = ENCODERS[name]
    else:
        shown = name[:40].encode("unicode_escape").decode("ascii")
        raise SinkError(f"'{shown}' is no codec that is written here. {_choices(holds, attempt)}")
    if encoder.codec not in holds:
        where = "Matroska" if container == "matroska" else f".{container}"
        raise SinkError(
            f"{where} files hold no {encoder.codec} here. {_choices(holds, attempt)} "
            "Or give -o another suffix."
        )
    _checked(crf, encoder)
    trial = attempt(encoder)
    if trial.why is not None:
        raise SinkError(
            f"{encoder.name} does not work here ({trial.why}). {_choices(holds, attempt)}"
        )
    return Encoding(encoder, crf)


def _checked(crf: int | None, encoder: Encoder) -> int | None:
    if crf is None:
        return None
    if encoder.crf_range is None:
        raise SinkError(f"{encoder.name} is told a bit rate and takes no --crf. Leave it out.")
    least, most = encoder.crf_range
    if not least <= crf <= most:
        raise SinkError(
            f"--crf {crf} is out of range: {encoder.name} takes {least} (best) to {most}; "
            f"{encoder.crf} is usual."
        )
    return crf


def _quickest(crf: int | None, usual: Encoder, attempt: Try) -> Encoding:
    software = None
    for one in HARDWARE:
        if one.codec != usual.codec or (crf is not None and one.crf_range is None):
            continue
        trial = attempt(one)
        if trial.why is not None:
            continue
        software = software or attempt(usual)
        if software.why is not None or trial.frame_ms <= software.frame_ms:
            return Encoding(one, _checked(crf, one), fallback=usual)
    return Encoding(usual, _checked(crf, usual))


def _choices(codecs: Sequence[str], attempt: Try) -> str:
    found = list_working(codecs, attempt)
    names = [one.encoder.codec for one in found if not one.encoder.hardware]
    names += [one.encoder.name for one in found if one.encoder.hardware]
    return f"These work here: auto, {', '.join(names)}."
