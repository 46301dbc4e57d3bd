"""Lists the encoders of annotated videos: their names and settings, and what containers hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from app.process.machine import count_picture_threads
from app.types import Json

AUTO = "auto"
BITS_PER_PIXEL = 0.15  # for encoders that take a bit rate and no quality
LARGE_PIXELS = 1920 * 1080  # pictures from here on are large
# For mpeg4, which asks for a coarser quantiser than the one that is set where bits are few.
UNLIMITED_BIT_RATE = 100_000_000
# mpeg4 stores its time base in 16 bits. These ticks are whole at all usual frame rates.
MPEG4_TIME_BASE = Fraction(1, 60_000)

Quality = Literal["crf", "cq", "global_quality", "qp", "quantiser", "bit rate"]


@dataclass(frozen=True, slots=True)
class Encoder:
    """One of FFmpeg's video encoders.

    Attributes:
        name: FFmpeg's name.
        codec: The name of the codec that it writes.
        quality: The setting by which it takes a quality.
        crf_range: The numbers that `--crf` may be; None: it takes none.
        crf: The number that is used where none is given.
        pix_fmt: The pixel format that it reads, by FFmpeg's name.
        hardware: Whether it needs a GPU or another chip.
        options: Further options, by FFmpeg's names.
        large_options: The same, in place of those of the same name, for large pictures.
        pixels_per_thread: The pixels of a picture for each of its threads; None: it chooses the
            number of its threads.
    """

    name: str
    codec: str
    quality: Quality = "crf"
    crf_range: tuple[int, int] | None = (0, 51)
    crf: int | None = 20
    pix_fmt: str = "yuv420p"
    hardware: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    large_options: Mapping[str, str] = field(default_factory=dict)
    pixels_per_thread: int | None = None


def _hardware(name: str, quality: Quality, most: int, crf: int, pix_fmt: str = "nv12") -> Encoder:
    codec = name.partition("_")[0]
    if quality == "bit rate":
        return Encoder(name, codec, quality, None, None, pix_fmt, hardware=True)
    return Encoder(name, codec, quality, (0, most), crf, pix_fmt, hardware=True)


# Without B-frames, pictures are decoded in the order in which they are shown, and each sample lasts
# exactly as long as its frame. With B-frames, containers keep durations only approximately.
SOFTWARE = (
    # A thread encodes 640 x 480 px in 1.7 ms. With two, the file is 2 % larger and the processor
    # works 2 % longer (1920 x 1080: 19.2 and 19.6 ms), but other stages wait less for large ones.
    Encoder(
        "libx264",
        "h264",
        # Motion is looked for in the nearest pixels and refined once, which the preset does twice,
        # and large pictures keep their blocks whole. Against "veryfast" alone, with the same crf:
        #
        # | clip (drawn on)          | processor ms a frame | bytes | PSNR, dB | SSIM            |
        # |--------------------------|----------------------|-------|----------|-----------------|
        # | demo, 640 x 480          | 2.47 -> 1.70         | + 9 % | - 0.03   | 0.9932 - 0.0002 |
        # | two people, 640 x 360    | 2.14 -> 1.54         | + 9 % | + 0.01   | 0.9861 - 0.0003 |
        # | phone, 960 x 540         | 4.43 -> 3.35         | + 4 % | - 0.06   | 0.9944 - 0.0001 |
        # | phone, made 1920 x 1080  | 18.0 -> 11.8         | + 8 % | 0        | 0.9839          |
        # | phone, made 3840 x 2160  | 96.4 -> 51.1         | + 9 % | 0        | 0.9858          |
        #
        # "superfast" (x 0.6 of the time) takes 29 % more bytes for the same SSIM and 150 % at
        # 1920 x 1080, "ultrafast" (x 0.35) three times as many. Simpler letters (CAVLC) save a
        # tenth of the time for 10 to 18 % more bytes. A shorter look ahead saves no time, but of
        # 3840 x 2160 px each picture takes 23 MB: with 6 in place of 10 the program needs 1.0 GB
        # in place of 1.05, files are 2 % smaller, and they lose 0.01 dB and 0.0001 of SSIM.
        options={"preset": "veryfast", "bf": "0", "x264-params": "subme=1:me=dia"},
        large_options={"x264-params": "subme=1:me=dia:partitions=i8x8,i4x4:rc-lookahead=6"},
        pixels_per_thread=500_000,
    ),
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
# The codecs that each container (FFmpeg's name) may hold, its usual codec first.
CONTAINERS: Mapping[str, tuple[str, ...]] = {
    "mp4": ("h264", "hevc", "av1", "vp9", "mpeg4"),
    "mov": ("h264", "hevc", "mpeg4"),
    "matroska": ("h264", "hevc", "av1", "vp9", "mpeg4"),
    "webm": ("vp9", "av1"),
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoder and quality of one annotated video.

    `crf` None: the encoder's own number. `fallback` replaces a hardware encoder that does not open
    for this video; None where the user has named the encoder.
    """

    encoder: Encoder
    crf: int | None = None
    fallback: Encoder | None = None

    def make_fallback(self) -> "Encoding | None":
        """Makes the encoding with `fallback`, with the nearest `crf` that it takes; None for none.

        >>> Encoding(ENCODERS["vp9_qsv"], 200, SOFTWARE[0]).make_fallback().crf
        51
        """
        if self.fallback is None:
            return None
        most = self.fallback.crf_range[1] if self.fallback.crf_range else 0
        return Encoding(self.fallback, None if self.crf is None else min(self.crf, most))

    def describe(self) -> Json:
        """Describes the encoding for records of the run."""
        return {
            "name": self.encoder.name,
            "codec": self.encoder.codec,
            "hardware": self.encoder.hardware,
            "crf": self.crf if self.crf is not None else self.encoder.crf,
        }


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """The settings of a codec context: `options` by FFmpeg's names, and `bit_rate` in bits per
    second, None for the encoder's own."""

    options: dict[str, str]
    bit_rate: int | None = None


def build_context_settings(
    encoder: Encoder,
    *,
    size_wh: tuple[int, int],
    rate: Fraction,
    crf: int | None = None,
    threads: int | None = None,
) -> ContextSettings:
    """Builds the settings of an encoder's codec context.

    Args:
        encoder: The encoder.
        size_wh: The width and height of the video, px.
        rate: Its frames per second.
        crf: The quality; None: the encoder's own.
        threads: The most threads that it may take; None: as many as there are cores.

    >>> build_context_settings(ENCODERS["h264_amf"], size_wh=(64, 48), rate=Fraction(25)).options
    {'rc': 'cqp', 'qp_i': '23', 'qp_p': '23'}
    """
    options = dict(encoder.options)
    if size_wh[0] * size_wh[1] >= LARGE_PIXELS:
        options |= encoder.large_options
    if encoder.pixels_per_thread is not None:
        threads = count_picture_threads(
            size_wh, threads, pixels_per_thread=encoder.pixels_per_thread
        )
    if threads is not None:
        options["threads"] = str(threads)
    number = str(crf if crf is not None else encoder.crf)
    bit_rate = None
    if encoder.quality == "crf":
        options["crf"] = number
    elif encoder.quality == "quantiser":
        options |= {"qmin": number, "qmax": number}
        bit_rate = UNLIMITED_BIT_RATE
    elif encoder.quality == "cq":
        options |= {"rc": "vbr", "cq": number, "b:v": "0", "bf": "0"}
    elif encoder.quality == "global_quality":
        options |= {"global_quality": number, "bf": "0"}
    elif encoder.quality == "qp":
        options |= {"rc": "cqp", "qp_i": number, "qp_p": number}
    else:
        bit_rate = round(BITS_PER_PIXEL * size_wh[0] * size_wh[1] * float(rate))
    return ContextSettings(options, bit_rate)
